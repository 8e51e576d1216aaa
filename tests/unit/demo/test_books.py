"""The four witnesses of a demo's run: every contradiction between them has to be seen."""

from dataclasses import replace

import pytest

from hw_sim.demo.books import Books, BridgeSale, Order, disagreements

SALE = "a" * 26
VENDED = Books(
    journal={SALE: "delivered"},
    bridge={SALE: BridgeSale(state="vended", paid_fen=350, refunded_fen=0)},
    platform={SALE: Order(state="SUCCESS", paid_fen=350, refunded_fen=0)},
    pieces_dropped=1,
)
REFUNDED = Books(
    journal={SALE: "not_delivered"},
    bridge={SALE: BridgeSale(state="refunded", paid_fen=350, refunded_fen=350)},
    platform={SALE: Order(state="REFUND", paid_fen=350, refunded_fen=350)},
    pieces_dropped=0,
)
UNPAID = Books(
    journal={SALE: "closed"},
    bridge={SALE: BridgeSale(state="closed", paid_fen=0, refunded_fen=0)},
    platform={SALE: Order(state="CLOSED", paid_fen=0, refunded_fen=0)},
    pieces_dropped=0,
)


@pytest.mark.parametrize("books", [VENDED, REFUNDED, UNPAID], ids=["vended", "refunded", "unpaid"])
def test_a_sale_that_ended_well_has_nothing_to_explain(books: Books) -> None:
    assert disagreements(books) == []


def test_a_sale_in_doubt_may_or_may_not_have_dropped() -> None:
    case = replace(REFUNDED, journal={SALE: "uncertain"})
    assert disagreements(case) == []
    assert disagreements(replace(case, pieces_dropped=1)) == []
    assert disagreements(replace(case, pieces_dropped=2)) != []


def test_a_sale_the_bridge_never_heard_of_is_fine_only_when_it_is_closed() -> None:
    nobody = replace(UNPAID, bridge={}, platform={})
    assert disagreements(nobody) == []
    assert disagreements(replace(nobody, journal={SALE: "delivered"}, pieces_dropped=1)) != []


@pytest.mark.parametrize(
    ("books", "words"),
    [
        (replace(VENDED, pieces_dropped=0), "0 pieces fell"),
        (replace(VENDED, pieces_dropped=2), "2 pieces fell"),
        (replace(VENDED, journal={SALE: "closed"}, pieces_dropped=0), "vended, but closed"),
        (replace(VENDED, journal={SALE: "intent"}), "still intent"),
        (replace(VENDED, platform={}), "platform 0 and 0"),
        (replace(VENDED, platform={SALE: Order(state="REFUND", paid_fen=350, refunded_fen=350)}), "platform"),
        (replace(REFUNDED, journal={SALE: "delivered"}, pieces_dropped=1), "refunded, but delivered"),
        (replace(UNPAID, platform={SALE: Order(state="NOTPAY", paid_fen=0, refunded_fen=0)}), "NOTPAY"),
        (replace(UNPAID, platform={SALE: Order(state="SUCCESS", paid_fen=350, refunded_fen=0)}), "350"),
        (
            replace(UNPAID, bridge={SALE: BridgeSale(state="paid", paid_fen=0, refunded_fen=0)}),
            "still paid at the bridge",
        ),
        (replace(UNPAID, journal={}, bridge={}), "never opened"),
        (
            replace(
                REFUNDED, journal={}, bridge={SALE: BridgeSale(state="paid", paid_fen=350, refunded_fen=350)}
            ),
            "still paid at the bridge",
        ),
    ],
)
def test_each_contradiction_is_named(books: Books, words: str) -> None:
    assert any(words in line for line in disagreements(books)), disagreements(books)
