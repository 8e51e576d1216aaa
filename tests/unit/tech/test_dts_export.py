"""A machine's own audit file: what its journal says of a day, and the command that writes it."""

import json
import sqlite3
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from edge.app_audit import day_over, day_report, states
from edge.core.model import Sale, Session, State
from edge.core.screen import Product
from edge.core.tally import Tally
from edge.journal import Fresh, SqliteJournal, open_journal
from edge.journal_tally import tally
from edge.ports import Change, JournalFailed
from edge.tech.dts import Report, Segment, write
from edge.tech.dts_audit import Audit, bounds_ms, report
from edge.tech.dts_events import code_of
from edge.tech.dts_reader import read
from tests.unit.tech.dts_link import EXAMPLE, dex_blocks, dex_session
from wire.codec import encode
from wire.messages import Catalogue, CatalogueLane
from wire.topics import LIMIT_BYTES, Branch

DAY = date(2026, 11, 24)
BEGIN_MS, END_MS = bounds_ms(DAY)
HOUR_MS = 3_600_000
CATALOGUE = Catalogue(
    version=1,
    phone="",
    lanes=(
        CatalogueLane(lane=12, name_zh="可乐", name_en="Cola *0*", price_fen=400),
        CatalogueLane(lane=14, name_zh="茶", name_en="Thé", price_fen=300),
    ),
)
GOLDEN = f"""\
DXS*WXV0000001*VA*V0/6*1
ST*001*0001
ID1*vm-0001
ID4*2*156*CNY
VA1*1450*4*1100*3
CA2*0*0*0*0
DA1**WXVEND*{version("wxvend")}
DA2*1450*4*1100*3
PA1*12*400*Cola ^2A^0^2A^
PA2*3*1150*2*800
PA5*261124*2359
PA7*12*DA*0*350*1*350*0*0
PA7*12*DA*0*400*2*800*2*800
PA1*13*300
PA2*1*300*1*300
PA5*261124*0000
PA1*14*300*Th^C3^^A9^
PA2*0*0*0*0
EA1*EJ_12*261124*0100
EA1*ELA_13*261124*0100
EA2*EJ_12*1*1*silent*0
EA2*ELA_13*1*2*no_drop sold_out*0
EA3**261125*0000*WXV0000001
EA7*0*0
"""


def a_row(lane: int, price_fen: int, at_ms: int, state: State, why: str = "") -> Sale:
    """A row of no session yet; `kept` gives it one and an id."""
    return Sale(
        sale_id="",
        lane=lane,
        price_fen=price_fen,
        catalogue_version=1,
        session=Session(jid="", boot=0, bits=""),
        opened_wall_ms=at_ms,
        state=state,
        why=why,
    )


ROWS = (
    a_row(12, 350, BEGIN_MS - 1, State.DELIVERED),
    a_row(12, 400, BEGIN_MS + HOUR_MS, State.DELIVERED),
    a_row(12, 400, END_MS - 1, State.DELIVERED),
    a_row(12, 400, END_MS, State.DELIVERED),  # tomorrow's
    a_row(13, 300, BEGIN_MS, State.DELIVERED),
    a_row(13, 300, BEGIN_MS - HOUR_MS, State.NOT_DELIVERED, "no_drop"),
    a_row(13, 300, BEGIN_MS + HOUR_MS, State.NOT_DELIVERED, "sold_out"),
    a_row(12, 400, BEGIN_MS + HOUR_MS, State.UNCERTAIN, "silent"),
    a_row(12, 400, BEGIN_MS + HOUR_MS, State.CLOSED, "cancel"),
    a_row(12, 400, BEGIN_MS + HOUR_MS, State.OPEN),
)


async def kept(journal: SqliteJournal) -> None:
    await journal.commit(Change(catalogue=encode(CATALOGUE)))
    for number, row in enumerate(ROWS):
        sale = replace(row, sale_id=f"{number:026d}", session=journal.session)
        await journal.commit(Change(sale=replace(sale, state=State.OPEN, why="")))
        if sale.state in (State.OPEN, State.CLOSED):
            after = [sale] if sale.state is State.CLOSED else []
        else:
            after = [replace(sale, state=State.INTENT, why="", seq=1), replace(sale, seq=1)]
        for each in after:
            await journal.commit(Change(sale=each))


def dts(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["tech", "dts", *map(str, arguments)])


