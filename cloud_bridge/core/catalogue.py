"""What machines sell: products, planograms and who speaks for a machine, as one book of entries.

An edition is a set of changes of entries; a book is never changed but by one, and each can be taken back by
another. Prices and costs are fen. What a machine is offered follows from the book alone.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from cloud_bridge.core.sale import yuan

TEMPLATE: Final = "#"  # begins the name of a planogram that machines share
LANES_LIMIT: Final = 200
PRICE_MOST_FEN: Final = 10_000_000
PIECES_MOST: Final = 9_999
BUNDLE_BYTES: Final = 64_000
_SLOT_BYTES: Final = 110
# A price that rises above three halves of the old one, or falls below two thirds, wants a second look.
_FAR: Final = (3, 2)


class Kind(enum.StrEnum):
    """What an entry is about. Its key: a product's code; where and lane, as `vm-0001/12`; a machine's id."""

    PRODUCT = "product"
    LANE = "lane"
    MACHINE = "machine"


class Owner(enum.StrEnum):
    """Who speaks for a machine's lanes: its settings, until somebody edits them in the books."""

    SETTINGS = "settings"
    BOOKS = "books"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Something to sell. `picture` names an uploaded picture, or nothing; `cost_fen` 0: not known."""

    name_zh: str
    name_en: str
    price_fen: int
    cost_fen: int = 0
    picture: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What lies in a lane of a machine or a template. `price_fen` 0: the product's own.

    At `sold_out_at` pieces it sells no more; `par` is what a person fills it up to, `capacity` what it holds.
    """

    product: str
    price_fen: int = 0
    sold_out_at: int = 0
    par: int = 0
    capacity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A machine: the template its lanes come from (its own come before those), and whose tour it is on."""

    template: str = ""
    route: str = ""
    owner: Owner = Owner.BOOKS


Entry = Product | Lane | Plan
Key = tuple[Kind, str]
Book = Mapping[Key, Entry]
Wanted = Mapping[Key, Entry | None]  # None: the entry goes
TYPES: Final[Mapping[Kind, type[Product] | type[Lane] | type[Plan]]] = {
    Kind.PRODUCT: Product,
    Kind.LANE: Lane,
    Kind.MACHINE: Plan,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of an edition; None where it was not there before, or is not after."""

    kind: Kind
    key: str
    before: Entry | None
    after: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A lane as a machine is told of it."""

    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    picture: str = ""
    sold_out_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a book cannot be: which entry, which field of it, what was found and what is allowed."""

    kind: Kind
    key: str
    field: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.field}: found {self.found}, allowed {self.allowed}"


# ---------------------------------------------------------------- keys


def lane_key(where: str, lane: int) -> Key:
    """The key of a lane of a machine, or of a template."""
    return Kind.LANE, f"{where}/{lane}"


def where_and_lane(key: str) -> tuple[str, int]:
    """The two parts of a lane's key; lane 0 when it is none."""
    where, _, lane = key.rpartition("/")
    return where, int(lane) if lane.isascii() and lane.isdigit() and len(lane) <= 4 else 0


# ---------------------------------------------------------------- editions


def changes(book: Book, wanted: Wanted) -> tuple[Change, ...]:
    """What would really change, in the order of the keys."""
    found = (
        Change(kind=key[0], key=key[1], before=book.get(key), after=after)
        for key, after in sorted(wanted.items(), key=_by_key)
    )
    return tuple(change for change in found if change.before != change.after)


def in_order(edition: Iterable[Change]) -> tuple[Change, ...]:
    """Products before lanes before machines; lanes by number."""
    found = {(each.kind, each.key): each for each in edition}
    return tuple(each for _, each in sorted(found.items(), key=_by_key))


def applied(book: Book, edition: Iterable[Change]) -> dict[Key, Entry]:
    """The book after these changes."""
    after = dict(book)
    for change in edition:
        if change.after is None:
            after.pop((change.kind, change.key), None)
        else:
            after[change.kind, change.key] = change.after
    return after


def back(newest_first: Iterable[Sequence[Change]]) -> dict[Key, Entry | None]:
    """What is wanted in order to take these editions back, the newest before those before it."""
    wanted: dict[Key, Entry | None] = {}
    for edition in newest_first:
        wanted |= {(change.kind, change.key): change.before for change in edition}
    return wanted


def overtaken(book: Book, edition: Iterable[Change]) -> tuple[Change, ...]:
    """Those changes of an edition made earlier whose entry is not any more what they were made on."""
    return tuple(each for each in edition if book.get((each.kind, each.key)) != each.before)


# ---------------------------------------------------------------- what machines are offered


