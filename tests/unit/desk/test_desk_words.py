"""What the desk raises and notes reaches nobody raw: read off its source, in both languages."""

import ast
import re
from pathlib import Path

import pytest

from cloud_bridge.core.complaint import Act, Standing, Verdict
from cloud_bridge.core.monitor import ALARMS as WATCHED
from cloud_bridge.engine_complaint_rows import ADDRESS_ALARM
from cloud_bridge.engine_complaints import ALARMS as COMPLAINED
from cloud_bridge.engine_monitors import FAILED, OVERDUE, VIOLATION
from cloud_bridge.engine_shipping import ALARM as SHIPPING
from cloud_bridge.web.saying import said
from cloud_bridge.web.words import WORDS

ROOT = Path(__file__).parents[3] / "cloud_bridge"
FILES = [
    *(
        ROOT / f"engine_{name}.py"
        for name in ("complaints", "complaint_rows", "monitors", "alerts", "shipping")
    ),
    ROOT / "core" / "monitor.py",
]
NAMES = (*WATCHED, *COMPLAINED, ADDRESS_ALARM, FAILED, OVERDUE, VIOLATION, SHIPPING, "alert_sink")
# Put together to lines further on, or the cause of a refund, an outcome.
HALVES = {
    *("it did not come out, x", "x is back", "x is on its way back", "answers the complaint"),
    *("says that the complaint is settled", "complaint x: the machine said that the goods stayed in"),
    "the platform did not answer",
}
# For a person at a terminal, who is answered in English.
ANSWERS = {"no such complaint", "the books know too little for a prepared answer. Try: --text"}


@pytest.mark.parametrize("name", NAMES)
def test_every_alarm_has_a_name_and_says_what_to_do(name: str) -> None:
    assert f"stop.{name}" in WORDS
    assert f"next.{name}" in WORDS


@pytest.mark.parametrize("group", [("standing", Standing), ("act", Act)])
def test_every_standing_and_every_act_has_words(group: tuple[str, type[Standing] | type[Act]]) -> None:
    name, choices = group
    assert [each for each in choices if f"{name}.{each.value}" not in WORDS] == []


def test_every_verdict_has_words() -> None:
    assert [each for each in Verdict if each and f"verdict.{each.value}" not in WORDS] == []


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def lines() -> set[str]:
    """Sentences in the desk's source; what is filled in later reads `x`."""
    found: set[str] = set()
    for path in FILES:
        tree = ast.parse(path.read_text())
        nodes = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
        docs = {ast.get_docstring(node, clean=False) for node in nodes}
        inside = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
                found.add("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                found |= {node.value} - {doc for doc in docs if doc}
    told = {re.sub("^x(?=a payer|: )", "", line).removeprefix(": ") for line in found}
    return {line for line in told if line.count(" ") >= 2 and line not in ANSWERS}


@pytest.mark.parametrize("line", sorted(lines()))
def test_every_line_has_its_chinese(line: str) -> None:
    assert re.search("[\u4e00-\u9fff]", said(line, "zh")) or line in HALVES, line


def test_lines_that_are_put_together_have_their_chinese() -> None:
    for end in ("is back", "is on its way back"):
        assert said(f"it did not come out, Rx {end}", "zh").startswith("未出货，Rx")
    for what in ("answers the complaint", "says that the complaint is settled"):
        assert said(f"ann {what}", "zh").startswith("ann ")
        assert re.search("[\u4e00-\u9fff]", said(f"ann {what}", "zh"))
