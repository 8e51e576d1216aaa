"""One event loop for all hosts of a world, in virtual time: seeded order between hosts, real order in each.

A power cut drops what a host had in mind: its callbacks and timers are forgotten and its tasks never run
again. They are not cancelled, because a computer without power runs no `finally`.
"""

import asyncio
import contextlib
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from itertools import count
from typing import Any, Final, TypeVarTuple, Unpack

Callback = Callable[..., object]
_Ts = TypeVarTuple("_Ts")
_TRIES: Final = 5
_MANY: Final = 20
_LOGS_ITS_END: Final = "_log_destroy_pending"


class Host:
    """A computer, or a part of the world that nobody can switch off. `life` counts its starts.

    Its timers run at `rate`, as the clock does that its programs read.
    """

    def __init__(self, name: str, *, rate: float = 1.0) -> None:
        self.name: Final = name
        self.rate: Final = rate
        self.life = 0
        self.ready: Final[deque[Handle]] = deque()
        self.awake = False
        self.tasks: list[asyncio.Task[Any]] = []  # those that run, and some that have ended
        self.looked_through = 0  # how many ran when those that had ended were let go


class Handle(asyncio.TimerHandle):
    """A callback bound to the host and the life that asked for it. Lighter than what it stands for.

    It runs in no context of its own: no program in a world has context variables.
    """

    __slots__ = ("at_s", "call", "forgotten", "given", "host", "life")

    def __init__(self, host: Host, life: int, at_s: float, callback: Callback, args: tuple[Any, ...]) -> None:
        self.host = host
        self.life = life
        self.at_s = at_s
        self.call = callback
        self.given = args
        self.forgotten = False

    def cancel(self) -> None:
        """Forget it."""
        self.forgotten = True

    def cancelled(self) -> bool:
        """Whether it was forgotten."""
        return self.forgotten

    def when(self) -> float:
        """Seconds of the world's clock."""
        return self.at_s


class WorldLoop(asyncio.BaseEventLoop):
    """`draw(n)` gives a whole number below n: which host goes next when several could."""

    def __init__(self, draw: Callable[[int], int]) -> None:
        super().__init__()
        self._draw: Final = draw
        self._now_s = 0.0
        self._timers: Final[list[tuple[float, int, Handle]]] = []
        self._numbers: Final = count()
        self._awake: Final[list[Host]] = []
        self._hosts: Final[dict[Host, None]] = {}
        self._dead: Final[list[asyncio.Task[Any]]] = []
        self.nature: Final = Host("nature")
        self.current = self.nature
        self._life = 0  # of the host whose callback runs: one that dies in it asks for nothing any more
        self.broken: list[tuple[str, BaseException]] = []

    # ------------------------------------------------------------ what the world does

    def spawn(self, host: Host, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a program on a host."""
        before = self.current, self._life
        self.current, self._life = host, host.life
        try:
            task: asyncio.Task[Any] = self.create_task(work, name=name)
            return task
        finally:
            self.current, self._life = before

    def on(self, host: Host, delay_s: float, callback: Callback, *args: Any) -> Handle:
        """Let something happen at a host after a while, if it has not lost power until then."""
        at_s = self._now_s + delay_s
        handle = Handle(host, host.life, at_s, callback, args)
        heapq.heappush(self._timers, (at_s, next(self._numbers), handle))
        return handle

    def cut(self, host: Host) -> None:
        """Take its power: nothing it had in mind happens any more, and nothing is tidied up."""
        host.life += 1
        host.ready.clear()
        # Kept, so that no coroutine is closed and runs what a computer without power cannot run.
        self._dead.extend(host.tasks)
        host.tasks.clear()

    def run_until(self, until_s: float) -> None:
        """Let the world go on until this moment."""
        before, timers = events._get_running_loop(), self._timers
        events._set_running_loop(self)
        try:
            while True:
                self._settle()
                if not timers or timers[0][0] > until_s:
                    self._now_s = max(self._now_s, until_s)
                    return
                self._now_s = now_s = max(self._now_s, timers[0][0])
                while timers and timers[0][0] <= now_s:
                    self._wake(heapq.heappop(timers)[2])
        finally:
            events._set_running_loop(before)

    def _settle(self) -> None:
        """Run what is ready, one callback of one host at a time."""
        awake = self._awake
        while awake:
            at = self._draw(len(awake)) if len(awake) > 1 else 0
            host = awake[at]
            if not host.ready:
                host.awake = False
                awake[at] = awake[-1]
                awake.pop()
                continue
            handle = host.ready.popleft()
            if handle.forgotten or handle.life != host.life:
                continue
            self.current, self._life = host, handle.life
            try:
                handle.call(*handle.given)
            except Exception as error:
                self.broken.append((host.name, error))
        self.current, self._life = self.nature, self.nature.life

    def _wake(self, handle: Handle) -> None:
        host = handle.host
        if handle.forgotten or handle.life != host.life:
            return
        if not host.awake:
            host.awake = True
            self._awake.append(host)
        host.ready.append(handle)

    def close(self) -> None:
        """The world is over: let go of every program, whether it still runs or lost its power long ago."""
        for host in self._hosts:
            self._dead.extend(host.tasks)
        for task in self._dead:
            setattr(task, _LOGS_ITS_END, False)
            _close(task.get_coro())
        self._dead.clear()
        super().close()

    # ------------------------------------------------------------ what asyncio asks of a loop

    def time(self) -> float:
        """Seconds since the world began."""
        return self._now_s

    def call_soon(
        self, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> Handle:
        """Next, on the host that asks."""
        handle = Handle(self.current, self._life, self._now_s, callback, args)
        self._wake(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> Handle:
        """Next, on the host that asks: a world has no threads."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> Handle:
        """After a while, on the host that asks."""
        return self.call_at(self._now_s + delay, callback, *args)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> Handle:
        """Then, on the host that asks."""
        when = self._now_s + (when - self._now_s) / self.current.rate
        handle = Handle(self.current, self._life, when, callback, args)
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> Any:
        """A task of the host that asks."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=str(name), context=context)
        host = self.current
        self._hosts[host] = None
        host.tasks.append(task)
        if len(host.tasks) > 2 * host.looked_through + _MANY:
            host.tasks = [each for each in host.tasks if not each.done()]
            host.looked_through = len(host.tasks)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What asyncio could not tell anyone."""
        error = context.get("exception")
        self.broken.append((self.current.name, error or RuntimeError(str(context.get("message")))))

    def get_debug(self) -> bool:
        """Never."""
        return False


def _close(program: Any) -> None:
    """End a coroutine that nobody waits for, however much it wants to tidy up."""
    for _ in range(_TRIES):  # once for each `finally` that waits for something
        with contextlib.suppress(BaseException):
            program.close()
            return
