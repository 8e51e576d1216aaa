"""What a machine is to sell, and what it answers: the version it runs, or which setting it cannot use.

A reader ignores members of other messages that it does not know. Of a catalogue it ignores none: a setting
that is not understood is not followed, and whoever set it has to hear that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final

from wire.parts import (
    BadMessage,
    Report,
    check,
    check_count,
    check_fen,
    check_lane,
    check_short,
)

LANES_LIMIT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueLane:
    """One lane of a machine's planogram. At `sold_out_at` pieces, where they are known, it sells no more."""

    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    picture: str = ""
    sold_out_at: int | None = None

    def __post_init__(self) -> None:
        check_lane(self.lane)
        check_fen("price_fen", self.price_fen)
        check(0 < len(self.name_zh) <= 40, "name_zh", self.name_zh, "1 to 40 characters")
        check(0 < len(self.name_en) <= 60, "name_en", self.name_en, "1 to 60 characters")
        check_short("picture", self.picture, 120)
        check(0 <= (self.sold_out_at or 0) <= 9999, "sold_out_at", self.sold_out_at, "0 to 9999 pieces")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """`set/catalogue`: retained desired state. An older `version` than the one in use is refused."""

    version: int
    phone: str
    lanes: tuple[CatalogueLane, ...]

    def __post_init__(self) -> None:
        check_count("version", self.version, least=1)
        check_short("phone", self.phone, 40)
        check(1 <= len(self.lanes) <= LANES_LIMIT, "lanes", len(self.lanes), f"1 to {LANES_LIMIT}")
        numbers = [lane.lane for lane in self.lanes]
        check(len(set(numbers)) == len(numbers), "lanes", sorted(numbers), "each lane once")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueStatus(Report):
    """`up/catalogue.status`: answers each `set/catalogue`. `version` is the one in use (0: none yet).

    `offered` is the version that came, 0 when it could not be read; `why` is empty, or names the setting of
    it that this machine cannot use, what was found and what is allowed. It is an answer, not a numbered
    report: `n` is 0.
    """

    version: int
    offered: int
    why: str = ""

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        check_count("version", self.version)
        check_count("offered", self.offered)
        check_short("why", self.why, 400)


def check_settings(value: Mapping[str, object]) -> None:
    """Hold a catalogue's members against those that this version knows. Raises BadMessage for another one."""
    for where, name, found in _unknown(value):
        known = CatalogueLane if "." in where else Catalogue
        allowed = ", ".join(field.name for field in fields(known))
        raise BadMessage(f"{where[:60]}: found {name[:40]} = {found!r:.60}, allowed only {allowed}")


def offered(value: object) -> int:
    """The version that a catalogue bears which cannot be used, or 0."""
    version = value.get("version") if isinstance(value, dict) else None
    return version if type(version) is int and 0 < version < 2**53 else 0


def _unknown(value: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    own, of_lane = ({field.name for field in fields(kind)} for kind in (Catalogue, CatalogueLane))
    yield from ((name, name, found) for name, found in value.items() if name not in own)
    lanes = value.get("lanes")
    for index, lane in enumerate(lanes if isinstance(lanes, list) else ()):
        for name, found in lane.items() if isinstance(lane, dict) else ():
            if name not in of_lane:
                yield f"lanes[{index}].{name} of lane {lane.get('lane')!r:.6}", name, found
