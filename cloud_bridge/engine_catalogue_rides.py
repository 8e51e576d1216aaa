"""Editions on their way: what machines are offered, what they say to it, and which shelf a sale goes by.

A sale is priced by exactly one version of its machine: the one on offer, or, of a machine that said that it
cannot use that, the one it runs.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cloud_bridge.core.catalogue import Book, offers
from cloud_bridge.core.rollout import Ride, Rollout, Stage, Standing, Stop, step
from cloud_bridge.engine_catalogue_parts import edited, on_shelf, refuses
from cloud_bridge.ports import Clock, Log, Shelf, StandingAlarm
from cloud_bridge.ports_catalogue import Bundle, CatalogueBooks, CatalogueTold, CatalogueTx, Edition

STOPPED: Final = "rollout_stopped"
_VERSION_MOST: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What the catalogue is given: the machines of the settings, who sells from a shelf, who shows it to
    them.

    `live` is a hint: a machine that is not there is offered all the same, and nobody waits for it.
    """

    books: CatalogueBooks
    shelves: Mapping[str, Shelf]
    sell_from: Callable[[Shelf], None]
    offer: Callable[[Shelf], None]
    live: Callable[[str], bool]
    clock: Clock
    log: Log


class Rides:
    """Calls come one at a time: whoever makes editions keeps others out meanwhile."""

    def __init__(self, shop: Shop) -> None:
        self._shop: Final = shop

    async def ride(self) -> None:
        """Look at the newest roll-out, and offer to machines what is their turn. Raises StoreFailed."""
        while True:
            looked = await self._shop.books.read_catalogue(self._look)
            if looked is None:
                return
            ride, changed, book = looked
            bundles = await self._bundles(book, ride.rollout.edition, ride.offer)
            await self.follow(ride.rollout, changed, bundles)
            await self.present(bundles)

    def _look(self, tx: CatalogueTx) -> tuple[Ride, list[Stop], Book] | None:
        """What changes now in the newest roll-out, if anything; the book where it is needed."""
        found = tx.rollout()
        if found is None or found[0].stage is Stage.UNDONE:
            return None
        rollout, stops = found
        ride = step(rollout, stops, tx.standings(), live=self._shop.live, wall_ms=self._shop.clock.wall_ms())
        changed = [stop for stop, old in zip(ride.stops, stops, strict=True) if stop != old]
        if not changed and ride.rollout == rollout:
            return None
        return ride, changed, tx.book() if ride.offer else {}

    async def _bundles(self, book: Book, edition: int, machines: Sequence[str]) -> list[Bundle]:
        now, wall_ms = await asyncio.to_thread(offers, book), self._shop.clock.wall_ms()
        return [
            Bundle(
                machine=each,
                version=edition,
                wall_ms=wall_ms,
                phone=self._shop.shelves[each].phone,
                slots=now[each],
            )
            for each in machines
            if each in self._shop.shelves
        ]

    async def follow(self, rollout: Rollout, stops: Sequence[Stop], bundles: Sequence[Bundle] = ()) -> None:
        """Write down how far it is; one that stopped asks for a person."""
        text = f"version {rollout.edition}: {rollout.why}. Try: wxvend bridge catalogue undo, or the page"
        alarm = StandingAlarm(
            machine="", name=STOPPED, lane=0, code="", text=text, since_wall_ms=self._shop.clock.wall_ms()
        )

        def put(tx: CatalogueTx) -> None:
            tx.put_rollout(rollout, stops)
            for bundle in bundles:
                tx.put_bundle(bundle)
            if rollout.stage is Stage.STOPPED:
                tx.set_alarm(alarm)
            else:
                tx.clear_alarm(machine="", name=STOPPED, lane=0)

        await self._shop.books.on_catalogue(put)
        if rollout.stage is not Stage.RUNNING:
            self._shop.log.info("catalogue.rollout", edition=rollout.edition, stage=rollout.stage.value)

    async def present(self, bundles: Sequence[Bundle]) -> None:
        """Durable now: sales go by it from here on, and then the machines are told."""
        for bundle in bundles:
            await self.sell(bundle, None)
            self._shop.offer(on_shelf(self._shop.shelves[bundle.machine], bundle))

    async def sell(self, bundle: Bundle, standing: Standing | None) -> None:
        """Sales of a machine go by what it is offered; by what it runs, if it cannot use that."""
        if standing is not None and refuses(bundle, standing):
            runs = standing.runs
            found = await self._shop.books.read_catalogue(lambda tx: tx.bundle(bundle.machine, runs))
            bundle = found or bundle
        self._shop.sell_from(on_shelf(self._shop.shelves[bundle.machine], bundle))

    # ------------------------------------------------------------ machines say what they run

    async def told(self, told: CatalogueTold) -> bool:
        """Take it, if a session says so that is believed; whether it was news. Raises StoreFailed."""
        if told.machine not in self._shop.shelves:
            return False
        wall_ms = self._shop.clock.wall_ms()
        took = await self._shop.books.on_catalogue(lambda tx: _took(tx, told, wall_ms))
        if took is None:
            return False
        bundle, standing = took
        if bundle.version < standing.runs < _VERSION_MOST:
            await self._catch_up(bundle, standing)
        else:
            await self.sell(bundle, standing)
        return True

    async def _catch_up(self, bundle: Bundle, standing: Standing) -> None:
        """A machine runs what these books do not have: they were restored. It is offered ours under a newer
        version, or it would take none of ours for a long time.
        """
        wall_ms, machine = self._shop.clock.wall_ms(), bundle.machine
        why = f"{machine} runs version {standing.runs}, which these books do not have"

        def put(tx: CatalogueTx) -> Bundle:
            number = max(tx.newest_edition(), standing.runs) + 1
            offered = replace(bundle, version=number, wall_ms=wall_ms)
            edition = Edition(edition=number, wall_ms=wall_ms, by="bridge", why=why)
            tx.put_edition(edition)
            tx.deed(edited(edition))
            tx.put_bundle(offered)
            return offered

        offered = await self._shop.books.on_catalogue(put)
        self._shop.log.warning("catalogue.behind", machine=machine, runs=standing.runs)
        await self.present([offered])


def _took(tx: CatalogueTx, told: CatalogueTold, wall_ms: int) -> tuple[Bundle, Standing] | None:
    """Remember what a machine runs, if that is news. A journal that is not the believed one says nothing."""
    who, bundle = told.session, tx.newest_bundle(told.machine)
    row = next((each for each in tx.journals(told.machine) if each.current), None)
    if row is None or bundle is None or row.doubt or (row.jid, row.boot, row.bits) != _said(told):
        return None
    before = tx.standing(told.machine)
    same = before is not None and (before.jid, before.boot) == (who.jid, who.boot)
    now = Standing(
        machine=told.machine,
        jid=who.jid,
        boot=who.boot,
        runs=max(told.version, before.runs) if before is not None and same else told.version,
        refused=(told.offered or bundle.version) if told.why else 0,
        why=told.why,
        wall_ms=wall_ms,
    )
    if before is not None and replace(before, wall_ms=wall_ms) == now:
        return None
    tx.put_standing(now)
    return bundle, now


def _said(told: CatalogueTold) -> tuple[str, int, str]:
    return told.session.jid, told.session.boot, told.session.bits
