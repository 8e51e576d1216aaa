"""The audit file of a day: made from the journal by command, and by the daemon when the day is over.

The daemon lays it beside the journal and shows it at the broker, in as many parts as messages need.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from edge.core.faults import Fault
from edge.core.screen import Product
from edge.core.tally import Trouble
from edge.journal_mishaps import mishaps
from edge.journal_tally import tally
from edge.payment import translate
from edge.ports import Clock, JournalFailed
from edge.tech.dts import Report, write
from edge.tech.dts_audit import CHINA, Audit, bounds_ms, report
from wire.codec import decode
from wire.log import Log
from wire.messages import Alarm, BadMessage, Catalogue
from wire.topics import LIMIT_BYTES, Branch, Topic

LOOK_EVERY_S: Final = 60.0
# A sale of the last minute may go on: a lease is 600 s at most, a lift runs 180 s.
SETTLED_AFTER: Final = timedelta(minutes=15)
FOLDER: Final = "audit"  # beside the journal
FILES: Final = 62
PARTS: Final = 12
_FAULTS: Final = {fault.value: fault for fault in Fault}
_PART: Final = LIMIT_BYTES[Branch.STATE] * 3 // 4  # JSON escapes each line end


async def tell_audit(
    journal: Path,
    machine: str,
    *,
    clock: Clock,
    publish: Callable[[str, Mapping[str, object]], None],
    log: Log,
) -> None:
    """Keep file and `state/audit` at the newest day that is over; in a thread, for the bus must not wait."""
    told: date | None = None
    while True:
        day = day_over(clock.wall_ms())
        if day != told:
            told = day
            try:
                shown, trouble = await asyncio.to_thread(_kept, journal, machine, day)
            except JournalFailed as error:  # for looking only: what stops sales is found by who writes there
                log.warning("audit.failed", day=day.isoformat(), why=str(error))
            else:
                for name, values in shown.items():
                    publish(name, values)
                if trouble:
                    log.warning("audit.not_written", day=day.isoformat(), why=trouble)
        await asyncio.sleep(LOOK_EVERY_S)


def _kept(journal: Path, machine: str, day: date) -> tuple[dict[str, dict[str, object]], str]:
    """Make the day's report and lay it down; what is shown of it, and why there is no file, or empty."""
    made, trouble = day_report(journal, machine, day), ""
    try:
        write_file(journal.parent / FOLDER, f"{machine}-{day.isoformat()}.dts", write(made))
    except OSError as error:  # a full disk costs the file, not what is shown
        trouble = error.strerror or type(error).__name__
    return states(made, day), trouble


def write_file(folder: Path, name: str, data: bytes) -> None:
    """Lay a file down, whole or not at all, and drop the oldest beyond `FILES`. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / f"{name}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    part.replace(folder / name)
    oldest_first = sorted(folder.glob("*.dts"), key=lambda file: file.name[-14:])  # by day
    for file in oldest_first[: max(0, len(oldest_first) - FILES)]:
        file.unlink(missing_ok=True)


def day_report(journal: Path, machine: str, day: date) -> Report:
    """What the journal says of a day of the platform's, and up to its end. Raises JournalFailed."""
    tallies, catalogue = tally(journal, *bounds_ms(day))
    wrong = mishaps(journal, *bounds_ms(day))
    try:
        products = {product.lane: product for product in _products(catalogue)}
    except BadMessage as error:
        raise JournalFailed(f"journal {journal}: its catalogue: {error}") from error
    return report(
        Audit(
            machine=machine,
            software=version("wxvend"),
            day=day,
            tallies=tallies,
            products=products,
            mishaps=wrong.failed,
            cuts_ms=wrong.cuts_ms,
            troubles=_troubles(wrong.alarms),
        )
    )


def day_over(wall_ms: int) -> date:
    """The newest day of the platform's of which no sale goes on any more."""
    return (datetime.fromtimestamp(wall_ms / 1000, CHINA) - SETTLED_AFTER - timedelta(days=1)).date()


def states(made: Report, day: date) -> dict[str, dict[str, object]]:
    """What stands below `state/`: totals as numbers with the file's first part, and each further part."""
    value_fen, count, day_value_fen, day_count = next(
        map(int, each.elements) for each in made.segments if each.name == "DA2"
    )
    data = write(made)
    parts = [data[at : at + _PART].decode("ascii") for at in range(0, len(data), _PART)]
    parts = parts if len(parts) <= PARTS else []  # no machine has so many lanes; the file has it all
    first: dict[str, object] = {
        "day": day.isoformat(),
        "value_fen": value_fen,
        "count": count,
        "day_value_fen": day_value_fen,
        "day_count": day_count,
        "dts_bytes": len(data),
        "parts": len(parts),
        "dts": parts[0] if parts else "",
    }
    further = {
        f"audit_part/{number}": {"day": day.isoformat(), "part": number, "dts": text}
        for number, text in enumerate(parts[1:], 2)
    }
    return {"audit": first, **further}


def _troubles(alarms: Iterable[bytes]) -> tuple[Trouble, ...]:
    """What the machine's own alarms told of common faults: how often, and which of them stand."""
    raised: Counter[tuple[Fault, int]] = Counter()
    standing: dict[tuple[str, int], Fault] = {}
    for payload in alarms:
        alarm = decode(Topic("machine", Branch.UP, "alarm"), payload)  # as we wrote it ourselves
        assert isinstance(alarm, Alarm)
        fault = _FAULTS.get(alarm.fault or "")
        if fault is not None and alarm.raised:
            raised[fault, alarm.lane] += 1
            standing[alarm.name, alarm.lane] = fault
        elif not alarm.raised:
            standing.pop((alarm.name, alarm.lane), None)
    stands = {(fault, lane) for (_, lane), fault in standing.items()}
    return tuple(
        Trouble(fault=fault, lane=lane, raised=count, stands=(fault, lane) in stands)
        for (fault, lane), count in sorted(raised.items())
    )


def _products(catalogue: bytes) -> tuple[Product, ...]:
    """The lanes' names and prices, from the signed catalogue that the journal keeps."""
    if not catalogue:
        return ()
    # Verified when it came, and kept for this machine: the topic only says what kind of message it is.
    message = decode(Topic("machine", Branch.SET, "catalogue"), catalogue)
    assert isinstance(message, Catalogue)
    return translate.catalogue(message, catalogue).products
