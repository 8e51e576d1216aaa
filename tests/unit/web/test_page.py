"""The operators' page before a browser sees it: words, colours, and what it is not allowed to do."""

import re
import tomllib
from itertools import product
from pathlib import Path

import pytest

from cloud_bridge.core.case import ADVICE
from cloud_bridge.core.model import State
from cloud_bridge.web.words import WORDS, table
from tests.unit.web.serving import site

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "cloud_bridge" / "web" / "static"
PAGE = (STATIC / "page.html").read_text()
SCRIPTS = {path.name: path.read_text() for path in STATIC.glob("*.js")}
STYLE = (STATIC / "page.css").read_text()
GROUPS = (
    *("state.", "why.", "stop.", "who.", "next.", "rule.", "cause."),
    *("standing.", "verdict.", "problem.", "act.", "todo."),
)


async def test_it_speaks_the_language_of_the_browser_before_any_script_runs() -> None:
    async with site() as served:
        for wished, language, words in [
            ("", "zh", "机器"),
            ("de, fr;q=0.5", "zh", "机器"),
            ("en-GB,en;q=0.9,zh;q=0.8", "en", "Machines"),
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "机器"),
            ("fr, EN;q=0.5", "en", "Machines"),
        ]:
            answer = await served.get("/", Accept_Language=wished)
            page = answer.body.decode()
            assert f'<html lang="{language}">' in page
            assert f'data-say="machines">{words}</' in page
            assert "Accept-Language" in answer.headers["vary"]


async def test_a_sale_has_a_page_of_its_own() -> None:
    async with site() as served:
        pages = [await served.get(path) for path in ("/", "/sales/abc")]
        assert pages[0].body == pages[1].body
        assert (await served.get("/sales/")).status == 404


async def test_what_did_not_change_is_not_sent_again() -> None:
    async with site() as served:
        for path in ("/", "/static/page.js", "/static/words.js"):
            first = await served.get(path)
            again = await served.get(path, If_None_Match=first.headers["etag"])
            assert (first.status, again.status, again.body) == (200, 304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        assert (await served.get("/", Accept_Language="en")).headers["etag"] != first.headers["etag"]


async def test_every_file_that_the_page_asks_for_is_served() -> None:
    asked = {name for text in (PAGE, *SCRIPTS.values()) for name in re.findall(r'"(/static/[^"]+)"', text)}
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    async with site() as served:
        for path in asked:
            answer = await served.get(path)
            assert answer.status == 200, path
            assert answer.headers["content-type"].startswith(kinds[path.rpartition(".")[2]])
    assert {path.rpartition("/")[2] for path in asked} - {"words.js"} == {
        path.name for path in STATIC.iterdir() if path.name not in ("page.html", "report.css")
    }


def test_every_file_is_shipped() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    globs = settings["tool"]["setuptools"]["package-data"]["*"]
    assert [path.name for path in STATIC.iterdir() if not any(path.match(glob) for glob in globs)] == []


# ---------------------------------------------------------------- words


def test_every_word_is_there_in_both_languages() -> None:
    for key, (zh, en) in WORDS.items():
        assert zh.strip(), key
        assert en.strip(), key
        assert re.search("[\u4e00-\u9fff]", zh), f"{key}: {zh} is not Chinese"
        assert not re.search("[\u4e00-\u9fff]", en), f"{key}: {en} is not English"


def test_every_word_that_the_page_says_is_known_and_every_known_one_is_said() -> None:
    quoted = {word for text in SCRIPTS.values() for word in re.findall(r'["\']([a-z_]+)["\']', text)}
    said = {word for text in SCRIPTS.values() for word in re.findall(r'say\("([a-z_]+)"\)', text)}
    in_page = set(re.findall(r'data-(?:say|label)="([^"]+)"', PAGE))
    plain = {key for key in WORDS if not key.startswith(GROUPS)}
    assert said | in_page <= plain
    assert plain <= quoted | in_page


def test_every_situation_of_a_sale_has_a_word_and_a_tone() -> None:
    for state in [*(state.value for state in State), "refunding", "unclear"]:
        assert f"state.{state}" in WORDS
        assert re.search(rf"\b{state}: \"(go|wait|stop|info|quiet)\"", SCRIPTS["sales.js"]), state


def test_every_case_has_words_for_its_reason_and_for_what_to_do() -> None:
    for reason in ADVICE:
        assert f"why.{reason}" in WORDS, reason
        assert WORDS[f"next.{reason}"][1] == ADVICE[reason]


def test_english_counts_one_and_many() -> None:
    assert table("en")["todo_one"] != table("en")["todo_count"]


# ---------------------------------------------------------------- colours

LIGHT = {
    "ground": "#F7F6F2", "surface": "#FFFFFF", "ink": "#14201B", "quiet": "#5C6B64",
    "go": "#0B7A43", "wait": "#9A5B00", "stop": "#B3261E", "info": "#1F5FA8",
}  # fmt: skip
DARK = {
    "ground": "#101413", "surface": "#1A201E", "ink": "#EAF1ED", "quiet": "#9DB0A7",
    "go": "#3CCB84", "wait": "#F0B04A", "stop": "#FF8A80", "info": "#7FB6F5",
}  # fmt: skip


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("at", "palette"), [(0, LIGHT), (1, DARK)], ids=["light", "dark"])
def test_every_colour_is_of_the_palette_and_can_be_read(at: int, palette: dict[str, str]) -> None:
    block = re.findall(r":root \{([^}]+)\}", STYLE)[at]
    colours = dict(re.findall(r"--(\w+): (#[0-9A-F]{6});", block))
    assert palette.items() <= colours.items()
    assert set(colours) - set(palette) == {"line"}  # separates, is never written with
    for paper, ink in product(("ground", "surface"), ("ink", "quiet", "go", "wait", "stop", "info")):
        assert contrast(colours[paper], colours[ink]) >= (12 if ink == "ink" else 4.5), (paper, ink)


def test_the_style_names_no_colour_elsewhere() -> None:
    rules = re.sub(r":root \{[^}]+\}", "", STYLE)
    assert re.findall(r"#[0-9A-Fa-f]{3,8}\b(?![\w-])(?=[;,\s])|rgba?\(|hsla?\(", rules) == []


# ---------------------------------------------------------------- what it may not do


def test_nothing_is_inline() -> None:
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", PAGE) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_or_code_of_text(name: str) -> None:
    ways = r"(?:inner|outer|Adjacent)HTML|document\.write|DOMParser|srcdoc|\beval\b|new Function|\.style\b"
    assert re.findall(ways, SCRIPTS[name]) == []
