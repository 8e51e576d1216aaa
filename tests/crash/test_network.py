"""The machine behind a line of its own: cut while a sale is under way, as slow as an old modem, or leaky.

The line joins two network namespaces, by a pair of virtual interfaces or by a forwarder of our own.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hw_sim.soak.cast import Truth
from tests.crash.line import Line
from tests.crash.rough import RoughLine
from tests.crash.test_attackers import PRICE_FEN, Siege
from tests.process.programs import PATIENCE_S
from tests.shell.broker import require_mosquitto

SALES = 3


async def sees(siege: Siege, wanted: Callable[[Truth], bool]) -> None:
    """Wait until the witnesses have it so."""
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(await siege.truth()):
            await asyncio.sleep(0.05)


def bridge_says(*states: str) -> Callable[[Truth], bool]:
    return lambda truth: (
        bool(truth.books.bridge) and all(sale.state in states for sale in truth.books.bridge.values())
    )


def one_end(ends: Mapping[str, int]) -> bool:
    """One sale, one good end."""
    vended, refunded = ends.get("vended", 0), ends.get("refunded", 0)
    return (vended, refunded, ends["starts"]) in ((1, 0, 1), (0, 1, 0))


@pytest.mark.timeout(180)
async def test_a_line_that_is_cut_between_code_and_payment_delays_the_end_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege, Line(siege) as line:
        code = await siege.chooses()
        line.cut()
        await siege.pays(code)
        await sees(siege, bridge_says("paid"))
        line.mend()
        assert one_end(await siege.ends())


@pytest.mark.timeout(180)
async def test_a_line_that_is_cut_while_the_motor_turns_brings_the_outcome_later(tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path, turn_ms=1500) as siege, Line(siege) as line:
        await siege.pays(await siege.chooses())
        await sees(siege, lambda truth: truth.motor_starts == 1)
        line.cut()
        await sees(siege, lambda truth: set(truth.books.journal.values()) == {"delivered"})
        assert bridge_says("paid")(await siege.truth())
        line.mend()
        assert await siege.ends() == {"vended": 1, "starts": 1, "back": 0}


@pytest.mark.timeout(180)
async def test_a_long_and_slow_line_sells(tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege, Line(siege, delay_s=0.2) as line:
        line.slow()
        await siege.pays(await siege.chooses())
        assert one_end(await siege.ends())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [1, 2])
async def test_sales_through_a_line_that_loses_every_fifth_packet_each_end_once(
    seed: int, tmp_path: Path
) -> None:
    """A fifth is lost, some come twice, a fifth comes behind what was sent after it."""
    require_mosquitto()
    async with Siege(tmp_path) as siege, RoughLine(siege, seed) as line:
        for _ in range(SALES):
            await siege.pays(await siege.chooses())
            ends = await siege.ends()
        goods, money = ends.get("vended", 0), ends.get("refunded", 0)
        assert goods == ends["starts"] > 0
        assert goods + money == SALES
        assert ends["back"] == money * PRICE_FEN
        counts = line.counts
        assert counts["lost"] > 0.1 * counts.total(), counts
        assert min(counts["doubled"], counts["late"]) > 0, counts
