"""The files of one demo: keys, certificates, catalogue and the settings of machine and bridge."""

import datetime as dt
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.ids import new_id
from edge.journal import Fresh, open_journal
from hw_sim.demo.buses import KEYPADS, bus_table
from hw_sim.demo.certs import make_certificates
from hw_sim.demo.onlooker import NAME as ONLOOKER
from hw_sim.demo.onlooker import filters
from hw_sim.demo.shelf import SHELF
from hw_sim.platform.keys import open_api_v2_key, open_keys
from wire.broker import BrokerSettings, Tls
from wire.envelope import generate, save_private, save_public

MACHINE: Final = "demo-01"
BRIDGE: Final = "bridge"
PHONE: Final = "400-800-1234"
CODES_AHEAD: Final = 2
_NO_LIMIT: Final = 1_000
_ONLOOKER_RULES: Final = f"""
# The demo's own window onto MQTT; nothing of the product connects with this name.
user {ONLOOKER}
topic read wxvend/v1/#
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The demo's shortened waits, in seconds; a shop's are many times as long. `turn_ms` is a motor's."""

    lease_s: int = 60
    grace_s: int = 2
    pay_s: int = 50
    last_payer_s: int = 5
    query_first_s: float = 3.0
    doubt_s: float = 20.0
    turn_ms: int = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """Where everything is. With `tls` the broker asks for the certificates in `certs`.

    `notify_port` takes the platform's notifications; 0: the bridge does. `bus` is the machine's.
    With `order_requests` codes name products and orders are made after the scan.
    """

    folder: Path
    broker_port: int
    bridge_port: int
    platform_port: int
    notify_port: int = 0
    tls: bool = False
    bus: str = "xy"
    order_requests: bool = False

    @property
    def order_url(self) -> str:
        """Where the platform asks for an order after a scan; empty without order requests."""
        return f"{self.bridge_url}/wechat/order" if self.order_requests else ""

    @property
    def bridge_url(self) -> str:
        """Where the bridge serves."""
        return f"http://127.0.0.1:{self.bridge_port}"

    @property
    def notify_url(self) -> str:
        """Where the platform sends notifications."""
        return f"http://127.0.0.1:{self.notify_port or self.bridge_port}/wechat/notify"

    @property
    def platform_url(self) -> str:
        """Where the platform serves."""
        return f"http://127.0.0.1:{self.platform_port}"

    @property
    def onlooker(self) -> BrokerSettings:
        """How the demo itself listens."""
        return BrokerSettings(
            host="127.0.0.1",
            port=self.broker_port,
            client_id=ONLOOKER,
            filters=filters(),
            tls=Tls(**_certificates(self.folder, ONLOOKER)) if self.tls else None,
            queue=2_000,
        )


def screen(folder: Path) -> Path:
    """The screen's picture as the machine drew it last."""
    return folder / "screen.png"


def journal(folder: Path) -> Path:
    """The machine's journal."""
    return folder / "edge.db"


def board_link(folder: Path) -> Path:
    """Where the machine finds its board."""
    return folder / "board"


def keypad_link(folder: Path) -> Path:
    """Where the machine finds its keypad, if its board has none."""
    return folder / "keypad"


def merchant(folder: Path) -> Path:
    """The merchant's keys and credentials, and the platform's own."""
    return folder / "merchant"


def make_keys(folder: Path) -> None:
    """Keys for machine, bridge and merchant, and a journal that may sell."""
    for name in ("machine", "bridge"):
        make_key(folder, name)
    wall_ms = time.time_ns() // 1_000_000
    open_keys(merchant(folder), now_ms=wall_ms)
    open_api_v2_key(merchant(folder))
    fresh = Fresh(jid=new_id(os.urandom(16)), bits=os.urandom(8).hex(), wall_ms=wall_ms)
    open_journal(journal(folder), fresh, confirm_new=True).close()


def make_key(folder: Path, name: str) -> None:
    """Both halves of a new key."""
    key = generate()
    save_private(folder / f"{name}.key", key)
    save_public(folder / f"{name}.pub", key.public_key())


def make_broker_files(folder: Path, shipped_acl: Path) -> Path:
    """Certificates for all who connect; gives the shipped access rules with one more reader."""
    now = dt.datetime.fromtimestamp(time.time_ns() / 1e9, dt.UTC)
    make_certificates(folder / "certs", clients=(MACHINE, BRIDGE, ONLOOKER), now=now)
    rules = folder / "broker.acl"
    rules.write_text(shipped_acl.read_text() + _ONLOOKER_RULES)
    rules.chmod(0o600)
    return rules


