"""The catalogue at one moment, and what a page shows of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cloud_bridge.core.catalogue import TEMPLATE, Book, Kind, Owner, Plan, Product, places, planograms
from cloud_bridge.core.rollout import At, Rollout, Stage, Standing, Stop
from cloud_bridge.engine_catalogue_parts import refuses, slots_of
from cloud_bridge.ports import Shelf
from cloud_bridge.ports_catalogue import Bundle, CatalogueTx, CatalogueView, MachineOffer, Pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that a decision about an edition needs, of one moment."""

    book: Book
    edition: int
    bundles: Mapping[str, Bundle]
    standings: Mapping[str, Standing]
    rollout: Rollout | None
    stops: tuple[Stop, ...]
    pending: tuple[Pending, ...]
    pictures: frozenset[str]

    @classmethod
    def of(cls, tx: CatalogueTx, kept: "Kept | None" = None) -> Self:
        """Read it; what `kept` has from before and never changes is not read again."""
        rollout, kept = tx.rollout(), kept or Kept()
        edition, book = kept.book(tx)
        return cls(
            book=book,
            edition=edition,
            bundles=kept.bundles(tx),
            standings=tx.standings(),
            rollout=rollout[0] if rollout is not None else None,
            stops=rollout[1] if rollout is not None else (),
            pending=tx.pending(),
            pictures=frozenset(each.sha256 for each in tx.pictures()),
        )

    @property
    def is_done(self) -> bool:
        """No roll-out is on its way."""
        return self.rollout is None or self.rollout.stage in (Stage.DONE, Stage.UNDONE)

    def differing(self, shelves: Mapping[str, Shelf]) -> frozenset[str]:
        """Machines whose settings say something else than the books, which speak for them."""
        return frozenset(
            machine
            for machine, shelf in shelves.items()
            if isinstance(plan := self.book.get((Kind.MACHINE, machine)), Plan)
            and plan.owner is Owner.BOOKS
            and machine in self.bundles
            and self.bundles[machine].slots != slots_of(shelf)
        )


class Kept:
    """The newest book and bundles that were read: a book is that of its edition for ever, and a bundle that
    of its version. Any thread may ask; two that ask at once read the same twice.
    """

    def __init__(self) -> None:
        self._book: tuple[int, Book] = (0, {})
        self._bundles: Mapping[str, Bundle] = {}

    def book(self, tx: CatalogueTx) -> tuple[int, Book]:
        """The newest edition and its book."""
        edition = tx.newest_edition()
        if edition != self._book[0]:
            self._book = (edition, tx.book())
        return self._book

    def bundles(self, tx: CatalogueTx) -> Mapping[str, Bundle]:
        """The newest of each machine."""
        versions, known = tx.bundle_versions(), self._bundles
        if {machine: each.version for machine, each in known.items()} != versions:
            self._bundles = known = tx.bundles()
        return known


def view(snap: Snapshot, shelves: Mapping[str, Shelf]) -> CatalogueView:
    """As a page shows it: every machine of the settings, in the order of their ids."""
    differing, held = snap.differing(shelves), places(snap.book)
    waiting = {stop.machine for stop in snap.stops if stop.at is At.WAITING and not snap.is_done}
    offers = []
    for machine in sorted(shelves):
        bundle, standing = snap.bundles.get(machine), snap.standings.get(machine)
        plan = snap.book.get((Kind.MACHINE, machine))
        offers.append(
            MachineOffer(
                machine=machine,
                plan=plan if isinstance(plan, Plan) else Plan(),
                version=bundle.version if bundle is not None else 0,
                runs=standing.runs if standing is not None else 0,
                state="waiting" if machine in waiting else _state(bundle, standing),
                why=standing.why if standing is not None else "",
                slots=bundle.slots if bundle is not None else (),
                places=held.get(machine, {}),
                settings_differ=machine in differing,
            )
        )
    return CatalogueView(
        edition=snap.edition,
        products={key: each for (_, key), each in sorted(snap.book.items()) if isinstance(each, Product)},
        templates={
            where: dict(sorted(lanes.items()))
            for where, lanes in sorted(planograms(snap.book).items())
            if where.startswith(TEMPLATE)
        },
        machines=tuple(offers),
        rollout=snap.rollout,
        stops=snap.stops,
        pending=snap.pending,
    )


def _state(bundle: Bundle | None, standing: Standing | None) -> str:
    if bundle is None or standing is None:
        return "silent"
    if refuses(bundle, standing):
        return "refused"
    return "runs" if standing.runs >= bundle.version else "offered"
