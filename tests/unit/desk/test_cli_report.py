"""`wxvend bridge report | ack-alarm`: the same rows in every form, and a word at the daemon's door."""

import csv
import io
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pytest

from cloud_bridge.app_watch import Watching
from cloud_bridge.config import read_settings
from cloud_bridge.core.alarm import Ask
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.store.books import open_store
from cloud_bridge.web.operator import BadAsk, read
from tests.unit.desk.shop import Lines
from tests.unit.desk.test_alerts import JAM, Hands
from tests.unit.desk.test_cli import config, wxvend
from tests.unit.store.takings import DAY, a_day, rung_up

__all__ = ["config"]
MACHINE = "vm-0001"


@pytest.fixture
async def books(config: Path, empty_books: Path) -> Path:
    """The settings of books with a day in them."""
    shutil.copy(empty_books, config.parent / "bridge.db")
    store = open_store(f"sqlite:///{config.parent}/bridge.db", incarnation=lambda: "s" * 26, idle_s=600)
    await rung_up(store, a_day(24))
    store.close()
    return config


def test_one_report_says_the_same_in_each_form(books: Path, tmp_path: Path) -> None:
    asked = ("sales", "--from", DAY, "--by", "product")
    told = json.loads(wxvend("report", books, *asked, "--json").stdout)
    rows = list(csv.reader(io.StringIO(wxvend("report", books, *asked, "--csv").stdout.lstrip("\ufeff"))))
    paid = [each["paid_fen"] for each in (*told["rows"], told["total"])]
    assert [row[3] for row in rows[1:]] == [f"{fen // 100}.{fen % 100:02d}" for fen in paid]
    file = tmp_path / "day.xlsx"
    said = wxvend("report", books, *asked, "--xlsx", str(file))
    assert said.stdout == f"{file}: {len(told['rows'])} rows\n"
    assert openpyxl.load_workbook(file).worksheets[0].max_row == len(rows)
    shown = wxvend("report", books, *asked).stdout.splitlines()
    assert len(shown) == len(told["rows"]) + 3
    assert shown[0].startswith("Product")
    assert shown[-1].split()[:2] == ["Sum", str(told["total"]["paid"])]


def test_takings_add_up_on_a_terminal_in_both_languages(books: Path) -> None:
    english = wxvend("report", books, "takings", "--from", DAY).stdout.splitlines()
    fen = [
        round(float(line.split("¥")[1]) * (-100 if "-¥" in line else 100)) for line in english if "¥" in line
    ]
    assert sum(fen[:-1]) == fen[-1] > 0
    assert english[1].startswith("Goods sold")
    chinese = wxvend("report", books, "takings", "--from", DAY, "--language", "zh").stdout
    assert "已售商品" in chinese
    assert "合计" in chinese


def test_every_report_answers_for_a_day_without_sales(books: Path) -> None:
    for kind in ("takings", "sales", "refunds", "lanes", "shrinkage", "entries"):
        assert wxvend("report", books, kind, "--from", "2020-01-01").exit_code == 0


def test_what_cannot_be_asked_for_is_said(config: Path) -> None:
    for asked, why in (
        (("sales", "--from", "2026-02-30"), "from, to:"),
        (("sales", "--from", "2026-01-31", "--to", "2026-01-30"), "found 0 days"),
        (("sales", "--machine", "vm-9999"), "machine: found vm-9999, allowed vm-0001"),
        (("sales", "--csv", "--json"), "allowed one"),
        (("everything",), "everything"),
    ):
        result = wxvend("report", config, *asked)
        assert result.exit_code == 2
        assert why in result.stderr


def test_books_that_are_not_there_are_not_made(config: Path) -> None:
    result = wxvend("report", config, "sales")
    assert result.exit_code == 1
    assert "found no file" in result.stderr
    assert not (config.parent / "bridge.db").exists()


def test_an_alarm_is_taken_at_the_daemons_door_alone(books: Path) -> None:
    asked = ("lane_jam", "--machine", MACHINE, "--lane", "12", "--by", "ann", "--why", "on my way")
    result = wxvend("ack-alarm", books, *asked)
    assert result.exit_code == 1
    assert "no daemon was reached" in result.stderr
    assert wxvend("ack-alarm", books, *asked, "--wake", "--snooze", "5").exit_code == 2
    assert wxvend("ack-alarm", books, *asked, "--snooze", "0").exit_code == 2


async def test_the_door_takes_what_the_command_says(books: Path) -> None:
    settings, store = (
        read_settings(books),
        open_store(f"sqlite:///{books.parent}/bridge.db", incarnation=lambda: "s" * 26, idle_s=600),
    )
    clock = Hands()
    watching = Watching(
        settings,
        books=store,
        roster=Roster((), clock),
        linked=lambda: True,
        readers=(),
        clock=clock,
        log=Lines(),
    )
    await store.run(lambda tx: tx.set_alarm(JAM))
    ask = asdict(Ask(machine=MACHINE, name="lane_jam", lane=12, by="ann", why="on my way"))
    plain = {name: str(value) for name, value in ask.items()} | {"do": "care", "wake": "", "snooze_min": "0"}
    assert await watching.care_for(read(json.dumps(plain).encode())) == ("", "")
    assert (await store.deeds())[0].by == "ann"
    for wrong in ({"lane": "twelve"}, {"why": ""}, {"snooze_min": "99999"}):
        why_not, _ = await watching.care_for(read(json.dumps(plain | wrong).encode()))
        assert why_not
    assert await watching.care_for({**plain, "name": "other"}) == ("no such alarm stands any more", "")
    with pytest.raises(BadAsk):
        read(json.dumps({name: value for name, value in plain.items() if name != "why"}).encode())
    tasks = watching.tasks()
    assert set(tasks) == {"lookout", "digests", "old alarms"}
    for task in tasks.values():
        task.close()
    store.close()
