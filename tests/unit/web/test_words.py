"""Nothing that core, engine and drivers say reaches a person raw: read off their source, not a list here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_bridge.core.case import ADVICE, alarm_of
from cloud_bridge.core.sale import Word
from cloud_bridge.core.session import DOUBTED, Verdict
from cloud_bridge.web.told import TOLD
from cloud_bridge.web.words import WORDS
from edge.core.judge import Ending
from edge.core.model import Kind
from edge.display.codes import TABLE
from edge.drivers.xy import codes

ROOT = Path(__file__).parents[3]
CORE = [*sorted((ROOT / "cloud_bridge" / "core").glob("*.py")), *sorted(ROOT.glob("cloud_bridge/engine*.py"))]
EDGE = [
    *sorted((ROOT / "edge" / "core").glob("*.py")),
    *sorted((ROOT / "edge" / "drivers" / "xy").glob("*.py")),
    ROOT / "edge" / "engine.py",
]

# Calls whose names among the arguments become a sale's cause, and those whose texts a person reads.
CAUSING = {
    *("give_back", "give_back_on_evidence", "held", "doubted", "flagged", "_give_up", "_closed", "_doubt"),
    *("_abandon", "BaselineFailed", "Abandoned", "Withheld", "NotDelivered", "Uncertain", "JournalDoubted"),
}
TELLING = {"bridge", "edge", "operator", "wechat", "flagged", "held", "_note", "_alarm", "RaiseAlarm"}
SUSPICIONS = {"lane_jam", "lane_fault"}  # edge.core.machine.Lane.suspect
NAME = re.compile(r"[a-z][a-z_]*")


def calls(paths: list[Path], names: set[str]) -> Iterator[ast.Call]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                if called in names:
                    yield node


def texts(node: ast.AST) -> Iterator[str]:
    """Every text in an expression; what is filled in later reads `x`."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp | ast.BoolOp):
        for child in ast.iter_child_nodes(node):
            yield from texts(child)


def said_by(node: ast.Call, keywords: set[str]) -> Iterator[str]:
    for arg in node.args:
        yield from texts(arg)
    for keyword in node.keywords:
        if keyword.arg in keywords:
            yield from texts(keyword.value)


def refusals() -> set[str]:
    tree = ast.parse((ROOT / "cloud_bridge" / "core" / "offer.py").read_text())
    found = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "refusal")
    return {text for node in ast.walk(found) for text in texts(node) if NAME.fullmatch(text)}


def causes() -> set[str]:
    named = {
        text
        for node in calls([*CORE, *EDGE], CAUSING)
        for text in said_by(node, {"why", "cause"})
        if NAME.fullmatch(text)
    }
    kept = {"no_memory", "no_answer", "board_restarted"}  # a watch keeps one until the silence is judged
    journals = {f"journal_{verdict.value}" for verdict in (*DOUBTED, Verdict.REPLACED)}
    board = {*codes.FAILURE_NAMES.values(), *codes.CHECK_NAMES.values(), Ending.JAM, Ending.MOTOR_FAULT}
    words = {word.value for word in Word} - {"busy"}
    return {*named, *kept, *journals, *board, *words, *ADVICE, *refusals(), "early", "stale", "journal"}


def known(name: str) -> bool:
    return f"why.{name}" in WORDS or f"stop.{name}" in WORDS


def test_the_source_still_names_causes_where_this_looks_for_them() -> None:
    assert {"lease", "amount", "reselect", "never_sent", "brake_lane", "still_running", "doubt"} <= causes()


@pytest.mark.parametrize("name", sorted(causes()))
def test_every_cause_that_can_be_given_has_words(name: str) -> None:
    assert known(name), name


def test_every_kind_of_failure_and_every_reason_to_stop_has_words() -> None:
    assert [kind for kind in Kind if not known(kind.value)] == []
    assert [name for name in TABLE if f"stop.{name}" not in WORDS] == []


def test_no_word_is_translated_twice() -> None:
    source = "".join((ROOT / "cloud_bridge" / "web" / name).read_text() for name in ("words.py", "causes.py"))
    keys = re.findall(r'^    "([a-z_.]+)": \(', source, re.MULTILINE)
    assert sorted(keys) == sorted(set(keys))


# ---------------------------------------------------------------- alarms


def alarms() -> set[str]:
    raised = {
        text
        for node in calls([*CORE, *EDGE], {"RaiseAlarm", "flagged", "held", "_alarm"})
        for text in said_by(node, {"name"})
        if NAME.fullmatch(text)
    }
    journals = {f"journal_{verdict.value}" for verdict in DOUBTED}
    return {*raised, *journals, *(alarm_of(reason) for reason in ADVICE), *SUSPICIONS, "platform"}


@pytest.mark.parametrize("name", sorted(alarms()))
def test_every_alarm_has_a_name_in_words_and_says_what_to_do(name: str) -> None:
    assert known(name), name
    assert f"next.{name}" in WORDS, name


# ---------------------------------------------------------------- lines of the timeline


def shape(template: str) -> re.Pattern[str]:
    """As told.js reads it, but a place holds only what `texts` puts there."""
    return re.compile("x+".join(re.escape(part) for part in re.split(r"\{\w+\}", template)))


def lines() -> set[str]:
    """Everything told in words; an alarm's own begin with the sale's number, which the page takes off."""
    found = {
        text
        for node in calls([*CORE, *EDGE], TELLING)
        for text in said_by(node, {"what", "text"})
        if " " in text
    }
    # Our own mistake, for whoever repairs it; and what a flag puts around a text, which is a line by itself.
    return found - {"x met x", "x: x", "x: xx"}


@pytest.mark.parametrize("line", sorted(lines()))
def test_every_line_of_a_timeline_has_its_chinese(line: str) -> None:
    told = {line, line.removeprefix("x: ")}
    assert any(shape(english).fullmatch(text) for english in TOLD for text in told), line


def test_both_languages_of_a_line_have_the_same_places() -> None:
    for english, chinese in TOLD.items():
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, chinese)]
        assert places[0] == places[1], english
        assert len(set(places[0])) == len(places[0]), english
        assert re.search("[\u4e00-\u9fff]", chinese), english
