"""The host's half of an XY bus, without a port and without a clock: bytes and time in, bytes and facts out.

The board is the master of the turn: this side speaks only when a POLL or a report has just arrived. Reports
are acknowledged always and taken once; one operation runs at a time.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.xy import codes, menu
from edge.drivers.xy.codec import ACK, Decoder, Frame
from edge.drivers.xy.link import SENDS, How, Job, Link, Told
from edge.drivers.xy.messages import (
    Ack,
    AskDelivery,
    AskMenu,
    Check,
    CheckAnswer,
    Command,
    DeliveryStatus,
    Drive,
    MenuAnswer,
    Message,
    Poll,
    Sync,
    UseMenu,
    VendStatus,
)
from edge.drivers.xy.reports import Reports
from edge.drivers.xy.settings import XySettings
from edge.drivers.xy.startup import Startup
from edge.drivers.xy.watch import RESTART_GRACE_MS, Watch
from edge.ports import BusDown, BusEvent, BusHealth, BusUp, VendProgress

FRAME_GAP_MS: Final = 50  # a frame of the greatest length takes 45 ms on the line
EVIDENCE_AGE_MS: Final = 30_000  # how long a result that nobody waited for is worth hearing
BOARD_START_MS: Final = 30_000  # after a power cut the board may start later than we do
MENU_TURNS: Final = 12  # that the board gets to answer four questions of its menu
TRAILING_MS: Final = 60_000  # how long an `FF` may lag behind the result of its vend


@dataclass(frozen=True, slots=True)
class Ended:
    """The operation ended: a check with a reason or "", a vend with an outcome, the menu with its answer."""

    result: str | Outcome | MenuAnswer


Fact = BusEvent | Ended


@dataclass(frozen=True, slots=True)
class _Asking:
    lane: int
    until_ms: int
    menu: int | None = None  # the entry of the service menu, for a look into it


class Session:
    """One XY board on one line. Every instant is milliseconds of the boot-time clock."""

    def __init__(self, settings: XySettings, *, pack_no: int = 0) -> None:
        """`pack_no` counts on from there: the board may still know the numbers of an earlier process."""
        self._settings = settings
        self._decoder = Decoder()
        self._link = Link(moving_sends=SENDS if settings.board_drops_repeats else 1, last_pack_no=pack_no)
        self._reports = Reports(settings)
        self._facts: list[Fact] = []
        self._startup = Startup(lift=settings.lift, status_every_ms=1000 * settings.status_every_s)
        self._open = self._late = False
        self._down_why: str | None = None
        self._operation: _Asking | Watch | None = None
        self._order: VendOrder | None = None  # of the vend that runs; None while recovering
        self._recovering: VendOrder | None = None
        self._sold: int | None = None  # of the recovery's lane, once the menu has told it
        self._menu_silent = False
        self._written = False
        self._listen_by_ms: int | None = None  # a recovery that has not begun to count its silence
        self._strays: deque[tuple[int, VendStatus]] = deque(maxlen=16)
        self._trailing: tuple[int, int] | None = None  # lane, until when its `FF` may still come
        self._last_taken = (0, 0)  # command and PackNo of the newest report
        self._last_bytes_ms = self._last_frame_ms = self._last_poll_ms = 0
        self._poll_gap_ms = 0
        self._polls = self._repeats = 0

    # ------------------------------------------------------------ what the shell calls

    def facts(self) -> list[Fact]:
        """What has become known since the last call, in order."""
        facts, self._facts = self._facts, []
        return facts

    def baseline(self, lane: int) -> Baseline | None:
        """The lane's evidence, or None while the board is not known to be there.

        `seq` is the PackNo that the board heard last. An order under another one needs nothing in between.
        """
        if not self._startup.up:
            return None
        return replace(self._reports.baseline(lane), seq=self._link.last_pack_no)

    def health(self) -> BusHealth:
        """Counters since the start; how slow the answers were is for the shell to say."""
        return BusHealth(
            frames=self._decoder.frames,
            bad_checks=self._decoder.bad_checks,
            repeats=self._repeats,
            polls=self._polls,
            facts={
                **self._reports.facts,
                "own_repeats": self._link.repeats,
                "skipped_bytes": self._decoder.skipped_bytes,
                "poll_gap_ms": self._poll_gap_ms,
            },
        )

    def opened(self, now_ms: int) -> None:
        """The port is open: the board gets a moment to speak."""
        self._open, self._last_frame_ms = True, now_ms
        self._identify_anew(begin_ms=now_ms)

    def lost(self, now_ms: int) -> None:
        """The port is gone. A vend that had begun goes on in the dark until its time is over."""
        self._open = False
        self._go_down("port", now_ms)

    def resync(self, now_ms: int) -> None:
        """Flush, settle, and identify the board anew; BusUp follows."""
        self._identify_anew(begin_ms=now_ms + 1000 * self._settings.settle_s)

    def receive(self, data: bytes, now_ms: int, *, late: bool = False) -> bytes:
        """Take bytes that have just arrived (`late`: a while ago); the bytes to write at once."""
        if now_ms - self._last_bytes_ms > FRAME_GAP_MS:
            self._decoder.forget()
        self._last_bytes_ms = now_ms
        frames = self._decoder.feed(data)
        self._late = late
        replies = [self._answer(frame, now_ms, read=frames) for frame in frames]
        self._advance(now_ms)
        return b"".join(replies)

    def tick(self, now_ms: int) -> None:
        """Let time pass."""
        self._tell(self._link.expire(now_ms), now_ms)
        if self._open and now_ms - self._last_frame_ms >= 1000 * self._settings.silence_s:
            self._last_taken = (0, 0)  # whatever comes now is no repeat
            self._go_down("silent", now_ms)
        self._advance(now_ms)

    def ask(self, lane: int, now_ms: int) -> None:
        """Begin a check of a lane."""
        self._claim()
        if not self._startup.up:
            self._end("bus_down")
            return
        self._operation = _Asking(lane, now_ms + 1000 * self._settings.check_s)
        self._link.put(Job(command=Check(lane)))

    def consult(self, command: AskMenu | UseMenu, now_ms: int, *, wait_s: int, moves: bool = False) -> None:
        """Begin to ask the service menu; ends with its answer, with "" where it gave none in time."""
        self._claim()
        if not self._startup.up or self._menu_silent:
            self._end("" if self._startup.up else "bus_down")
            return
        until_ms = now_ms + 1000 * wait_s
        self._operation = _Asking(0, until_ms, menu=command.kind)
        self._link.put(Job(command=command, start_before_ms=until_ms if moves else None, once=moves))

    def sold(self, lane: int, count: int | None) -> None:
        """How often a lane ever sold, as the menu has just told; the baseline that follows has it."""
        self._reports.sold(lane, count)

    def drive(self, order: VendOrder, now_ms: int) -> None:
        """Begin a vend: `06` waits for the next POLL, and is never written at or after its lease end."""
        self._claim()
        if not self._startup.up:
            self._end(Withheld(why="bus_down"))
            return
        lane, until_ms = self._trailing or (0, 0)
        trailing = lane == order.lane and now_ms < until_ms
        self._operation = Watch(lane=order.lane, settings=self._settings, trailing_end=trailing)
        self._order, self._written = order, False
        self._trailing = None
        self._strays.clear()
        command = Drive(order.lane, drop_sensor=self._settings.drop_sensor, lift=self._settings.lift)
        self._link.put(Job(command=command, start_before_ms=order.start_before_ms, pack_no=order.seq))
        self._tell(self._link.expire(now_ms), now_ms)

    def listen(self, order: VendOrder, now_ms: int) -> None:
        """Begin a recovery: hear what the board still repeats about a lane, and move nothing."""
        self._claim()
        self._decoder.forget()
        self._operation = watch = Watch(lane=order.lane, settings=self._settings, recovering=True)
        watch.note(f"stock was {order.baseline.stock}")
        self._listen_by_ms = now_ms + BOARD_START_MS
        self._recovering, self._sold = order, None
        for heard_ms, status in self._strays:
            if now_ms - heard_ms <= EVIDENCE_AGE_MS:
                watch.heard(status, now_ms)
        if self._link.idle:
            self._link.put(Job(command=AskDelivery()))  # for a person's eyes; it decides nothing
        self._advance(now_ms)

    def abandon(self, now_ms: int) -> None:
        """Nobody waits for the operation any more: what was not written never will be."""
        self._operation, self._order, self._listen_by_ms, self._recovering = None, None, None, None
        self._tell(self._link.stop_moving(), now_ms)

    # ------------------------------------------------------------ frames

    def _answer(self, frame: Frame, now_ms: int, *, read: list[Frame]) -> bytes:
        self._last_frame_ms = now_ms
        if isinstance(frame.message, Ack):
            self._tell(self._link.ack(), now_ms)
            return b""
        if isinstance(frame.message, Poll):
            return self._answer_poll(frame, now_ms, read=read)
        self._startup.spoke()
        taken = (frame.cmd, frame.pack_no)
        if frame.pack_no and taken == self._last_taken:
            self._repeats += 1
            return ACK
        self._last_taken = taken
        self._take(frame.message, now_ms)
        return ACK

    def _answer_poll(self, poll: Frame, now_ms: int, *, read: list[Frame]) -> bytes:
        self._polls += 1
        self._poll_gap_ms, self._last_poll_ms = min(now_ms - self._last_poll_ms, 2_000), now_ms
        if poll is not read[-1]:
            self._reports.count("late_polls")  # more came after it in one read: its turn is over
            return b""
        asked = self._startup.polled(now_ms)
        self._put(asked)
        if asked and self._down_why in ("silent", "port"):
            self._say_down("identifying")
        if any(not isinstance(frame.message, Poll | Ack) for frame in read):
            return ACK  # we are late and no longer in step: a command waits for a turn of its own
        reply, told = self._link.poll(now_ms, late=self._late)
        self._tell(told, now_ms)
        return reply

    def _take(self, message: Message, now_ms: int) -> None:
        match message:
            case VendStatus():
                self._take_vend_status(message, now_ms)
            case CheckAnswer(status, lane):
                asking = self._operation
                if isinstance(asking, _Asking) and asking.lane == lane and asking.menu is None:
                    self._end(codes.refusal(status, host_keeps_stock=self._settings.host_keeps_stock))
            case Sync():
                self._take_sync(now_ms)
            case MenuAnswer():
                self._take_menu(message)
            case _:
                event = self._reports.take(message)
                if event is not None:
                    self._facts.append(event)
                self._take_identity(message)

    def _take_vend_status(self, status: VendStatus, now_ms: int) -> None:
        rest_ms = 0 if codes.is_final(status.status) else self._settings.progress_ms
        self._startup.busy(until_ms=now_ms + rest_ms)
        watch = self._operation
        if not isinstance(watch, Watch) or (self._order is not None and not self._written):
            self._strays.append((now_ms, status))
            self._reports.count("stray_results")
            if status.status == codes.ENDED:
                self._trailing = None
            return
        if status.lane == watch.lane:
            self._tell(self._link.stop_moving(), now_ms)  # it proves that the `06` arrived
        step = watch.heard(status, now_ms)
        if step and self._order is not None:
            self._facts.append(VendProgress(sale_id=self._order.sale_id, step=step))
        if watch.outcome is not None and status.status != codes.ENDED:
            self._trailing = (watch.lane, now_ms + TRAILING_MS)

    def _take_menu(self, answer: MenuAnswer) -> None:
        """An answer of the service menu; one that nobody waits for says nothing."""
        match self._operation:
            case _Asking(menu=kind) if answer.kind == kind:
                self._end(answer)
            case Watch() as watch if self._recovering is not None and not self._menu_silent:
                count = menu.sales(answer)
                self._sold = self._sold if count is None else count
                watch.note(menu.words(answer, watch.lane) or f"71 {answer.kind:02X}")
            case _:
                self._reports.count("stray_menu")

    def _take_sync(self, now_ms: int) -> None:
        """The board has started, unless its `31` merely answers ours."""
        if self._startup.is_echo(now_ms):
            return
        self._startup.rebooted(until_ms=now_ms + RESTART_GRACE_MS)
        self._go_down("board_restarted", now_ms)
        if isinstance(self._operation, Watch):
            self._operation.restarted(now_ms)

    def _take_identity(self, message: Message) -> None:
        """Tick off what the start-up asked for; the elevator's word is also evidence for a person."""
        self._startup.answered(message)
        if isinstance(message, DeliveryStatus) and isinstance(self._operation, Watch):
            self._operation.note(f"54 {codes.DELIVERY_NAMES.get(message.status, message.status)}")

    # ------------------------------------------------------------ operations

    def _claim(self) -> None:
        assert self._operation is None, "one operation at a time"

    def _end(self, result: str | Outcome | MenuAnswer) -> None:
        self._facts.append(Ended(result))
        self._operation, self._order, self._listen_by_ms, self._recovering = None, None, None, None

    def _put(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            self._link.put(Job(command=command))

    def _tell(self, told: list[Told], now_ms: int) -> None:
        """Pass on what became of commands."""
        for each in told:
            if each.job.moves:
                self._tell_watch(each.how, now_ms, why="lease")
            elif each.how is How.ACKED and isinstance(each.job.command, Sync):
                self._startup.synced(now_ms)
            elif each.how is How.UNANSWERED and isinstance(each.job.command, AskMenu | UseMenu):
                self._menu_silent = True  # it has no menu, or its answers may come too late to be told apart
            elif each.how is How.UNANSWERED:
                self._go_down("no_ack", now_ms, pause_ms=1000 * self._settings.settle_s)

    def _tell_watch(self, how: How, now_ms: int, *, why: str) -> None:
        watch = self._operation
        if not isinstance(watch, Watch):
            return  # it was abandoned
        match how:
            case How.WRITTEN:
                self._written = True
                watch.wrote(now_ms)
            case How.ACKED:
                watch.acked(now_ms)
            case How.UNANSWERED:
                watch.note("no ack")
            case How.WITHHELD:
                self._end(Withheld(why=why))

    # ------------------------------------------------------------ time

    def _advance(self, now_ms: int) -> None:
        """Move on whatever waits for time or for the other side."""
        match self._operation:
            case Watch() as watch:
                self._advance_watch(watch, now_ms)
            case _Asking(until_ms=until_ms, menu=asked) if now_ms >= until_ms:
                self._menu_silent = self._menu_silent or asked is not None
                self._end("no_answer" if asked is None else "")
        self._put(self._startup.due(now_ms, free=self._link.idle and self._operation is None))
        if self._order is None and self._startup.comes_up(now_ms):
            self._down_why = None
            self._facts.append(BusUp(identity=self._reports.identity))

    def _advance_watch(self, watch: Watch, now_ms: int) -> None:
        if self._listen_by_ms is not None and (self._startup.up or now_ms >= self._listen_by_ms):
            self._listen_by_ms = None
            watch.note(f"stock is {self._reports.baseline(watch.lane).stock}")
            settle_ms = max(1000 * self._settings.settle_s, (SENDS + 1) * self._poll_gap_ms)
            if self._settings.service_menu and self._startup.up:
                self._put(menu.questions(watch.lane))
                settle_ms += MENU_TURNS * self._poll_gap_ms
            watch.listen(now_ms, settle_ms)
        watch.tick(now_ms)
        if watch.outcome is not None:
            self._link.stop_moving()
            outcome, order = watch.outcome, self._recovering
            if order is not None and isinstance(outcome, Uncertain):
                outcome = menu.judged(order, outcome, self._sold, menu.witness(self._settings))
            self._end(outcome)

    def _go_down(self, why: str, now_ms: int, *, pause_ms: int = 0) -> None:
        """The board is not known any more. What had not begun to move is withheld."""
        if self._down_why == why and self._startup.waiting:
            return
        if self._down_why != why:
            self._say_down(why)
        self._identify_anew(begin_ms=now_ms + pause_ms)
        if isinstance(self._operation, _Asking):
            self._end("bus_down")

    def _say_down(self, why: str) -> None:
        self._down_why = why
        self._facts.append(BusDown(why=why))

    def _identify_anew(self, *, begin_ms: int) -> None:
        self._menu_silent = False
        self._decoder.forget()
        self._startup.restart(begin_ms=begin_ms)
        for each in self._link.clear():
            if each.job.moves:
                self._tell_watch(each.how, begin_ms, why="bus_down")
