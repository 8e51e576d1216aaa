"""One sale from beginning to end, as a scenario has it: the shopper acts, then all is left to settle."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hw_sim.demo.books import Books, disagreements
from hw_sim.demo.eye import Eye
from hw_sim.demo.mishaps import CODE_TIMEOUT_S, FIRST, SECOND, Scene, strike
from hw_sim.demo.scenarios import Pays, Scenario
from hw_sim.demo.scenery import Terms
from hw_sim.demo.stage import Stage
from hw_sim.demo.story import Fact
from hw_sim.demo.window import now_ms

TERMS: Final = Terms(lease_s=8, grace_s=1, pay_s=5, last_payer_s=2, query_first_s=1.0, doubt_s=1.0)
SETTLE_TIMEOUT_S: Final = 25.0
_LOOK_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is known at the end. `seen_ms` is when the camera could read the code.

    `differs` is in what the witnesses disagree as the scenario allows; `lane` what the machine shows of its.
    """

    began_ms: float
    seen_ms: float
    books: Books
    wrong: list[str]
    facts: list[Fact]
    differs: list[str] = field(default_factory=list)
    lane: Mapping[str, Any] = field(default_factory=dict)


async def play(stage: Stage, scenario: Scenario) -> Ending:
    """Run the scenario. Raises TimeoutError without a code, CallFailed without a simulator."""
    if scenario.board:
        stage.break_board(scenario.board)
    if scenario.platform:
        await stage.break_platform(scenario.platform)
    eye = Eye(stage.picture)
    began_ms = now_ms()
    stage.choose(FIRST)
    code = await eye.new_code(CODE_TIMEOUT_S)
    seen_ms = eye.drawn_ms
    await _pay(stage, scenario, code, eye)
    books, wrong = await _settle(stage, scenario)
    return Ending(
        began_ms=began_ms,
        seen_ms=seen_ms,
        books=books,
        wrong=wrong,
        facts=stage.window.story.since(began_ms),
        differs=[line for line in disagreements(books) if _allowed(line, scenario)],
        lane=stage.window.states.get(f"lane/{FIRST}", {}),
    )


async def _pay(stage: Stage, scenario: Scenario, shown: str, eye: Eye) -> None:
    code = await stage.read(shown)
    match scenario.pays:
        case Pays.NOW:
            if scenario.mishap is None:
                await stage.pay(code)
            else:
                await strike(scenario.mishap, Scene(stage, eye, code))
        case Pays.TOO_LATE:
            await asyncio.sleep(
                TERMS.lease_s
            )  # counted from after the selection, so it is over at the machine
            await stage.pay(code, race=True)
        case Pays.FIRST_OF_TWO:
            stage.choose(SECOND)
            await eye.new_code(CODE_TIMEOUT_S)
            await stage.pay(code, race=True)
            stage.cancel()
        case Pays.NEVER:
            pass


async def _settle(stage: Stage, scenario: Scenario) -> tuple[Books, list[str]]:
    """Look until nothing is open and two looks in a row see the same; else what is wrong."""
    before: object = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while True:
                books, notices = await stage.books()
                wrong = _contradictions(books, scenario) + _unfinished(notices, scenario)
                if not wrong and before == books:
                    return books, wrong
                before = books
                await asyncio.sleep(_LOOK_EVERY_S)
    books, notices = await stage.books()
    wrong = _contradictions(books, scenario) + _unfinished(notices, scenario)
    return books, wrong or [f"nothing came to rest within {SETTLE_TIMEOUT_S:g} s"]


def _contradictions(books: Books, scenario: Scenario) -> list[str]:
    return [line for line in disagreements(books) if not _allowed(line, scenario)]


def _allowed(line: str, scenario: Scenario) -> bool:
    return scenario.differs != "" and line.endswith(scenario.differs)


def _unfinished(notices: Mapping[str, int], scenario: Scenario) -> list[str]:
    sent = sum(notices.values())
    if sent >= scenario.notices:
        return []
    return [f"the platform has notified {sent} of {scenario.notices} times"]
