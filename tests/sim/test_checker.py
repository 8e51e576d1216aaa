"""Every invariant can fail: for each of them a story or books that break it, and the checker says so."""

import hashlib

import pytest

from hw_sim.world import reckoning
from hw_sim.world.checker import Checker, Truth
from hw_sim.world.reckoning import Row
from hw_sim.world.story import Entry

SALE, OTHER, VM = "sale-one", "sale-two", "vm-0001"
Line = tuple[float, str, str, dict[str, object]]


def told(*lines: Line) -> list[str]:
    """The invariants that a story breaks."""
    checker = Checker({11: 350}, bound_s=96.0, gone_s=120.0, secrets=("weixin:",))
    for at_s, who, what, fields in lines:
        checker.take(Entry(at_s, who, what, tuple(fields.items())))
    return [violation.invariant for violation in checker.violations]


def asked(at_s: float, machine: str = VM) -> Line:
    return at_s, "bridge", "hears of the sale", {"sale_id": SALE, "machine": machine, "lane": 11}


def paid(at_s: float, fen: int = 350) -> Line:
    return at_s, "wechat", "payment.made", {"out_trade_no": SALE, "amount_fen": fen}


def orders(at_s: float) -> Line:
    return at_s, VM, "orders", {"sale_id": SALE, "lane": 11}


def starts(at_s: float) -> Line:
    return at_s, VM, "motor starts", {"lane": 11}


def falls(at_s: float, what: str = "piece falls") -> Line:
    return at_s, VM, what, {"lane": 11}


def refund(at_s: float, fen: int = 350, number: str = "R1", status: str = "SUCCESS") -> Line:
    fields = {"out_trade_no": SALE, "out_refund_no": number, "amount_fen": fen, "status": status}
    return at_s, "wechat", "refund.ended", fields


def asks_refund(at_s: float, number: str, status: str = "PROCESSING") -> Line:
    fields: dict[str, object] = {"out_trade_no": SALE, "out_refund_no": number, "status": status}
    return at_s, "wechat", "refund.asked", fields


def row(at_s: float, **changes: object) -> Line:
    usual = {
        "sale_id": SALE,
        "machine": VM,
        "state": "paid",
        "was": "paid",
        "before": "vend",
        "after": "vend",
    }
    return at_s, "bridge", "row", {**usual, "doubt": "", "case": "", "why": "", "past": False, **changes}


def happens(at_s: float, who: str, what: str, **fields: object) -> Line:
    return at_s, who, what, fields


OPENED = happens(8, VM, "durable", sale_id=SALE, was="", state="open")
VENDED = (asked(0), paid(10), orders(11), starts(12), falls(14))


def test_a_good_story_breaks_nothing() -> None:
    doubted = row(30, doubt="no_memory")
    cut = happens(13, VM, "power cut")
    assert told(*VENDED) == []
    assert told(*VENDED[:4], cut, falls(14), doubted, asks_refund(90, "R1"), refund(95)) == []
    again = (asks_refund(20, "R1"), refund(21, status="CLOSED"), asks_refund(22, "R2"))
    late = asks_refund(23, "R1", status="CLOSED")
    assert told(asked(0), paid(10), *again, late) == []


def test_money_that_a_person_gives_back_is_legal_beside_goods_and_counts_once() -> None:
    by_hand = happens(20, "operator", "gives back by hand", out_trade_no=SALE, out_refund_no="H1")
    assert told(*VENDED, by_hand, refund(23, number="H1")) == []
    assert told(*VENDED, by_hand, refund(23, number="H2")) == ["I5"]
    assert told(*VENDED, by_hand, refund(23, number="H1"), refund(24, number="H1")) == ["I4"]
    assert told(paid(10), by_hand, refund(23, number="H1"), refund(25, number="R1")) == ["I4"]


