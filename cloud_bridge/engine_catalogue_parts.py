"""What an edition is made of: lanes of the settings, whose machines it is about, shelves. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Final

from cloud_bridge.core.catalogue import (
    Book,
    Change,
    Entry,
    Key,
    Kind,
    Lane,
    Owner,
    Plan,
    Product,
    Slot,
    Wanted,
    applied,
    changes,
    lane_key,
    offers,
    planograms,
    where_and_lane,
)
from cloud_bridge.core.rollout import Standing
from cloud_bridge.ports import Shelf, ShelfProduct
from cloud_bridge.ports_catalogue import Bundle, Edition
from cloud_bridge.ports_people import Deed

_TOLD: Final = 20

# ---------------------------------------------------------------- the settings speak


def from_settings(book: Book, shelves: Iterable[Shelf]) -> dict[Key, Entry | None]:
    """What the settings want of machines that nobody edited in the books; no product of the books changes."""
    wanted: dict[Key, Entry | None] = {}
    written = planograms(book)
    codes = {
        _looks(entry): key
        for (kind, key), entry in sorted(book.items())
        if isinstance(entry, Product) and kind
    }
    for shelf in shelves:
        plan = book.get((Kind.MACHINE, shelf.machine))
        if isinstance(plan, Plan) and plan.owner is Owner.BOOKS:
            continue
        route = plan.route if isinstance(plan, Plan) else ""
        wanted[Kind.MACHINE, shelf.machine] = Plan(route=route, owner=Owner.SETTINGS)
        wanted |= dict.fromkeys(lane_key(shelf.machine, lane) for lane in written.get(shelf.machine, {}))
        for slot in slots_of(shelf):
            code = codes.get(_looks(slot), "")
            if not code:
                code = codes[_looks(slot)] = _code(slot, frozenset(codes.values()))
                wanted[Kind.PRODUCT, code] = Product(
                    name_zh=slot.name_zh, name_en=slot.name_en, price_fen=slot.price_fen, picture=slot.picture
                )
            product = wanted.get((Kind.PRODUCT, code)) or book[Kind.PRODUCT, code]
            own = isinstance(product, Product) and product.price_fen != slot.price_fen
            lane = Lane(product=code, price_fen=slot.price_fen if own else 0)
            wanted[lane_key(shelf.machine, slot.lane)] = lane
    return wanted


def _looks(thing: Product | Slot) -> tuple[str, str, str]:
    return thing.name_zh, thing.name_en, thing.picture


def _code(slot: Slot, taken: frozenset[str]) -> str:
    """A short word of a product's name, that no other product has."""
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in slot.name_en.lower())
    stem = "-".join(words.split())[:32] or "product"
    return next(
        code for n in range(1, len(taken) + 2) if (code := f"{stem}-{n}" if n > 1 else stem) not in taken
    )


# ---------------------------------------------------------------- whose machines


def touched(before: Book, after: Book) -> tuple[str, ...]:
    """The machines that are offered something else afterwards."""
    old = offers(before)
    return tuple(sorted(name for name, slots in offers(after).items() if old.get(name) != slots))


def owned(book: Book, wanted: Wanted) -> tuple[Change, ...]:
    """The changes, and with them: who edits a machine here speaks for it from now on, not its settings."""
    made = changes(book, {key: _as_before(book.get(key), entry) for key, entry in wanted.items()})
    after = applied(book, made)
    mine = set(touched(book, after))
    mine |= {each.key for each in made if each.kind is Kind.MACHINE}
    mine |= {where_and_lane(each.key)[0] for each in made if each.kind is Kind.LANE}
    whole: dict[Key, Entry | None] = {(each.kind, each.key): each.after for each in made}
    for machine in mine:
        plan = after.get((Kind.MACHINE, machine))
        if isinstance(plan, Plan):
            whole[Kind.MACHINE, machine] = replace(plan, owner=Owner.BOOKS)
    return changes(book, whole)


def _as_before(was: Entry | None, now: Entry | None) -> Entry | None:
    """Who speaks for a machine is nobody's wish: it follows from what he changes."""
    return replace(now, owner=was.owner) if isinstance(now, Plan) and isinstance(was, Plan) else now


# ---------------------------------------------------------------- shelves


def slots_of(shelf: Shelf) -> tuple[Slot, ...]:
    """What a shelf holds, as a catalogue says it."""
    return tuple(Slot(**asdict(product)) for product in shelf.products)


def on_shelf(base: Shelf, bundle: Bundle) -> Shelf:
    """The shelf of a machine with what it is offered under a version."""
    products = tuple(ShelfProduct(**asdict(slot)) for slot in bundle.slots)
    return replace(base, version=bundle.version, phone=bundle.phone, products=products)


def refuses(bundle: Bundle, standing: Standing | None) -> bool:
    """Whether the machine said, under its key, that it cannot use this."""
    return standing is not None and standing.refused == bundle.version and standing.runs < bundle.version


# ---------------------------------------------------------------- in words


def in_words(change: Change) -> str:
    """One change for a person: what, and each field that is not what it was."""
    name = f"{change.kind} {change.key}"
    if change.before is None or change.after is None:
        there = change.before or change.after
        assert there is not None, "a change is of something"
        sign = "+" if change.before is None else "-"
        return f"{sign} {name}: {_fields(asdict(there))}"
    old, new = asdict(change.before), asdict(change.after)
    told = (f"{field} {_show(old[field])} → {_show(new[field])}" for field in new if old[field] != new[field])
    return f"~ {name}: {', '.join(told)}"


def edited(edition: Edition) -> Deed:
    """What the audit keeps of an edition: who, why, and its first changes in words."""
    words = [in_words(change) for change in edition.changes]
    more = [f"and {len(words) - _TOLD} more"] if len(words) > _TOLD else []
    return Deed(
        wall_ms=edition.wall_ms,
        by=edition.by,
        action="edit_catalogue",
        about=f"catalogue version {edition.edition}",
        why=edition.why,
        before=f"agreed by {edition.agreed}" if edition.agreed else "",
        after="; ".join([*words[:_TOLD], *more]),
    )


def _fields(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {_show(value)}" for name, value in values.items() if value not in ("", 0))


def _show(value: object) -> str:
    return str(value) or "nothing"


def spread(machines: Sequence[str], most: int = 3) -> str:
    """A few machines by name, many by number."""
    return ", ".join(machines) if len(machines) <= most else f"{len(machines)} machines"
