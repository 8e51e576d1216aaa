"""The order interface of one run: where it is asked, and what answers there."""

import os
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from cloud_bridge.app_merchants import Merchants
from cloud_bridge.config import BridgeSettings
from cloud_bridge.engine import Engine
from cloud_bridge.engine_scans import Scans
from cloud_bridge.engine_tokens import Tokens
from cloud_bridge.ports import Clock, Log
from wire.envelope import load_private

Orders = tuple[str, Callable[[bytes], Awaitable[bytes]]] | None


def tokens_of(settings: BridgeSettings) -> Tokens:
    """What codes name, under the bridge's own key. Raises BadKeyFile.

    Whoever prints codes and whoever answers to them make the same of the same settings.
    """
    key = load_private(settings.keys.bridge_key_file).private_bytes_raw()
    return Tokens(key, [machine.id for machine in settings.machines])


def order_door(
    settings: BridgeSettings, engine: Engine, merchants: Merchants, *, clock: Clock, log: Log
) -> Orders:
    """The path of order requests and who answers there, or None where no merchant takes any."""
    tables = (settings.wechat, *settings.merchants)
    path = next((urlsplit(table.order_url).path for table in tables if table.order_url), "")
    if not path:
        return None
    engine.scans = Scans(
        desk=merchants.requests,
        tokens=tokens_of(settings),
        shelves=engine.shelf_of,
        timings=settings.timings,
        clock=clock,
        log=log,
        hands=engine.hands(os.urandom),
    )
    return path, engine.scans.answer
