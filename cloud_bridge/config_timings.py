"""The `[timings]` and `[limits]` tables: every wait and brake of the core, with the range that may be set."""

from dataclasses import dataclass
from typing import Annotated

from cloud_bridge.core.timings import Limits, Timings
from wire.settings import Range

Seconds = Annotated[int, Range(1, 3600, "s")]
Wait = Annotated[float, Range(0.05, 86_400, "s")]
Spare = Annotated[float, Range(0, 86_400, "s")]
Refunds = Annotated[int, Range(1, 1_000_000, "refunds")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingsTable(Timings):
    """Every wait, with what an operator may set. Without the table it is a shop's."""

    lease_min_s: Seconds = 60
    lease_max_s: Seconds = 600
    pay_s: Annotated[int, Range(1, 600, "s")] = 180
    last_payer_s: Annotated[int, Range(0, 600, "s")] = 20
    order_min_s: Annotated[int, Range(1, 600, "s")] = 60
    screen_less_s: Annotated[int, Range(0, 60, "s")] = 5
    bound_drift: Annotated[float, Range(1, 1.1)] = 1.002
    bound_slack_s: Spare = 1.0
    place_again_s: Wait = 1.0
    place_cap_s: Wait = 10.0
    scan_lease_s: Annotated[float, Range(0.05, 1.5, "s")] = 1.5
    scan_order_s: Annotated[float, Range(0.05, 2, "s")] = 2.0
    scan_close_s: Spare = 301.0
    query_first_s: Wait = 5.0
    query_s: Wait = 3.0
    query_spread_s: Spare = 2.0
    query_late_s: Wait = 15.0
    query_past_s: tuple[Wait, ...] = (60.0, 300.0, 900.0, 3600.0)
    look_again_s: Wait = 60.0
    authorise_s: Wait = 2.0
    authorise_factor: Annotated[float, Range(1, 10)] = 1.5
    authorise_cap_s: Wait = 10.0
    ask_s: Wait = 5.0
    ask_cap_s: Wait = 60.0
    doubt_s: Spare = 600.0
    gone_s: Wait = 900.0
    refund_again_s: tuple[Wait, ...] = (5.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0)
    refund_poll_s: tuple[Wait, ...] = (60.0, 60.0, 60.0, 60.0, 60.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
    refund_slow_s: Wait = 3600.0
    refund_tries: Annotated[int, Range(1, 10_000)] = 200
    refund_stuck_s: Annotated[float, Range(60, 2_592_000, "s")] = 259_200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsTable(Limits):
    """How many refunds within `window_s` a machine's word is good for, before a person has to look."""

    window_s: Annotated[int, Range(60, 604_800, "s")] = 3600
    lane: Refunds = 3
    machine: Refunds = 6
    fleet: Refunds = 30
