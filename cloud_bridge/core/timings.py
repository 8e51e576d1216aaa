"""How long the bridge waits, how often it asks again, and how many refunds it gives on a machine's word.

Durations are seconds of the bridge's monotonic clock. Defaults are those of a shop; a demo shortens them.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Every wait of a sale. `*_s` are seconds; a tuple is the waits one after the other, the last for ever.

    Raises ValueError for a wait that is not positive (`doubt_s` may be 0: only an operator ends doubt).
    """

    lease_min_s: int = 60
    lease_max_s: int = 600
    pay_s: int = 180
    last_payer_s: int = 20
    order_min_s: int = 60
    screen_less_s: int = 5
    bound_drift: float = 1.002
    bound_slack_s: float = 1.0
    place_again_s: float = 1.0
    place_cap_s: float = 10.0
    scan_lease_s: float = 1.5
    scan_order_s: float = 2.0
    scan_close_s: float = 301.0
    query_first_s: float = 5.0
    query_s: float = 3.0
    query_spread_s: float = 2.0
    query_late_s: float = 15.0
    query_past_s: tuple[float, ...] = (60.0, 300.0, 900.0, 3600.0)
    look_again_s: float = 60.0
    authorise_s: float = 2.0
    authorise_factor: float = 1.5
    authorise_cap_s: float = 10.0
    ask_s: float = 5.0
    ask_cap_s: float = 60.0
    doubt_s: float = 600.0
    gone_s: float = 900.0
    refund_again_s: tuple[float, ...] = (5.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0)
    refund_poll_s: tuple[float, ...] = (60.0, 60.0, 60.0, 60.0, 60.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
    refund_slow_s: float = 3600.0
    refund_tries: int = 200
    refund_stuck_s: float = 259_200.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            smallest = min(value, default=0) if isinstance(value, tuple) else value
            if smallest < 0 or (smallest == 0 and name not in _MAY_BE_ZERO):
                raise ValueError(f"{name}: found {value}, allowed more than 0 s")
        if self.lease_min_s > self.lease_max_s:
            raise ValueError(f"lease_min_s: found {self.lease_min_s}, allowed at most {self.lease_max_s}")

    def bound_s(self, *, lease_s: int, start_s: int) -> float:
        """Past this, counted from `sale.requested`, no motor starts for the sale (G-SLACK)."""
        return lease_s * self.bound_drift + start_s + self.bound_slack_s

    def window_s(self, lease_s: int) -> int:
        """How long a shopper may pay: what the lease leaves when the last payer still gets the goods."""
        return min(self.pay_s, lease_s - self.last_payer_s)


_MAY_BE_ZERO = frozenset({"doubt_s", "query_spread_s", "screen_less_s", "last_payer_s", "bound_slack_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The brakes: automatic refunds on a machine's word within `window_s`.

    At `lane` of them the lane stops selling, at `machine` the machine, at `fleet` the next ones wait for a
    person. The window is counted on the wall clock: it is a statistic and no promise hangs on it.
    """

    window_s: int = 3600
    lane: int = 3
    machine: int = 6
    fleet: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Automatic refunds on a machine's word within the window, this sale's own not among them."""

    lane: int = 0
    machine: int = 0
    fleet: int = 0
