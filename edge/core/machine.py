"""What surrounds a sale: lanes, link, bus, catalogue, and the one question of what may be sold right now.

Pure values. The engine holds one `Machine` and replaces it; `view` says what the shopper sees. Reasons are
names of the service-code table, in the order in which a person should hear them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from edge.core import lanes
from edge.core.lanes import FAILURES_STOP_A_LANE as FAILURES_STOP_A_LANE
from edge.core.lanes import Lane as Lane
from edge.core.model import Baseline, Kind, Sale, State
from edge.core.pocket import Pocket, Shown
from edge.core.screen import (
    Asking,
    Checking,
    Code,
    Done,
    Doubt,
    Identify,
    Idle,
    Maintenance,
    OutOfOrder,
    Product,
    Refund,
    Scanned,
    Screen,
    Tile,
    Vending,
    View,
)

MAINTENANCE: Final = "maintenance"
_NOTHING_TURNED: Final = (f"{Kind.REJECTED}.", f"{Kind.NOT_MOVED}.")
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_SHOWN_MS: Final[dict[State, int]] = {
    State.DELIVERED: 6_000,
    State.NOT_DELIVERED: 15_000,
    State.UNCERTAIN: 15_000,
    State.CLOSED: 15_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Everything a decision about selling needs. `stops` holds the reasons for which nothing is sold.

    `doubted`: the lanes whose last vend nobody knows the end of, until the board is up again.
    `troubles`: what a person should hear of although everything is sold, by name, with its words. `pockets`:
    codes held for a lane; `shown`: the one on the screen; `leases_ms`: when scans were granted a lease.
    `service`: the technician who waits for the machine, or has it. `leaving_soon`: a person wants a new start
    once nobody is buying; until `identify_until_ms` the screen says which machine this is.
    """

    machine: str
    phone: str = ""
    catalogue_version: int = 0
    products: Mapping[int, Product] = field(default_factory=dict)
    lanes: Mapping[int, Lane] = field(default_factory=dict)
    stops: frozenset[str] = frozenset()
    doubted: frozenset[int] = frozenset()
    troubles: Mapping[str, str] = field(default_factory=dict)
    temperature_c: int | None = None
    door_open: bool | None = None
    vends_a_minute: int = 20
    vends_a_day: int = 400
    vends_ms: tuple[int, ...] = ()
    leases_ms: tuple[int, ...] = ()
    pockets: Mapping[int, Pocket] = field(default_factory=dict)
    shown: Shown | None = None
    current: str = ""
    ended_ms: int = 0
    notice: str = ""
    notice_lane: int = 0
    notice_until_ms: int = 0
    service: str = ""
    leaving_soon: bool = False
    identify_until_ms: int = 0


# ---------------------------------------------------------------- what may be sold


def stop_reason(machine: Machine) -> str:
    """Why nothing at all can be sold: the reason a person should hear first, or ""."""
    if machine.stops:
        return min(machine.stops, key=_rank)
    if not machine.products:
        return "no_catalogue"
    lanes = {lane_reason(machine, lane) for lane in machine.products}
    if "" in lanes:
        return ""
    return "all_sold_out" if lanes == {"sold_out"} else "no_lane"


def closed(machine: Machine) -> str:
    """Why no sale begins any more, though one that is open may still end; or ""."""
    if machine.service or not machine.leaving_soon:
        return MAINTENANCE if machine.service else stop_reason(machine)
    return "leaving"


def lane_reason(machine: Machine, lane: int) -> str:
    """Why this lane cannot be sold: unknown, fault, sold_out, or "". Does not look at the machine's stops."""
    if lane not in machine.products:
        return "unknown"
    seen = machine.lanes.get(lane)
    if seen is None:
        return "unknown"
    if seen.fault or seen.stopped:
        return "fault"
    least = machine.products[lane].sold_out_at
    return "sold_out" if seen.stock is not None and seen.stock <= least else ""


def obstacle(machine: Machine, lane: int, now_ms: int) -> str:
    """A local reason against running this lane's motor now, or "". The link's state is none: it is paid."""
    stops = machine.stops - {"link_down", "bridge_silent"}
    if stops:
        return min(stops, key=_rank)
    if over_velocity(machine, now_ms):
        return "velocity"
    return lane_reason(machine, lane)


def over_velocity(machine: Machine, now_ms: int) -> bool:
    """The machine's own cap, so that even a stolen signing key cannot silently empty it."""
    minute = sum(1 for at in machine.vends_ms if now_ms - at < _MINUTE_MS)
    return minute >= machine.vends_a_minute or len(_day(machine, now_ms)) >= machine.vends_a_day


# ---------------------------------------------------------------- changes


def at_start(name: str, caps: tuple[int, int], *, confirmed: bool) -> Machine:
    """A machine that has seen nothing yet. `caps`: vends a minute and a day; `confirmed`: its journal is."""
    stops = {"starting", "link_down"} | (set() if confirmed else {"journal_new"})
    a_minute, a_day = caps
    return Machine(machine=name, stops=frozenset(stops), vends_a_minute=a_minute, vends_a_day=a_day)


