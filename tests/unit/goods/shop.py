"""The catalogue and the stock on real books, with a hand on the clock; a test speaks for the machines."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

from cloud_bridge.core.catalogue import Entry, Key, Kind, Product, Wanted
from cloud_bridge.core.delivery import Delivery, Outcome
from cloud_bridge.core.model import Session, State
from cloud_bridge.core.sale import Sale
from cloud_bridge.engine_catalogue import Catalogues
from cloud_bridge.engine_catalogue_rides import Shop
from cloud_bridge.engine_stock import Stocks
from cloud_bridge.ports import JournalRow, LaneView, MachineView, Shelf
from cloud_bridge.ports_catalogue import CatalogueTold, Done, Edit
from cloud_bridge.ports_desk import DeskTx
from cloud_bridge.store.books import SqlStore, open_store
from tests.unit.goods.books import ONE, shelf

BITS: Final = "0123456789abcdef"
START_MS: Final = 1_700_000_000_000


@dataclass(slots=True)
class Hand:
    """A clock that goes when a test says so."""

    ms: int = START_MS

    def now_ms(self) -> int:
        return self.ms

    def wall_ms(self) -> int:
        return self.ms


@dataclass(slots=True)
class Lines:
    """What the log was told."""

    said: list[str] = field(default_factory=list)

    def info(self, event: str, /, **fields: object) -> object:
        self.said.append(event)
        return None

    def warning(self, event: str, /, **fields: object) -> object:
        self.said.append(event)
        return None


class Kiosk(AbstractContextManager["Kiosk"]):
    """One run of the daemon on books that may be opened again."""

    def __init__(self, folder: Path, *shelves: Shelf) -> None:
        self.shelves = {each.machine: each for each in shelves or (shelf(),)}
        self.sold_from: dict[str, Shelf] = {}
        self.offered: list[tuple[str, int]] = []
        self.away: set[str] = set()
        self.boards: list[MachineView] = []
        self.clock, self.log = Hand(), Lines()
        self._file = folder / "bridge.db"

    def __enter__(self) -> Self:
        if not self._file.exists():
            self._file.write_bytes(_new_books())
        self.store: SqlStore = open_store(f"sqlite:///{self._file}", incarnation=lambda: "a" * 32)
        shop = Shop(
            books=self.store,
            shelves=self.shelves,
            sell_from=lambda each: self.sold_from.__setitem__(each.machine, each),
            offer=lambda each: self.offered.append((each.machine, each.version)),
            live=lambda machine: machine not in self.away,
            clock=self.clock,
            log=self.log,
        )
        self.catalogues = Catalogues(shop)
        self.stocks = Stocks(
            books=self.store,
            known=self.shelves,
            machines=lambda: self.boards,
            clock=self.clock,
            log=self.log,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    # ------------------------------------------------------------ people

    async def edit(self, wanted: Wanted, *, by: str = "ann", effective_ms: int = 0) -> Done:
        base = (await self.catalogues.view()).edition
        return await self.catalogues.edit(
            Edit(wanted=wanted, base=base, by=by, why="w", minutes=10, effective_wall_ms=effective_ms)
        )

    async def priced(self, price_fen: int, *, by: str = "ann", effective_ms: int = 0) -> Done:
        return await self.edit(await self.cola(price_fen), by=by, effective_ms=effective_ms)

    async def cola(self, price_fen: int, cost_fen: int = 0) -> dict[Key, Entry | None]:
        return {
            (Kind.PRODUCT, "cola"): Product(
                name_zh="可乐", name_en="Cola", price_fen=price_fen, cost_fen=cost_fen
            )
        }

    def price(self, machine: str = ONE) -> tuple[int, int]:
        """Version and price of cola by which a sale of this machine goes now."""
        found = self.sold_from[machine]
        return found.version, found.products[0].price_fen

    # ------------------------------------------------------------ machines

    async def born(self, machine: str = ONE, *, doubt: str = "") -> None:
        row = JournalRow(machine=machine, jid=jid(machine), boot=1, bits=BITS, upto=0, doubt=doubt)
        await self.store.run(lambda tx: tx.put_journal(row))

    async def says(
        self, machine: str, version: int, *, offered: int = 0, why: str = "", boot: int = 1
    ) -> None:
        session = Session(jid=jid(machine), boot=boot, bits=BITS)
        told = CatalogueTold(machine=machine, session=session, version=version, offered=offered, why=why)
        await self.catalogues.catalogue_told(told)
        await self.looks()

    async def looks(self) -> None:
        """One turn of the task, without its waiting."""
        await self.catalogues.look()

    async def vended(self, machine: str, lane: int, number: int = 1) -> None:
        def put(tx: DeskTx) -> None:
            for nth in range(number):
                sale_id = f"{machine}-{lane}-{self.clock.ms}-{nth}"
                sale = Sale(sale_id=sale_id, machine=machine, lane=lane, store="a" * 32, opened_wall_ms=0)
                tx.put(replace(sale, state=State.VENDED))
                out = Delivery(
                    sale_id=sale_id,
                    machine=machine,
                    lane=lane,
                    paid_wall_ms=self.clock.ms,
                    due_wall_ms=self.clock.ms,
                    outcome=Outcome.DELIVERED,
                    ended_wall_ms=self.clock.ms,
                )
                tx.put_delivery(out)

        await self.store.on_desk(put)

    def board(self, machine: str, stocks: Iterable[tuple[int, int]]) -> None:
        """The board shows what it counts."""
        lanes = tuple(
            LaneView(lane=lane, product_zh="", product_en="", price_fen=0, stock=held, capacity=10, reason="")
            for lane, held in stocks
        )
        self.boards = [
            MachineView(
                machine=machine,
                online=True,
                boot=1,
                seen_wall_ms=0,
                selling=True,
                reason="",
                software="",
                catalogue_version=1,
                temperature_c=None,
                door_open=None,
                lanes=lanes,
            )
        ]


@cache  # the steps that make them cost more than all that a test does with them
def _new_books() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "bridge.db")
        open_store(f"sqlite:///{file}", incarnation=lambda: "a" * 32).close()
        return file.read_bytes()


def jid(machine: str) -> str:
    return (machine.replace("-", "").replace("0", "a").replace("1", "b") + "j" * 26)[:26]
