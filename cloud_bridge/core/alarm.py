"""What people are to know of faults: how grave each is, which come and go, and who is told of it now.

An alarm stands in spells. One that begins three times within an hour comes and goes: it is told as one fault
until it was quiet for a quarter of an hour. Times are Unix milliseconds.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.alert import Key, News

FLAPS: Final = 3
HOUR_MS: Final = 3_600_000
QUIET_MS: Final = 900_000
LONGEST_SNOOZE_MIN: Final = 7 * 24 * 60
MOST_WORDS: Final = 200


class Weight(enum.IntEnum):
    """How soon somebody has to come: whenever he is there, today, or now."""

    NOTE = 0
    WARNING = 1
    URGENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`patience_s`: so long it may stand before anybody is told; what goes before that was nothing."""

    weight: Weight = Weight.WARNING
    patience_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """An alarm from when it was raised to when it was cleared; `over_wall_ms` 0: it stands."""

    machine: str
    name: str
    lane: int
    since_wall_ms: int
    over_wall_ms: int = 0
    text: str = ""

    @property
    def key(self) -> Key:
        """Which alarm it is."""
        return self.machine, self.name, self.lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What people said about an alarm: who looks after it, and until when nobody is to be told."""

    machine: str
    name: str
    lane: int
    acked_by: str = ""
    acked_why: str = ""
    acked_wall_ms: int = 0
    snoozed_by: str = ""
    snoozed_why: str = ""
    snoozed_until_wall_ms: int = 0

    @property
    def key(self) -> Key:
        """Which alarm it is."""
        return self.machine, self.name, self.lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A fault that people should know of. `begun` is how often it began within the hour.

    `stands` is False while one that comes and goes is gone for a moment.
    """

    spell: Spell
    weight: Weight
    begun: int = 1
    stands: bool = True

    @property
    def flaps(self) -> bool:
        """It comes and goes."""
        return self.begun >= FLAPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What somebody wants to be told: from which weight on, and what stands so long and nobody has taken."""

    least: Weight = Weight.NOTE
    after_s: int = 0


# ---------------------------------------------------------------- rules

DEFAULT: Final = Rule()
_NOW: Final = Rule(weight=Weight.URGENT)
_NOTE: Final = Rule(weight=Weight.NOTE)
# By the beginning of a name: the longest that fits counts, as with its words.
RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "machine_offline": _NOW,
        "broker_lost": _NOW,
        "link_flapping": DEFAULT,
        "no_sale": DEFAULT,
        "door_open": Rule(patience_s=600),
        "temperature": Rule(weight=Weight.URGENT, patience_s=900),
        "temperature_unknown": Rule(patience_s=900),
        "link_down": Rule(patience_s=120),
        "clock_off": Rule(patience_s=120),
        "doubt": _NOW,
        "brake": _NOW,
        "brakes": _NOW,
        "refund_not_enough": _NOW,
        "foreign_payment": _NOW,
        "second_payment": _NOW,
        "amount_differs": _NOW,
        "impossible": _NOW,
        "journal": _NOW,
        "merchant_restricted": _NOW,
        "order_api": _NOW,
        "notices_forged": _NOW,
        "notices_missing": _NOW,
        "complaint": DEFAULT,
        "complaint_unanswered": _NOW,
        "keys": DEFAULT,
        "keys_platform_unknown": _NOW,
        "violation": _NOW,
        "platform": _NOW,
        "vend_failed": _NOTE,
        "maintenance": _NOTE,
    }
)


def rule(name: str) -> Rule:
    """How grave this alarm is, and how long it may stand untold."""
    parts = name.split("_")
    while parts:
        found = RULES.get("_".join(parts))
        if found is not None:
            return found
        parts.pop()
    return DEFAULT


# ---------------------------------------------------------------- spells


def chased(standing: Iterable[Spell], known: Iterable[Spell], now_ms: int) -> tuple[Spell, ...]:
    """The spells to write down: begun, over, or with other words. `known` are those that stood so far."""
    now = {each.key: each for each in standing}
    changed = []
    for old in known:
        new = now.get(old.key)
        if new is None or new.since_wall_ms != old.since_wall_ms:
            over_ms = now_ms if new is None else min(now_ms, new.since_wall_ms)
            changed.append(_ended(old, max(over_ms, old.since_wall_ms + 1)))
    before = {(each.key, each.since_wall_ms): each.text for each in known}
    changed += [each for each in now.values() if before.get((each.key, each.since_wall_ms)) != each.text]
    return tuple(changed)


def _ended(spell: Spell, over_ms: int) -> Spell:
    return Spell(
        machine=spell.machine,
        name=spell.name,
        lane=spell.lane,
        since_wall_ms=spell.since_wall_ms,
        over_wall_ms=over_ms,
        text=spell.text,
    )


def held(spells: Iterable[Spell], now_ms: int) -> tuple[Held, ...]:
    """What people should know of, the gravest first, then the oldest.

    `spells` are those that stand, and those that were over within the last hour.
    """
    by_key: dict[Key, list[Spell]] = {}
    for each in sorted(spells, key=lambda each: each.since_wall_ms):
        by_key.setdefault(each.key, []).append(each)
    found = (_held(those, now_ms) for those in by_key.values())
    return tuple(sorted((each for each in found if each), key=_rank))


def _rank(each: Held) -> tuple[int, int, Key]:
    return -each.weight, each.spell.since_wall_ms, each.spell.key


def _held(spells: Sequence[Spell], now_ms: int) -> Held | None:
    own = rule(spells[0].name)
    lasting = [each for each in spells if _age_ms(each, now_ms) >= own.patience_s * 1000]
    if not lasting:
        return None
    last, begun = lasting[-1], len(lasting)
    stands = last.over_wall_ms == 0
    if not stands and (begun < FLAPS or now_ms - last.over_wall_ms >= QUIET_MS):
        return None
    return Held(spell=last, weight=own.weight, begun=begun, stands=stands)


def _age_ms(spell: Spell, now_ms: int) -> int:
    """How long it has stood; a clock that was set back makes nothing younger than new."""
    return max(0, (spell.over_wall_ms or now_ms) - spell.since_wall_ms)


# ---------------------------------------------------------------- who is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What somebody is told of, and the alarms of which he hears nothing now, neither begin nor end."""

    news: tuple[News, ...] = ()
    silent: frozenset[Key] = field(default_factory=frozenset)


