"""The operators' pages before a browser sees them: words, links, colours, weight, what they may not do."""

import re
import tomllib
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from cloud_bridge.core.case import ADVICE
from cloud_bridge.core.ledger import Account
from cloud_bridge.core.model import State
from cloud_bridge.ports_looking import KINDS
from cloud_bridge.web.words import WORDS, table
from tests.unit.web.bridge import LANE, MACHINE, SALE, UNHEARD, Bridge
from tests.unit.web.serving import Site, site

ROOT = Path(__file__).parents[3]
WEB = ROOT / "cloud_bridge" / "web"
STATIC = WEB / "static"
TEMPLATES = {path.name: path.read_text() for path in (WEB / "templates").glob("*.html")}
SCRIPTS = {path.name: path.read_text() for path in STATIC.glob("*.js")}
STYLE = (STATIC / "page.css").read_text()
# Files that only hold words: what stands there is not yet said by anybody.
HOLD_WORDS = re.compile(r".*words.*|causes|told")
SOURCE = "".join(path.read_text() for path in WEB.glob("*.py") if not HOLD_WORDS.fullmatch(path.stem))
PLACES = ("/", "/sales", "/cases", "/money", "/more")
WEIGHT_BYTES = 150_000


async def test_it_speaks_the_language_of_the_browser_before_any_script_runs() -> None:
    async with site() as served:
        for wished, language, words in [
            ("", "zh", "机器"),
            ("de, fr;q=0.5", "zh", "机器"),
            ("en-GB,en;q=0.9,zh;q=0.8", "en", "Fleet"),
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "机器"),
            ("fr, EN;q=0.5", "en", "Fleet"),
        ]:
            answer = await served.get("/", Accept_Language=wished)
            page = answer.body.decode()
            assert f'<html lang="{language}">' in page
            assert f'<a href="/" aria-current="page">{words}</a>' in page
            assert "Accept-Language" in answer.headers["vary"]


async def test_a_language_that_was_chosen_stays_and_keeps_the_address() -> None:
    async with site() as served:
        chosen = await served.get("/sales?day=2026-11-18&language=en")
        assert chosen.headers["set-cookie"].startswith("language=en; ")
        assert "SameSite=strict" in chosen.headers["set-cookie"]
        assert 'href="?day=2026-11-18&amp;language=zh"' in chosen.body.decode()
        kept = await served.get("/cases", Cookie="language=en", Accept_Language="zh")
        assert '<html lang="en">' in kept.body.decode()
        assert '<html lang="zh">' in (await served.get("/", Cookie="language=fr")).body.decode()


async def test_each_of_the_five_words_leads_to_a_page_that_says_where_it_is() -> None:
    async with site() as served:
        for path in PLACES:
            page = (await served.get(path)).body.decode()
            assert re.findall(r'<a href="([^"]+)" aria-current="page">', page) == [path]
        for path, place in [(f"/sales/{SALE.sale_id}", "/sales"), ("/machines/vm-9", "/")]:
            page = (await served.get(path)).body.decode()
            assert re.findall(r'<a href="([^"]+)" aria-current="page">', page) == [place]


async def test_what_is_not_there_says_so_as_a_page() -> None:
    async with site() as served:
        for path, mark in [
            ("/sales/unknown", "no-sale"),
            ("/machines/vm-9", "no-machine"),
            ("/complaints/unknown", "no-complaint"),
        ]:
            answer = await served.get(path)
            assert (answer.status, f'id="{mark}"' in answer.body.decode()) == (404, True), path
        assert (await served.get("/sales/")).status == 404


async def test_a_file_that_did_not_change_is_not_sent_again() -> None:
    async with site() as served:
        for path in ("/static/site.js", "/static/page.css"):
            first = await served.get(path)
            again = await served.get(path, If_None_Match=first.headers["etag"])
            assert (first.status, again.status, again.body) == (200, 304, b"")
            assert again.headers["etag"] == first.headers["etag"]


async def test_every_file_that_a_page_asks_for_is_served_and_no_other_lies_there() -> None:
    every = (*TEMPLATES.values(), *SCRIPTS.values(), SOURCE)
    asked = {name for text in every for name in re.findall(r'"(/static/[^"{]+)"', text)}
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    async with site() as served:
        for path in asked:
            answer = await served.get(path)
            assert answer.status == 200, path
            assert answer.headers["content-type"].startswith(kinds[path.rpartition(".")[2]])
    assert {path.rpartition("/")[2] for path in asked} == {path.name for path in STATIC.iterdir()}


