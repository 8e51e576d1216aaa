"""Plays: one world each, which leads a sale to cells that chance alone reaches once in thousands of worlds.

What such a play arranges may happen to anybody: books come back from a copy and words come late, somebody
gives money back in the portal, an operator ends a case before the bridge has heard everything.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from cloud_bridge.core.timings import Timings
from edge.ports import Terms
from hw_sim.world import plays_boards, plays_books, plays_buses, plays_people
from hw_sim.world.stage import BRAKED, RIG, Stage
from hw_sim.world.world import Rig

Act = Callable[[Stage], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What happens, the cells and marks that it is there for, and the world that it needs."""

    act: Act
    comes_past: tuple[str, ...]
    rig: Rig = RIG


_PATIENT: Final = replace(  # a sale waits for its code longer than for the end of a silent motor run
    RIG,
    terms=Terms(machine="", lease_s=240, vends_a_day=100_000),
    timings=Timings(doubt_s=60.0, gone_s=120.0),
)
_OUTCOMES_FIRST: Final = {
    f"{outcome} said to books from {'when it was ' + at if at else 'before the sale'}": Play(
        act=partial(plays_books.outcome_first, at=at, outcome=outcome),
        comes_past=(f"bridge {at or 'new'} {outcome}",),
        rig=_PATIENT,
    )
    for at in ("", "quoted", "offered")
    for outcome in plays_books.ENDINGS
}
_CODES: Final = replace(RIG, order_requests=True)
_BRAKED: Final = replace(RIG, limits=BRAKED)
_SLOW_MOTOR: Final = replace(RIG, turn_ms=20_000)
_JUDGED: Final = {
    f"judged: {row}": Play(act=partial(plays_boards.judged, row=row), comes_past=(f"judge: {row}",))
    for row in plays_boards.ROWS
}
_BUSES: Final = {
    f"{'power fails' if power else 'the daemon dies'} in a run: {bus}": Play(
        act=partial(plays_buses.cut_in_a_run, power=power),
        comes_past=(plays_buses.mark(bus, power=power),),
        rig=replace(RIG, bus=bus),
    )
    for bus in plays_buses.WAYS
    for power in (False, True)
}
_UNSAID: Final = {
    f"approved and never said: {bus}": Play(
        act=plays_buses.approved_and_never_said,
        comes_past=("recovery: none, doubt",),
        rig=replace(RIG, bus=bus),
    )
    for bus in ("mdb-qibixx", "mdb-waferstar", "tcn")
}
PLAYS: Final[Mapping[str, Play]] = MappingProxyType(
    {
        **_JUDGED,
        **_BUSES,
        **_UNSAID,
        **_OUTCOMES_FIRST,
        "goods of a refused sale": Play(
            act=plays_books.goods_of_a_refused_sale,
            comes_past=("bridge closed delivered", "bridge closed CaseEnded"),
        ),
        "paid as a refused sale is shut": Play(
            act=plays_books.paid_as_a_refused_sale_is_shut, comes_past=("bridge closed AlreadyPaid",)
        ),
        "asked of a lost journal": Play(
            act=plays_books.asked_of_a_lost_journal,
            comes_past=("bridge vending unknown", "doubt: journal_lost"),
        ),
        "refund of a forgotten sale": Play(
            act=plays_books.refund_of_a_forgotten_sale, comes_past=("bridge new RefundStatus",)
        ),
        "given back while quoted": Play(
            act=plays_people.given_back_while_quoted,
            comes_past=("bridge quoted RefundStatus", "bridge quoted CaseEnded"),
        ),
        "given back while offered": Play(
            act=plays_people.given_back_while_offered,
            comes_past=("bridge offered RefundStatus", "bridge offered CaseEnded"),
        ),
        "given back while closing": Play(
            act=plays_people.given_back_while_closing,
            comes_past=("bridge closing RefundStatus", "bridge closing CaseEnded"),
        ),
        "given back while closed": Play(
            act=plays_people.given_back_while_closed,
            comes_past=("bridge closed RefundStatus", "bridge closed CaseEnded"),
        ),
        "given back after the goods": Play(
            act=plays_people.given_back_after_the_goods,
            comes_past=("bridge vended RefundStatus", "bridge vended CaseEnded"),
        ),
        "goods in a case": Play(
            act=plays_people.goods_in_a_case,
            comes_past=("bridge case Payment", "bridge case delivered"),
            rig=_BRAKED,
        ),
        "refunded from a case": Play(
            act=plays_people.refunded_from_a_case,
            comes_past=("bridge case RefundOrdered", "bridge refunded delivered"),
            rig=_BRAKED,
        ),
        "settled by hand": Play(
            act=plays_people.settled_by_hand,
            comes_past=tuple(
                f"bridge settled {what}" for what in ("Payment", "RefundStatus", "CaseEnded", "delivered")
            ),
            rig=_BRAKED,
        ),
        "said to be out while foreign": Play(
            act=plays_people.said_to_be_out_while_foreign, comes_past=("bridge vending CaseEnded",)
        ),
        "said to be out in doubt": Play(
            act=plays_people.said_to_be_out_in_doubt, comes_past=("bridge doubt CaseEnded",)
        ),
        "paid twice while refunding": Play(
            act=plays_people.paid_twice_while_refunding,
            comes_past=("bridge refunding Payment", "bridge refunding CaseEnded"),
        ),
        "paid twice in a case": Play(
            act=plays_people.paid_twice_in_a_case,
            comes_past=("bridge case Payment", "bridge case CaseEnded"),
            rig=_BRAKED,
        ),
        "refund reaches an open row": Play(
            act=plays_books.refund_reaches_an_open_row,
            comes_past=("edge open RefundTold", "machine closed: refunded"),
        ),
        "refund reaches a turning motor": Play(
            act=plays_books.refund_reaches_a_turning_motor,
            comes_past=("edge intent RefundTold", "bridge refunding delivered", "doubt: store_restored"),
            rig=_SLOW_MOTOR,
        ),
        "code said again after a jam": Play(
            act=plays_books.code_said_again_after_a_jam, comes_past=("edge not_delivered CodeOffered",)
        ),
        "code reaches a row in doubt": Play(
            act=plays_books.code_reaches_a_row_in_doubt, comes_past=("edge uncertain CodeOffered",)
        ),
        "power fails with the frame in the line": Play(
            act=plays_books.power_fails_with_the_frame_in_the_line, comes_past=("cut: frame in the line",)
        ),
        "more codes than lanes": Play(act=plays_books.more_codes_than_lanes, comes_past=("refused: busy",)),
        "closed while gone": Play(act=plays_books.closed_while_gone, comes_past=("bridge doubt closed",)),
        "jammed while gone": Play(
            act=plays_books.jammed_while_gone, comes_past=("bridge doubt not_delivered",)
        ),
        "contradicted by an older journal": Play(
            act=plays_books.contradicted_by_an_older_journal, comes_past=("bridge vended closed",)
        ),
        "scan lost while quoted": Play(
            act=plays_people.scan_lost_while_quoted, comes_past=("bridge quoted ScanLost",), rig=_CODES
        ),
        "scan lost while offered": Play(
            act=plays_people.scan_lost_while_offered, comes_past=("bridge offered ScanLost",), rig=_CODES
        ),
    }
)
