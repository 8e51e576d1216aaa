"""What the bridge wrote in English, said in the reader's language by its shape: on pages, and in a chat.

A line's shape is known, what fills it is not: `told.py` has the shapes. Causes and alarms have words in both
languages.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from cloud_bridge.web.told import TOLD
from cloud_bridge.web.words import LANGUAGES, WORDS

_PLACE: Final = re.compile(r"\{(\w+)\}")
_ONE_WORD: Final = frozenset({"name", "lane", "fen", "boot", "count"})
_ABOUT: Final = re.compile(r"([a-z0-9]{26}): (.+)", re.DOTALL)
_CODE: Final = re.compile(r"code_([0-9a-f]{2})")


def said(words: str, language: str) -> str:
    """A line in the reader's language; as it is when nobody knows its shape."""
    return _shaped(words, language) or words


def cause_in(words: str, language: str) -> str:
    """Why, in words. Of `not_delivered.moved.jam` (what the machine said, how far the motor went, and the
    cause) the cause is shown."""
    whole = _shaped(words, language) or _known("why", words, language)
    if whole:
        return whole
    parts = [part for part in words.split(".") if part]
    last = parts[-1] if parts else ""
    name = _code(last, language) or _known("why", last, language) or _known("stop", last, language)
    if not name:
        return _several(words, language) or words.replace("_", " ")
    if len(parts) > 1 and parts[0] == "doubt":
        return f"{_known('why', 'doubt', language)}: {name}"
    return name


def about(words: str) -> tuple[str, str]:
    """The sale that a line is about, or empty, and the rest of it."""
    found = _ABOUT.fullmatch(words)
    return (found[1], found[2]) if found else ("", words)


def alarm_name(name: str, language: str) -> str:
    """An alarm's name in words."""
    plain = _family(name)
    words = _known("stop", plain, language) or _known("why", plain, language)
    return words or plain.replace("_", " ")


def following(name: str, language: str) -> str:
    """What to do about an alarm, or empty."""
    return _known("next", _family(name), language)


def _known(group: str, name: str, language: str) -> str:
    both = WORDS.get(f"{group}.{name}")
    return both[LANGUAGES.index(language)] if both else ""


def _code(name: str, language: str) -> str:
    found = _CODE.fullmatch(name)
    return f"{WORDS['board_code'][LANGUAGES.index(language)]} {found[1]}" if found else ""


def _several(words: str, language: str) -> str:
    each = [_known("why", word, language) for word in words.split(" ")]
    return ", ".join(each) if all(each) else ""


def _family(name: str) -> str:
    """Alarms whose name goes on with a cause, a merchant or a chat share the words of its beginning."""
    parts = name.split("_")
    while parts:
        start = "_".join(parts)
        if any(f"{group}.{start}" in WORDS for group in ("stop", "why", "next")):
            return start
        parts.pop()
    return name


def _shaped(words: str, language: str) -> str:
    """A line of a known shape, or empty."""
    for pattern, both in _shapes():
        found = pattern.fullmatch(words)
        if found is not None:
            return _put_in(both[LANGUAGES.index(language)], found.groupdict(), language)
    return ""


def _put_in(shape: str, words: Mapping[str, str], language: str) -> str:
    return _PLACE.sub(lambda place: _filled(place[1], words[place[1]], language), shape)


def _filled(place: str, words: str, language: str) -> str:
    if place == "told":
        return said(words, language)
    if place == "name":
        return alarm_name(words, language)
    return cause_in(words, language) if place == "why" else words


@cache
def _shapes() -> tuple[tuple[re.Pattern[str], tuple[str, str]], ...]:
    return tuple((_pattern(english), (chinese, english)) for english, chinese in TOLD.items())


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", english)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if place := _PLACE.fullmatch(part):
        what = r"\S+" if place[1] in _ONE_WORD else ".+?"
        return f"(?P<{place[1]}>{what})"
    return re.escape(part)
