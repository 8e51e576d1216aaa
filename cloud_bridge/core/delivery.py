"""The delivery of a paid sale: paid when, out or back by when, and what became of it.

A vend takes seconds, not hours; who waits longer than `DUE_S` past a machine's own time stands there with
neither goods nor money, and a person should know.
"""

import enum
from dataclasses import dataclass, replace
from typing import Final

from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import Sale

DUE_S: Final = 120


class Outcome(enum.StrEnum):
    """What is known of the goods. FAILED: they stayed in, and the money goes back."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SETTLED = "settled"


class Report(enum.StrEnum):
    """Whether the mini-program platform was told of a delivery, where somebody switched that on."""

    NONE = ""
    DUE = "due"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row for each paid sale. `due_wall_ms` is when its outcome must be known; `back_wall_ms` is when its
    money was back. A `*_wall_ms` of 0 did not come yet. `report_wall_ms` is the next or the last report.
    """

    sale_id: str
    machine: str
    lane: int
    paid_wall_ms: int
    due_wall_ms: int
    outcome: Outcome = Outcome.WAITING
    ended_wall_ms: int = 0
    refund_no: str = ""
    back_wall_ms: int = 0
    report: Report = Report.NONE
    report_tries: int = 0
    report_wall_ms: int = 0


def follow(before: Delivery | None, sale: Sale, wall_ms: int) -> Delivery | None:
    """The row after a change of the sale's. None while nothing is paid."""
    if sale.paid_fen == 0:
        return None
    now = before or Delivery(
        sale_id=sale.sale_id,
        machine=sale.machine,
        lane=sale.lane,
        paid_wall_ms=wall_ms,
        due_wall_ms=wall_ms + (sale.start_s + DUE_S) * 1000,
    )
    outcome = outcome_of(sale)
    if outcome is not now.outcome:
        ended = 0 if outcome is Outcome.WAITING else wall_ms
        now = replace(now, outcome=outcome, ended_wall_ms=ended)
    if sale.state is State.REFUNDED and not now.back_wall_ms:
        now = replace(now, back_wall_ms=wall_ms)
    return replace(now, refund_no=sale.refund_no)


def outcome_of(sale: Sale) -> Outcome:
    """What a paid sale's row says of its goods."""
    if sale.state is State.VENDED:
        return Outcome.DELIVERED
    if sale.decision is Decision.REFUND or sale.state is State.REFUNDED:
        return Outcome.FAILED
    if sale.state is State.SETTLED:
        return Outcome.SETTLED
    return Outcome.UNKNOWN if sale.doubt or sale.state is State.CASE else Outcome.WAITING