@pytest.mark.parametrize(
    ("invariant", "story"),
    [
        ("I1", (*VENDED, starts(20))),
        ("I1", (*VENDED, orders(19), starts(20))),
        ("I2", (asked(0), orders(11), starts(12))),
        ("I2", (asked(0), paid(10, 349), orders(11), starts(12))),
        ("I2", (starts(12),)),
        ("I2", (asked(0, "vm-0002"), paid(10), orders(11), starts(12))),
        ("I3", (asked(0), paid(10), orders(11), starts(96.5))),
        ("I3", (asked(0), paid(10), row(20, past=True), orders(21), starts(22))),
        ("I4", (paid(10), refund(20), refund(21))),
        ("I4", (refund(20),)),
        ("I4", (paid(10), asks_refund(20, "R1"), asks_refund(25, "R2"))),
        ("I4", (paid(10), asks_refund(20, "R1"), asks_refund(25, "R2", status="none"))),
        ("I5", (*VENDED, refund(60))),
        ("I5", (asked(0), paid(10), orders(11), starts(12), refund(13), falls(14))),
        ("I5", (asked(0), paid(10), refund(11), orders(11), starts(12))),
        ("I6", (happens(9, "bridge", "closes what can be paid", sale_id=SALE),)),
        ("I8", (paid(10), row(20, doubt="no_memory"))),
        ("I8", (happens(5, VM, "power cut"), paid(10), row(20, doubt="no_answer"))),
        ("I8", (paid(10), row(20, doubt="journal_lost"))),
        ("I8", (paid(10), happens(11, VM, "journal lost"), row(20, doubt="journal_cloned"))),
        ("I8", (happens(5, VM, "journal lost"), OPENED, paid(10), row(20, doubt="journal_replaced"))),
        ("I8", (paid(10), row(20, doubt="store_restored"))),
        ("I8", (paid(10), row(500, doubt="machine_gone"))),
        (
            "I8",
            (
                happens(400, VM, "cut off"),
                happens(450, "bridge", "hears", sale_id=SALE, machine=VM),
                row(500, doubt="machine_gone"),
            ),
        ),
        ("I10", (*VENDED, falls(15))),
        ("I11", (row(20, before="refund", after="vend"),)),
        ("I11", (row(20, was="vended", state="refunded"),)),
        ("I11", (row(20, was="closed", state="offered", before="", after=""),)),
        ("I11", (happens(20, VM, "durable", sale_id=SALE, was="closed", state="intent"),)),
        ("I11", (happens(20, VM, "durable", sale_id=SALE, was="", state="delivered"),)),
        ("I12", (happens(20, "bridge", "is told what was not counted", sale_id=SALE),)),
        ("I13", (happens(20, VM, "says what is not durable", sale_id=SALE),)),
        ("I14", (happens(20, VM, "sale.code", words="weixin://wxpay/bizpayurl?pr=x"),)),
        ("I16", (happens(20, VM, "offers what it cannot vend", sale_id=SALE),)),
    ],
)
def test_a_broken_story_is_found(invariant: str, story: tuple[Line, ...]) -> None:
    assert told(*story)[-1:] == [invariant]


def test_the_words_of_a_clone_are_no_answer_of_the_machine_that_is_gone() -> None:
    silent = happens(400, VM, "cut off")
    clone = happens(450, "bridge", "hears", sale_id=SALE, machine="vm-0002")
    assert told(paid(10), silent, clone, row(500, doubt="machine_gone")) == []


def test_words_of_a_start_that_the_books_never_heard_of_are_no_answer() -> None:
    silent = happens(400, VM, "cut off")
    for believed, found in ((False, []), (True, ["I8"])):
        word = happens(450, "bridge", "hears", sale_id=SALE, machine=VM, believed=believed)
        assert told(paid(10), silent, word, row(500, doubt="machine_gone")) == found