def with_catalogue(machine: Machine, version: int, phone: str, products: tuple[Product, ...]) -> Machine:
    """What it sells from now on."""
    lanes = {product.lane: product for product in products}
    return replace(machine, catalogue_version=version, phone=phone, products=lanes)


def with_stop(machine: Machine, reason: str, stopped: bool) -> Machine:
    """Add or take away a reason for which nothing is sold."""
    stops = machine.stops | {reason} if stopped else machine.stops - {reason}
    return replace(machine, stops=stops)


def with_trouble(machine: Machine, name: str, text: str) -> Machine:
    """A trouble that stops no sale stands with these words, or is over when there are none."""
    others = {each: words for each, words in machine.troubles.items() if each != name}
    return replace(machine, troubles={**others, name: text} if text else others)


def with_lane(machine: Machine, lane: int, seen: Lane) -> Machine:
    """What is now known of a lane."""
    return replace(machine, lanes={**machine.lanes, lane: seen})


def with_report(machine: Machine, lane: int, told: Lane) -> Machine:
    """The board's word on a lane."""
    return with_lane(machine, lane, lanes.reported(machine.lanes.get(lane, Lane()), told))


def with_restart(machine: Machine) -> Machine:
    """The board started: somebody may have worked at it. A stopped lane gets one more try, not two."""
    return replace(machine, lanes={at: lanes.one_more_try(lane) for at, lane in machine.lanes.items()})


def with_test(machine: Machine, lane: int, reason: str) -> Machine:
    """A self-test of a lane, without a turn, ended; `reason` is empty when it passed."""
    seen = machine.lanes.get(lane)
    return machine if seen is None else with_lane(machine, lane, lanes.after_test(seen, reason))


def with_doubt(machine: Machine, lane: int) -> Machine:
    """Nobody knows how a vend ended: nothing is sold until the board is identified again and idle."""
    return replace(with_stop(machine, "board_doubt", True), doubted=machine.doubted | {lane})


def with_vend(machine: Machine, now_ms: int) -> Machine:
    """A motor is about to run."""
    return replace(machine, vends_ms=(*_day(machine, now_ms), now_ms))


def with_outcome(machine: Machine, sale: Sale) -> Machine:
    """Count failures in a row; a delivery takes a piece off a stock that the board tells only sometimes."""
    seen = machine.lanes.get(sale.lane, Lane())
    if sale.state is State.DELIVERED:
        told = sale.baseline is None or sale.baseline.stock != seen.stock  # the board counted by itself
        stock = seen.stock if told or seen.stock is None else max(0, seen.stock - 1)
        return with_lane(machine, sale.lane, replace(lanes.cleared(seen), stock=stock))
    if sale.state in (State.NOT_DELIVERED, State.UNCERTAIN):
        turned, cause = not sale.why.startswith(_NOTHING_TURNED), sale.why.rpartition(".")[2]
        return with_lane(machine, sale.lane, lanes.failed(seen, turned=turned, cause=cause))
    return machine


def with_end(machine: Machine, sale: Sale, now_ms: int) -> Machine:
    """The sale on the screen ended: its last words begin, or a notice says why there will be no code."""
    ended = replace(machine, ended_ms=now_ms)
    reason = sale.why.removeprefix("lane.") if sale.state is State.CLOSED else ""
    return ended if reason in _SILENT_ENDS else with_notice(ended, reason, sale.lane, now_ms)


def with_notice(machine: Machine, notice: str, lane: int, now_ms: int) -> Machine:
    """Say for six seconds on the idle screen why a selection went nowhere."""
    return replace(machine, notice=notice, notice_lane=lane, notice_until_ms=now_ms + 6_000)


# ---------------------------------------------------------------- what is shown


def view(machine: Machine, sale: Sale | None, now_ms: int) -> Screen:
    """The screen as a function of the state. A code needs a live link, an open row and time left (I16)."""
    return Screen(view=_view(machine, sale, now_ms), machine=machine.machine, phone=machine.phone)


def shown_until_ms(machine: Machine, sale: Sale) -> int:
    """When the last words on an ended sale give way to the next shopper."""
    return machine.ended_ms + _SHOWN_MS.get(sale.state, 0)


def next_change_ms(machine: Machine, sale: Sale | None, now_ms: int) -> int | None:
    """When the screen changes by time alone, or None when only an event can change it."""
    times = [machine.notice_until_ms, machine.identify_until_ms]
    if sale is not None and sale.state is State.OPEN and sale.code_url:
        times.append(_next_second_ms(sale.pay_until_ms, now_ms))
    if sale is not None and sale.state is State.OPEN and sale.request_id:
        times.append(sale.pay_until_ms)
    if machine.shown is not None:
        times.append(_next_second_ms(machine.shown.until_ms, now_ms))
    if sale is not None and sale.state not in (State.OPEN, State.INTENT):
        times.append(shown_until_ms(machine, sale))
    return min((at for at in times if at > now_ms), default=None)


