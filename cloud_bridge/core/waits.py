"""How long a sale waits before it calls, tells or asks again. Pure: the draw of chance is an argument."""

from typing import Final

from cloud_bridge.core.case import is_open
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale, Timer
from cloud_bridge.core.timings import Timings

_DOUBLINGS: Final = 16


def wait_s(timer: Timer, nth: int, sale: Sale, timings: Timings, draw: float) -> float:
    """The wait before ring `nth` (0 first) of a timer that rings again; `draw` is in 0..1."""
    match timer:
        case Timer.PLACE:
            return _grow(timings.place_again_s, 2, nth, timings.place_cap_s)
        case Timer.QUERY:
            return _query_s(nth, sale, timings, draw)
        case Timer.AUTHORISE:
            return _grow(timings.authorise_s, timings.authorise_factor, nth, timings.authorise_cap_s)
        case Timer.ASK:
            return _grow(timings.ask_s, 2, nth, timings.ask_cap_s)
        case Timer.REFUND:
            if is_open(sale, "refund_stuck", "refund_not_enough"):
                return timings.refund_slow_s
            return _nth(timings.refund_poll_s if sale.refund_accepted else timings.refund_again_s, nth)
        case _:
            raise AssertionError(f"{timer} rings once")


def _query_s(nth: int, sale: Sale, timings: Timings, draw: float) -> float:
    """Every few seconds while somebody may be paying, slower to the bound, then ever more rarely."""
    if sale.state is State.OFFERED and not sale.window_over:
        return timings.query_s + timings.query_spread_s * draw
    if sale.state is State.CLOSED or sale.past:
        return _nth(timings.query_past_s, nth)
    return timings.query_late_s


def _grow(first_s: float, factor: float, nth: int, cap_s: float) -> float:
    return float(min(cap_s, first_s * factor ** min(nth, _DOUBLINGS)))


def _nth(waits_s: tuple[float, ...], nth: int) -> float:
    return waits_s[min(nth, len(waits_s) - 1)]
