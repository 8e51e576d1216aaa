"""The real programs die at any moment, again and again, while somebody buys: no fen is lost or doubled."""

import asyncio
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hw_sim.demo.books import Books, BridgeSale, Order
from hw_sim.demo.eye import Eye
from hw_sim.demo.scenery import screen
from hw_sim.demo.shelf import SHELF
from hw_sim.soak.cast import Cast, Truth
from hw_sim.soak.rounds import Blow, Round, come_to_rest
from hw_sim.soak.tally import OtherSoak, Tally, opened
from tests.process.programs import Program
from tests.shell.broker import require_mosquitto

ROUNDS = 12


@pytest.mark.timeout(300)
async def test_whoever_is_killed_and_whenever_all_books_agree(tmp_path: Path) -> None:
    require_mosquitto()
    soak = (sys.executable, "-m", "hw_sim.soak", str(ROUNDS), "--seed", "7", "--keep", str(tmp_path / "soak"))
    async with Program(*soak) as program:
        async with asyncio.timeout(270):
            while program.running and not program.said(text="no violation"):
                await asyncio.sleep(0.1)
        assert await program.ended() == 0, program.lines
        last = [str(line["text"]) for line in program.lines if str(line.get("text")).startswith("rounds")][-1]
        assert last.startswith(f"rounds {ROUNDS} ")
        assert "vended" in last


async def test_a_piece_that_fell_and_was_paid_back_is_a_violation(tmp_path: Path) -> None:
    """The measure itself: a blind drop sensor really gives goods and money away, and the soak says so."""
    require_mosquitto()
    async with Cast(tmp_path) as cast:
        cast.press({"do": "fault", "name": "blind_sensor", "times": 1})
        cast.press({"do": "key", "lane": SHELF[0].lane})
        await cast.desk("pay", {"code_url": await Eye(screen(tmp_path)).new_code(10)})
        _, wrong = await come_to_rest(cast, patience=40)
        assert wrong == ["the machine wrote 0 deliveries, but 1 pieces fell"]


async def test_a_program_that_ends_by_itself_is_a_violation(tmp_path: Path) -> None:
    require_mosquitto()
    async with Cast(tmp_path) as cast:
        (tmp_path / "edge.toml").write_text("nonsense")
        await cast.kill("edge")
        await cast.start("edge")
        await cast.gone("edge")
        _, wrong = await come_to_rest(cast)
        assert wrong
        assert "edge ended with exit code 2" in cast.deaths[0]


def test_a_truth_that_does_not_add_up_is_told_by_name() -> None:
    paid = Order(state="SUCCESS", paid_fen=350, refunded_fen=0)
    books = Books(
        journal={"a": "delivered"},
        bridge={"a": BridgeSale(state="vended", paid_fen=350, refunded_fen=0)},
        platform={"a": paid},
        pieces_dropped=1,
    )
    good = Truth(books=books, motor_starts=1, intents=1, balances={"platform_clearing": 350, "sales": -350})
    assert good.wrong() == []
    assert replace(good, motor_starts=2).wrong() == ["1 intents are on the disk, but motors ran 2 times"]
    owing = {"platform_clearing": 350, "customer_liability": -350}
    assert replace(good, balances=owing).wrong() == [
        "every sale has ended, and customer_liability is -350 fen"
    ]
    assert replace(good, balances={}).wrong() == ["the platform has 350 fen for us, the ledger 0"]


def played(pieces: int, *, wrong: tuple[str, ...] = ()) -> Round:
    """A round after which `pieces` have been sold in its shop."""
    sale, order = (
        BridgeSale(state="vended", paid_fen=350, refunded_fen=0),
        Order(state="SUCCESS", paid_fen=350, refunded_fen=0),
    )
    names = [f"sale-{number}" for number in range(pieces)]
    books = Books(
        journal=dict.fromkeys(names, "delivered"),
        bridge=dict.fromkeys(names, sale),
        platform=dict.fromkeys(names, order),
        pieces_dropped=pieces,
    )
    truth = Truth(books=books, motor_starts=pieces, intents=pieces, balances={})
    blows = [Blow(victim="edge", at_s=1.0, dark_s=0.5)]
    return Round(blows=blows, did=Counter(pays=1), truth=truth, wrong=wrong)


def test_a_soak_that_was_broken_off_goes_on_with_the_rounds_and_counts_it_had(tmp_path: Path) -> None:
    book = tmp_path / "tally.json"
    tally = opened(book, 7, 0)
    one_shop = tally.take(0, played(2), Counter())
    tally.take(1, played(5), one_shop)  # the same books, three sales later
    tally.take(4, played(1), Counter())  # those of another shop
    again = opened(book, None, 99)
    assert (again.seed, again.done, again.before) == (7, {0, 1, 4}, 3)
    assert (again.kills, again.did) == (Counter(edge=3), Counter(pays=3))
    assert (again.ends["vended"], again.ends["pieces"], again.ends["paid fen"]) == (6, 6, 6 * 350)
    assert opened(tmp_path / "none.json", None, 99) == Tally(seed=99, path=tmp_path / "none.json")


def test_a_violation_is_still_one_after_a_soak_was_broken_off(tmp_path: Path) -> None:
    book = tmp_path / "tally.json"
    opened(book, 40, 0).take(3, played(1, wrong=("a piece too many",)), Counter())
    again = opened(book, 40, 0)
    assert again.violations == ["round 3, seed 43: a piece too many"]
    assert "VIOLATIONS 1" in again.line(10.0)
    assert list(again.table())[-1] == "round 3, seed 43: a piece too many"


def test_a_tally_of_something_else_is_refused_by_name(tmp_path: Path) -> None:
    book = tmp_path / "tally.json"
    book.write_text("[]")
    with pytest.raises(OtherSoak, match="no tally of a soak"):
        opened(book, None, 0)
    book.unlink()
    opened(book, 7, 0).take(0, played(1), Counter())
    with pytest.raises(OtherSoak, match="found seed 7, asked for 8"):
        opened(book, 8, 0)
