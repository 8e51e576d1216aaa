"""Machine and bridge die in the middle of chosen calls; `scripts/soak --every-point` does all of them."""

import os
import shutil
from pathlib import Path

import pytest

from hw_sim.soak.cast import Cast
from hw_sim.soak.points import CALLS, SCENARIOS, Point, strike
from tests.shell.broker import require_mosquitto

# As many of each kind as the shortest scenario has for certain.
SURE = {"edge": {"pwrite64": 16, "fdatasync": 2, "write": 2}, "bridge": {"pwrite64": 12, "fdatasync": 2}}


def chosen(victim: str) -> list[Point]:
    """One point of each scenario (of every other one for the bridge), early and late ones among them."""
    points = []
    for number, scenario in enumerate(SCENARIOS):
        if victim == "bridge" and number % 2:
            continue
        call = CALLS[victim][number % len(CALLS[victim])]
        k = 1 + 5 * number % SURE[victim][call]
        points.append(Point(scenario=scenario, victim=victim, call=call, k=k))
    return points


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", CALLS)
async def test_a_daemon_that_dies_in_a_call_leaves_books_that_agree(victim: str, tmp_path: Path) -> None:
    require_mosquitto()
    if shutil.which("strace") is None:
        assert os.environ.get("CI") != "true", "no strace. Try: apt install strace"
        pytest.skip("no strace. Try: apt install strace")
    async with Cast(tmp_path, poll_ms=100) as cast:
        for point in chosen(victim):
            found = await strike(cast, point)
            assert found.wrong == [], point
            assert found.reached, point
