"""`wxvend demo --fleet N`: machines side by side live through a day, and every book agrees at its end."""

import json
import subprocess
import sys
from pathlib import Path

WXVEND = str(Path(sys.executable).with_name("wxvend"))


def test_a_day_of_two_machines_ends_with_books_that_agree() -> None:
    done = subprocess.run(
        [WXVEND, "demo", "--fleet", "2", "--minutes", "0.2", "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"]
    assert told["machines"] == 2
    assert told["sales"] > 5
    assert told["paid_fen"] == told["vended_fen"] + told["refunded_fen"]
    assert told["pieces_dropped"] > 3