def edge_settings(scenery: Scenery, terms: Terms) -> str:
    """The text of edge.toml."""
    return to_toml(
        {
            "machine": MACHINE,
            "journal": journal(scenery.folder).name,
            "keys": {"machine_key_file": "machine.key", "bridge_public_key_files": ["bridge.pub"]},
            f"bus.{scenery.bus}": bus_table(scenery.bus, str(board_link(scenery.folder))),
            **({} if scenery.bus in KEYPADS else {"keypad": {"port": str(keypad_link(scenery.folder))}}),
            "mqtt": _mqtt(scenery, MACHINE),
            "display": {"width": 480, "height": 800, "png": screen(scenery.folder).name},
            "sale": {
                "lease_s": terms.lease_s,
                "grace_s": terms.grace_s,
                "vends_a_minute": _NO_LIMIT,
                "vends_a_day": 100 * _NO_LIMIT,
            },
        }
    )


def bridge_settings(scenery: Scenery, terms: Terms) -> str:
    """The text of bridge.toml."""
    lanes = [
        {
            "lane": goods.lane,
            "name_zh": goods.name_zh,
            "name_en": goods.name_en,
            "price_fen": goods.price_fen,
        }
        for goods in SHELF
    ]
    machine = {
        "id": MACHINE,
        "public_key_file": "machine.pub",
        "catalogue_version": 1,
        "phone": PHONE,
        "lanes": lanes,
        **({"codes_ahead": CODES_AHEAD, "printed_codes": 1} if scenery.order_requests else {}),
    }
    wechat = {
        "base_url": scenery.platform_url,
        "notify_url": scenery.notify_url,
        "credentials_file": "merchant/credentials.json",
    }
    if scenery.order_requests:
        wechat |= {"order_url": scenery.order_url, "api_v2_key_file": "merchant/api_v2.key"}
    return to_toml(
        {
            "machines": [machine],
            "keys": {"bridge_key_file": "bridge.key"},
            "store": {"file": "bridge.db"},
            "wechat": wechat,
            "mqtt": _mqtt(scenery, BRIDGE),
            "web": {"port": scenery.bridge_port},
            "timings": timings(terms),
            "limits": dict.fromkeys(("lane", "machine", "fleet"), _NO_LIMIT),
        }
    )


def timings(terms: Terms) -> dict[str, Any]:
    """The bridge's waits, as short as the machine's."""
    return {
        "lease_min_s": 1,
        "pay_s": terms.pay_s,
        "last_payer_s": terms.last_payer_s,
        "order_min_s": 1,
        "screen_less_s": 1,
        "scan_close_s": 2.0,
        "query_first_s": terms.query_first_s,
        "query_s": terms.query_first_s,
        "query_spread_s": 0.2,
        "query_late_s": 1.0,
        "query_past_s": [2.0, 10.0, 60.0],
        "look_again_s": 2.0,
        "ask_s": 1.0,
        "doubt_s": terms.doubt_s,
        "refund_again_s": [1.0, 2.0, 5.0],
        "refund_poll_s": [1.0, 2.0, 5.0],
    }


def _mqtt(scenery: Scenery, name: str) -> dict[str, Any]:
    table: dict[str, Any] = {"host": "127.0.0.1", "port": scenery.broker_port}
    files = _certificates(scenery.folder, name) if scenery.tls else {}
    return table | {field: str(path) for field, path in files.items()}


def _certificates(folder: Path, name: str) -> dict[str, Path]:
    certs = folder / "certs"
    return {
        "ca_file": certs / "ca.crt",
        "certificate_file": certs / f"{name}.crt",
        "key_file": certs / f"{name}.key",
    }


def to_toml(settings: dict[str, Any]) -> str:
    """Plain values first, then each table."""
    plain = [f"{name} = {_value(value)}" for name, value in settings.items() if not isinstance(value, dict)]
    for table, values in settings.items():
        if isinstance(values, dict):
            plain += ["", f"[{table}]", *(f"{name} = {_value(value)}" for name, value in values.items())]
    return "\n".join(plain) + "\n"


def _value(value: object) -> str:
    """JSON's texts, numbers and booleans are TOML's, too; objects are not."""
    match value:
        case dict():
            return f"{{ {', '.join(f'{name} = {_value(each)}' for name, each in value.items())} }}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            return json.dumps(value)
