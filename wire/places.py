"""Where in a TOML text a value stands: the parser gives values without places, an operator needs lines.

It looks at one line at a time, so a value of several lines that looks like a key may mislead it; a wrong
line in a message is all that follows.
"""

import re
from typing import Final

_HEADER: Final = re.compile(r"^\s*(?P<open>\[\[?)\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"^\s*(?P<key>(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=")

_OPEN_LIST: Final = re.compile(r"=\s*\[\s*(?:#.*)?$")
_ITEM: Final = re.compile(r"^\s*\{")

Place = tuple[str | int, ...]


class Places:
    """Lines of the tables and keys of one text. Array tables count from 0: `("lanes", 2, "price_fen")`."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        counts: dict[Place, int] = {}
        table: Place = ()
        array: Place = ()  # a list that was opened on a line of its own, with one inline table a line below
        items = 0
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = self._enter(_names(header["name"]), counts, array=header["open"] == "[[")
                self._lines.setdefault(table, number)
            elif key := _KEY.match(line):
                place = table
                for name in _names(key["key"]):
                    place = (*place, name)
                    self._lines.setdefault(place, number)
                array, items = (place if _OPEN_LIST.search(line) else ()), 0
            elif array and _ITEM.match(line):
                self._lines.setdefault((*array, items), number)
                items += 1

    def line(self, place: Place) -> int:
        """Give the line of `place`, of the nearest table around it, or 1."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    @staticmethod
    def _enter(names: tuple[str, ...], counts: dict[Place, int], *, array: bool) -> Place:
        place: Place = ()
        for name in names[:-1]:
            place = (*place, name)
            if place in counts:
                place = (*place, counts[place])
        place = (*place, names[-1])
        if array:
            counts[place] = counts.get(place, -1) + 1
            place = (*place, counts[place])
        return place


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
