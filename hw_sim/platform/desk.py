"""The simulator's own desk beside the merchant's door: phones, faults, books. Plain values in and out."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hw_sim.platform.events import Events
from hw_sim.platform.faults import Armed, Fault, Faults
from hw_sim.platform.model import Platform
from hw_sim.platform.payers import SOMEBODY, Page, PayerRefused
from hw_sim.platform.signatures import KeyMode, Signer

Wish = Mapping[str, Any]
_NUMBERS: Final = {"times": int, "probability": float, "delay_ms": int}


class Refused(Exception):
    """A wish that cannot be met; `status` is for HTTP, the text for people."""

    def __init__(self, status: int, words: str, **more: str) -> None:
        super().__init__(words)
        self.status = status
        self.body = {"error": words, **more}


class Desk:
    """Every wish by its name; each takes the wish's members and gives what to answer."""

    def __init__(self, *, platform: Platform, faults: Faults, events: Events, signer: Signer) -> None:
        self._platform = platform
        self._faults = faults
        self._events = events
        self._signer = signer
        self._wishes: Final[Mapping[str, Callable[[Wish, int], Any]]] = {
            "scan": self._scan,
            "pay": self._pay,
            "cancel": self._cancel,
            "fault": self._fault,
            "keys": self._keys,
            "books": lambda _wish, now_ms: self._platform.books(now_ms),
            "events": lambda wish, _now_ms: self._events.since(int(wish.get("since", 0))),
            "faults": lambda _wish, _now_ms: [_told(armed) for armed in self._faults.armed()],
        }

    def do(self, name: str, wish: Wish, now_ms: int) -> Any:
        """Meet a wish. Raises Refused."""
        if name not in self._wishes:
            raise Refused(404, f"{name}: found no such wish, allowed {', '.join(self._wishes)}")
        try:
            return self._wishes[name](wish, now_ms)
        except PayerRefused as error:
            raise Refused(409, error.text, reason=str(error.reason)) from error
        except KeyError as error:
            raise Refused(400, f"{name}: found no {error}") from error
        except (ValueError, TypeError) as error:
            raise Refused(400, f"{name}: {error}") from error

    def _scan(self, wish: Wish, now_ms: int) -> Any:
        account = str(wish.get("account", SOMEBODY))
        return _page(self._platform.scan(str(wish["code_url"]), now_ms, account=account))

    def _pay(self, wish: Wish, now_ms: int) -> Any:
        account, race = str(wish.get("account", SOMEBODY)), bool(wish.get("race", False))
        return _page(self._platform.pay(str(wish["code_url"]), now_ms, account=account, race=race))

    def _cancel(self, wish: Wish, now_ms: int) -> Any:
        self._platform.cancel(str(wish["code_url"]), now_ms)
        return {}

    def _fault(self, wish: Wish, _now_ms: int) -> Any:
        if wish.get("clear"):
            self._faults.clear()
            return {}
        numbers = {name: kind(wish[name]) for name, kind in _NUMBERS.items() if name in wish}
        self._faults.arm(Armed(Fault(str(wish["name"])), only=str(wish.get("only", "")), **numbers))
        return {}

    def _keys(self, wish: Wish, _now_ms: int) -> Any:
        self._signer.mode = KeyMode.parse(str(wish["mode"]))
        return {}


def _page(page: Page) -> dict[str, Any]:
    return {
        "out_trade_no": page.out_trade_no,
        "description": page.description,
        "amount_fen": page.amount_fen,
        "merchant": page.merchant,
        "state": page.state.value,
    }


def _told(armed: Armed) -> dict[str, Any]:
    return {"name": armed.fault.value, "times": armed.times, "only": armed.only}
