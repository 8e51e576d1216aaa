"""After a start each machine hears how far the books know it: what a restored copy lacks, it says again."""

from collections.abc import Iterable

from cloud_bridge.core.model import TellAck
from cloud_bridge.ports import Store, Tx


async def known(store: Store, machines: Iterable[str]) -> tuple[tuple[str, TellAck], ...]:
    """The answer to a birth that nobody said, for each machine whose journal is believed. Raises StoreFailed.

    A machine that stays connected while its bridge starts again is not born again: it takes for told what
    only the books of before had.
    """
    names = tuple(machines)

    def work(tx: Tx) -> tuple[tuple[str, TellAck], ...]:
        rows = [row for name in names for row in tx.journals(name) if row.current and not row.doubt]
        return tuple((row.machine, TellAck(jid=row.jid, n=0, upto=row.upto)) for row in rows)

    return await store.run(work)
