"""The files of one demo: keys, certificates, catalogue and the settings of machine and bridge."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.ids import new_id
from edge.journal import Fresh, open_journal
from wire.envelope import generate, save_private, save_public

MACHINE: Final = "demo-01"
PHONE: Final = "400-800-1234"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The demo's shortened waits, in seconds; a shop's are twenty times as long."""

    lease_s: int = 60
    pay_s: int = 45
    last_payer_s: int = 5
    query_first_s: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """Where everything is. `tls` holds certificates when the broker asks for them."""

    folder: Path
    broker_port: int
    platform_url: str
    board: str
    bridge_port: int
    tls: Path | None = None

    @property
    def picture(self) -> Path:
        """The screen as the machine drew it last."""
        return self.folder / "screen.png"

    @property
    def journal(self) -> Path:
        """The machine's journal."""
        return self.folder / "edge.db"


def make_keys(folder: Path) -> None:
    """Keys for machine and bridge, and a journal that may sell."""
    for name in ("machine", "bridge"):
        key = generate()
        save_private(folder / f"{name}.key", key)
        save_public(folder / f"{name}.pub", key.public_key())
    fresh = Fresh(jid=new_id(os.urandom(16)), bits=os.urandom(8).hex(), wall_ms=time.time_ns() // 1_000_000)
    open_journal(folder / "edge.db", fresh, confirm_new=True).close()


def edge_settings(scenery: Scenery, terms: Terms) -> str:
    """The text of edge.toml."""
    return _toml(
        {
            "machine": MACHINE,
            "journal": "edge.db",
            "keys": {"machine_key_file": "machine.key", "bridge_public_key_files": ["bridge.pub"]},
            "bus.xy": {"port": scenery.board},
            "mqtt": _mqtt(scenery, MACHINE),
            "display": {"width": 480, "height": 800, "png": scenery.picture.name},
            "sale": {"lease_s": terms.lease_s, "grace_s": 2, "vends_a_minute": 1000, "vends_a_day": 100_000},
        }
    )


def _mqtt(scenery: Scenery, name: str) -> dict[str, Any]:
    table: dict[str, Any] = {"host": "127.0.0.1", "port": scenery.broker_port}
    if scenery.tls is not None:
        table |= {
            "ca_file": str(scenery.tls / "ca.crt"),
            "certificate_file": str(scenery.tls / f"{name}.crt"),
            "key_file": str(scenery.tls / f"{name}.key"),
        }
    return table


def _toml(settings: dict[str, Any]) -> str:
    """Plain values first, then each table. JSON's strings, numbers, lists and booleans are TOML's, too."""
    lines = [
        f"{name} = {json.dumps(value)}" for name, value in settings.items() if not isinstance(value, dict)
    ]
    for table, values in settings.items():
        if isinstance(values, dict):
            lines += ["", f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"
