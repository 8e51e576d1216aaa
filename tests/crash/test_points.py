"""Machine and bridge die in the middle of chosen calls; `scripts/soak --every-point` does all of them."""

import os
import shutil
from pathlib import Path

import pytest

from hw_sim.soak.points import CALLS, SCENARIOS, Point, arena, strike
from tests.shell.broker import require_mosquitto

# As many of each kind as the shortest scenario has for certain.
SURE = {
    "edge": {"pwrite64": 16, "fdatasync": 2, "write": 2},
    "bridge": {"pwrite64": 12, "fdatasync": 2, "publish": 4, "call": 1, "answer": 1},
}


def chosen(victim: str) -> list[Point]:
    """One point of each scenario (of every third one for the bridge), early and late ones among them."""
    points = []
    for number, scenario in enumerate(SCENARIOS):
        if victim == "bridge" and number % 3:
            continue
        call = CALLS[victim][number % len(CALLS[victim])]
        k = 1 + 5 * number % SURE[victim][call]
        points.append(Point(scenario=scenario, victim=victim, call=call, k=k))
    return points


@pytest.fixture
def _strace() -> None:
    require_mosquitto()
    if shutil.which("strace") is None:
        assert os.environ.get("CI") != "true", "no strace. Try: apt install strace"
        pytest.skip("no strace. Try: apt install strace")


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("_strace")
@pytest.mark.parametrize("victim", CALLS)
async def test_a_daemon_that_dies_in_a_call_leaves_books_that_agree(victim: str, tmp_path: Path) -> None:
    async with arena(tmp_path) as cast:
        for point in chosen(victim):
            found = await strike(cast, point)
            assert found.wrong == [], point
            assert found.reached, point


# The disk says no to a flush, has no room, or has become read-only under the daemon's feet.
REFUSALS = (
    ("fdatasync", 1, "EIO"),
    ("fdatasync", 2, "EIO"),
    ("pwrite64", 7, "ENOSPC"),
    ("pwrite64", 12, "EROFS"),
)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("_strace")
@pytest.mark.parametrize("victim", CALLS)
async def test_a_daemon_whose_disk_fails_once_ends_at_once_and_says_nothing_that_is_not_durable(
    victim: str, tmp_path: Path
) -> None:
    async with arena(tmp_path) as cast:
        for call, k, error in REFUSALS:
            point = Point(scenario="vended", victim=victim, call=call, k=k, blow=f"error={error}")
            found = await strike(cast, point)
            assert found.wrong == [], point
            assert "ended with exit code 1" in found.death, point
