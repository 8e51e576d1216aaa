"""Notifications on their way: when each is sent, sent again, and given up.

From "re-sending" in the APIv3 description: fifteen repeats in 24 h 4 min, the same id, fresh signatures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from hw_sim.platform.answers import JsonObject
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Fault, Faults

RESEND_AFTER_S: Final = (
    *(15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600),
    *(10_800, 10_800, 10_800, 21_600, 21_600),
)
ANSWER_WITHIN_MS: Final = 5_000
ACKNOWLEDGED: Final = frozenset({200, 204})


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `kind` is the `original_type`: `transaction`, `refund`, `complaint`, `violation`.

    `older` is what the request said beside, when it came by APIv2: then its notice is of APIv2, too.
    """

    id: str
    kind: str
    event_type: str
    summary: str
    url: str
    resource: JsonObject = field(repr=False)
    made_ms: int
    out_trade_no: str
    resend_after_s: Sequence[int] = RESEND_AFTER_S
    older: JsonObject | None = field(default=None, repr=False)


class Part(Enum):
    """What a delivery is within the life of its notice."""

    MAIN = "main"  # the one that is repeated until acknowledged
    COPY = "copy"  # a second path through the network, freshly signed
    REPLAY = "replay"  # the bytes and headers of the first delivery once more


@dataclass(frozen=True, slots=True)
class Delivery:
    """One sending of a notice; `attempt` counts from 1. `kept` asks to keep the bytes for a replay."""

    notice: Notice
    due_ms: int
    attempt: int = 1
    part: Part = Part.MAIN
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a delivery. `verdict` is a status code or what went wrong with the connection."""

    sent_ms: int
    verdict: str
    acknowledged: bool


class NoticeBook:
    """All notices of one merchant with the deliveries still to come.

    `speedup` divides the waits between repeats; 1 is the real schedule.
    """

    def __init__(self, *, faults: Faults, events: Events, speedup: float) -> None:
        self._faults = faults
        self._events = events
        self._speedup = speedup
        self._waiting: list[Delivery] = []
        self._attempts: dict[str, list[Attempt]] = {}
        self._notices: dict[str, Notice] = {}

    def announce(self, notice: Notice, now_ms: int) -> None:
        """Put a notice on its way, unless a fault loses it."""
        self._notices[notice.id] = notice
        self._attempts[notice.id] = []
        if self._faults.take(Fault.LOST_NOTICE, notice.kind):
            self._note(now_ms, "notice.lost", notice)
            return
        delayed = self._faults.take(Fault.LATE_NOTICE, notice.kind)
        due_ms = now_ms + (delayed.delay_ms if delayed else 0)
        replayed = self._faults.take(Fault.REPLAYED_NOTICE, notice.kind)
        self._waiting.append(Delivery(notice, due_ms, kept=replayed is not None))
        if replayed:
            self._waiting.append(Delivery(notice, due_ms + replayed.delay_ms, part=Part.REPLAY))
        copied = self._faults.take(Fault.DOUBLE_NOTICE, notice.kind)
        if copied:
            self._waiting.append(Delivery(notice, due_ms + copied.delay_ms, part=Part.COPY))

    def due(self, now_ms: int) -> tuple[Delivery, ...]:
        """Take what must be sent now, earliest first. `report` must be told the end of each."""
        due = sorted((each for each in self._waiting if each.due_ms <= now_ms), key=lambda each: each.due_ms)
        self._waiting = [each for each in self._waiting if each.due_ms > now_ms]
        for each in due:
            self._note(now_ms, "notice.sent", each.notice, attempt=each.attempt, part=each.part.value)
        return tuple(replace(each, due_ms=now_ms) for each in due)

    def report(self, delivery: Delivery, verdict: int | str, now_ms: int) -> None:
        """Take in what became of a delivery: the status code, or a word when there was none."""
        in_time = now_ms - delivery.due_ms <= ANSWER_WITHIN_MS
        acknowledged = verdict in ACKNOWLEDGED and in_time
        said = str(verdict) if in_time or verdict not in ACKNOWLEDGED else f"{verdict}, too late"
        notice = delivery.notice
        self._attempts[notice.id].append(Attempt(delivery.due_ms, said, acknowledged))
        self._note(now_ms, "notice.answered", notice, attempt=delivery.attempt, verdict=said)
        if acknowledged:
            self._waiting = [
                each for each in self._waiting if each.notice.id != notice.id or each.part is not Part.MAIN
            ]
        elif delivery.part is Part.MAIN and not self.acknowledged(notice.id):
            self._again(delivery, now_ms)

    def _again(self, delivery: Delivery, now_ms: int) -> None:
        after_s = delivery.notice.resend_after_s
        if delivery.attempt > len(after_s):
            self._note(now_ms, "notice.given_up", delivery.notice)
            return
        wait_ms = int(after_s[delivery.attempt - 1] * 1000 / self._speedup)
        due_ms = max(delivery.due_ms + wait_ms, now_ms)
        self._waiting.append(replace(delivery, due_ms=due_ms, attempt=delivery.attempt + 1, kept=False))

    def _note(self, now_ms: int, fact: str, notice: Notice, **more: str | int) -> None:
        self._events.add(
            now_ms,
            fact,
            id=notice.id,
            event_type=notice.event_type,
            out_trade_no=notice.out_trade_no,
            **more,
        )

    def next_ms(self) -> int | None:
        """Say when `due` has something to give."""
        return min((each.due_ms for each in self._waiting), default=None)

    def acknowledged(self, notice_id: str) -> bool:
        """Tell whether the merchant has taken it in."""
        return any(attempt.acknowledged for attempt in self._attempts[notice_id])

    def book(self) -> list[dict[str, Any]]:
        """List every notice with its attempts."""
        return [
            {
                "id": notice.id,
                "event_type": notice.event_type,
                "out_trade_no": notice.out_trade_no,
                "acknowledged": self.acknowledged(notice.id),
                "attempts": [
                    {"t_ms": attempt.sent_ms, "verdict": attempt.verdict}
                    for attempt in self._attempts[notice.id]
                ],
            }
            for notice in self._notices.values()
        ]
