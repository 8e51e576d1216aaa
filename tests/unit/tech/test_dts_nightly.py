"""The nightly audit file, on the disk and at the broker: power cuts, alarms that stand, absent lanes."""

import asyncio
import sqlite3
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from edge.app_audit import FILES, day_report, tell_audit, write_file
from edge.core.faults import Fault
from edge.core.model import ClearAlarm, RaiseAlarm, Sale, Session, State
from edge.core.tally import Trouble
from edge.journal import Fresh, SqliteJournal, open_journal
from edge.journal_mishaps import mishaps
from edge.payment.translate import to_wire
from edge.ports import Change, Heading, OutboxRow
from edge.tech.dts import Report, Segment, write
from edge.tech.dts_audit import Audit, bounds_ms, report
from edge.tech.dts_events import counted
from edge.tech.dts_reader import read
from tests.unit.tech.test_dts_export import DAY, a_tally, kept
from wire.codec import encode

BEGIN_MS, END_MS = bounds_ms(DAY)
HOUR_MS = 3_600_000


def start(path: Path, *, host: str, wall_ms: int, leaves: bool) -> None:
    """One run of the daemon, ended by somebody or not."""

    async def run(journal: SqliteJournal) -> None:
        if leaves:
            await journal.told_to_leave()

    fresh = Fresh(jid="j" * 26, bits="0" * 16, wall_ms=wall_ms, host=host)
    with open_journal(path, fresh, confirm_new=True) as journal:
        asyncio.run(run(journal))


@pytest.mark.parametrize(
    ("host", "leaves", "cuts"),
    [
        ("second", False, 1),  # the computer started anew, and nobody had ended the daemon
        ("second", True, 0),  # shut down in order
        ("first", False, 0),  # the daemon was killed, the computer ran on
        ("", False, 0),  # nobody can tell
    ],
)
def test_a_power_cut_is_a_new_start_of_the_computer_that_nobody_asked_for(
    tmp_path: Path, host: str, leaves: bool, cuts: int
) -> None:
    path = tmp_path / "edge.db"
    start(path, host="first", wall_ms=BEGIN_MS, leaves=leaves)
    start(path, host=host, wall_ms=BEGIN_MS + HOUR_MS, leaves=False)
    assert len(mishaps(path, BEGIN_MS, END_MS).cuts_ms) == cuts


def test_power_cuts_of_the_day_are_events_and_all_of_them_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    for number, at_ms in enumerate((BEGIN_MS - 2, BEGIN_MS - 1, BEGIN_MS + HOUR_MS, END_MS)):
        start(path, host=f"boot {number}", wall_ms=at_ms, leaves=False)
    segments = day_report(path, "vm-0001", DAY).segments
    assert Segment("EA1", ("ECA", "261124", "0100")) in segments
    assert segments[-1] == Segment("EA7", ("1", "2"))


