"""What a machine shows on its unsigned `state/` topics, read with suspicion: anyone may have written it.

A value of the wrong type, size or range is taken for one that was not said, so that nothing here can break
a page. Pure.
"""

import json
from collections.abc import Mapping
from typing import Final

from cloud_bridge.ports import AuditView, LaneView

DAY_LENGTH: Final = len("2026-11-24")
COUNT_LIMIT: Final = 2**53
LANES_LIMIT: Final = 200
NAME_LIMIT: Final = 60
REASON_LIMIT: Final = 48
CODE_LIMIT: Final = 4
FEN_LIMIT: Final = 10_000_000
STOCK_LIMIT: Final = 100_000
LANE_LIMIT: Final = 9999


class BadState(ValueError):
    """A payload that is no flat JSON object."""


def read(payload: bytes) -> Mapping[str, object]:
    """Give the members. Raises BadState."""
    try:
        values = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadState(type(error).__name__) from None
    if not isinstance(values, dict):
        raise BadState(type(values).__name__)
    return values


def whole(values: Mapping[str, object], name: str, low: int, high: int) -> int | None:
    """A whole number from `low` to `high`, or None."""
    value = values.get(name)
    return value if type(value) is int and low <= value <= high else None


def words(values: Mapping[str, object], name: str, most: int) -> str:
    """Text of at most `most` characters on one line, or as much of it as fits."""
    value = values.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(char if char.isprintable() else " " for char in value[:most])


def flag(values: Mapping[str, object], name: str) -> bool | None:
    """0 or 1 as the machines write it, true or false as a person might."""
    value = values.get(name)
    return bool(value) if value in (0, 1) and isinstance(value, int) else None


def lane_number(kind: str) -> int | None:
    """The lane of a topic such as `lane/12`, written in the one way a machine writes it."""
    text = kind.removeprefix("lane/")
    if not text.isascii() or not text.isdigit() or len(text) > len(str(LANE_LIMIT)) or text[0] == "0":
        return None
    return int(text)


def lane(number: int, values: Mapping[str, object]) -> LaneView:
    """A lane as the machine shows it. The topic says which, whatever the payload says."""
    return LaneView(
        lane=number,
        product_zh=words(values, "product", NAME_LIMIT),
        product_en=words(values, "product_en", NAME_LIMIT),
        price_fen=whole(values, "price_fen", 0, FEN_LIMIT) or 0,
        stock=whole(values, "stock", 0, STOCK_LIMIT),
        capacity=whole(values, "capacity", 0, STOCK_LIMIT),
        reason=words(values, "reason", REASON_LIMIT),
        fault=words(values, "fault", REASON_LIMIT),
        code=words(values, "code", CODE_LIMIT),
    )


def audit(values: Mapping[str, object], came_wall_ms: int) -> AuditView:
    """What the newest audit file counts, as the machine shows it."""

    def number(name: str) -> int:
        return whole(values, name, 0, COUNT_LIMIT) or 0

    return AuditView(
        day=words(values, "day", DAY_LENGTH),
        day_count=number("day_count"),
        day_value_fen=number("day_value_fen"),
        count=number("count"),
        value_fen=number("value_fen"),
        came_wall_ms=came_wall_ms,
    )