def test_a_sale_may_be_older_than_the_loss_of_its_journal_though_the_bridge_heard_of_it_later() -> None:
    story = (OPENED, happens(9, VM, "journal lost"), asked(12), paid(13), row(20, doubt="journal_replaced"))
    assert told(*story) == []


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("no_memory", happens(15, VM, "killed")),
        ("no_answer", happens(15, VM, "bytes are lost", lane=0)),
        ("no_answer", happens(2, VM, "the board stumbles", fault="no_result")),
        ("board_restarted", happens(15, VM, "board blinks")),
        ("journal_lost", happens(15, VM, "journal lost")),
        ("journal_rolled_back", happens(15, VM, "journal rolled back")),
        ("journal_replaced", happens(15, VM, "journal lost")),
        ("machine_gone", happens(15, VM, "cut off")),
        ("store_restored", happens(15, "bridge", "books restored")),
    ],
)
def test_a_doubt_with_its_cause_is_believed_and_no_other_machines_cause_counts(
    cause: str, reason: Line
) -> None:
    at_s, who, what, fields = reason
    elsewhere = (at_s, "vm-0002" if who == VM else "nobody", what, fields)
    assert told(paid(10), reason, row(200, doubt=cause)) == []
    assert told(paid(10), elsewhere, row(200, doubt=cause)) == ["I8"]


# ---------------------------------------------------------------- in the end


@pytest.mark.parametrize(
    ("swapped", "found"),
    [
        ((), ["I10"]),
        ((happens(30, VM, "journal rolled back"),), []),
        ((happens(30, VM, "journal cloned"),), []),
        ((happens(30, VM, "journal lost"),), ["I10"]),
        ((happens(30, "vm-0002", "journal rolled back"),), ["I10"]),
        ((happens(5, VM, "journal rolled back"),), ["I10"]),
        ((happens(10.5, VM, "journal rolled back"),), ["I10"]),
    ],
)
def test_a_journal_may_contradict_what_fell_only_when_an_older_copy_took_its_place_after_the_order(
    swapped: tuple[Line, ...], found: list[str]
) -> None:
    checker = Checker({11: 350}, bound_s=96.0, gone_s=120.0)
    opened = happens(1, VM, "durable", sale_id=SALE, was="", state="open")
    meant = happens(10.8, VM, "durable", sale_id=SALE, was="open", state="intent")
    for at_s, who, what, fields in sorted((opened, meant, *VENDED, *swapped), key=lambda line: line[0]):
        checker.take(Entry(at_s, who, what, tuple(fields.items())))
    row = {SALE: books("vended")}
    assert [
        each.invariant for each in reckoning.compare(checker.truths, row, {SALE: "closed"}, 99.0)
    ] == found


def ends(truth: Truth, found: Row | None, journal: str = "") -> list[str]:
    rows = {SALE: found} if found is not None else {}
    return [each.invariant for each in reckoning.compare({SALE: truth}, rows, {SALE: journal}, 1.0)]


def books(state: str, *, doubt: str = "", case: str = "", paid_fen: int = 350, refunded_fen: int = 0) -> Row:
    return Row(
        sale_id=SALE,
        state=state,
        decision="",
        doubt=doubt,
        case=case,
        paid_fen=paid_fen,
        refunded_fen=refunded_fen,
        goods=False,
    )


def truth(*, fell: int = 0, paid_fen: int = 350, refunded_fen: int = 0) -> Truth:
    return Truth(fell=fell, paid_fen=paid_fen, refunded_fen=refunded_fen)


def test_good_ends_break_nothing() -> None:
    assert ends(truth(fell=1), books("vended"), "delivered") == []
    assert ends(truth(refunded_fen=350), books("refunded", refunded_fen=350), "not_delivered") == []
    assert ends(truth(fell=1, refunded_fen=350), books("refunded", refunded_fen=350, doubt="no_memory")) == []
    assert ends(truth(), books("case", case="brakes"), "not_delivered") == []


def test_goods_and_money_given_back_by_a_person_end_well_and_a_second_payment_is_a_case() -> None:
    friendly = truth(fell=1, refunded_fen=350)
    friendly.by_hand_fen = 350
    assert ends(friendly, books("vended", refunded_fen=350), "delivered") == []
    friendly.by_hand_fen = 200
    assert ends(friendly, books("vended", refunded_fen=350), "delivered") == ["I5"]
    twice = truth(fell=1)
    twice.second_fen = 350
    assert ends(twice, books("vended"), "delivered") == ["I7"]
    assert ends(twice, books("vended", case="hand_refund second_payment"), "delivered") == []


