"""A process that writes books until it is killed: `python -m tests.process.store_child HOW URL ACKS`.

`sell` writes sales and appends each number to ACKS once it is acknowledged. `die` does so in one forked
process after the other, each killed by a timer a little later in its life. `fill` may write little more,
and tells how it failed. `flushes` sells one after the other, then many at once, and says when.
"""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cloud_bridge.core.ledger import payment_verified
from cloud_bridge.ports import Fact, StoreFailed, Tx
from cloud_bridge.store.books import SqlStore, open_store
from tests.unit.bridge.rows import VENDING
from tests.unit.store.samples import numbered

TOGETHER = 3
DEATHS = 24


def a_sale(number: int) -> Callable[[Tx], None]:
    """One transaction: a row, an entry, two facts. Half of it would show."""
    sale = numbered(VENDING, number)

    def work(tx: Tx) -> None:
        tx.note(Fact(wall_ms=1, machine=sale.machine, sale_id=sale.sale_id, who="edge", what="first"))
        tx.put(sale)
        tx.post(sale.sale_id, payment_verified(350), number)
        tx.note(Fact(wall_ms=2, machine=sale.machine, sale_id=sale.sale_id, who="edge", what="last"))

    return work


async def sell(store: SqlStore, acks: int) -> None:
    """For ever, a few at a time."""

    async def one(number: int) -> None:
        await store.run(a_sale(number))
        os.write(acks, b"%d\n" % number)

    number = (await store.totals())["sales"]
    while True:
        await asyncio.gather(*(one(number + ahead) for ahead in range(TOGETHER)))
        number += TOGETHER


def die(url: str, acks: int) -> None:
    """A life after the other, each a little longer; every second one ends while it still opens the books."""
    for life in range(DEATHS):
        child = os.fork()
        if child == 0:
            cpu_s = 0.003 * (life // 2 + 1)  # of its own, whatever else the machine is doing
            if life % 2 == 0:
                signal.setitimer(signal.ITIMER_PROF, cpu_s)  # ends the process, as SIGKILL does
            store = opened(url)
            signal.setitimer(signal.ITIMER_PROF, cpu_s)
            asyncio.run(sell(store, acks))
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"life {life} ended by itself: {status}"


async def fill(store: SqlStore, acks: int, path: Path) -> None:
    """No file may grow beyond what the log has and a little."""
    room = path.with_name(path.name + "-wal").stat().st_size + 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    for _ in range(2):
        try:
            await sell(store, acks)
        except StoreFailed as failed:
            os.write(2, f"{failed}\n".encode())


async def flushes(store: SqlStore, mark: int) -> None:
    """Marks are lines like `one 7`, `many`, `end`: each is written when what it names is acknowledged."""
    os.write(mark, b"begin\n")
    for number in range(20):
        await store.run(a_sale(number))
        os.write(mark, b"one %d\n" % number)
    await asyncio.gather(*(store.run(a_sale(number)) for number in range(100, 300)))
    os.write(mark, b"many\n")


def opened(url: str) -> SqlStore:
    """Never resting: a checkpoint in the middle would be counted."""
    return open_store(url, incarnation=lambda: "s" * 26, idle_s=600)


def main() -> None:
    """As the docstring says."""
    how, url, acks_path = sys.argv[1:]
    acks = os.open(acks_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    match how:
        case "die":
            die(url, acks)
        case "sell":
            asyncio.run(sell(opened(url), acks))
        case "fill":
            asyncio.run(fill(opened(url), acks, Path(url.removeprefix("sqlite:///"))))
        case "flushes":
            asyncio.run(flushes(opened(url), acks))


if __name__ == "__main__":
    main()