def offer(found: Iterable[Held], cares: Mapping[Key, Care], wants: Wants, now_ms: int) -> Offer:
    """What of these faults is for somebody who wants this.

    Nobody is told of what is snoozed or in somebody's hands; when a snooze is over it is news again.
    """
    news, silent = [], set()
    for each in found:
        care = cares.get(each.spell.key)
        if _is_for(each, care, wants, now_ms):
            news.append(_news(each, care))
        else:
            silent.add(each.spell.key)
    return Offer(news=tuple(news), silent=frozenset(silent))


def _is_for(each: Held, care: Care | None, wants: Wants, now_ms: int) -> bool:
    if each.weight < wants.least or _age_ms(each.spell, now_ms) < wants.after_s * 1000:
        return False
    return care is None or not (care.acked_by or care.snoozed_until_wall_ms > now_ms)


def _news(each: Held, care: Care | None) -> News:
    spell = each.spell
    return News(
        machine=spell.machine,
        name=spell.name,
        lane=spell.lane,
        since_wall_ms=spell.since_wall_ms,
        text=spell.text,
        begun=each.begun if each.flaps else 1,
        again_wall_ms=care.snoozed_until_wall_ms if care is not None else 0,
    )


# ---------------------------------------------------------------- what a person says


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A person takes an alarm into his hands, or with `snooze_min` has it told to nobody for so long.

    `wake`: what was said so far is over, and others are told again.
    """

    machine: str
    name: str
    lane: int
    by: str
    why: str
    snooze_min: int = 0
    wake: bool = False

    @property
    def key(self) -> Key:
        """Which alarm he means."""
        return self.machine, self.name, self.lane

    def __post_init__(self) -> None:
        """Raises ValueError for a reason that says nothing, and for a snooze without an end."""
        if not (0 < len(self.why.strip()) <= MOST_WORDS and self.why.isprintable()):
            raise ValueError(
                f"why: found {self.why[:20]!r}, allowed 1 to {MOST_WORDS} characters on one line"
            )
        if not 0 <= self.snooze_min <= LONGEST_SNOOZE_MIN:
            raise ValueError(f"snooze_min: found {self.snooze_min}, allowed 0 to {LONGEST_SNOOZE_MIN}")


def cared(before: Care | None, ask: Ask, now_ms: int) -> Care:
    """What is known of an alarm after a person said this."""
    care = before or Care(machine=ask.machine, name=ask.name, lane=ask.lane)
    acked = (ask.by, ask.why, now_ms)
    snoozed = (care.snoozed_by, care.snoozed_why, care.snoozed_until_wall_ms)
    if ask.wake:
        acked, snoozed = ("", "", 0), (ask.by, ask.why, now_ms)
    elif ask.snooze_min:
        acked = (care.acked_by, care.acked_why, care.acked_wall_ms)
        snoozed = (ask.by, ask.why, now_ms + ask.snooze_min * 60_000)
    return Care(
        machine=ask.machine,
        name=ask.name,
        lane=ask.lane,
        acked_by=acked[0],
        acked_why=acked[1],
        acked_wall_ms=acked[2],
        snoozed_by=snoozed[0],
        snoozed_why=snoozed[1],
        snoozed_until_wall_ms=snoozed[2],
    )