@pytest.mark.parametrize(
    ("invariant", "happened", "found", "journal"),
    [
        ("I5", truth(fell=1, refunded_fen=350), books("refunded", refunded_fen=350), "uncertain"),
        ("I6", truth(refunded_fen=350), books("vended"), "not_delivered"),
        ("I6", truth(refunded_fen=350), books("refunded", refunded_fen=200), "not_delivered"),
        ("I6", truth(refunded_fen=350), books("refunded", refunded_fen=350, doubt="x"), "delivered"),
        ("I7", truth(), None, "closed"),
        ("I7", truth(), books("paid"), "closed"),
        ("I7", truth(), books("refunded"), "closed"),
        ("I7", truth(fell=1), books("vended", paid_fen=0), "delivered"),
        ("I7", truth(fell=1), books("vended"), "intent"),
        ("I10", truth(fell=1), books("vended"), "closed"),
        ("I10", truth(fell=1, paid_fen=0), books("closed", paid_fen=0), "uncertain"),
        ("I13", truth(fell=1, paid_fen=0), books("closed", paid_fen=0), "delivered"),
    ],
)
def test_a_bad_end_is_found(invariant: str, happened: Truth, found: Row | None, journal: str) -> None:
    assert invariant in ends(happened, found, journal)


def test_a_piece_for_no_sale_is_found() -> None:
    assert [each.invariant for each in reckoning.conserved(2, {SALE: truth(fell=1)}, 1.0)] == ["I10"]
    assert [each.invariant for each in reckoning.conserved(1, {"": truth(fell=1)}, 1.0)] == ["I10"]
    assert list(reckoning.conserved(1, {SALE: truth(fell=1)}, 1.0)) == []


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([("platform_clearing", "customer_liability", 350), ("customer_liability", "sales", 350)], []),
        ([("platform_clearing", "customer_liability", 350)], ["I9"]),
        ([("platform_clearing", "customer_liability", 350), ("customer_liability", "sales", 300)], ["I9"]),
        ([("sales", "sales", 350)], ["I9"]),
        ([("shrinkage", "sales", 0)], ["I9"]),
    ],
)
def test_a_ledger_that_does_not_balance_is_found(
    entries: list[tuple[str, str, int]], found: list[str]
) -> None:
    posted = [(SALE, *entry) for entry in entries]
    assert [each.invariant for each in reckoning.unbalanced(posted, [SALE], 1.0)] == found


def test_an_edited_journal_is_found() -> None:
    first = hashlib.sha256(b"\0one").hexdigest()
    second = hashlib.sha256(f"{first}\0two".encode()).hexdigest()
    assert list(reckoning.broken_chain(VM, [("one", first), ("two", second)], 1.0)) == []
    for edited in ([("One", first), ("two", second)], [("two", second)], [("one", first), ("two", first)]):
        assert [each.invariant for each in reckoning.broken_chain(VM, edited, 1.0)] == ["I14"]


def test_an_attacker_who_brings_more_than_delay_is_found() -> None:
    late = [books("vended"), books("refunded", doubt="machine_gone")]
    assert list(reckoning.more_than_delay(late, ["doubt"], 1.0)) == []
    for rows, alarms in (
        ([books("case", case="refund_refused")], []),
        ([books("refunded", doubt="journal_cloned")], []),
        ([], ["impossible"]),
    ):
        assert [each.invariant for each in reckoning.more_than_delay(rows, alarms, 1.0)] == ["I15"]


def test_only_payments_from_before_a_restore_are_left_to_the_bill() -> None:
    early, late = Truth(paid_fen=350, paid_s=10.0), Truth(paid_fen=350, paid_s=30.0)
    truths = {SALE: early, OTHER: late}
    assert reckoning.for_the_bill(truths, {}, 20.0) == {SALE}
    assert reckoning.for_the_bill(truths, {SALE: books("paid")}, 20.0) == frozenset()
    assert reckoning.for_the_bill(truths, {}, 0.0) == frozenset()
