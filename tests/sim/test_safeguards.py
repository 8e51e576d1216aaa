"""Every safeguard is missed when it is taken away, and the table in docs/ says by whom."""

from dataclasses import replace
from pathlib import Path

import pytest

from hw_sim.world.ablations import ABLATIONS, Ablation
from hw_sim.world.run import Life, run_seed
from hw_sim.world.safeguards import ELSEWHERE, table

ROOT = Path(__file__).parents[2]
TRIES = 40  # worlds, from the seed in the table on: another version of the programs may need another one


@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=lambda ablation: ablation.name)
def test_a_safeguard_that_is_taken_away_is_missed(ablation: Ablation) -> None:
    for seed in range(ablation.seed, ablation.seed + TRIES):
        with ablation.off():
            outcome = run_seed(seed, ablation.life)
        if any(found.invariant == ablation.invariant for found in outcome.violations):
            return
    pytest.fail(f"{ablation.name}: nobody missed it from seed {ablation.seed} on")


@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=lambda ablation: ablation.name)
def test_with_the_safeguard_the_same_world_breaks_nothing(ablation: Ablation) -> None:
    with ablation.off():
        pass
    assert run_seed(ablation.seed, replace(ablation.life, sales=10)).violations == ()


def test_an_ablation_leaves_the_programs_as_they_were() -> None:
    before = run_seed(5).digest
    for ablation in ABLATIONS.values():
        with ablation.off():
            pass
    assert run_seed(5).digest == before


def test_every_safeguard_of_the_lifecycle_is_in_the_table() -> None:
    names = {part for ablation in ABLATIONS.values() for part in ablation.name.split("+")}
    names |= {row[2] for row in ELSEWHERE}
    assert names == {
        *(
            "OPENDB",
            "INTENT",
            "NOREACT",
            "UNIQUE",
            "DEDUPE",
            "ROW",
            "SESSION",
            "LOCK",
            "SETTLE",
            "JUDGE",
            "SEQ",
        ),
        *(
            "STALE",
            "ROLL",
            "FRESH",
            "TOMB",
            "LEASE",
            "RECHECK",
            "WRITE",
            "REPEAT",
            "SLACK",
            "TIME",
            "BOOT",
            "SIG",
        ),
        *(
            "EVIDENCE",
            "QUERY",
            "SENT",
            "FOREIGN",
            "RNO",
            "RTWO",
            "POLL",
            "ACK",
            "CLOSE",
            "NORETRY",
            "DBFIRST",
            "ECHO",
        ),
    }


def test_the_tests_that_the_table_names_are_there() -> None:
    for row in ELSEWHERE:
        for place in row[4].split(", "):
            assert (ROOT / place).exists(), place


def test_the_page_is_what_the_command_makes() -> None:
    assert (ROOT / "docs/safeguards.md").read_text() == table() + "\n"


def test_life_in_a_world_without_trouble_is_good() -> None:
    outcome = run_seed(1, Life(sales=6, only=frozenset(), every_s=60.0, all_pay=True))
    assert outcome.violations == ()
    assert outcome.counts["vended"] == 6
