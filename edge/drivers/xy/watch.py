"""One vend as the host sees it: `04` frames and time in, at most one outcome out (XY protocol 3.2.11 §4, §8).

`04` does not carry the number of the command it answers; only the selection and the order of things tie it
to ours. Where that tie is not certain, nothing is concluded.
"""

from typing import Final

from edge.core.model import Delivered, Kind, NotDelivered, Outcome, Uncertain
from edge.drivers.xy import codes
from edge.drivers.xy.messages import VendStatus
from edge.drivers.xy.settings import XySettings

RESTART_GRACE_MS: Final = 3_000  # a board that started again may still repeat a result; then it has none
_NOTES_KEPT: Final = 12


class Watch:
    """Decides what became of one operation on a lane.

    `trailing_end`: the vend before this one, on the same lane, has not had its `FF` yet.
    `recovering`: the vend was another process's, so what came before is not known.
    """

    def __init__(
        self, *, lane: int, settings: XySettings, recovering: bool = False, trailing_end: bool = False
    ) -> None:
        self.lane = lane
        self.outcome: Outcome | None = None
        self.last_status: int | None = None
        self._settings = settings
        self._recovering = recovering
        self._ignore_end = recovering or trailing_end
        self._end_ms: int | None = None
        self._deadline_ms: int | None = None
        self._silence = "no_memory" if recovering else "no_answer"
        self._notes: list[str] = []

    def wrote(self, now_ms: int) -> None:
        """The `06` was written for the first time, or again."""
        self.note("06 written")
        self._end_ms = self._end_ms or now_ms + self._settings.longest_vend_ms
        self._wait(now_ms, 1000 * self._settings.first_progress_s)

    def acked(self, now_ms: int) -> None:
        """The board has taken the `06`; its first word is due."""
        self.note("ack")
        if self.last_status is None:
            self._wait(now_ms, 1000 * self._settings.first_progress_s)

    def listen(self, now_ms: int, settle_ms: int) -> None:
        """For a recovery: how long the board gets to say something by itself."""
        self._end_ms = now_ms + self._settings.longest_vend_ms
        if self.last_status is None:
            self._wait(now_ms, settle_ms)

    def restarted(self, now_ms: int) -> None:
        """The board started again in the middle; only a result that still comes can help."""
        self.note("board restarted")
        if self._recovering:  # after a power cut both sides start: that says nothing new
            return
        self._silence = "board_restarted"
        self._end_ms = now_ms + RESTART_GRACE_MS
        self._wait(now_ms, RESTART_GRACE_MS)

    def note(self, text: str) -> None:
        """Keep a word of evidence for a person: no repeats, a bounded number, the beginning and the end."""
        if self._notes[-1:] != [text]:
            self._notes.append(text)
            del self._notes[_NOTES_KEPT // 2 : -_NOTES_KEPT // 2]

    def heard(self, status: VendStatus, now_ms: int) -> str:
        """Take a `04`; the name of the step it reports, or "" when it is none of ours or ends the vend."""
        code = status.status
        # For the heating time the lane field holds seconds.
        if self.outcome is not None or (status.lane != self.lane and code != codes.HEATING_LEFT):
            return ""
        if code == codes.ENDED and self._ignore_end and self.last_status is None:
            # It may end an earlier vend whose result is not known here, so it proves nothing about this one.
            self._ignore_end = self._recovering
            self.note("04 FF of an earlier vend")
            return ""
        self.note(f"04 {code:02X}")
        if codes.is_final(code):
            self.outcome = self._judge(code)
            return ""
        self.last_status = code
        took = code == codes.TAKE_PRODUCT
        self._wait(now_ms, 1000 * self._settings.take_product_s if took else self._settings.progress_ms)
        return codes.step_name(code)

    def tick(self, now_ms: int) -> None:
        """Let time pass: silence has a meaning too."""
        if self.outcome is None and self._deadline_ms is not None and now_ms >= self._deadline_ms:
            self.outcome = self._judge_silence()

    def _wait(self, now_ms: int, wait_ms: int) -> None:
        """Set the next deadline, never beyond the end of the whole vend."""
        until_ms = now_ms + wait_ms
        self._deadline_ms = until_ms if self._end_ms is None else min(until_ms, self._end_ms)

    @property
    def _evidence(self) -> str:
        return f"lane {self.lane}: " + ", ".join(self._notes)

    @property
    def _took_product(self) -> bool:
        return self.last_status == codes.TAKE_PRODUCT and self._settings.take_product_is_delivered

    def _judge(self, code: int) -> Outcome:
        """Only 02 is a success; every other result gives the money back (V3.2.11)."""
        if code == codes.DELIVERED or (code == codes.ENDED and self._took_product):
            return Delivered(evidence=self._evidence)
        never_turned = code == codes.MOTOR_ABSENT or (
            # The sensor is tested before the motor starts; once the board said "dispensing" it has turned.
            code == codes.SENSOR_FAULT and self.last_status is None and not self._recovering
        )
        return NotDelivered(
            kind=Kind.REJECTED if never_turned else Kind.MOVED,
            why=codes.FAILURE_NAMES[code],
            evidence=self._evidence,
        )

    def _judge_silence(self) -> Outcome:
        self.note("then silence")
        if self._took_product:
            return Delivered(evidence=self._evidence)
        return Uncertain(why=self._silence, evidence=self._evidence)
