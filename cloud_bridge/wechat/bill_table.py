"""A bill as a table: a plain header, values after back-ticks, and a summary that must fit the lines.

From the bill section of the operations description: UTF-8 with BOM, CRLF, values not quoted, decimal yuan.
Columns are found by their names, because they have grown over the years. Nothing here uses floats.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from cloud_bridge.ports_bills import BillBroken

LONGEST_LINE: Final = 16 * 1024
PLACES: Final = 5  # fees are written with five
_REMEMBERED: Final = 10_000


class Table:
    """Reads `file` once. `free` names the column of free words, which may hold what looks like a border."""

    def __init__(self, file: BinaryIO, *, free: str) -> None:
        self._lines: Final = io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n")
        self._amounts: Final[dict[str, int]] = {}
        self.number = 0
        self.columns: Final = self._names(self._line())
        self._free: Final = self.columns.index(free) if free in self.columns else -1
        self.summary: Mapping[str, str] = {}

    def at(self, *names: str) -> int:
        """Where the first of these columns that there is stands. Raises BillBroken."""
        for name in names:
            if name in self.columns:
                return self.columns.index(name)
        raise self.bad("header", f"found no {' or '.join(names)}; allowed is a bill with it")

    def rows(self) -> Iterator[list[str]]:
        """The values of each line; `summary` is there at the end. Raises BillBroken."""
        width = len(self.columns)
        while True:
            line = self._line()
            if not line.startswith("`"):
                self._end(line)
                return
            values = line[1:].split(",`")
            if len(values) != width:
                values = self._joined(values)
            yield values

    def fen_5(self, words: str, column: int) -> int:
        """Yuan as thousandths of a fen. Raises BillBroken."""
        known = self._amounts.get(words)
        if known is not None:
            return known
        sign, digits = (-1, words[1:]) if words.startswith("-") else (1, words)
        whole, dot, part = digits.partition(".")
        good = whole.isascii() and whole.isdigit() and len(whole) <= 12 and len(part) <= PLACES
        if not good or (dot and not (part.isascii() and part.isdigit())):
            raise self.bad(self.columns[column], f"found {words[:20]!r}; allowed is yuan such as 3.50")
        found = sign * int(whole + part.ljust(PLACES, "0"))
        if len(self._amounts) < _REMEMBERED:
            self._amounts[words] = found
        return found

    def fen(self, words: str, column: int) -> int:
        """Yuan as fen. Raises BillBroken, also for a part of a fen."""
        fen, rest = divmod(self.fen_5(words, column), 1000)
        if rest:
            raise self.bad(self.columns[column], f"found {words[:20]!r}; allowed are whole fen")
        return fen

    def bad(self, column: str, words: str) -> BillBroken:
        """What is wrong, with its place."""
        return BillBroken(f"line {self.number}, {column}: {words}")

    def count(self, name: str) -> int:
        """A count of the summary, which is written like 45.0. Raises BillBroken."""
        words = self._summed(name)
        whole = words.removesuffix(".0")
        if not (whole.isascii() and whole.isdigit() and len(whole) <= 12):
            raise self.bad(name, f"found {words[:20]!r}; allowed is a count such as 45.0")
        return int(whole)

    def check_count(self, name: str, found: int) -> None:
        """Hold a count of the summary against the lines. Raises BillBroken."""
        said = self.count(name)
        if said != found:
            raise self.bad(name, f"found {said}; the lines make {found}")

    def check_sum(self, name: str, found_5: int) -> None:
        """Hold a sum against the lines, as exactly as the summary writes it. Raises BillBroken."""
        words = self._summed(name)
        said_5 = self.fen_5(words, 0)
        step = 10 ** (PLACES - max(2, len(words.partition(".")[2])))
        if abs(found_5 - said_5) * 2 >= max(step, 2):
            raise self.bad(name, f"found {words[:20]}; the lines make {_yuan(found_5)}")

    # ------------------------------------------------------------ helpers

    def _summed(self, name: str) -> str:
        if name not in self.summary:
            raise self.bad("summary", f"found no {name}; allowed is a bill with it")
        return self.summary[name]

    def _line(self) -> str:
        self.number += 1
        try:
            line = self._lines.readline(LONGEST_LINE)
        except UnicodeDecodeError:
            raise self.bad("text", "found bytes that are no UTF-8; allowed is UTF-8") from None
        if not line.endswith("\n") and len(line) == LONGEST_LINE:
            raise self.bad("text", f"found a line of {LONGEST_LINE} characters or more; allowed are fewer")
        return line.rstrip("\r\n")

    def _names(self, line: str) -> list[str]:
        names = [name.strip() for name in line.split(",")]
        if line.startswith("`") or len(names) < 2 or len(set(names)) < len(names):
            raise self.bad("header", "found no names of columns; allowed is a bill")
        return names

    def _joined(self, values: Sequence[str]) -> list[str]:
        """A name that holds a comma and a back-tick was taken apart: the surplus is its own."""
        more = len(values) - len(self.columns)
        if more < 0 or self._free < 0:
            found, allowed = len(values), len(self.columns)
            raise self.bad("columns", f"found {found} values; allowed are {allowed}, as the header says")
        free = ",`".join(values[self._free : self._free + more + 1])
        return [*values[: self._free], free, *values[self._free + more + 1 :]]

    def _end(self, line: str) -> None:
        """The summary's names and values, and nothing after them."""
        if not line:
            raise self.bad("summary", "found the end of the file; allowed is a summary: the file is cut off")
        names, values = self._names(line), self._line()
        found = values[1:].split(",`")
        if not values.startswith("`") or len(found) != len(names):
            raise self.bad("summary", f"found no {len(names)} values; allowed is one for each name")
        self.summary = dict(zip(names, found, strict=True))
        if any(self._lines.readline(LONGEST_LINE).strip() for _ in range(2)):
            raise self.bad("end", "found more after the summary; allowed is nothing")


def _yuan(fen_5: int) -> str:
    whole, part = divmod(abs(fen_5), 10**PLACES)
    return f"{'-' if fen_5 < 0 else ''}{whole}.{part:05d}"
