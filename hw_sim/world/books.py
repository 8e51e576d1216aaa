"""Books in memory: a store that keeps what a database keeps and forgets what a failed transaction wrote."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from cloud_bridge.core.case import Case, Said
from cloud_bridge.core.ledger import Account, Post, balances
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.timings import Counts
from cloud_bridge.core.trail import Change
from cloud_bridge.ports import Fact, JournalRow, StandingAlarm, Store, StoreFailed, Tx

T = TypeVar("T")
QUIET = (State.VENDED, State.REFUNDED, State.SETTLED)


@dataclass(slots=True)
class Tables:
    """Everything the books hold. Rows are values, so a shallow copy is a snapshot."""

    sales: dict[str, Sale] = field(default_factory=dict)
    ledger: list[tuple[str, Post]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    journals: dict[str, JournalRow] = field(default_factory=dict)
    bits: dict[tuple[str, int], str] = field(default_factory=dict)
    reports: dict[str, frozenset[int]] = field(default_factory=dict)
    alarms: dict[tuple[str, str, int], StandingAlarm] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    trail: list[Change] = field(default_factory=list)

    def copy(self) -> "Tables":
        return Tables(
            sales=dict(self.sales),
            ledger=list(self.ledger),
            facts=list(self.facts),
            journals=dict(self.journals),
            bits=dict(self.bits),
            reports=dict(self.reports),
            alarms=dict(self.alarms),
            cases=list(self.cases),
            trail=list(self.trail),
        )


class PluggedBooks(Store, Protocol):
    """Books that a world can look into. `cut_at` pulls the plug right after that commit: it is durable, and
    nobody hears of it.
    """

    commits: int
    cut_at: int
    cut: asyncio.Event

    @property
    def tables(self) -> Tables:
        """What is durable now."""


class MemoryTx:
    """One transaction on a copy of the tables."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def sale(self, sale_id: str) -> Sale | None:
        return self.tables.sales.get(sale_id)

    def put(self, sale: Sale) -> None:
        if self.owner_of(sale.transaction_id) not in ("", sale.sale_id):
            raise StoreFailed("a transaction belongs to one sale")
        self.tables.sales[sale.sale_id] = sale

    def unfinished(self, machine: str = "") -> tuple[Sale, ...]:
        return tuple(
            sale
            for sale in self.tables.sales.values()
            if machine in ("", sale.machine)
            and sale.state not in QUIET
            and (sale.state is not State.CLOSED or sale.look_again)
        )

    def open_rows(self, machine: str) -> int:
        waiting = (State.QUOTED, State.OFFERED)
        return sum(s.machine == machine and s.state in waiting for s in self.tables.sales.values())

    def owner_of(self, transaction_id: str) -> str:
        owners = (s.sale_id for s in self.tables.sales.values() if s.transaction_id == transaction_id)
        return next(owners, "") if transaction_id else ""

    def counts(self, *, machine: str, lane: int, since_wall_ms: int, but: str) -> Counts:
        given = [
            sale
            for sale in self.tables.sales.values()
            if sale.evidence_wall_ms > max(0, since_wall_ms) and sale.sale_id != but
        ]
        here = [sale for sale in given if sale.machine == machine]
        return Counts(lane=sum(s.lane == lane for s in here), machine=len(here), fleet=len(given))

    def post(self, sale_id: str, entry: Post, wall_ms: int) -> None:
        self.tables.ledger.append((sale_id, entry))

    def record(self, sale: Sale, change: Change) -> None:
        self.tables.trail.append(change)

    def open_case(self, case: Case) -> None:
        if self._open(case.sale_id, case.reason) is None:
            self.tables.cases.append(case)

    def end_case(self, sale_id: str, reason: str, said: Said, wall_ms: int) -> None:
        place = self._open(sale_id, reason)
        if place is not None:
            self.tables.cases[place] = replace(
                self.tables.cases[place],
                resolution=said.resolution,
                resolved_by=said.by,
                resolved_why=said.why,
                resolved_wall_ms=wall_ms,
            )

    def own_cases(self, sale_id: str, owner: str) -> int:
        mine = [
            at for at, case in enumerate(self.tables.cases) if case.sale_id == sale_id and not case.resolution
        ]
        for at in mine:
            self.tables.cases[at] = replace(self.tables.cases[at], owner=owner)
        return len(mine)

    def open_cases(self, machine: str, reason: str) -> int:
        return sum(
            (case.machine, case.reason, case.resolution) == (machine, reason, "")
            for case in self.tables.cases
        )

    def _open(self, sale_id: str, reason: str) -> int | None:
        wanted = (sale_id, reason, "")
        places = (
            at
            for at, case in enumerate(self.tables.cases)
            if (case.sale_id, case.reason, case.resolution) == wanted
        )
        return next(places, None)

    def note(self, fact: Fact) -> None:
        self.tables.facts.append(fact)

    def journal(self, jid: str) -> JournalRow | None:
        return self.tables.journals.get(jid)

    def journals(self, machine: str) -> tuple[JournalRow, ...]:
        rows = [row for row in self.tables.journals.values() if row.machine == machine]
        return tuple(sorted(rows, key=lambda row: not row.current))

    def put_journal(self, row: JournalRow) -> None:
        if row.current:
            for other in self.journals(row.machine):
                self.tables.journals[other.jid] = replace(other, current=False)
        self.tables.journals[row.jid] = row
        self.tables.bits.setdefault((row.jid, row.boot), row.bits)

    def bits_of(self, jid: str, boot: int) -> str:
        return self.tables.bits.get((jid, boot), "")

    def reported(self, jid: str, n: int) -> int:
        taken = self.tables.reports[jid] = self.tables.reports.get(jid, frozenset()) | {n}
        row = self.tables.journals[jid]
        upto = row.upto
        while upto + 1 in taken:
            upto += 1
        self.tables.journals[jid] = replace(row, upto=upto)
        return upto

    def set_alarm(self, alarm: StandingAlarm) -> None:
        key = alarm.machine, alarm.name, alarm.lane
        since_wall_ms = self.tables.alarms.get(key, alarm).since_wall_ms
        self.tables.alarms[key] = replace(alarm, since_wall_ms=since_wall_ms)

    def clear_alarm(self, *, machine: str, name: str, lane: int) -> None:
        self.tables.alarms.pop((machine, name, lane), None)


