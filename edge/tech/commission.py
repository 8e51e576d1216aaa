"""The checklist of a machine that begins its service, as far as its bus can show it.

A person does what no bus can: fills a lane, opens the door, cuts the power. What the driver tells decides;
the person is asked for what only eyes can see.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from edge.ports import BusDown, BusEvent, BusUp, ClimateReported, KeyPressed
from edge.tech.trial import Failed, Finding, Inapplicable, Verdict
from edge.tech.visit import LOOK_S, NoAnswer, Refused, Visit, identify, scan, turn_once

BY_HAND_S: Final = 60.0  # from a person's word until the board has told
POWER_S: Final = 120.0
DONE: Final = "done"
YES: Final = "yes"
SKIP: Final = "skip"


class Person(Protocol):
    """Who stands at the machine."""

    async def ask(self, step: str, words: str) -> str:
        """Say `words`; what came back: done, yes, no or skip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`planned`: the planogram, None without one; `lane`: the one that may turn, None for none."""

    planned: frozenset[int] | None
    lane: int | None


async def commission(visit: Visit, person: Person, plan: Plan) -> AsyncIterator[Finding]:
    """Every step, in order. Where the board does not answer at all, the first step is the last."""
    for step in STEPS:
        name = step.__name__.removeprefix("_").replace("_", " ")
        try:
            words = await step(visit, person, plan)
            yield Finding(check=name, verdict=Verdict.PASS, words=words)
        except Inapplicable as error:
            yield Finding(check=name, verdict=Verdict.NOT_APPLICABLE, words=str(error))
        except (Failed, Refused, TimeoutError) as error:
            words = str(error) or "took too long. Fix: look into the machine, then this step again"
            yield Finding(check=name, verdict=Verdict.FAIL, words=words)
        except NoAnswer as error:
            yield Finding(check=name, verdict=Verdict.FAIL, words=str(error))
            return


async def _identify(visit: Visit, person: Person, plan: Plan) -> str:
    told = await identify(visit)
    return f"{told['identity']}, {len(told['lanes'])} lanes. After a power cut: {told['after_a_power_cut']}"


async def _scan(visit: Visit, person: Person, plan: Plan) -> str:
    found = [lane async for lane in scan(visit, (), plan.planned)]
    wrong = [f"{lane.lane}: {lane.words}" for lane in found if lane.words]
    if wrong:
        raise Failed(f"{'; '.join(wrong)}. Fix: motor and plug of the lane, or its place in the planogram")
    if plan.planned is None:
        return f"{len(found)} lanes can vend; no planogram to compare with"
    return f"{len(found)} lanes can vend, as planned"


async def _vend_with_a_product(visit: Visit, person: Person, plan: Plan) -> str:
    lane = _turning(visit, plan)
    await _done(person, "vend_full", f"Fill lane {lane} and close the door. Its motor will turn once.")
    told = await turn_once(visit, lane)
    if told["outcome"] != "Delivered":
        raise Failed(
            f"lane {lane} ended as {told['outcome']} {told['why']}. Fix: spiral, drop sensor and its setting"
        )
    return f"lane {lane}: delivered"


async def _vend_without_a_product(visit: Visit, person: Person, plan: Plan) -> str:
    lane = _turning(visit, plan)
    able = visit.dispenser.capabilities
    if not able.proves_delivery or not able.witness.drop_sensor:
        raise Inapplicable("no drop sensor: nothing on this bus can see an empty turn")
    await _done(person, "vend_empty", f"Empty lane {lane} and close the door. Its motor will turn once.")
    told = await turn_once(visit, lane)
    if told["outcome"] == "Delivered":
        raise Failed(f"lane {lane} is empty and ended as delivered. Fix: the drop sensor is off, or blind")
    return f"lane {lane}: {told['outcome']} {told['why']}"


async def _door(visit: Visit, person: Person, plan: Plan) -> str:
    if not any(isinstance(event, ClimateReported) and event.door_open is not None for event in visit.told):
        raise Inapplicable("the board tells no door")
    for is_right, step, words in (
        (_door_open, "door_open", "Open the door."),
        (_door_closed, "door_closed", "Close the door."),
    ):
        seen = len(visit.told)
        await _done(person, step, words)
        if not await _told(visit, seen, is_right):
            raise Failed(
                f"{words} It was not told within {BY_HAND_S:.0f} s. Fix: the switch, and its polarity"
            )
    return "opened and closed, and both were told"


async def _temperature_probe(visit: Visit, person: Person, plan: Plan) -> str:
    if not any(
        isinstance(event, ClimateReported) and event.temperature_c is not None for event in visit.told
    ):
        raise Inapplicable("the board tells no temperature")
    seen = len(visit.told)
    await _done(person, "probe_out", "Unplug the temperature probe.")
    gone = await _told(visit, seen, lambda event: _temperature_is(event, known=False))
    seen = len(visit.told)
    await _done(person, "probe_in", "Plug the temperature probe in again.")
    if not gone:
        raise Failed("a missing probe was not told. Fix: the probe's input, and the board's setting for it")
    if not await _told(visit, seen, lambda event: _temperature_is(event, known=True)):
        raise Failed("the probe is in, and no temperature was told. Fix: its plug")
    return "unplugged and plugged in, and both were told"


async def _power_cut(visit: Visit, person: Person, plan: Plan) -> str:
    lane = _turning(visit, plan)
    await _done(
        person,
        "power_cut",
        f"Fill lane {lane}. Its motor will turn: cut the board's power meanwhile, for 5 s.",
    )
    seen = len(visit.told)
    told = await turn_once(visit, lane)
    back = await _told(visit, seen, lambda event: isinstance(event, BusUp), within_s=POWER_S)
    away = any(isinstance(event, BusDown) for event in visit.told[seen:])
    if not away and told["outcome"] != "Uncertain":
        raise Failed(
            "the board was never away. Fix: this step again, with the power cut while the motor turns"
        )
    if not back:
        raise Failed(f"the board did not come back within {POWER_S:.0f} s. Fix: its power")
    answer = await person.ask("turned_again", "Did a motor turn again after the power came back? yes or no")
    if answer == YES:
        raise Failed("a motor turned again by itself. Fix: do not sell with this board")
    return f"ended as {told['outcome']} {told['why']}, and nothing turned again"


async def _price_of_the_machine(visit: Visit, person: Person, plan: Plan) -> str:
    if not visit.dispenser.capabilities.asks:
        raise Inapplicable("this machine knows no prices")
    seen = len(visit.told)
    await _done(person, "choose", "Choose a product at the machine.")
    if not await _told(visit, seen, lambda event: isinstance(event, KeyPressed)):
        raise Failed("no wish was told. Fix: the machine's own setting for card readers, and the cable")
    wish = next(event for event in visit.told[seen:] if isinstance(event, KeyPressed))
    visit.dispenser.dismiss(wish.lane)
    if wish.lane == 0:
        raise Failed(
            "its item is not known here. Fix: `items` in the bus's settings, in the order of `lanes`"
        )
    words = f"The machine asked {wish.price_fen} fen for lane {wish.lane}. Is that what it shows? yes or no"
    if await person.ask("price_right", words) != YES:
        raise Failed(f"it asked {wish.price_fen} fen. Fix: scale and decimal places, on both sides")
    return f"lane {wish.lane} for {wish.price_fen} fen, as shown"


STEPS: Final[tuple[Callable[[Visit, Person, Plan], Awaitable[str]], ...]] = (
    _identify,
    _scan,
    _vend_with_a_product,
    _vend_without_a_product,
    _door,
    _temperature_probe,
    _power_cut,
    _price_of_the_machine,
)


def _turning(visit: Visit, plan: Plan) -> int:
    if visit.dispenser.capabilities.asks:
        raise Inapplicable("on this bus the machine itself asks for vends: try its own service menu")
    if plan.lane is None:
        raise Inapplicable("no lane was named that may turn. Try: --lane N")
    return plan.lane


async def _done(person: Person, step: str, words: str) -> None:
    if await person.ask(step, words) != DONE:
        raise Inapplicable("left out by the technician")


async def _told(
    visit: Visit, seen: int, right: Callable[[BusEvent], bool], *, within_s: float = BY_HAND_S
) -> bool:
    """Whether such a fact comes, or came since the first `seen`."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while not any(right(event) for event in visit.told[seen:]):
        if loop.time() >= end_s:
            return False
        await asyncio.sleep(LOOK_S)
    return True


def _door_open(event: BusEvent) -> bool:
    return isinstance(event, ClimateReported) and event.door_open is True


def _door_closed(event: BusEvent) -> bool:
    return isinstance(event, ClimateReported) and event.door_open is False


def _temperature_is(event: BusEvent, *, known: bool) -> bool:
    return isinstance(event, ClimateReported) and (event.temperature_c is not None) is known
