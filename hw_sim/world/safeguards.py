"""The table of safeguards: promise, invariant, safeguard, the test and the seed that catch its absence."""

from typing import Final

from hw_sim.world.ablations import ABLATIONS
from hw_sim.world.marks import EXEMPT

_HEAD: Final = """# Safeguards, and who misses them

Made by `wxvend sim world --list-safeguards --markdown`. Each safeguard of the lifecycle is taken away,
alone or with the one that backs it up, and something has to break. `wxvend sim world --seed N --without NAME`
shows how; `tests/sim/test_safeguards.py` lives through each of these seeds again.

| promise | invariant | safeguard | without it | test | seed |
|---|---|---|---|---|---|"""
# Safeguards below or beside what the world simulates, and the tests that miss them.
ELSEWHERE: Final = (
    ("P4", "I5", "LOCK", "two daemons drive one bus", "tests/model, tests/unit/edge/test_journal.py"),
    ("P4", "I5", "SETTLE", "evidence is read while a frame is in the line", "tests/model"),
    (
        "P4",
        "I5",
        "SEQ",
        "an old record passes for this sale's",
        "tests/model, tests/unit/edge/test_machine.py",
    ),
    (
        "P4",
        "I5",
        "ROLL",
        "a rolled-back journal is believed",
        "tests/model, tests/unit/bridge/test_session.py",
    ),
    (
        "P6",
        "I7",
        "QUERY",
        "nobody asks what became of a sale",
        "tests/model, tests/unit/bridge/test_table.py",
    ),
    ("P1", "I3", "REPEAT", "a late frame is repeated", "tests/model, tests/unit/drivers/test_xy_vend.py"),
)


def table() -> str:
    """The page, as Markdown."""
    inside = [
        f"| {each.promise} | {each.invariant} | {each.name} | {each.words} | tests/sim | {each.seed} |"
        for each in ABLATIONS.values()
    ]
    outside = [f"| {' | '.join(row)} | |" for row in ELSEWHERE]
    exempt = [f"| {name} | {why} |" for name, why in EXEMPT.items()]
    return "\n".join(
        (
            _HEAD,
            *inside,
            *outside,
            "",
            "## What no world reaches",
            "",
            "Each of these marks and rules is tried by the test that is named instead. Stay cells change",
            "nothing and ask for nothing; they are counted and not asked for: all of them are walked through",
            "in `tests/unit/bridge/test_table.py` and `tests/unit/edge/test_sale_table.py`.",
            "",
            "| mark or cell | why not, and what tries it |",
            "|---|---|",
            *exempt,
        )
    )