class MemoryStore:
    """Implements `PluggedBooks`."""

    def __init__(self, incarnation: str = "store-1") -> None:
        self.incarnation = incarnation
        self.tables = Tables()
        self.commits = 0
        self.cut_at = 0
        self.cut = asyncio.Event()

    async def run(self, work: Callable[[Tx], T]) -> T:
        await asyncio.sleep(0)
        tables = self.tables.copy()
        result = work(MemoryTx(tables))
        self.tables = tables
        self.commits += 1
        if self.commits == self.cut_at:
            self.cut.set()
            await asyncio.Event().wait()
        return result

    async def sales(self, *, machine: str, limit: int) -> tuple[Sale, ...]:
        found = [sale for sale in self.tables.sales.values() if machine in ("", sale.machine)]
        return tuple(sorted(found, key=lambda sale: -sale.opened_wall_ms)[:limit])

    async def sale(self, sale_id: str) -> tuple[Sale, tuple[Fact, ...]] | None:
        found = self.tables.sales.get(sale_id)
        facts = tuple(fact for fact in self.tables.facts if fact.sale_id == sale_id)
        return None if found is None else (found, facts)

    async def alarms(self) -> tuple[StandingAlarm, ...]:
        return tuple(self.tables.alarms.values())

    async def cases(self, *, resolved: int = 0) -> tuple[tuple[Case, Sale], ...]:
        still = sorted(
            (case for case in self.tables.cases if not case.resolution), key=lambda case: case.opened_wall_ms
        )
        over = sorted(
            (case for case in self.tables.cases if case.resolution), key=lambda case: -case.resolved_wall_ms
        )
        return tuple((case, self.tables.sales[case.sale_id]) for case in (*still, *over[:resolved]))

    async def totals(self) -> Mapping[str, int]:
        sales = self.tables.sales.values()
        books = balances(entry for _, entry in self.tables.ledger)
        return {
            "sales": len(sales),
            "paid_fen": sum(sale.paid_fen for sale in sales),
            "vended_fen": sum(sale.paid_fen for sale in sales if sale.state is State.VENDED),
            "refunded_fen": sum(sale.refunded_fen for sale in sales),
            "cases": sum(sale.case != "" for sale in sales),
            "waiting_for_a_person": sum(sale.state is State.CASE for sale in sales),
            **{f"{account}_balance_fen": books[account] for account in Account},
        }
