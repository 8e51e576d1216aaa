"""Giving out for nothing what two people agreed to: the machine is asked for a lease, as after a scan.

The request is the act's own, and its number of the try: the machine opens one sale for it, ever, and the
books find the sale by it. So whatever is repeated, lost or started anew, nothing goes out twice.
"""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from cloud_bridge.core.approval import HandAct
from cloud_bridge.core.free import MOST_TRIES, next_try
from cloud_bridge.core.model import FromMachine, LeaseDenied, Requested, State
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.scan import TellLease
from cloud_bridge.ports_doing import DoingBooks, DoingTx

ANSWER_S: Final = 5.0
LOOK_S: Final = 0.05
Ask = Callable[[str, TellLease], Awaitable[str]]


@dataclass(slots=True)
class _Waiting:
    request_id: str
    lane: int
    fen: int
    why: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Frees:
    """One at a time for a machine. `ask` puts a lease to it; `claimed` hears machines before the books do."""

    def __init__(self, books: DoingBooks, ask: Ask) -> None:
        self._books: Final = books
        self._ask: Final = ask
        self._busy: Final[set[str]] = set()
        self._waiting: Final[dict[str, _Waiting]] = {}

    async def give(self, act: HandAct) -> str:
        """Have the machine vend it now; why not, or empty once it is promised. Raises StoreFailed."""
        if act.machine in self._busy:
            return "busy"
        self._busy.add(act.machine)  # before the books are asked: two who ask at once are not both first
        try:
            number, why = await self._books.on_doing(lambda tx: next_try(tried(tx, act)))
            return why or await self._lease(act, request_of(act, number))
        finally:
            self._busy.discard(act.machine)
            self._waiting.pop(act.machine, None)

    async def _lease(self, act: HandAct, request_id: str) -> str:
        waiting = _Waiting(request_id, act.lane, act.fen)
        self._waiting[act.machine] = waiting
        lease = TellLease(request_id=waiting.request_id, jid="", boot=0, lane=act.lane, token="", replaces="")
        try:
            async with asyncio.timeout(ANSWER_S):
                if why := await self._ask(act.machine, lease):
                    return why
                await waiting.over.wait()
                return waiting.why or await self._decided(waiting.request_id)
        except TimeoutError:
            return "offline"

    async def _decided(self, request_id: str) -> str:
        """The machine has promised it; why the books do not let it go, or empty."""
        while True:
            sale = await self._books.on_doing(lambda tx: tx.opened_for(request_id))
            if sale is not None:
                return sale.why if sale.state is State.CLOSED else ""
            await asyncio.sleep(LOOK_S)

    def claimed(self, event: FromMachine) -> FromMachine:
        """A grant that somebody waits for, at the price that two people agreed to, is one for nothing."""
        waiting = self._waiting.get(event.machine)
        if waiting is None:
            return event
        if isinstance(event, LeaseDenied) and event.request_id == waiting.request_id:
            waiting.why = event.why or "refused"
            waiting.over.set()
        if not isinstance(event, Requested):
            return event
        if (event.request_id, event.lane) != (waiting.request_id, waiting.lane):
            return event
        waiting.over.set()
        if event.price_fen != waiting.fen:  # the lane sells something else by now
            waiting.why = "price"
            return event
        return replace(event, token="free", free=True)  # noqa: S106


def tried(tx: DoingTx, act: HandAct) -> tuple[Sale, ...]:
    """The sales that were opened for an act so far, in their order."""
    found: list[Sale] = []
    for number in range(MOST_TRIES):
        sale = tx.opened_for(request_of(act, number))
        if sale is None:
            break
        found.append(sale)
    return tuple(found)


def request_of(act: HandAct, number: int) -> str:
    """The request of an act's try: the same for ever, also under restored books. 26 of a-z 2-7."""
    words = f"act {act.id} of {act.asked_wall_ms} try {number}"
    return base64.b32encode(hashlib.sha256(words.encode()).digest()[:16]).decode().rstrip("=").lower()