def test_every_file_is_shipped() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    globs = settings["tool"]["setuptools"]["package-data"]["*"]
    shipped = [*STATIC.iterdir(), *(WEB / "templates").iterdir()]
    assert [path.name for path in shipped if not any(path.match(glob) for glob in globs)] == []


# ---------------------------------------------------------------- words


def test_every_word_is_there_in_both_languages() -> None:
    for key, (zh, en) in WORDS.items():
        assert zh.strip(), key
        assert en.strip(), key
        assert re.search("[\u4e00-\u9fff]", zh), f"{key}: {zh} is not Chinese"
        assert not re.search("[\u4e00-\u9fff]", en), f"{key}: {en} is not English"


def test_every_word_that_a_page_says_is_known_and_every_known_one_is_said() -> None:
    every = "".join(TEMPLATES.values()) + SOURCE
    said = set(re.findall(r'\bsay\(["\']([a-z_.]+)["\']\)', every))
    assert said <= set(WORDS)
    quoted = set(re.findall(r'["\']([a-z_]+)["\']', every))
    made = {key for key in WORDS for start in ("show_", "sort_") if key.startswith(start)}
    assert {key for key in WORDS if "." not in key} <= quoted | made


def test_every_group_of_names_has_all_its_words() -> None:
    for group, names in [
        ("state", [*(state.value for state in State), "refunding", "unclear"]),
        ("kind", ["", *KINDS]),
        ("account", [account.value for account in Account]),
    ]:
        assert [name for name in names if f"{group}.{name}" not in WORDS] == [], group


def test_every_situation_of_a_sale_has_a_tone() -> None:
    for state in [*(state.value for state in State), "refunding", "unclear"]:
        assert re.search(rf'"{state}": "(go|wait|stop|info|quiet)"', TEMPLATES["parts.html"]), state


def test_every_case_has_words_for_its_reason_and_for_what_to_do() -> None:
    for reason in ADVICE:
        assert f"why.{reason}" in WORDS, reason
        assert WORDS[f"next.{reason}"][1] == ADVICE[reason]


def test_english_counts_one_and_many() -> None:
    assert table("en")["todo_one"] != table("en")["todo_count"]


# ---------------------------------------------------------------- weight


def fill(bridge: Bridge) -> None:
    """Five hundred machines, one of them with all its lanes, and pages full of sales."""
    for n in range(500):
        bridge.views[f"vm-{n:04d}"] = replace(MACHINE, machine=f"vm-{n:04d}")
    stopped = replace(UNHEARD, machine="vm-0001", boot=1, seen_wall_ms=1, reason="bus_silent")
    lanes = tuple(replace(LANE, lane=number) for number in range(1, 100))
    bridge.views["vm-0001"] = replace(stopped, lanes=lanes)
    for n in range(200):
        bridge.put(
            replace(SALE, sale_id=f"s{n:025d}", paid_fen=350, state="vended"), "edge", "the goods are out"
        )


async def weight(served: Site, path: str) -> int:
    page = (await served.get(path)).body
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode()))
    for name in [name for name in files if name.endswith(".js")]:
        files |= set(re.findall(r'"(/static/[^"]+)"', SCRIPTS[name.rpartition("/")[2]]))
    return len(page) + sum([len((await served.get(name)).body) for name in files])


async def test_no_page_is_heavier_than_a_phone_likes() -> None:
    async with site() as served:
        fill(served.bridge)
        for path in (*PLACES, "/machines/vm-0001", f"/sales/s{0:025d}"):
            assert await weight(served, path) <= WEIGHT_BYTES, path


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


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_inline_and_nothing_escapes_the_escaping(name: str) -> None:
    inline = r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)"
    assert re.findall(inline, TEMPLATES[name]) == []
    assert re.findall(r"\|\s*safe\b|autoescape|Markup", TEMPLATES[name]) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_or_code_of_text(name: str) -> None:
    ways = r"(?:inner|outer|Adjacent)HTML|document\.write|DOMParser|srcdoc|\beval\b|new Function|\.style\b"
    assert re.findall(ways, SCRIPTS[name]) == []
