"""A machine's own sales as an EVA-DTS report: totals since the journal began, and of one day. Pure.

This machine sells for WeChat Pay alone, so every sale is a cashless one (DA); a paid vend is one whose goods
are known to be out. What was paid and given back, or is in doubt, is an event (EA, `dts_events`) and no sale.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

from edge.core.faults import Fault
from edge.core.model import State
from edge.core.screen import Product
from edge.core.tally import Mishap, Tally, Trouble
from edge.tech import dts_events as events
from edge.tech.dts import VERSION, Report, Segment

COMMUNICATION: Final = "WXV0000001"  # ours; no manufacturer's code is registered for it
CHINA: Final = timezone(timedelta(hours=8))  # the platform's bills count its days
_ABSENT: Final = "1"  # PA107: the selection is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What a report is made of. `machine` may be empty; tallies end with `day`, their period is the day.

    `mishaps` are the day's failed vends, `cuts_ms` all power cuts by when the power was back, `troubles` what
    alarms told of.
    """

    machine: str
    software: str
    day: date
    tallies: tuple[Tally, ...]
    products: Mapping[int, Product]
    mishaps: tuple[Mishap, ...] = ()
    cuts_ms: tuple[int, ...] = ()
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sum:
    """Paid vends: value in fen and number, since the journal began and of the day."""

    fen: int = 0
    count: int = 0
    day_fen: int = 0
    day_count: int = 0

    def elements(self) -> tuple[str, ...]:
        """As VA1, CA2 and DA2 have them."""
        return _texts(self.fen, self.count, self.day_fen, self.day_count)


def bounds_ms(day: date) -> tuple[int, int]:
    """When a day of the platform's begins and ends, in Unix milliseconds."""
    begin = datetime.combine(day, time(), CHINA)
    return round(begin.timestamp() * 1000), round((begin + timedelta(days=1)).timestamp() * 1000)


def report(audit: Audit) -> Report:
    """The day's report; the same day gives the same bytes as long as the journal says the same."""
    paid = [row for row in audit.tallies if row.state is State.DELIVERED]
    total = _sum(paid).elements()
    lanes = sorted({row.lane for row in paid} | set(audit.products))
    begin_ms, end_ms = bounds_ms(audit.day)
    cuts_ms = [at_ms for at_ms in audit.cuts_ms if at_ms < end_ms]
    of_day = [at_ms for at_ms in cuts_ms if at_ms >= begin_ms]
    absent = {each.lane for each in audit.troubles if each.stands and each.fault is Fault.CHANNEL_ABSENT}
    return Report(
        application=(COMMUNICATION, "VA", VERSION, "1"),
        segments=(
            Segment("ID1", (audit.machine,)),
            Segment("ID4", ("2", "156", "CNY")),
            Segment("VA1", total),
            Segment("CA2", _Sum().elements()),
            Segment("DA1", ("", "WXVEND", audit.software)),
            Segment("DA2", total),
            *(
                line
                for lane in lanes
                for line in _lane(lane, paid, audit.products.get(lane), absent=lane in absent)
            ),
            *events.single(audit.mishaps, of_day, moment),
            *events.counted(audit.tallies, audit.troubles),
            Segment("EA3", ("", *moment(end_ms), COMMUNICATION)),
            Segment("EA7", _texts(len(of_day), len(cuts_ms))),
        ),
    )


def _lane(lane: int, paid: Iterable[Tally], product: Product | None, *, absent: bool) -> tuple[Segment, ...]:
    """PA1 begins a product; its lines follow it. PA7 where it was sold at several prices."""
    own = [row for row in paid if row.lane == lane]
    newest = max(own, key=lambda row: row.last_wall_ms, default=None)
    price_fen = product.price_fen if product else newest.price_fen if newest else 0
    total = _sum(own)
    name = (product.name_en,) if product else ("",) if absent else ()
    status = ("", "", "", _ABSENT) if absent else ()
    lines = [
        Segment("PA1", (*_texts(lane, price_fen), *name, *status)),
        Segment("PA2", _texts(total.count, total.fen, total.day_count, total.day_fen)),
    ]
    if newest is not None:
        lines.append(Segment("PA5", moment(newest.last_wall_ms)))
    prices = sorted({row.price_fen for row in own})
    return (*lines, *(_at_price(lane, each, own) for each in prices if len(prices) > 1))


def _at_price(lane: int, price_fen: int, own: Iterable[Tally]) -> Segment:
    total = _sum(row for row in own if row.price_fen == price_fen)
    numbers = _texts(price_fen, total.count, total.fen, total.day_count, total.day_fen)
    return Segment("PA7", (str(lane), "DA", "0", *numbers))


def _sum(rows: Iterable[Tally]) -> _Sum:
    fen = count = day_fen = day_count = 0
    for row in rows:
        fen, count = fen + row.price_fen * row.count, count + row.count
        day_fen, day_count = day_fen + row.price_fen * row.of_period, day_count + row.of_period
    return _Sum(fen, count, day_fen, day_count)


def _texts(*numbers: int) -> tuple[str, ...]:
    return tuple(map(str, numbers))


def moment(wall_ms: int) -> tuple[str, str]:
    """Date and time of the platform's clock: YYMMDD, HHMM."""
    at = datetime.fromtimestamp(wall_ms / 1000, CHINA)
    return f"{at:%y%m%d}", f"{at:%H%M}"
