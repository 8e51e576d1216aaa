"""When a machine has sold nothing for longer than its own pattern allows.

Learnt from its sales of the last weeks: how many to expect in each hour of the week. A gap is measured in
sales that were to be expected in it. For a machine whose shoppers come by chance such a gap is longer than
x once in e^x gaps, so the limit grows with how many gaps a year has: less than one false alarm for a machine
in a year. Whose shoppers come in crowds is measured by its own longest gap as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

HOUR_MS: Final = 3_600_000
WEEK_HOURS: Final = 168
WEEK_MS: Final = WEEK_HOURS * HOUR_MS
MOST_WEEKS: Final = 8
FEWEST_WEEKS: Final = 4
FEWEST_SALES: Final = 28
_WEEKS_OF_A_YEAR: Final = 52
_LN_2: Final = 0.6931
_SURER: Final = 1.0  # a pattern is learnt, not known
_LONGER: Final = 1.25
_AT_MOST: Final = 2.0  # an outage that was sold through must not make a machine deaf for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`expected` sales in each hour of the week, beginning as the epoch does; `limit` is in sales."""

    expected: tuple[float, ...]
    limit: float

    def between(self, from_ms: int, to_ms: int) -> float:
        """The sales to expect between two instants, in Unix milliseconds."""
        if to_ms <= from_ms:
            return 0.0
        weeks, rest_ms = divmod(to_ms - from_ms, WEEK_MS)
        found, at_ms, end_ms = weeks * sum(self.expected), from_ms, from_ms + rest_ms
        while at_ms < end_ms:
            next_ms = min(end_ms, (at_ms // HOUR_MS + 1) * HOUR_MS)
            found += self.expected[_hour(at_ms)] * (next_ms - at_ms) / HOUR_MS
            at_ms = next_ms
        return found


def learnt(sold_ms: Sequence[int], now_ms: int) -> Pattern | None:
    """From when a machine sold, the oldest first; None while that is too little to say anything."""
    if not sold_ms:
        return None
    weeks = min(MOST_WEEKS, (now_ms - sold_ms[0]) // WEEK_MS)
    recent = [at for at in sold_ms if now_ms - weeks * WEEK_MS <= at < now_ms]
    if weeks < FEWEST_WEEKS or len(recent) < FEWEST_SALES:
        return None
    counts = [0] * WEEK_HOURS
    for at in recent:
        counts[_hour(at)] += 1
    expected = tuple(count / weeks for count in counts)
    chance = _LN_2 * (len(recent) * _WEEKS_OF_A_YEAR // weeks).bit_length() + _SURER
    own = _LONGER * _longest(Pattern(expected=expected, limit=chance), recent)
    return Pattern(expected=expected, limit=min(max(chance, own), _AT_MOST * chance))


def missed(pattern: Pattern | None, last_ms: int, now_ms: int) -> int:
    """How many sales did not come, when that is more than chance explains; else 0."""
    if pattern is None:
        return 0
    found = pattern.between(last_ms, now_ms)
    return round(found) if found > pattern.limit else 0


def _longest(pattern: Pattern, sold_ms: Iterable[int]) -> float:
    before, longest = None, 0.0
    for at in sold_ms:
        if before is not None:
            longest = max(longest, pattern.between(before, at))
        before = at
    return longest


def _hour(at_ms: int) -> int:
    return at_ms // HOUR_MS % WEEK_HOURS
