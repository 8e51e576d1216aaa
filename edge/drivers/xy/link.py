"""The host's side of the turn on an XY bus: one command at a time, its PackNo, and when it may be repeated.

The answer to the next POLL is always made beforehand, so that answering is a lookup and one comparison of
time. A frame that moves something is compared with its lease in that very moment, at each write.
"""

import enum
from collections import deque
from dataclasses import dataclass
from typing import Final

from edge.drivers.xy.codec import ACK, encode
from edge.drivers.xy.messages import AskStatus, Command

SENDS: Final = 5  # transmissions of one frame, the first included (XY protocol §1)
_WAITING: Final = 8  # commands in line at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command for the line. One that moves something says until when it may start, and its own PackNo.

    `once`: it is never repeated, whatever the board is proven to do with a repeated vend.
    """

    command: Command
    start_before_ms: int | None = None
    pack_no: int = 0
    once: bool = False

    @property
    def moves(self) -> bool:
        """Whether this frame can start a motor."""
        return self.start_before_ms is not None


class How(enum.Enum):
    """What has become of a command: just written, and then one of four ends."""

    WRITTEN = enum.auto()
    ACKED = enum.auto()
    UNANSWERED = enum.auto()
    WITHHELD = enum.auto()


@dataclass(frozen=True, slots=True)
class Told:
    """A fact about a command, for the session."""

    job: Job
    how: How


class Link:
    """`moving_sends` is 1 unless the board is proven to drop a repeated frame by its PackNo.

    `last_pack_no` is the number of the last exchange that was written, 0 before the first.
    """

    def __init__(self, *, moving_sends: int, last_pack_no: int = 0) -> None:
        self._moving_sends = moving_sends
        self._queue: deque[Job] = deque()
        self._job: Job | None = None
        self._frame = b""
        self._reply: bytes | None = None  # the prepared answer; None: nothing to say but ACK
        self._sends = 0
        self.last_pack_no = last_pack_no
        self.repeats = 0

    @property
    def idle(self) -> bool:
        """Whether no command waits for its turn or its ACK."""
        return self._job is None and not self._queue

    def put(self, job: Job) -> None:
        """Take a command into the line."""
        assert len(self._queue) < _WAITING, "the line of commands is full"
        self._queue.append(job)
        self._prepare()

    def poll(self, now_ms: int, *, late: bool = False) -> tuple[bytes, list[Told]]:
        """Bytes for the POLL that has just arrived, and what that means for the commands.

        `late`: the board may have stopped waiting for an answer; a motor frame then stays for the next turn.
        """
        if self._job is None:
            return ACK, []
        if self._reply is None:  # all its transmissions went without an ACK
            return ACK, self._end(How.UNANSWERED)
        if self._job.start_before_ms is not None and now_ms >= self._job.start_before_ms:
            return ACK, self._end(How.UNANSWERED if self._sends else How.WITHHELD)
        if late and self._job.moves:
            return ACK, []
        return self._reply, self._written(self._job, self._reply)

    def ack(self) -> list[Told]:
        """An ACK arrived: it completes the exchange that is open, if one is."""
        return self._end(How.ACKED) if self._job is not None and self._sends else []

    def expire(self, now_ms: int) -> list[Told]:
        """Withhold a moving command whose lease ended while it waited for its first POLL."""
        late = [job for job in self._unwritten() if job.start_before_ms is not None]
        return [told for job in late if now_ms >= (job.start_before_ms or 0) for told in self._withhold(job)]

    def stop_moving(self) -> list[Told]:
        """Nothing may move any more: withhold what was not written, and never repeat what was."""
        told = [told for job in self._unwritten() if job.moves for told in self._withhold(job)]
        if self._job is not None and self._job.moves:
            self._reply = None
        return told

    def clear(self) -> list[Told]:
        """The line is gone: end every command."""
        told = self.stop_moving()
        self._queue.clear()
        return told + (self._end(How.UNANSWERED) if self._job is not None else [])

    def _unwritten(self) -> list[Job]:
        waiting = list(self._queue)
        return [self._job, *waiting] if self._job is not None and not self._sends else waiting

    def _withhold(self, job: Job) -> list[Told]:
        if job is self._job:
            return self._end(How.WITHHELD)
        self._queue.remove(job)
        return [Told(job, How.WITHHELD)]

    def _written(self, job: Job, frame: bytes) -> list[Told]:
        self._sends += 1
        self.repeats += self._sends > 1
        limit = 1 if job.once else self._moving_sends if job.moves else SENDS
        self._reply = frame if self._sends < limit else None
        return [Told(job, How.WRITTEN)]

    def _end(self, how: How) -> list[Told]:
        """Close the exchange. Its PackNo is used up once it was written, whether or not an ACK came."""
        assert self._job is not None, "no exchange is open"
        told = Told(self._job, how)
        if self._sends:
            self.last_pack_no = self._frame[4]
        self._job, self._reply, self._sends = None, None, 0
        self._prepare()
        return [told]

    def _prepare(self) -> None:
        """Make the bytes of the next command, so that a POLL need not wait for them."""
        if self._job is not None or not self._queue:
            return
        job = self._queue.popleft()
        if job.pack_no and job.pack_no == self.last_pack_no:
            # A board that drops repeats by PackNo alone would drop this one: a question goes in between.
            self._queue.appendleft(job)
            job = Job(command=AskStatus())
        self._job = job
        self._frame = encode(job.command, job.pack_no or self.last_pack_no % 255 + 1)
        self._reply = self._frame
