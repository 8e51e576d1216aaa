"""What is done about a difference before a person has to look: ask the platform or the machine, or freeze.

Whatever the platform confirms goes the way of every fact, through the sale's own table: a payment that came
late is refunded there, a refund by hand is written down there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from cloud_bridge.core.bill import Act, Difference, Kind
from cloud_bridge.core.model import Payment, RefundState, RefundStatus, TellQuery
from cloud_bridge.core.sale import BillDiffers, yuan
from cloud_bridge.engine_bills_match import case_of
from cloud_bridge.ports import Fleet, Platform
from cloud_bridge.ports_bills import Cause

# From this round on the neighbouring day's bill has been there to look into.
SECOND: Final = 2
_OF_GOODS: Final = (Kind.DELIVERED_UNPAID, Kind.DELIVERED_REFUNDED, Kind.NOT_DELIVERED, Kind.JOURNAL_LACKS)


class Learner(Protocol):
    """The engine, as far as facts go into it."""

    async def learnt(self, fact: Payment | RefundStatus | BillDiffers) -> None:
        """Take a verified fact that no notification brought. Raises StoreFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Through whom something is done. `platforms` by merchant; `machines` are those of the settings."""

    engine: Learner
    fleet: Fleet
    platforms: Mapping[str, Platform]
    machines: frozenset[str]


class Acts:
    """Acts for one merchant about one day. `nth` is the round, 1 on the first morning."""

    def __init__(self, hands: Hands, *, merchant: str, day: str, nth: int) -> None:
        self._hands: Final = hands
        self._platform: Final = hands.platforms[merchant]
        self._merchant: Final = merchant
        self._day: Final = day
        self._nth: Final = nth

    async def act(self, difference: Difference) -> Cause | None:
        """Do what the rule of its class says; a cause when that settles it at once. Raises StoreFailed."""
        match difference.kind:
            case Kind.NOT_OURS | Kind.JOURNAL_MISSING:
                return None
            case Kind.PAID_UNKNOWN | Kind.PAID_UNNOTICED:
                return await self._payment(difference)
            case Kind.REFUND_UNKNOWN | Kind.REFUND_UNCONFIRMED:
                return await self._refund(difference)
            case Kind.NOT_IN_BILL:
                return await self._missing(difference)
            case Kind.REFUND_NOT_IN_BILL:
                return await self._missing_refund(difference)
            case kind if kind in _OF_GOODS:
                return await self._goods(difference)
        assert difference.rule is Act.ALARM, difference.kind
        await self._freeze(difference)
        return None

    async def _payment(self, difference: Difference) -> Cause | None:
        """The books take up what is truly paid, and give it back: whoever paid has long left."""
        answer = await self._platform.query(difference.sale_id)
        if not isinstance(answer, Payment):
            return None
        if answer.machine not in self._hands.machines and difference.kind is Kind.PAID_UNKNOWN:
            return None  # a number like ours, of no machine of ours: a person looks
        await self._hands.engine.learnt(replace(answer, source="bill", merchant=self._merchant))
        return Cause(name="platform", why="it is paid: the books have it, and see it to an end")

    async def _refund(self, difference: Difference) -> Cause | None:
        status = await self._status(difference, difference.number)
        if status is None or status.state is RefundState.ABSENT:
            return None
        await self._hands.engine.learnt(status)
        if status.state is not RefundState.SUCCESS:
            return None
        return Cause(name="platform", why="it went back: the books have it")

    async def _missing(self, difference: Difference) -> Cause | None:
        """Paid here, and the bill does not have it: was that notification the platform's at all?"""
        answer = await self._platform.query(difference.sale_id)
        known = isinstance(answer, Payment) and answer.transaction_id == difference.number
        if not known or self._nth >= SECOND:
            await self._freeze(difference)
        return None

    async def _missing_refund(self, difference: Difference) -> Cause | None:
        number = difference.number.split(" ")[0]
        status = await self._status(difference, number) if number else None
        if status is not None and status.state is RefundState.SUCCESS and self._nth >= SECOND:
            return Cause(name="platform", why="it says that the money went back")
        if status is not None and status.state is RefundState.ABSENT:
            await self._freeze(difference)
        return None

    async def _goods(self, difference: Difference) -> Cause | None:
        """The machine is asked for this sale; from the second morning on a person looks, too."""
        if difference.machine:
            await self._hands.fleet.tell(difference.machine, TellQuery(sale_id=difference.sale_id))
        if self._nth >= SECOND or difference.rule is Act.ALARM:
            await self._freeze(difference)
        return None

    async def _status(self, difference: Difference, number: str) -> RefundStatus | None:
        answer = await self._platform.refund_status(difference.sale_id, number)
        if not isinstance(answer, RefundStatus):
            return None
        return replace(answer, source="bill", merchant=self._merchant)

    async def _freeze(self, difference: Difference) -> None:
        told = f"the bill of {self._day} differs: {difference.kind.value}"
        await self._hands.engine.learnt(
            BillDiffers(sale_id=difference.sale_id, reason=case_of(difference.kind), text=told)
        )


def in_words(difference: Difference) -> str:
    """One line for a person."""
    amounts = [
        f"{side} {yuan(fen)}"
        for side, fen in (("bill", difference.bill_fen), ("books", difference.books_fen))
        if fen
    ]
    return " ".join([difference.kind.value, difference.sale_id or difference.machine, *amounts])