def opened(path: Path) -> SqliteJournal:
    return open_journal(path, Fresh(jid="j" * 26, bits="0" * 16, wall_ms=0), confirm_new=True)


def a_tally(state: State, why: str, lane: int = 7) -> Tally:
    return Tally(lane=lane, price_fen=100, state=state, why=why, count=1, of_period=1, last_wall_ms=BEGIN_MS)


def made(*tallies: Tally, products: tuple[Product, ...] = ()) -> Report:
    named = {product.lane: product for product in products}
    return report(Audit(machine="m", software="1", day=DAY, tallies=tallies, products=named))


async def test_a_day_is_written_while_the_daemon_runs_and_reads_back_as_it_was(tmp_path: Path) -> None:
    path, file = tmp_path / "edge #1?.db", tmp_path / "vm.dts"
    with opened(path) as journal:
        await kept(journal)
        first = dts(
            "export", "--journal", path, "--date", "2026-11-24", "--machine", "vm-0001", "--out", file
        )
        assert (first.exit_code, first.output) == (0, "")
        written = file.read_bytes().decode().replace("\r\n", "\n")
        assert written.partition("G85")[0] == GOLDEN
        assert written.count("\n") == GOLDEN.count("\n") + 3
        again = dts("export", "--journal", path, "--date", "2026-11-24", "--machine", "vm-0001")
        assert again.stdout_bytes == file.read_bytes()
    told = json.loads(dts("read", file, "--json").output)
    (totals,) = [each["fields"] for each in told["segments"] if each["id"] == "DA2"]
    assert totals == {"value_init": "1450", "count_init": "4", "value_reset": "1100", "count_reset": "3"}
    assert "name=Thé" in dts("read", file).output


async def test_exporting_changes_no_byte_of_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    with opened(path) as journal:
        await kept(journal)
    before = path.read_bytes()
    assert dts("export", "--journal", path, "--date", "2026-11-24").exit_code == 0
    assert path.read_bytes() == before


async def test_the_newest_day_without_a_running_sale_is_shown_at_the_broker(tmp_path: Path) -> None:
    with opened(tmp_path / "edge.db") as journal:
        await kept(journal)
        shown = states(day_report(tmp_path / "edge.db", "vm-0001", DAY), DAY)["audit"]
    text = shown.pop("dts")
    assert isinstance(text, str)
    assert text.replace("\r\n", "\n").startswith(GOLDEN)
    assert shown == {
        "day": "2026-11-24",
        "value_fen": 1450,
        "count": 4,
        "day_value_fen": 1100,
        "day_count": 3,
        "dts_bytes": len(text),
        "parts": 1,
    }


def test_a_day_is_over_a_quarter_of_an_hour_after_its_end() -> None:
    quarter_ms = HOUR_MS // 4
    assert day_over(END_MS + quarter_ms) == DAY
    assert day_over(END_MS + quarter_ms - 1) == date(2026, 11, 23)


def test_a_file_that_is_too_long_for_a_message_comes_in_parts() -> None:
    products = tuple(
        Product(lane=lane, name_zh="茶", name_en="é" * 60, price_fen=1) for lane in range(1, 201)
    )
    shown = states(made(products=products), DAY)
    assert list(shown) == ["audit", *(f"audit_part/{number}" for number in range(2, 10))]
    assert shown["audit"]["parts"] == 9
    whole = "".join(str(part["dts"]) for part in shown.values())
    assert whole.encode() == write(made(products=products))
    for part in shown.values():
        assert part["day"] == "2026-11-24"
        assert len(json.dumps(part)) < LIMIT_BYTES[Branch.STATE]


def test_what_is_longer_than_any_machines_file_is_on_the_disk_only() -> None:
    products = tuple(
        Product(lane=lane, name_zh="茶", name_en="é" * 60, price_fen=1) for lane in range(1, 501)
    )
    (only,) = states(made(products=products), DAY).values()
    assert (only["parts"], only["dts"], only["count"]) == (0, "", 0)


def test_a_journal_whose_catalogue_is_none_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "edge.db").close()
    with sqlite3.connect(tmp_path / "edge.db") as db:
        db.execute("INSERT INTO meta VALUES ('catalogue', ?)", (b"{",))
    db.close()
    with pytest.raises(JournalFailed, match="its catalogue: "):
        day_report(tmp_path / "edge.db", "vm-0001", DAY)


