"""A loop whose time jumps to the next timer when nothing is left to do, and waits while a thread works."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1_000.0
        self.threads: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.threads():
            return super().select(5)
        assert timeout is not None, "nothing is left that could happen"
        self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`threads` says whether a thread will wake the loop: then it really waits."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s

    def mind(self, threads: Callable[[], bool]) -> None:
        self._virtual.threads = threads


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene from its start to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scene)
