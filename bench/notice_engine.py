"""The bridge's engine on books of its own, with sales that wait for money, and nobody else."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

from cloud_bridge.app import SystemClock
from cloud_bridge.core.model import OrderDraft, State, ToMachine
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.timings import Timings
from cloud_bridge.engine import Engine, Settings
from cloud_bridge.ports import BridgePorts, Tx
from cloud_bridge.store.books import open_store
from cloud_bridge.wechat.keys import load_keys
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.settings import WechatSettings

MACHINE: Final = "vm-0001"
PRICE_FEN: Final = 350


class _Nobody:
    """A platform that is never asked, machines that are not there, a log that nobody reads."""

    def compose(self, order: OrderDraft) -> bytes:
        return b""

    def live(self, machine: str) -> bool:
        return False

    async def tell(self, machine: str, message: ToMachine) -> bool:
        return False

    def info(self, event: str, /, **fields: object) -> object:
        return None

    warning = info

    def __getattr__(self, name: str) -> Any:
        async def forever(*_: object) -> None:
            await asyncio.Event().wait()

        return forever


@asynccontextmanager
async def engine_on(
    db: Path, account: WechatSettings, *, sales: int
) -> AsyncIterator[tuple[Engine, list[str]]]:
    """A running engine, and the ids of its sales."""
    clock, nobody = SystemClock(), _Nobody()
    with closing(open_store(f"sqlite:///{db}", incarnation=lambda: "b" * 32)) as store:
        ids = [_id(number) for number in range(sales)]
        rows = [_offered(each, clock.wall_ms(), store.incarnation) for each in ids]
        await store.run(lambda tx: _put(tx, rows))
        ports: Any = {"platform": nobody, "fleet": nobody, "log": nobody}
        notices = WechatNotices(account, load_keys(account))
        engine = Engine(
            ports=BridgePorts(store=store, notices=notices, clock=clock, **ports),
            shelves=(),
            settings=Settings(timings=Timings(authorise_s=3600, authorise_cap_s=3600)),  # nobody asks again
            random=random.random,
            nonce=lambda: "0" * 32,
        )
        running = asyncio.create_task(engine.run(), name="engine")
        await engine.ready()
        try:
            yield engine, ids
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


def _put(tx: Tx, rows: list[Sale]) -> None:
    for row in rows:
        tx.put(row)


def _id(number: int) -> str:
    return f"{number:026d}".translate(str.maketrans("0189", "abcd"))


def _offered(sale_id: str, wall_ms: int, store: str) -> Sale:
    return Sale(
        sale_id=sale_id,
        machine=MACHINE,
        store=store,
        opened_wall_ms=wall_ms,
        state=State.OFFERED,
        jid="j" * 26,
        boot=1,
        bits="0" * 16,
        lane=11,
        price_fen=PRICE_FEN,
        lease_s=240,
        start_s=5,
        pay_until_wall_ms=wall_ms + 180_000,
        code_url="weixin://a",
    )
