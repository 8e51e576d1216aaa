"""What a technician asks of a machine through its own driver: who it is, how it is, its lanes, one turn.

Each function waits in the loop's time and is given a `Visit`: a driver that runs, and what it told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from edge.core.errors import BusError
from edge.core.machine import next_seq
from edge.core.model import Delivered, NotDelivered, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.registry import Trace, make_dispenser
from edge.drivers.serial_port import Transport
from edge.ports import (
    BusDown,
    BusEvent,
    BusUp,
    ClimateReported,
    Clock,
    Dispenser,
    LaneReported,
    TroubleTold,
)
from edge.tech.conformance import proof

UP_S: Final = 20.0
CLIMATE_S: Final = 5.0
LOOK_S: Final = 0.05
LONGEST_S: Final = 300.0
START_S: Final = 10  # a test's motor starts within this time or not at all
TEST_SALE: Final = "technician"
_STOPS: Final = frozenset({"over_current"})  # a short: the next motor may burn the board


class NoAnswer(Exception):
    """The board cannot be worked with: what was seen, and what to look at."""


class Refused(Exception):
    """This cannot be done here, and why. Nothing moved."""


@dataclass(slots=True)
class Visit:
    """A driver that runs now, and what it told since."""

    dispenser: Dispenser
    clock: Clock
    told: list[BusEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFound:
    """One lane. `board`: it is there as the board says; `planned`: the planogram has it, None without one.

    `reason`: why it cannot vend now, empty when it can, None where the scan had stopped before it.
    """

    lane: int
    reason: str | None
    planned: bool | None

    @property
    def words(self) -> str:
        """What there is to do about it, empty for nothing."""
        if self.reason == "no_such_lane":
            return "planned, and not in the machine" if self.planned else "not in the machine"
        if self.planned is False:
            return "in the machine, and not planned: nobody can buy here"
        return "not looked at" if self.reason is None else self.reason


@asynccontextmanager
async def visiting(
    settings: Any, clock: Clock, *, trace: Trace | None = None, port: Transport | None = None
) -> AsyncIterator[Visit]:
    """Run the bus's driver for as long as the visit lasts."""
    dispenser = make_dispenser(settings, clock, trace=trace, port=port)
    visit = Visit(dispenser, clock)
    run = asyncio.create_task(dispenser.run(visit.told.append), name="bus")
    try:
        yield visit
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run


async def identify(visit: Visit) -> dict[str, Any]:
    """Who is there, and what it can do and prove. Raises NoAnswer."""
    able = visit.dispenser.capabilities
    return {
        "identity": await up(visit),
        "bus": able.bus,
        "lanes": sorted(_lanes(visit)),
        "keypad": able.keypad,
        "drop_sensor": able.witness.drop_sensor,
        "proves_delivery": able.proves_delivery,
        "machine_asks": able.asks,
        "after_a_power_cut": proof(able.witness),
    }


async def status(visit: Visit) -> dict[str, Any]:
    """How it is: temperature, door, lanes, troubles, counters. None: not told. Raises NoAnswer."""
    identity = await up(visit)
    await _until(lambda: any(isinstance(event, ClimateReported) for event in visit.told), CLIMATE_S)
    climate = next((event for event in reversed(visit.told) if isinstance(event, ClimateReported)), None)
    troubles = {event.name: event.text for event in visit.told if isinstance(event, TroubleTold)}
    return {
        "identity": identity,
        "temperature_c": climate.temperature_c if climate else None,
        "door_open": climate.door_open if climate else None,
        "troubles": {name: text for name, text in troubles.items() if text},
        "lanes": [asdict(lane) for _, lane in sorted(_lanes(visit).items())],
        "counters": asdict(visit.dispenser.health()),
    }


async def scan(
    visit: Visit, lanes: tuple[int, ...], planned: frozenset[int] | None
) -> AsyncIterator[LaneFound]:
    """Check each lane without turning a motor, those of board and planogram when `lanes` is empty.

    Stops at the first over-current. Raises NoAnswer.
    """
    await up(visit)
    stopped = False
    for lane in lanes or sorted({*_lanes(visit), *(planned or ())}):
        reason = None if stopped else await _checked(visit, lane)
        stopped = stopped or reason in _STOPS
        yield LaneFound(lane=lane, reason=reason, planned=None if planned is None else lane in planned)


async def turn_once(visit: Visit, lane: int) -> dict[str, Any]:
    """Turn one motor once, and say what came of it. Raises NoAnswer, and Refused when nothing moved."""
    await up(visit)
    if visit.dispenser.capabilities.asks:
        raise Refused("on this bus the machine itself asks for vends. Try: its own service menu")
    if reason := await _checked(visit, lane):
        raise Refused(f"lane {lane} cannot vend: {reason}. Nothing moved")
    try:
        baseline = await visit.dispenser.baseline(lane)
    except BusError as error:
        raise Refused(f"lane {lane}: {error}") from error
    now_ms = visit.clock.now_ms()
    bits = visit.dispenser.capabilities.seq_bits
    order = VendOrder(
        sale_id=TEST_SALE,
        lane=lane,
        seq=next_seq(now_ms, bits, baseline),
        baseline=baseline,
        start_before_ms=now_ms + 1000 * START_S,
    )
    async with asyncio.timeout(LONGEST_S):
        outcome = await visit.dispenser.vend(order)
        if isinstance(outcome, Uncertain):  # as the engine does: the board is identified anew
            await visit.dispenser.resync()
    return _ended(lane, outcome)


def _ended(lane: int, outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Delivered(evidence=evidence):
            why = ""
        case NotDelivered(why=why, evidence=evidence) | Uncertain(why=why, evidence=evidence):
            pass
        case Withheld(why=why):
            raise Refused(f"lane {lane}: {why}. Nothing moved")
    return {"lane": lane, "outcome": type(outcome).__name__, "why": why, "evidence": evidence}


async def _checked(visit: Visit, lane: int) -> str:
    try:
        async with asyncio.timeout(LONGEST_S):
            return await visit.dispenser.check(lane)
    except BusError as error:
        return str(error)


async def up(visit: Visit) -> str:
    """Until the board is identified and idle; who it is. Raises NoAnswer."""
    if not await _until(lambda: _is_up(visit), UP_S):
        whys = [event.why for event in visit.told if isinstance(event, BusDown)]
        seen = f"{', '.join(dict.fromkeys(whys)) or 'silent'}, {visit.dispenser.health().frames} frames"
        raise NoAnswer(
            f"no board within {UP_S:.0f} s ({seen}). "
            "Look at: its power, RX and TX, ground, the bus's name and baud"
        )
    return next(event.identity for event in reversed(visit.told) if isinstance(event, BusUp))


async def _until(true: Callable[[], bool], within_s: float) -> bool:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while not true():
        if loop.time() >= end_s:
            return False
        await asyncio.sleep(LOOK_S)
    return True


def _is_up(visit: Visit) -> bool:
    news = [event for event in visit.told if isinstance(event, BusUp | BusDown)]
    return bool(news) and isinstance(news[-1], BusUp)


def _lanes(visit: Visit) -> dict[int, LaneReported]:
    """The newest word on each lane."""
    return {event.lane: event for event in visit.told if isinstance(event, LaneReported)}