def planograms(book: Book, only: Set[str] | None = None) -> dict[str, dict[int, Lane]]:
    """The lanes of every machine and template, or of `only` these, as they are written."""
    found: dict[str, dict[int, Lane]] = {}
    for (_, key), entry in book.items():
        if isinstance(entry, Lane) and (only is None or key.rpartition("/")[0] in only):
            where, lane = where_and_lane(key)
            found.setdefault(where, {})[lane] = entry
    return found


def places(book: Book, only: Iterable[str] | None = None) -> dict[str, dict[int, Lane]]:
    """The lanes of every machine, or of `only` these: its own, and of its template those that it has not."""
    plans = {key: entry for (_, key), entry in book.items() if isinstance(entry, Plan)}
    asked = plans if only is None else {name: plans[name] for name in only if name in plans}
    written = planograms(
        book, None if only is None else {*asked, *(plan.template for plan in asked.values())}
    )
    return {
        name: dict(sorted((written.get(plan.template, {}) | written.get(name, {})).items()))
        for name, plan in asked.items()
    }


def offers(book: Book) -> dict[str, tuple[Slot, ...]]:
    """What every machine is told; a lane whose product is not in the book is none."""
    return {
        machine: tuple(slot for slot in (_slot(book, *place) for place in lanes.items()) if slot is not None)
        for machine, lanes in places(book).items()
    }


def _slot(book: Book, number: int, lane: Lane) -> Slot | None:
    product = book.get((Kind.PRODUCT, lane.product))
    if not isinstance(product, Product):
        return None
    return Slot(
        lane=number,
        name_zh=product.name_zh,
        name_en=product.name_en,
        price_fen=lane.price_fen or product.price_fen,
        picture=product.picture,
        sold_out_at=lane.sold_out_at,
    )


# ---------------------------------------------------------------- what wants a second person


def daring(before: Book, after: Book) -> tuple[str, ...]:
    """Why somebody else has to agree: prices below the cost or far from what they were, costs that fall.

    A price of another product than before is held against the cheapest there was, for there is no other.
    """
    old, held = offers(before), places(after)
    cheapest = min((slot.price_fen for slots in old.values() for slot in slots), default=0)
    words = _cheaper_to_buy(before, after)
    for machine, slots in sorted(offers(after).items()):
        were = {slot.lane: slot for slot in old.get(machine, ())}
        for slot in slots:
            product = after[Kind.PRODUCT, held[machine][slot.lane].product]
            assert isinstance(product, Product), "a slot has a product"
            why = _dares(were.get(slot.lane), slot, product.cost_fen, cheapest)
            words += [f"{machine} lane {slot.lane}: {yuan(slot.price_fen)} {why}"] if why else []
    return tuple(words)


def _cheaper_to_buy(before: Book, after: Book) -> list[str]:
    """Whoever lowers a cost lowers what a price may fall to."""
    found = (
        (key, before.get((kind, key)), entry) for (kind, key), entry in sorted(after.items(), key=_by_key)
    )
    return [
        f"{key}: its cost falls from {yuan(was.cost_fen)} to {yuan(now.cost_fen)}"
        for key, was, now in found
        if isinstance(was, Product) and isinstance(now, Product) and now.cost_fen < was.cost_fen
    ]


def _dares(was: Slot | None, now: Slot, cost_fen: int, cheapest_fen: int) -> str:
    if was is not None and was.price_fen == now.price_fen:
        return ""
    if now.price_fen < cost_fen:
        return f"is below its cost of {yuan(cost_fen)}"
    if was is not None and (was.name_zh, was.name_en) == (now.name_zh, now.name_en):
        return f"is far from {yuan(was.price_fen)}" if _far(was.price_fen, now.price_fen) else ""
    low = now.price_fen < cheapest_fen and _far(cheapest_fen, now.price_fen)
    return f"is far below {yuan(cheapest_fen)}, the cheapest so far" if low else ""


def _far(was_fen: int, now_fen: int) -> bool:
    high, low = _FAR
    return now_fen * low > was_fen * high or now_fen * high < was_fen * low


# ---------------------------------------------------------------- whether a book can be


def faults(book: Book, known: Iterable[str]) -> tuple[Fault, ...]:
    """Everything that is wrong with a book; `known` are the machines of the settings."""
    allowed = frozenset(known)
    templates = sorted(where for where in planograms(book) if where.startswith(TEMPLATE))
    held = {machine: (len(lanes), _bytes(lanes)) for machine, lanes in offers(book).items()}
    bare = sorted(machine for machine in allowed if (Kind.MACHINE, machine) not in book)
    found = [
        Fault(kind=Kind.MACHINE, key=each, field="machine", found="nothing", allowed="a plan of its own")
        for each in bare
    ]
    for (kind, key), entry in sorted(book.items(), key=_by_key):
        match entry:
            case Product():
                found += _of_product(key, entry)
            case Lane():
                found += _of_lane(book, key, entry, allowed)
            case Plan():
                found += _of_plan(key, entry, templates, held[key])
        assert isinstance(entry, TYPES[kind]), f"{kind} {key} is a {type(entry).__name__}"
    return tuple(found)