def test_a_journal_from_before_has_no_starts_and_no_cuts(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    start(path, host="first", wall_ms=BEGIN_MS, leaves=False)
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE start")
    db.close()
    assert mishaps(path, BEGIN_MS, END_MS).cuts_ms == ()
    start(path, host="second", wall_ms=BEGIN_MS + 1, leaves=False)
    assert mishaps(path, BEGIN_MS, END_MS).cuts_ms == ()


async def told(journal: SqliteJournal, *alarms: RaiseAlarm | ClearAlarm) -> None:
    for number, alarm in enumerate(alarms, 1):
        heading = Heading(session=journal.session, n=number, row_hash="")
        payload = encode(to_wire(heading, subject(journal.session), alarm, 5, 240))
        row = OutboxRow(n=number, kind="alarm", sale_id="", payload=payload)
        await journal.commit(Change(rows=(row,)))


def subject(session: Session) -> Sale:
    return Sale(sale_id="", lane=0, price_fen=0, catalogue_version=0, session=session, opened_wall_ms=0)


async def test_an_alarm_that_stands_is_an_active_event_and_an_absent_lane_says_so(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    with open_journal(path, Fresh(jid="j" * 26, bits="0" * 16, wall_ms=0), confirm_new=True) as journal:
        await kept(journal)
        await told(
            journal,
            RaiseAlarm(name="temperature_unknown", text="x", fault="temp_sensor"),
            ClearAlarm(name="temperature_unknown"),
            RaiseAlarm(name="temperature_unknown", text="x", fault="temp_sensor"),
            RaiseAlarm(name="lane_fault", text="x", lane=12, fault="motor_open"),
            ClearAlarm(name="lane_fault", lane=12),
            RaiseAlarm(name="lane_fault", text="x", lane=14, fault="channel_absent"),
            RaiseAlarm(name="journal_new", text="x"),
        )
    segments = day_report(path, "vm-0001", DAY).segments
    assert Segment("EA2", ("EOA", "", "2", "temp_sensor", "1")) in segments
    assert Segment("EA2", ("EJB_12", "", "1", "motor_open", "0")) in segments
    assert Segment("PA1", ("14", "300", "Thé", "", "", "", "1")) in segments
    read(write(day_report(path, "vm-0001", DAY)))  # G85, SE and every number


def test_a_code_that_sales_count_is_not_counted_again_by_its_alarm() -> None:
    trouble = Trouble(fault=Fault.JAM, lane=7, raised=5, stands=True)
    assert counted([a_tally(State.NOT_DELIVERED, "moved.jam")], [trouble]) == [
        Segment("EA2", ("EJC", "1", "1", "moved.jam", "1"))
    ]


# ---------------------------------------------------------------- the file


class Clock:
    def now_ms(self) -> int:
        return 0

    def wall_ms(self) -> int:
        return END_MS + HOUR_MS


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, /, **fields: object) -> object:
        return self.warning(event)

    def warning(self, event: str, /, **fields: object) -> object:
        self.lines.append(event)
        return None


async def nightly(folder: Path) -> tuple[dict[str, Mapping[str, object]], list[str]]:
    """What one look of the daemon after midnight shows, and what it logs."""
    shown: dict[str, Mapping[str, object]] = {}
    log, done = Log(), asyncio.Event()

    def publish(name: str, values: Mapping[str, object]) -> None:
        shown[name] = values
        done.set()

    task = asyncio.create_task(
        tell_audit(folder / "edge.db", "vm-0001", clock=Clock(), publish=publish, log=log)
    )
    async with asyncio.timeout(10):
        await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return shown, log.lines


async def test_the_file_of_the_night_is_the_one_at_the_broker_and_can_be_read(tmp_path: Path) -> None:
    start_at(tmp_path)
    shown, lines = await nightly(tmp_path)
    (file,) = (tmp_path / "audit").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("vm-0001-2026-11-24.dts", 0o600)
    assert str(shown["audit"]["dts"]).encode() == file.read_bytes()
    assert read(file.read_bytes()).report == day_report(tmp_path / "edge.db", "vm-0001", DAY)
    assert lines == []


async def test_a_disk_that_takes_no_file_costs_the_file_alone(tmp_path: Path) -> None:
    start_at(tmp_path)
    (tmp_path / "audit").write_text("in the way")
    shown, lines = await nightly(tmp_path)
    assert shown["audit"]["day"] == "2026-11-24"
    assert lines == ["audit.not_written"]


def start_at(folder: Path) -> None:
    fresh = Fresh(jid="j" * 26, bits="0" * 16, wall_ms=0)
    open_journal(folder / "edge.db", fresh, confirm_new=True).close()


def test_two_months_of_nights_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    days = [date.fromordinal(DAY.toordinal() + number) for number in range(FILES + 2)]
    for day in days:
        write_file(tmp_path, f"vm-0001-{day.isoformat()}.dts", b"x")
    left = sorted(file.name for file in tmp_path.iterdir())
    assert len(left) == FILES
    assert left[0] == f"vm-0001-{days[2].isoformat()}.dts"


def test_the_report_of_a_quiet_day_still_counts_power() -> None:
    made: Report = report(Audit(machine="m", software="1", day=DAY, tallies=(), products={}))
    assert made.segments[-1] == Segment("EA7", ("0", "0"))
