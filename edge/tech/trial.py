"""What the conformance suite tries drivers on, and how a check ends."""

import enum
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from edge.ports import BusEvent, Dispenser


class Verdict(enum.StrEnum):
    """How a check ended. NOT_APPLICABLE: this bench, or this bus, cannot show it."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    NOT_APPLICABLE = "n/a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `words` say what was seen."""

    check: str
    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened in the cabinet so far."""

    starts: int
    fallen: int


class Bench(Protocol):
    """One machine, ready to be tried. `seq` is the last number that was given to an order."""

    seq: int

    @property
    def dispenser(self) -> Dispenser:
        """The driver that runs now."""

    @property
    def told(self) -> list[BusEvent]:
        """What the driver that runs now has told."""

    @property
    def lanes(self) -> tuple[int, ...]:
        """Lanes that are stocked; two at least."""

    def fault(self, name: str, times: int) -> bool:
        """Switch a fault of the board on (-1: until further notice, 0: off); False where that cannot be."""

    def choose(self, lane: int) -> None:
        """A shopper chooses at the machine itself, where a machine asks for the vend."""

    async def truth(self) -> Truth | None:
        """What really moved; None where nobody counts."""

    async def second_is_refused(self) -> bool | None:
        """Whether a second daemon on the same port is kept from the board; None where there is no port."""

    async def restart_daemon(self) -> None:
        """Drop the driver where it stands, as a power cut does, and start a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Makes benches; each check gets a fresh one."""

    bench: Callable[[], AbstractAsyncContextManager[Bench]]


class Failed(Exception):
    """A check found something wrong, in words."""


class Inapplicable(Exception):
    """A check cannot be done here, and why."""
