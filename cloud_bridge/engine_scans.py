"""A scan from the platform's request to its answer: which lane, whether the machine leases it, the order.

Everything here may be lost: a scan waits for its answer a few seconds, and what the books began for one that
nobody waits for is given up by its own timers. One scan at a time is asked of a machine; the others are told
that it is busy. A payer who scans again leaves his own unpaid sale for the new one.
"""

import asyncio
import base64
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from cloud_bridge.core.model import Born, FromMachine, LeaseDenied, Requested, Session, ToMachine
from cloud_bridge.core.scan import AnswerScan, HeldCode, ScanLost, TellCodes, TellLease, spoken
from cloud_bridge.core.timings import Timings
from cloud_bridge.engine_tokens import SERIALS, Token, Tokens, Use
from cloud_bridge.ports import Clock, Log, NoticeRejected, Shelf
from cloud_bridge.ports_scans import OrderRequest, OrderRequests

K = TypeVar("K")
V = TypeVar("V")
# The platform gives up after 5 s; its answer has to get there, too.
ANSWER_S: Final = 4.2
PAYERS_KEPT: Final = 10_000
SCANS_A_MINUTE: Final = 6  # of one payer
# A machine hears twenty messages a second at most, and has others to hear.
REFILL_EVERY_S: Final = 0.25
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a scan has done by the engine. `ask` puts a lease to a machine, or says why it is of no use."""

    ready: Callable[[], Awaitable[None]]
    ask: Callable[[str, TellLease], Awaitable[str]]
    lost: Callable[[str, ScanLost], Awaitable[None]]
    tell: Callable[[str, ToMachine], Awaitable[None]]
    spawn: Callable[[Coroutine[None, None, None], str], object]
    entropy: Callable[[int], bytes]


@dataclass(slots=True, kw_only=True)
class _Scan:
    """One that is being answered. `sale_id` is the sale that the machine opened for it."""

    request_id: str
    lane: int
    text: str
    sale_id: str = ""
    leased: asyncio.Event = field(default_factory=asyncio.Event)
    answer: "asyncio.Future[AnswerScan]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Scans:
    """The order interface of the engine. `desk` speaks with the platform, `tokens` know what codes name."""

    def __init__(
        self,
        *,
        desk: OrderRequests,
        tokens: Tokens,
        shelves: Mapping[str, Shelf],
        timings: Timings,
        clock: Clock,
        log: Log,
        hands: Hands,
    ) -> None:
        self._desk: Final = desk
        self._tokens: Final = tokens
        self._shelves: Final = shelves
        self._timings: Final = timings
        self._clock: Final = clock
        self._log: Final = log
        self._hands: Final = hands
        self._asked: Final[dict[str, _Scan]] = {}  # by machine
        self._last: Final[dict[tuple[str, str], str]] = {}  # payer and machine -> his last sale there
        self._paces: Final[dict[str, deque[int]]] = {}
        self._sessions: Final[dict[str, Session]] = {}
        self._wanting: Final[dict[str, deque[int]]] = {}  # lanes to be filled, by machine
        self._version = 0
        self.counts: Final[Counter[str]] = Counter()

    # ------------------------------------------------------------ a scan

    async def answer(self, body: bytes) -> bytes:
        """Take one order request; what to answer within five seconds. Raises StoreFailed."""
        await self._hands.ready()
        try:
            request = self._desk.read(body)
        except NoticeRejected as rejected:
            self.counts[f"scan_rejected.{rejected.why}"] += 1
            self._log.info("scan.rejected", why=rejected.why)
            return self._desk.rejected()
        said = await self._serve(request)
        self.counts[f"scan.{'let_in' if said.ticket else said.why}"] += 1
        if said.ticket:
            return self._desk.granted(request, said.ticket)
        self._log.info("scan.refused", why=said.why)
        return self._desk.refused(request, spoken(said.why))

    async def _serve(self, request: OrderRequest) -> AnswerScan:
        token = self._tokens.open(request.token)
        if token is None or not self._in_force(token, request.merchant):
            if token is not None and token.use is Use.AHEAD:
                self.refill(token.machine, (token.lane,))  # it shows what it should not hold any more
            return _no("code")
        payer = self._tokens.nickname(request.payer)
        if not self._at_ease(payer):
            return _no("velocity")
        if token.machine in self._asked:
            return _no("busy")
        scan = _Scan(request_id=_identifier(self._hands.entropy), lane=token.lane, text=request.token)
        self._asked[token.machine] = scan
        try:
            return await self._within_time(token, scan, payer)
        finally:
            del self._asked[token.machine]

    async def _within_time(self, token: Token, scan: _Scan, payer: str) -> AnswerScan:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._lease(token, scan, payer)
        except TimeoutError:
            if scan.sale_id:
                await self._hands.lost(scan.sale_id, ScanLost(sale_id=scan.sale_id))
            return _no("late" if scan.sale_id else "offline")

    async def _lease(self, token: Token, scan: _Scan, payer: str) -> AnswerScan:
        place = payer, token.machine
        lease = TellLease(
            request_id=scan.request_id,
            jid="",
            boot=0,
            lane=token.lane,
            token=scan.text if token.use is Use.AHEAD else "",
            replaces=self._last.get(place, ""),
        )
        why = await self._hands.ask(token.machine, lease)
        if why:
            return _no(why)
        try:
            async with asyncio.timeout(self._timings.scan_lease_s):
                await scan.leased.wait()
        except TimeoutError:
            if not scan.leased.is_set():
                return _no("offline")
        if scan.sale_id:
            self._remember(place, scan.sale_id)
        return await scan.answer

    def _in_force(self, token: Token, merchant: str) -> bool:
        """The machine is his, has the lane, and codes of this use are switched on for it."""
        shelf = self._shelves.get(token.machine)
        if shelf is None or shelf.merchant != merchant:
            return False
        if not any(product.lane == token.lane for product in shelf.products):
            return False
        if token.use is Use.PRINTED:
            return 0 < shelf.printed_codes == token.serial
        return shelf.codes_ahead > 0

    def _at_ease(self, payer: str) -> bool:
        """So many scans a minute of one payer, whatever he scans."""
        now_ms = self._clock.now_ms()
        recent = self._paces.pop(payer, deque(maxlen=SCANS_A_MINUTE))
        self._paces[payer] = recent  # whoever came last is forgotten last
        _bound(self._paces)
        if len(recent) == SCANS_A_MINUTE and now_ms - recent[0] < _MINUTE_MS:
            return False
        recent.append(now_ms)
        return True

    def _remember(self, place: tuple[str, str], sale_id: str) -> None:
        self._last.pop(place, None)
        self._last[place] = sale_id
        _bound(self._last)

    # ------------------------------------------------------------ what the engine passes on

    def claimed(self, event: FromMachine) -> FromMachine:
        """Note what a machine says of a scan before it is decided; a grant that is awaited gets its token."""
        if isinstance(event, Born | Requested):
            self._sessions[event.machine] = event.session
        scan = self._asked.get(event.machine)
        if isinstance(event, LeaseDenied) and scan is not None and scan.request_id == event.request_id:
            _settle(scan, AnswerScan(request_id=event.request_id, why=event.why or "late"))
            scan.leased.set()
        if not isinstance(event, Requested) or not event.request_id:
            return event
        if scan is None or (scan.request_id, scan.lane) != (event.request_id, event.lane):
            return event
        if scan.leased.is_set() and scan.sale_id != event.sale_id:
            return event
        scan.sale_id = event.sale_id
        scan.leased.set()
        return replace(event, token=scan.text)

    def decided(self, said: AnswerScan) -> None:
        """The books know how a scan is answered."""
        for scan in self._asked.values():
            if scan.request_id == said.request_id:
                _settle(scan, said)

    def heard(self, event: FromMachine) -> None:
        """What a machine said is durable: does it need codes?"""
        shelf = self._shelves.get(event.machine)
        if shelf is None or not shelf.codes_ahead:
            return
        if isinstance(event, Born):
            self.refill(event.machine)
        elif isinstance(event, Requested):  # it had no code for a selection, or used one for a scan
            self.refill(event.machine, (event.lane,))

    # ------------------------------------------------------------ codes made ahead

    def refill(self, machine: str, lanes: Iterable[int] = ()) -> None:
        """Give a machine new codes in place of all that it holds for these lanes, or for all it has.

        None where there are to be none. What a machine does not get, it asks for by its next selection.
        """
        shelf = self._shelves.get(machine)
        if shelf is None:
            return
        wanted = tuple(lanes) or tuple(product.lane for product in shelf.products)
        if machine in self._wanting:
            waiting = self._wanting[machine]
            waiting.extend(lane for lane in wanted if lane not in waiting)
        else:
            self._wanting[machine] = deque(wanted)
            self._hands.spawn(self._fill(shelf), f"codes {machine}")

    async def _fill(self, shelf: Shelf) -> None:
        waiting = self._wanting[shelf.machine]
        while waiting:
            await self._give(shelf, waiting.popleft())
            await asyncio.sleep(REFILL_EVERY_S)
        del self._wanting[shelf.machine]

    async def _give(self, shelf: Shelf, lane: int) -> None:
        session = self._sessions.get(shelf.machine)
        if session is None:
            return
        self._version = max(self._version + 1, self._clock.wall_ms())
        message = TellCodes(
            jid=session.jid,
            boot=session.boot,
            version=self._version,
            lane=lane,
            codes=tuple(self._code(shelf, lane) for _ in range(shelf.codes_ahead)),
        )
        await self._hands.tell(shelf.machine, message)

    def _code(self, shelf: Shelf, lane: int) -> HeldCode:
        serial = int.from_bytes(self._hands.entropy(5), "big") % SERIALS
        text = self._tokens.seal(Token(use=Use.AHEAD, machine=shelf.machine, lane=lane, serial=serial))
        made_s = self._clock.wall_ms() // 1000
        return HeldCode(token=text, code_url=self._desk.code(text, made_s, merchant=shelf.merchant))


def _no(why: str) -> AnswerScan:
    return AnswerScan(request_id="", why=why)


def _settle(scan: _Scan, said: AnswerScan) -> None:
    if not scan.answer.done():
        scan.answer.set_result(said)


def _identifier(entropy: Callable[[int], bytes]) -> str:
    """128 random bits as ids are written: 26 of a-z 2-7."""
    return base64.b32encode(entropy(16)).decode("ascii").rstrip("=").lower()


def _bound(kept: dict[K, V]) -> None:
    if len(kept) > PAYERS_KEPT:
        del kept[next(iter(kept))]