def test_an_empty_journal_gives_a_whole_report_of_nothing(tmp_path: Path) -> None:
    opened(tmp_path / "edge.db").close()
    told = dts("export", "--journal", tmp_path / "edge.db", "--date", "2026-11-24")
    names = [each.name for each in read(told.stdout_bytes).report.segments]
    assert names == ["ID1", "ID4", "VA1", "CA2", "DA1", "DA2", "EA3", "EA7"]


def test_what_is_no_journal_is_refused_and_no_file_is_begun(tmp_path: Path) -> None:
    other, out = tmp_path / "other.db", tmp_path / "out.dts"
    sqlite3.connect(other).close()
    told = dts("export", "--journal", other, "--date", "2026-11-24", "--out", out)
    assert told.exit_code == 1
    assert "wxvend tech dts export: journal" in told.stderr
    other.write_bytes(b"no database at all, but long enough" * 40)
    with pytest.raises(JournalFailed):
        tally(other, BEGIN_MS, END_MS)
    assert dts("export", "--journal", other, "--date", "24.11.2026").exit_code == 2


def test_a_file_that_cannot_be_read_says_where_and_ends_with_two(tmp_path: Path) -> None:
    file = tmp_path / "cut.dts"
    file.write_bytes(EXAMPLE[:200])
    told = dts("read", file)
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr.startswith(f"wxvend tech dts read: {file}: line ")


def test_a_recorded_session_is_read_by_the_same_command(tmp_path: Path) -> None:
    file = tmp_path / "session.bin"
    file.write_bytes(dex_session(dex_blocks(EXAMPLE)))
    lines = dts("read", file).output.splitlines()
    assert lines[0].split() == [
        "ID1",
        "machine=VM0001",
        "model=SIM40",
        "build=0100",
        "location=LOBBY",
        "asset=A-17",
    ]
    assert lines[-1].split() == ["EA7", "power_failures_reset=0", "power_failures_init=3"]


def test_a_terminal_obeys_nothing_that_a_file_says(tmp_path: Path) -> None:
    made_file = tmp_path / "esc.dts"
    made_file.write_bytes(
        write(Report(application=tuple("ABC1"), segments=(Segment("MA5", ("\x1b[2J\udcff",)),)))
    )
    told = dts("read", made_file)
    assert told.exit_code == 0
    assert told.stdout == "MA5   e01=\\x1b[2J\\udcff\n"


@pytest.mark.parametrize(
    ("state", "why", "code"),
    [
        (State.NOT_DELIVERED, "no_drop", "ELA_7"),
        (State.NOT_DELIVERED, "moved.motor_timeout", "EJB_7"),
        (State.NOT_DELIVERED, "rejected.motor_absent", "EJB_7"),
        (State.NOT_DELIVERED, "rejected.no_such_lane", "ELA_7"),
        (State.NOT_DELIVERED, "motor_timeout", "EJB_7"),
        (State.NOT_DELIVERED, "jam", "EJC"),
        (State.NOT_DELIVERED, "sensor_fault", "EJL"),
        (State.NOT_DELIVERED, "elevator_up_error", "EJM"),
        (State.NOT_DELIVERED, "delivery_door_closing_error", "EJG"),
        (State.NOT_DELIVERED, "code_7f", "ELA_7"),
        (State.UNCERTAIN, "jam", "EJ_7"),
    ],
)
def test_a_fault_has_the_code_of_the_part_that_failed(state: State, why: str, code: str) -> None:
    assert code_of(7, state, why) == code


def test_faults_of_one_part_are_one_event() -> None:
    events = [
        each
        for each in made(
            a_tally(State.NOT_DELIVERED, "jam", 7), a_tally(State.NOT_DELIVERED, "jam", 8)
        ).segments
        if each.name == "EA2"
    ]
    assert events == [Segment("EA2", ("EJC", "2", "2", "jam", "0"))]


def test_money_that_went_back_or_is_in_doubt_is_no_sale() -> None:
    told = made(
        a_tally(State.NOT_DELIVERED, "jam"), a_tally(State.UNCERTAIN, "silent"), a_tally(State.INTENT, "")
    )
    assert [each.elements for each in told.segments if each.name in ("VA1", "DA2")] == [("0",) * 4] * 2
    assert not [each for each in told.segments if each.name == "PA1"]


def test_a_day_is_the_platforms() -> None:
    assert bounds_ms(date(1970, 1, 2)) == (16 * HOUR_MS, 40 * HOUR_MS)