def next_seq(last: int, bits: int, baseline: Baseline) -> int:
    """The sequence number after `last` in 1..2^bits-1, unlike any that the board still knows (G-SEQ)."""
    limit = (1 << bits) - 1
    known = {baseline.seq, *baseline.taken}
    following = last % limit + 1
    while following in known:
        following = following % limit + 1
    return following


def _view(machine: Machine, sale: Sale | None, now_ms: int) -> View:
    if sale is not None and sale.state in (State.OPEN, State.INTENT):
        return _running(machine, sale, now_ms)
    shown = _shown_code(machine, now_ms)
    if shown is not None:
        return shown
    if sale is not None and now_ms < shown_until_ms(machine, sale):
        last = _last_words(machine, sale)
        if last is not None:
            return last
    if now_ms < machine.identify_until_ms:
        return Identify()
    reason = closed(machine)
    tiles = tuple(
        Tile(
            product=product,
            reason=lane_reason(machine, lane),
            code=machine.lanes.get(lane, Lane()).code,
        )
        for lane, product in sorted(machine.products.items())
    )
    if reason:
        return Maintenance(tiles=tiles) if reason == MAINTENANCE else OutOfOrder(reason=reason)
    fresh = now_ms < machine.notice_until_ms
    return Idle(
        tiles=tiles,
        notice=machine.notice if fresh else "",
        notice_lane=machine.notice_lane if fresh else 0,
    )


def _running(machine: Machine, sale: Sale, now_ms: int) -> View:
    product = _product(machine, sale)
    if sale.state is State.INTENT or sale.paying:
        return Vending(product=product, step=sale.progress)
    if not sale.request_id and (not sale.code_url or not sale.checked):
        return Asking(product=product)
    left_s = -(-(sale.pay_until_ms - now_ms) // 1000)
    if left_s <= 0 or stop_reason(machine) or lane_reason(machine, sale.lane):
        return Checking(product=product)
    if sale.request_id:
        return Scanned(product=product)
    return Code(
        product=product, code_url=sale.code_url, left_s=left_s, span_s=max(1, sale.pay_span_ms // 1000)
    )


def _shown_code(machine: Machine, now_ms: int) -> Code | None:
    """A code without a sale: it needs a live link, a sellable lane and time left, as every code (I16)."""
    shown = machine.shown
    if shown is None or closed(machine) or lane_reason(machine, shown.lane):
        return None
    left_s = -(-(shown.until_ms - now_ms) // 1000)
    if left_s <= 0:
        return None
    product, span_s = machine.products[shown.lane], max(1, shown.span_ms // 1000)
    return Code(product=product, code_url=shown.code.code_url, left_s=left_s, span_s=span_s)


def _next_second_ms(until_ms: int, now_ms: int) -> int:
    """When a countdown shows the next number; 0 once it is over."""
    left_ms = until_ms - now_ms
    return now_ms + (left_ms % 1000 or 1000) if left_ms > 0 else 0


def _last_words(machine: Machine, sale: Sale) -> View | None:
    product, reference = _product(machine, sale), sale.sale_id[-4:].upper()
    if sale.state is State.DELIVERED:
        return Done(product=product)
    if sale.refund or sale.state is State.NOT_DELIVERED:
        return Refund(product=product, reference=reference, state=sale.refund or "started")
    if sale.state is State.UNCERTAIN:
        return Doubt(product=product, reference=reference)
    return None


def _product(machine: Machine, sale: Sale) -> Product:
    """The product at the price of the sale, even when the catalogue has moved on meanwhile."""
    known = machine.products.get(sale.lane)
    name_zh, name_en = (known.name_zh, known.name_en) if known else (f"{sale.lane}", f"{sale.lane}")
    return Product(
        lane=sale.lane,
        name_zh=name_zh,
        name_en=name_en,
        price_fen=sale.price_fen,
        picture=known.picture if known else "",
    )


# The shopper knows, or money is on its way back and the screen says so in its own words.
_SILENT_ENDS: Final = frozenset(
    {"", "cancel", "reselect", "replaced", "restart", "lease", "late", "unpaid", "refunded"}
)
_RANK: Final = (
    "impossible",
    "journal_failed",
    "journal_new",
    "leaving",
    MAINTENANCE,
    "stopped",
    "bus_port",
    "bus_silent",
    "bus_deaf",
    "board_doubt",
    "starting",
    "door_open",
    "temperature",
    "no_catalogue",
    "link_down",
    "bridge_silent",
)


def _rank(reason: str) -> tuple[int, str]:
    return (_RANK.index(reason) if reason in _RANK else len(_RANK), reason)


def _day(machine: Machine, now_ms: int) -> tuple[int, ...]:
    return tuple(at for at in machine.vends_ms if now_ms - at < _DAY_MS)
