"""What the elements of EVA-DTS segments are called and which of them are numbers. Source: EVA-DTS 6.1.1."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FOUR: Final = "value_init# count_init# value_reset# count_reset#"
_CARD: Final = "serial model software"
_FLOW: Final = "value_init# value_reset#"
_CUTS: Final = (
    "discount_value_reset# discount_count_reset# discount_value_init# discount_count_init# "
    "surcharge_value_reset# surcharge_count_reset# surcharge_value_init# surcharge_count_init#"
)
# In the order of the elements, `-` where nothing is known; # is a number, @ a date or a time.
_ROWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ID1": "machine model build location user asset",
        "ID4": "decimals# currency_number# currency",
        "CB1": _CARD,
        "VA1": _FOUR,
        "VA2": _FOUR,
        "VA3": _FOUR,
        "CA2": _FOUR,
        "CA3": (
            "in_reset# to_box_reset# to_tubes_reset# notes_reset# in_init# to_box_init# to_tubes_init# "
            "notes_init# notes_value_reset# notes_value_init#"
        ),
        "CA4": "dispensed_reset# manual_reset# dispensed_init# manual_init#",
        "CA15": "in_tubes#",
        "DA1": _CARD,
        "DA2": _FOUR,
        "DA3": _FLOW,
        "DA4": _FLOW,
        "DA5": _CUTS,
        "DA10": "count_init# value_init# count_reset# value_reset#",
        "DB1": _CARD,
        "DB2": _FOUR,
        "DB3": _FLOW,
        "DB4": _FLOW,
        "DB5": _CUTS,
        "PA1": "product price# name - - - status level# least#",
        "PA2": "count_init# value_init# count_reset# value_reset#",
        "PA5": "last_date@ last_time@ sold_out_chosen#",
        "PA7": "product device price_list price# count_init# value_init# count_reset# value_reset#",
        "EA1": "event date@ time@ minutes#",
        "EA2": "event count_reset# count_init# text active minutes#",
        "EA3": (
            "reads_with_reset# date@ time@ reader last_date@ last_time@ last_reader - reads_total# "
            "resets_total#"
        ),
        "EA7": "power_failures_reset# power_failures_init#",
    }
)
_KINDS: Final = MappingProxyType({"#": "number", "@": "time"})


def names(segment: str) -> tuple[str, ...]:
    """Names of a segment's elements from 01 on, with their mark; none for a segment that is not known."""
    return tuple(_ROWS.get(segment, "").split())


def named(segment: str, number: int) -> str:
    """What element `number` (from 1) is called; its own number, as `e08`, where the table has no name."""
    known = names(segment)
    name = known[number - 1].rstrip("#@") if number <= len(known) else "-"
    return f"e{number:02d}" if name == "-" else name


def kind_of(segment: str, number: int) -> str:
    """`number`, `time` (of a date, too) or empty for text."""
    known = names(segment)
    return _KINDS.get(known[number - 1][-1], "") if number <= len(known) else ""
