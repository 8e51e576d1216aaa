"""One sale from beginning to end, as a scenario has it: the shopper acts, then all is left to settle."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hw_sim.demo.books import Books, disagreements
from hw_sim.demo.eye import Eye
from hw_sim.demo.scenarios import Pays, Scenario
from hw_sim.demo.scenery import Terms
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.stage import Stage
from hw_sim.demo.story import Fact
from hw_sim.demo.window import now_ms

TERMS: Final = Terms(lease_s=8, grace_s=1, pay_s=5, last_payer_s=2, query_first_s=1.0)
CODE_TIMEOUT_S: Final = 10.0
SETTLE_TIMEOUT_S: Final = 18.0
_LOOK_EVERY_S: Final = 0.2
_FIRST, _SECOND = SHELF[0].lane, SHELF[1].lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is known at the end. `seen_ms` is when the camera could read the code."""

    began_ms: float
    seen_ms: float
    books: Books
    wrong: list[str]
    facts: list[Fact]


async def play(stage: Stage, scenario: Scenario) -> Ending:
    """Run the scenario. Raises TimeoutError without a code, CallFailed without a simulator."""
    if scenario.board:
        stage.break_board(scenario.board)
    if scenario.platform:
        await stage.break_platform(scenario.platform)
    eye = Eye(stage.picture)
    began_ms = now_ms()
    stage.choose(_FIRST)
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
    )


async def _pay(stage: Stage, scenario: Scenario, code: str, eye: Eye) -> None:
    match scenario.pays:
        case Pays.NOW:
            await stage.scan(code)
            await stage.pay(code)
        case Pays.TOO_LATE:
            await stage.scan(code)
            await asyncio.sleep(
                TERMS.lease_s
            )  # counted from after the selection, so it is over at the machine
            await stage.pay(code, race=True)
        case Pays.FIRST_OF_TWO:
            await stage.scan(code)
            stage.choose(_SECOND)
            await eye.new_code(CODE_TIMEOUT_S)
            await stage.pay(code, race=True)
            stage.cancel()
        case Pays.NEVER:
            await stage.scan(code)


async def _settle(stage: Stage, scenario: Scenario) -> tuple[Books, list[str]]:
    """Look until nothing is open and two looks in a row see the same; else what is wrong."""
    before: object = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while True:
                books, notices = await stage.books()
                wrong = disagreements(books) + _unfinished(notices, scenario)
                if not wrong and before == books:
                    return books, wrong
                before = books
                await asyncio.sleep(_LOOK_EVERY_S)
    books, notices = await stage.books()
    wrong = disagreements(books) + _unfinished(notices, scenario)
    return books, wrong or [f"nothing came to rest within {SETTLE_TIMEOUT_S:g} s"]


def _unfinished(notices: Mapping[str, int], scenario: Scenario) -> list[str]:
    sent = sum(notices.values())
    if sent >= scenario.notices:
        return []
    return [f"the platform has notified {sent} of {scenario.notices} times"]
