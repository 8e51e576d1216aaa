"""The files of a fleet: a folder for each machine with key, journal and settings, and the bridge's own."""

import os
import time
from pathlib import Path
from typing import Any, Final

from edge.ids import new_id
from edge.journal import Fresh, open_journal
from hw_sim.demo.scenery import PHONE, Terms, make_key, timings, to_toml
from hw_sim.demo.shelf import SHELF
from hw_sim.platform.keys import open_keys

BRIDGE: Final = "bridge"
_NO_LIMIT: Final = 1_000


def name_of(machine: int) -> str:
    """The id of a machine, counted from 0."""
    return f"vm-{machine + 1:04}"


def make_fleet_keys(folder: Path, machines: int) -> None:
    """Keys for all, the merchant's, and a journal for each machine that may sell."""
    make_key(folder, BRIDGE)
    wall_ms = time.time_ns() // 1_000_000
    open_keys(folder / "merchant", now_ms=wall_ms)
    for machine in range(machines):
        own = folder / name_of(machine)
        own.mkdir()
        make_key(own, "machine")
        fresh = Fresh(jid=new_id(os.urandom(16)), bits=os.urandom(8).hex(), wall_ms=wall_ms)
        open_journal(own / "edge.db", fresh, confirm_new=True).close()


def fleet_edge_settings(machine: int, board: Path, *, broker_port: int, terms: Terms) -> str:
    """The text of a machine's edge.toml; it has no screen, its shoppers see with the demo's eyes."""
    return to_toml(
        {
            "machine": name_of(machine),
            "journal": "edge.db",
            "keys": {"machine_key_file": "machine.key", "bridge_public_key_files": ["../bridge.pub"]},
            "bus.xy": {"port": str(board)},
            "mqtt": {"host": "127.0.0.1", "port": broker_port},
            "sale": {
                "lease_s": terms.lease_s,
                "grace_s": terms.grace_s,
                "vends_a_minute": _NO_LIMIT,
                "vends_a_day": 100 * _NO_LIMIT,
            },
        }
    )


def fleet_bridge_settings(
    machines: int, *, ports: dict[str, int], terms: Terms, books_url_file: Path | None
) -> str:
    """The text of bridge.toml. `ports`: broker, bridge, platform. The books are a file, or a URL."""
    lanes = [
        {
            "lane": goods.lane,
            "name_zh": goods.name_zh,
            "name_en": goods.name_en,
            "price_fen": goods.price_fen,
        }
        for goods in SHELF
    ]
    tables: list[dict[str, Any]] = [
        {
            "id": name_of(machine),
            "public_key_file": f"{name_of(machine)}/machine.pub",
            "catalogue_version": 1,
            "phone": PHONE,
            "lanes": lanes,
        }
        for machine in range(machines)
    ]
    store = {"file": "bridge.db"} if books_url_file is None else {"url_file": str(books_url_file)}
    return to_toml(
        {
            "machines": tables,
            "keys": {"bridge_key_file": "bridge.key"},
            "store": store,
            "wechat": {
                "base_url": f"http://127.0.0.1:{ports['platform']}",
                "notify_url": f"http://127.0.0.1:{ports['bridge']}/wechat/notify",
                "credentials_file": "merchant/credentials.json",
            },
            "mqtt": {"host": "127.0.0.1", "port": ports["broker"]},
            "web": {"port": ports["bridge"]},
            "timings": timings(terms),
            "limits": dict.fromkeys(("lane", "machine", "fleet"), _NO_LIMIT),
        }
    )


def journal_of(folder: Path, machine: int) -> Path:
    """A machine's journal."""
    return folder / name_of(machine) / "edge.db"
