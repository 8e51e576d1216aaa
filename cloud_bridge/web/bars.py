"""A chart of bars as a drawing: from zero, with the largest as high as there is room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 160
_GAP: Final = 4
_LABELS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Where it stands, and what it says; `label` is empty where there is no room for it."""

    x: float
    y: float
    width: float
    height: float
    name: str
    label: str
    fen: int


def bars(values: Sequence[tuple[str, int]]) -> tuple[Bar, ...]:
    """One bar for each value, none below zero."""
    if not values:
        return ()
    most, step = max(1, *(fen for _, fen in values)), WIDTH / len(values)
    every = -(-len(values) // _LABELS)
    return tuple(
        Bar(
            x=round(place * step + _GAP / 2, 1),
            y=round(HEIGHT - HEIGHT * max(0, fen) / most, 1),
            width=round(max(1.0, step - _GAP), 1),
            height=round(HEIGHT * max(0, fen) / most, 1),
            name=name,
            label=name if place % every == 0 else "",
            fen=fen,
        )
        for place, (name, fen) in enumerate(values)
    )
