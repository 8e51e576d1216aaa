"""What the engine asks the board for: small tasks that end in a fact."""

from collections.abc import Callable
from typing import Final

from edge.core import machine as surroundings
from edge.core.errors import BusError
from edge.core.lanes import LaneTested
from edge.core.model import (
    BaselineFailed,
    BaselineRead,
    LaneChecked,
    Sale,
    SaleEvent,
    VendEnded,
    VendOrder,
)
from edge.ports import BusDown, Dispenser, Journal, SaleMessage


class Errands:
    """Each is run as a task of its own; `post` takes what it found to the engine's mailbox."""

    def __init__(
        self,
        dispenser: Dispenser,
        journal: Journal,
        post: Callable[[SaleMessage | BusDown | LaneTested], None],
    ) -> None:
        self._dispenser: Final = dispenser
        self._journal: Final = journal
        self._post: Final = post

    async def check(self, sale: Sale) -> None:
        """Whether the lane can vend."""
        try:
            reason = await self._dispenser.check(sale.lane)
        except BusError:
            reason = "bus"
        self._found(sale.sale_id, LaneChecked(reason=reason))

    async def test(self, lane: int) -> str:
        """Ask about a lane that is out of sale, without a turn; the reason's name, empty when it passed."""
        try:
            reason = await self._dispenser.check(lane)
        except BusError:
            reason = "bus"
        self._post(LaneTested(lane=lane, reason=reason))
        return reason

    async def baseline(self, sale: Sale) -> None:
        """The board's evidence, and a number for the motor run that its last one had not."""
        try:
            baseline = await self._dispenser.baseline(sale.lane)
        except BusError:
            self._found(sale.sale_id, BaselineFailed(why="bus"))
            return
        bits = self._dispenser.capabilities.seq_bits
        seq = surroundings.next_seq(self._journal.last_seq, bits, baseline)
        self._found(sale.sale_id, BaselineRead(baseline=baseline, seq=seq))

    async def vend(self, order: VendOrder) -> None:
        """Run the motor and see it through."""
        self._found(order.sale_id, VendEnded(outcome=await self._dispenser.vend(order)))

    async def judge(self, order: VendOrder) -> None:
        """What became of a motor run that nobody watched."""
        self._found(order.sale_id, VendEnded(outcome=await self._dispenser.recover(order)))

    def dismiss(self, lane: int) -> None:
        """No vend will come of what a shopper chose at a machine that asks for vends itself."""
        self._dispenser.dismiss(lane)

    async def resync(self) -> None:
        """Identify the board again."""
        await self._dispenser.resync()
        self._post(BusDown(why="doubt"))  # a BusUp that was on its way proves nothing about the time since

    def _found(self, sale_id: str, event: SaleEvent) -> None:
        self._post(SaleMessage(sale_id=sale_id, event=event))
