"""The simulator's own desk beside the merchant's door: phones, faults, the clock, the books.

Every wish is a name and a JSON object, its answer a JSON value. What cannot be done is Refused, in words.
"""

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from hw_sim.platform.clock import Clock
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Armed, Fault, Faults, fault_named
from hw_sim.platform.model import Platform
from hw_sim.platform.payers import SOMEBODY, Page, PayerRefused
from hw_sim.platform.signatures import KeyMode, Signer

Wish: TypeAlias = Mapping[str, Any]
_REQUIRED: Final = object()
_KINDS: Final[Mapping[type, str]] = MappingProxyType(
    {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
)


class Refused(Exception):
    """A wish that cannot be met; `status` is for HTTP, `body` says why."""

    def __init__(self, status: int, words: str, **more: str) -> None:
        super().__init__(words)
        self.status = status
        self.body = {"error": words, **more}


class Desk:
    """Every wish by its name; each takes the wish's members and gives what to answer."""

    def __init__(
        self, *, platform: Platform, faults: Faults, events: Events, signer: Signer, clock: Clock
    ) -> None:
        self._platform = platform
        self._faults = faults
        self._events = events
        self._signer = signer
        self._clock = clock
        self._wishes: Mapping[str, Callable[[Wish], Any]] = {
            "scan": self._scan,
            "pay": self._pay,
            "cancel": self._cancel,
            "fault": self._fault,
            "faults": lambda _: self._told_faults(),
            "keys": self._keys,
            "clock": self._set_clock,
            "books": lambda _: self._platform.books(self._clock.now_ms()),
            "events": lambda wish: self._events.since(_since(wish)),
        }

    def add(self, wishes: Mapping[str, Callable[[Wish], Any]]) -> None:
        """Meet these as well."""
        self._wishes = {**self._wishes, **wishes}

    def wish(self, name: str) -> Callable[[Wish], Any]:
        """What meets a wish now."""
        return self._wishes[name]

    def do(self, name: str, wish: Wish) -> Any:
        """Meet a wish. Raises Refused."""
        if name not in self._wishes:
            raise Refused(404, f"wish: found {name}, allowed {', '.join(self._wishes)}")
        with _refusals():
            return self._wishes[name](wish)

    async def done(self, name: str, wish: Wish) -> Any:
        """Meet a wish that may take its time. Raises Refused."""
        value = self.do(name, wish)
        if not inspect.isawaitable(value):
            return value
        with _refusals():
            return await value

    def _scan(self, wish: Wish) -> Any:
        account = _member(wish, "account", str, SOMEBODY)
        return _shown(self._platform.scan(_code(wish), self._clock.now_ms(), account=account))

    def _pay(self, wish: Wish) -> Any:
        account = _member(wish, "account", str, SOMEBODY)
        race = _member(wish, "race", bool, False)
        return _shown(self._platform.pay(_code(wish), self._clock.now_ms(), account=account, race=race))

    def _cancel(self, wish: Wish) -> Any:
        self._platform.cancel(_code(wish), self._clock.now_ms())
        return {}

    def _fault(self, wish: Wish) -> Any:
        if _member(wish, "clear", bool, False):
            self._faults.clear()
        else:
            self._faults.arm(_armed(wish))
        return self._told_faults()

    def _told_faults(self) -> Any:
        return {
            "armed": [
                {
                    "name": armed.fault.value,
                    "times": armed.times,
                    "probability": armed.probability,
                    "only": armed.only,
                    "delay_ms": armed.delay_ms,
                }
                for armed in self._faults.armed()
            ],
            "known": {fault.value: fault.words for fault in Fault},
        }

    def _keys(self, wish: Wish) -> Any:
        self._signer.mode = KeyMode.parse(_member(wish, "mode", str))
        return {}

    def _set_clock(self, wish: Wish) -> Any:
        self._clock.advance(_member(wish, "advance_ms", int, 0))
        return {"now_ms": self._clock.now_ms(), "ahead_ms": self._clock.ahead_ms}


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except PayerRefused as error:
        raise Refused(409, error.text, reason=error.reason.value) from error
    except ValueError as error:
        raise Refused(400, str(error)) from error


def _armed(wish: Wish) -> Armed:
    usual = Armed(fault_named(_member(wish, "name", str)))
    return Armed(
        usual.fault,
        times=_member(wish, "times", int, usual.times),
        probability=_member(wish, "probability", float, None),
        only=_member(wish, "only", str, usual.only),
        delay_ms=_member(wish, "delay_ms", int, usual.delay_ms),
    )


def _code(wish: Wish) -> str:
    return str(_member(wish, "code_url", str))


def _since(wish: Wish) -> int:
    """A number as JSON or a query has it."""
    found = str(wish.get("since", 0))
    if not re.fullmatch("[0-9]{1,15}", found):
        raise ValueError(f"since: found {found[:20]}, allowed a number of the diary")
    return int(found)


def _member(wish: Wish, name: str, kind: type, otherwise: Any = _REQUIRED) -> Any:
    """Give a member of that kind. Raises ValueError."""
    found = wish.get(name, otherwise)
    if found is otherwise and otherwise is not _REQUIRED:
        return otherwise
    fits = isinstance(found, kind) or (kind is float and isinstance(found, int))
    if not fits or (isinstance(found, bool) and kind is not bool):
        shown = "nothing" if found is _REQUIRED else f"a {type(found).__name__}"
        raise ValueError(f"{name}: found {shown}, allowed {_KINDS[kind]}")
    return found


def _shown(page: Page) -> dict[str, Any]:
    return asdict(page) | {"state": page.state.value}
