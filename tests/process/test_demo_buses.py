"""`wxvend demo --bus NAME`: one sale on each bus, with the real programs and a board on a pseudo-terminal."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hw_sim.boards.shelf import MODELS

WXVEND = str(Path(sys.executable).with_name("wxvend"))
AT_ONCE = 3
LONGEST_S = 240


def sale(bus: str) -> dict[str, Any]:
    """One sale on this bus, to its end."""
    done = subprocess.run(
        [WXVEND, "demo", "--once", "--json", "--bus", bus],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, f"{bus}: {done.stdout}{done.stderr}"
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.timeout(LONGEST_S)
def test_a_paid_product_drops_once_on_every_bus_but_xy_which_all_other_tests_use() -> None:
    buses = [bus for bus in MODELS if bus != "xy"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for bus, told in zip(buses, pool.map(sale, buses), strict=True):
            seen = told["result"], told["motor_starts"], told["pieces_dropped"], told["agreed"]
            assert seen == ("vended", 1, 1, True), bus


def test_a_bus_that_is_not_here_is_named_with_the_nearest() -> None:
    done = subprocess.run(
        [WXVEND, "demo", "--once", "--bus", "adh184"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "found 'adh184'" in done.stderr
    assert "Try: --bus adh814" in done.stderr
