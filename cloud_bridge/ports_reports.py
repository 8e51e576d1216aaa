"""What is asked of the books for reports."""

from typing import Protocol

from cloud_bridge.core.report import Asked, BillSide, Entry, Move, Vends


class ReportReads(Protocol):
    """The books as reports read them: one moment, one query each. Raises StoreFailed."""

    async def moves(self, asked: Asked) -> tuple[Move, ...]:
        """What moved in the time, by what was asked for."""

    async def vends(self, asked: Asked) -> tuple[Vends, ...]:
        """What became of the vends that ended in the time, by lane."""

    async def entries(self, asked: Asked) -> tuple[Entry, ...]:
        """The ledger's rows of the time, the newest first, so many at most."""

    async def bill_side(self, first: str, last: str) -> BillSide:
        """What the bills of these days say."""
