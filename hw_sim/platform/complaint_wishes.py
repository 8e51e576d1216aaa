"""What a tester wishes at the desk about complaints, violations and mini-program deliveries."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from hw_sim.platform.answers import ApiError
from hw_sim.platform.clock import Clock
from hw_sim.platform.complaint_calls import ComplaintDesk
from hw_sim.platform.complaints import Complaint
from hw_sim.platform.model import Platform
from hw_sim.platform.shipping import Shipping
from hw_sim.platform.violations import Violations

Wish: TypeAlias = Mapping[str, Any]
_TOLD: Final = ("problem", "words", "phone")


def complaint_wishes(
    *,
    platform: Platform,
    complaints: ComplaintDesk,
    violations: Violations,
    shipping: Shipping,
    clock: Clock,
) -> dict[str, Callable[[Wish], Any]]:
    """Each takes a wish's members and gives what to answer. Raise ValueError for what cannot be done."""
    book = complaints.book

    def complain(wish: Wish) -> Any:
        number = _text(wish, "out_trade_no")
        order = platform.paid_order(number, clock.now_ms())
        if order is None:
            raise ValueError(f"out_trade_no: found {number[:40]}, allowed the number of a paid order")
        told = {name: _text(wish, name) for name in _TOLD if name in wish}
        made = book.create(order, clock.now_ms(), **told)
        if "picture" in wish:
            book.attach(made.complaint_id, base64.b64decode(_text(wish, "picture"), validate=True))
        return shown(made)

    def speak(wish: Wish) -> Any:
        again = wish.get("again") is True
        words = _text(wish, "words")
        return shown(_known(lambda name: book.speak(name, words, clock.now_ms(), again=again), wish))

    return {
        "complain": complain,
        "complaint_speak": speak,
        "complaints": lambda _: [shown(each) for each in book.all()],
        "violate": lambda wish: violations.tell(dict(wish), clock.now_ms()),
        "shipped": lambda _: shipping.book(),
        "shipping": lambda wish: shipping.set(dict(wish)),
    }


def shown(found: Complaint) -> dict[str, Any]:
    """A complaint for a tester, who may see everything but the payer."""
    return {
        "complaint_id": found.complaint_id,
        "out_trade_no": found.order.out_trade_no,
        "state": found.standing.value,
        "problem": found.problem,
        "times": found.times,
        "full_refunded": found.full_refunded,
        "images": list(found.images),
        "history": [{"action": each.action, "words": each.words} for each in found.history],
    }


def _known(work: Callable[[str], Complaint], wish: Wish) -> Complaint:
    name = _text(wish, "complaint_id")
    try:
        return work(name)
    except ApiError as error:
        raise ValueError(f"complaint_id: found {name[:40]}, allowed one of /_sim/complaints") from error


def _text(wish: Wish, name: str) -> str:
    found = wish.get(name)
    if not isinstance(found, str):
        raise ValueError(f"{name}: found {type(found).__name__}, allowed a text")
    return found
