"""The audit file of a day: made from the journal by command, and by the daemon when the day is over."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from edge.core.screen import Product
from edge.journal_tally import tally
from edge.payment import translate
from edge.ports import Clock, JournalFailed
from edge.tech.dts import Report, write
from edge.tech.dts_audit import CHINA, Audit, bounds_ms, report
from wire.codec import decode
from wire.log import Log
from wire.messages import BadMessage, Catalogue
from wire.topics import LIMIT_BYTES, Branch, Topic

LOOK_EVERY_S: Final = 60.0
# A sale of the last minute may go on: a lease is 600 s at most, a lift runs 180 s.
SETTLED_AFTER: Final = timedelta(minutes=15)
_TEXT_LIMIT: Final = LIMIT_BYTES[Branch.STATE] * 3 // 4  # JSON escapes each line end


async def tell_audit(
    journal: Path,
    machine: str,
    *,
    clock: Clock,
    publish: Callable[[str, Mapping[str, object]], None],
    log: Log,
) -> None:
    """Keep `state/audit` at the newest day that is over; read in a thread, for the bus must not wait."""
    told: date | None = None
    while True:
        day = day_over(clock.wall_ms())
        if day != told:
            told = day
            try:
                publish("audit", await asyncio.to_thread(_state, journal, machine, day))
            except JournalFailed as error:  # for looking only: what stops sales is found by who writes there
                log.warning("audit.failed", day=day.isoformat(), why=str(error))
        await asyncio.sleep(LOOK_EVERY_S)


def _state(journal: Path, machine: str, day: date) -> dict[str, object]:
    return state(day_report(journal, machine, day), day)


def day_report(journal: Path, machine: str, day: date) -> Report:
    """What the journal says of a day of the platform's, and up to its end. Raises JournalFailed."""
    tallies, catalogue = tally(journal, *bounds_ms(day))
    try:
        products = {product.lane: product for product in _products(catalogue)}
    except BadMessage as error:
        raise JournalFailed(f"journal {journal}: its catalogue: {error}") from error
    return report(
        Audit(machine=machine, software=version("wxvend"), day=day, tallies=tallies, products=products)
    )


def day_over(wall_ms: int) -> date:
    """The newest day of the platform's of which no sale goes on any more."""
    return (datetime.fromtimestamp(wall_ms / 1000, CHINA) - SETTLED_AFTER - timedelta(days=1)).date()


def state(made: Report, day: date) -> dict[str, object]:
    """What `state/audit` shows of it: totals as numbers, and the file itself where a message can carry it."""
    value_fen, count, day_value_fen, day_count = next(
        map(int, each.elements) for each in made.segments if each.name == "DA2"
    )
    data = write(made)
    return {
        "day": day.isoformat(),
        "value_fen": value_fen,
        "count": count,
        "day_value_fen": day_value_fen,
        "day_count": day_count,
        "dts_bytes": len(data),
        "dts": data.decode("ascii") if len(data) <= _TEXT_LIMIT else "",
    }


def _products(catalogue: bytes) -> tuple[Product, ...]:
    """The lanes' names and prices, from the signed catalogue that the journal keeps."""
    if not catalogue:
        return ()
    # Verified when it came, and kept for this machine: the topic only says what kind of message it is.
    message = decode(Topic("machine", Branch.SET, "catalogue"), catalogue)
    assert isinstance(message, Catalogue)
    return translate.catalogue(message, catalogue).products
