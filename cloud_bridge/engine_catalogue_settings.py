"""What the settings say of machines, taken into the books at each start until somebody edits them there."""

from collections.abc import Sequence
from typing import Final

from cloud_bridge.core.catalogue import Change, Slot, applied, changes, offers
from cloud_bridge.engine_catalogue_parts import edited, from_settings, slots_of
from cloud_bridge.engine_catalogue_rides import Shop
from cloud_bridge.engine_catalogue_views import Snapshot
from cloud_bridge.ports import Shelf
from cloud_bridge.ports_catalogue import SETTINGS, Bundle, CatalogueTx, Edition

_WHY: Final = "the settings say so"


async def take_in(shop: Shop, snap: Snapshot) -> None:
    """Make an edition of what is new in the settings. The first one has the settings' own versions, which
    machines run already. Raises StoreFailed.
    """
    for machine in sorted(snap.differing(shop.shelves)):
        shop.log.warning("catalogue.settings_unread", machine=machine, why="edited in the books")
    made = changes(snap.book, from_settings(snap.book, shop.shelves.values()))
    after = offers(applied(snap.book, made))
    behind = [each for each in shop.shelves.values() if _behind(each, after, snap)]
    if made or behind:
        bundles = _bundles(snap, behind, after, shop.clock.wall_ms())
        await _put(shop, snap, made, bundles)


def _behind(shelf: Shelf, after: dict[str, tuple[Slot, ...]], snap: Snapshot) -> bool:
    """Whether a machine has to be offered anew what settings or books hold for it, or its phone."""
    bundle, slots = snap.bundles.get(shelf.machine), after[shelf.machine]
    if bundle is None or bundle.phone != shelf.phone:
        return True
    theirs = slots_of(shelf) == slots  # a machine that still waits for its wave is not offered it here
    return theirs and (bundle.slots != slots or shelf.version > bundle.version)


def _bundles(
    snap: Snapshot, behind: Sequence[Shelf], after: dict[str, tuple[Slot, ...]], wall_ms: int
) -> list[Bundle]:
    number = max([snap.edition + 1, *(shelf.version for shelf in behind)])
    return [
        Bundle(
            machine=shelf.machine,
            version=number if snap.edition else shelf.version,
            wall_ms=wall_ms,
            phone=shelf.phone,
            slots=after[shelf.machine],
        )
        for shelf in behind
    ]


async def _put(shop: Shop, snap: Snapshot, made: tuple[Change, ...], bundles: list[Bundle]) -> None:
    number = max([snap.edition + bool(snap.edition), *(bundle.version for bundle in bundles), 1])
    edition = Edition(edition=number, wall_ms=shop.clock.wall_ms(), by=SETTINGS, why=_WHY, changes=made)

    def put(tx: CatalogueTx) -> None:
        tx.put_edition(edition)
        tx.deed(edited(edition))
        for bundle in bundles:
            tx.put_bundle(bundle)

    await shop.books.on_catalogue(put)
    shop.log.info("catalogue.edition", edition=number, by=SETTINGS, machines=len(bundles))
