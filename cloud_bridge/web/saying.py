"""What the bridge wrote in English, said in Chinese without a browser, as told.js does by the same shapes.

For messages that leave the page: alarms in a chat.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from cloud_bridge.web.told import TOLD
from cloud_bridge.web.words import WORDS

_PLACE: Final = re.compile(r"\{(\w+)\}")
_ONE_WORD: Final = frozenset({"name", "lane", "fen", "boot", "count"})
_ABOUT: Final = re.compile(r"([a-z0-9]{26}): (.+)", re.DOTALL)
_ZH, _EN = 0, 1


def said(words: str, language: str) -> str:
    """A line in the reader's language; as it is when nobody knows its shape."""
    if language == "en":
        return words
    for pattern, chinese in _shapes():
        found = pattern.fullmatch(words)
        if found is not None:
            return _put_in(chinese, found.groupdict())
    return words


def about(words: str) -> tuple[str, str]:
    """The sale that a line is about, or empty, and the rest of it."""
    found = _ABOUT.fullmatch(words)
    return (found[1], found[2]) if found else ("", words)


def alarm_name(name: str, language: str) -> str:
    """An alarm's name in words."""
    plain = _family(name)
    which = _ZH if language == "zh" else _EN
    for key in (f"stop.{plain}", f"why.{plain}"):
        if key in WORDS:
            return WORDS[key][which]
    return plain.replace("_", " ")


def following(name: str, language: str) -> str:
    """What to do about an alarm, or empty."""
    both = WORDS.get(f"next.{_family(name)}")
    return both[_ZH if language == "zh" else _EN] if both else ""


def _family(name: str) -> str:
    """Alarms whose name goes on with a cause, a merchant or a chat share the words of its beginning."""
    parts = name.split("_")
    while parts:
        start = "_".join(parts)
        if any(f"{group}.{start}" in WORDS for group in ("stop", "why", "next")):
            return start
        parts.pop()
    return name


def _put_in(chinese: str, words: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: _filled(place[1], words[place[1]]), chinese)


def _filled(place: str, words: str) -> str:
    if place == "told":
        return said(words, "zh")
    if place == "name":
        return alarm_name(words, "zh")
    if place == "why":
        both = WORDS.get(f"why.{words}") or WORDS.get(f"why.{words.rpartition('.')[2]}")
        return both[_ZH] if both else words
    return words


@cache
def _shapes() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(english), chinese) for english, chinese in TOLD.items())


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", english)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if place := _PLACE.fullmatch(part):
        what = r"\S+" if place[1] in _ONE_WORD else ".+?"
        return f"(?P<{place[1]}>{what})"
    return re.escape(part)