def _of_product(key: str, product: Product) -> Iterator[Fault]:
    if not _word(key):
        yield Fault(kind=Kind.PRODUCT, key=key, field="code", found=repr(key), allowed=_WORD)
    yield from _held(
        Kind.PRODUCT,
        key,
        (
            ("name_zh", product.name_zh, _line(product.name_zh, 40), "1 to 40 characters on one line"),
            ("name_en", product.name_en, _line(product.name_en, 60), "1 to 60 characters on one line"),
            ("price_fen", product.price_fen, 1 <= product.price_fen <= PRICE_MOST_FEN, _PRICE),
            ("cost_fen", product.cost_fen, 0 <= product.cost_fen <= PRICE_MOST_FEN, _COST),
            ("picture", product.picture, _name(product.picture), "an uploaded picture's name, or nothing"),
        ),
    )


def _of_lane(book: Book, key: str, lane: Lane, known: frozenset[str]) -> Iterator[Fault]:
    where, number = where_and_lane(key)
    template = where.startswith(TEMPLATE) and _word(where.removeprefix(TEMPLATE))
    named = f"a machine of the settings, or {TEMPLATE} and a template's name"
    there = (Kind.PRODUCT, lane.product) in book
    counts = (("sold_out_at", lane.sold_out_at), ("par", lane.par), ("capacity", lane.capacity))
    fits = not lane.capacity or lane.par <= lane.capacity
    yield from _held(
        Kind.LANE,
        key,
        (
            ("machine", where, template or (where in known and (Kind.MACHINE, where) in book), named),
            ("lane", number, number >= 1, "1 to 9999"),
            ("product", lane.product, there, "the code of a product"),
            ("price_fen", lane.price_fen, 0 <= lane.price_fen <= PRICE_MOST_FEN, f"{_PRICE}, or nothing"),
            *((name, count, 0 <= count <= PIECES_MOST, f"0 to {PIECES_MOST}") for name, count in counts),
            ("par", lane.par, fits, f"at most the capacity of {lane.capacity}"),
        ),
    )


def _bytes(told: Sequence[Slot]) -> int:
    """What a machine's message needs at most: a character takes up to four bytes, or a few more escaped."""
    return sum(4 * len(f"{each.name_zh}{each.name_en}{each.picture}") + _SLOT_BYTES for each in told)


def _of_plan(key: str, plan: Plan, templates: Sequence[str], held: tuple[int, int]) -> Iterator[Fault]:
    count, size = held
    words = ", ".join(templates) or "nothing: there is no template"
    yield from _held(
        Kind.MACHINE,
        key,
        (
            ("template", plan.template, not plan.template or plan.template in templates, words),
            ("route", plan.route, not plan.route or _line(plan.route, 40), "up to 40 characters on one line"),
            ("lanes", count, 1 <= count <= LANES_LIMIT, f"1 to {LANES_LIMIT}"),
            ("lanes", f"{size} bytes", size <= BUNDLE_BYTES, f"names for {BUNDLE_BYTES} bytes in all"),
        ),
    )


def _held(kind: Kind, key: str, held: Iterable[tuple[str, object, bool, str]]) -> Iterator[Fault]:
    for field, found, holds, allowed in held:
        if not holds:
            shown = repr(found)[:60] if isinstance(found, str) else str(found)
            yield Fault(kind=kind, key=key, field=field, found=shown, allowed=allowed)


def _by_key(item: tuple[Key, object]) -> tuple[str, str, int, str]:
    """Products before lanes and machines; lanes by number."""
    (kind, key), _ = item
    where, lane = where_and_lane(key) if kind is Kind.LANE else (key, 0)
    return ("machine" if kind is Kind.MACHINE else "lane" if kind is Kind.LANE else "", where, lane, key)


def _word(text: str) -> bool:
    return 1 <= len(text) <= 40 and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()


def _name(text: str) -> bool:
    return len(text) <= 120 and (text == "" or text.isprintable())


def _line(text: str, most: int) -> bool:
    return bool(text.strip()) and len(text) <= most and text.isprintable()


_WORD: Final = "1 to 40 of A-Z a-z 0-9 - _"
_PRICE: Final = f"1 to {PRICE_MOST_FEN} fen"
_COST: Final = f"0 to {PRICE_MOST_FEN} fen"
