"""The catalogue's editions: made by people, offered to machines in waves, undone by new ones.

What is decided from a whole book is decided beside the writer, on a copy, and committed only while nobody has
made another edition meanwhile.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from cloud_bridge.core.catalogue import (
    Change,
    Fault,
    Kind,
    Product,
    Wanted,
    applied,
    back,
    daring,
    faults,
    offers,
    overtaken,
)
from cloud_bridge.core.rollout import MINUTES, Stage, begin, go_on
from cloud_bridge.engine_catalogue_csv import lanes_csv, placed, products_csv, read
from cloud_bridge.engine_catalogue_parts import edited, on_shelf, owned
from cloud_bridge.engine_catalogue_rides import STOPPED, Rides, Shop
from cloud_bridge.engine_catalogue_settings import take_in
from cloud_bridge.engine_catalogue_views import Kept, Snapshot, view
from cloud_bridge.ports_catalogue import (
    PICTURE_BYTES,
    CatalogueTold,
    CatalogueTx,
    CatalogueView,
    Done,
    Edit,
    Edition,
    Pending,
    Picture,
)
from cloud_bridge.ports_people import Deed

LOOK_EVERY_S: Final = 5.0
_NOT_TAKEN: Final = "the tables have mistakes; nothing of them is taken"
_PNG: Final = b"\x89PNG\r\n\x1a\n"


class Catalogues:
    """Implements `ports_catalogue.CatalogueService`. `open` comes first; run `run` as a task."""

    def __init__(self, shop: Shop) -> None:
        self._shop: Final = shop
        self._rides: Final = Rides(shop)
        self._kept: Final = Kept()
        self._one: Final = asyncio.Lock()
        self._sooner: Final = asyncio.Event()

    # ------------------------------------------------------------ as long as the daemon runs

    async def open(self) -> None:
        """Take in what the settings say, and sell from what the books say. Raises StoreFailed."""
        async with self._one:
            await take_in(self._shop, await self._snapshot())
            snap = await self._snapshot()
            for machine, bundle in snap.bundles.items():
                if machine in self._shop.shelves:
                    await self._rides.sell(bundle, snap.standings.get(machine))
                    self._shop.offer(on_shelf(self._shop.shelves[machine], bundle))

    async def run(self) -> None:
        """Follow roll-outs, and make the editions whose hour has come, until cancelled."""
        while True:
            self._sooner.clear()
            await self.look()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._sooner.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Make what is due, and offer to machines what is their turn. Raises StoreFailed."""
        async with self._one:
            await self._make_due()
            await self._rides.ride()

    async def catalogue_told(self, told: CatalogueTold) -> None:
        """A machine says what it runs; durable when this returns. Raises StoreFailed."""
        async with self._one:
            if await self._rides.told(told):
                self._sooner.set()

    # ------------------------------------------------------------ people wish

    async def edit(self, edit: Edit) -> Done:
        """Make a new edition, now or later, or say why not."""
        async with self._one:
            snap = await self._snapshot()
            if edit.base != snap.edition:
                return Done(why_not=f"base: found {edit.base}, allowed {snap.edition}: somebody was faster")
            return await self._wish(snap, edit)

    async def take_tables(self, texts: Sequence[str], edit: Edit) -> tuple[Done, tuple[str, ...]]:
        """As `edit`, with what these tables want; and every mistake in them, by row and column."""
        async with self._one:
            snap = await self._snapshot()
            made = await asyncio.to_thread(read, texts, snap.book)
            if made.mistakes:
                return Done(why_not=_NOT_TAKEN), tuple(map(str, made.mistakes))
            done = await self._wish(snap, replace(edit, wanted=made.wanted, base=snap.edition))
            if done.faults:
                return Done(why_not=_NOT_TAKEN), tuple(map(str, placed(made, done.faults)))
            return done, ()

    async def tables(self) -> Mapping[str, str]:
        """The catalogue as tables, by name: products, lanes."""
        book = (await self._snapshot()).book
        return {"products": products_csv(book), "lanes": lanes_csv(book)}

    async def undo(self, edition: int, by: str, why: str, *, program: bool = False) -> Done:
        """Make a new edition that is as that one was."""
        async with self._one:
            snap = await self._snapshot()
            if not 0 < edition < snap.edition:
                return Done(why_not=f"edition: found {edition}, allowed an older one than {snap.edition}")
            later = await self._shop.books.read_catalogue(lambda tx: tx.editions_after(edition))
            wanted = back(each.changes for each in later)
            minutes = snap.rollout.minutes if snap.rollout is not None else MINUTES
            wish = Edit(wanted=wanted, base=snap.edition, by=by, why=why, minutes=minutes, at_once=True)
            return await self._wish(snap, replace(wish, program=program), undoing=True)

    async def _wish(self, snap: Snapshot, edit: Edit, *, undoing: bool = False) -> Done:
        busy = snap.rollout is not None and snap.rollout.stage in (Stage.RUNNING, Stage.STOPPED)
        if busy and not undoing:
            assert snap.rollout is not None
            way = "wait, or undo it" if snap.rollout.stage is Stage.RUNNING else "let it go on, or undo it"
            return Done(why_not=f"version {snap.rollout.edition} is on its way to machines. Try: {way}")
        made, wrong, dares = await asyncio.to_thread(self._judged, snap, edit.wanted)
        if wrong:
            return Done(faults=wrong)
        if not made:
            return Done(why_not="nothing would change")
        if dares and edit.program:
            return Done(why_not=f"found a program, allowed a person who asks a second one: {dares[0]}")
        now_ms = self._shop.clock.wall_ms()
        if dares or edit.effective_wall_ms > now_ms:
            pending = _pending(edit, made, dares, now_ms)
            return Done(
                pending=await self._shop.books.on_catalogue(
                    lambda tx: self._said(tx, pending, "edit_catalogue", pending.by)
                ),
                daring=dares,
            )
        return await self._make(snap, _pending(edit, made, (), now_ms))

    def _judged(
        self, snap: Snapshot, wanted: Wanted
    ) -> tuple[tuple[Change, ...], tuple[Fault, ...], tuple[str, ...]]:
        """What would change, what is wrong with it, and why a second person has to agree."""
        made = owned(snap.book, wanted)
        after = applied(snap.book, made)
        wrong = faults(after, self._shop.shelves) + tuple(self._no_picture(snap, made))
        return made, wrong, () if wrong else daring(snap.book, after)

    @staticmethod
    def _no_picture(snap: Snapshot, made: Sequence[Change]) -> list[Fault]:
        """A picture that is chosen anew has to be there; those of the settings are names of their own."""
        chosen = [
            (change.key, change.after.picture)
            for change in made
            if isinstance(change.after, Product)
            and change.after.picture
            and getattr(change.before, "picture", "") != change.after.picture
        ]
        allowed = "the name of an uploaded picture, or nothing"
        return [
            Fault(kind=Kind.PRODUCT, key=key, field="picture", found=repr(name), allowed=allowed)
            for key, name in chosen
            if name not in snap.pictures
        ]

    async def agree(self, pending: int, by: str) -> Done:
        """A second person agrees: it is made, at once or when its hour comes."""
        async with self._one:
            snap = await self._snapshot()
            found = next((each for each in snap.pending if each.id == pending), None)
            if found is None or not found.daring or found.agreed:
                return Done(why_not=f"pending: found {pending}, which waits for nobody")
            if found.by == by:
                return Done(why_not=f"by: found {by}, who made it; allowed is somebody else")
            agreed = replace(found, agreed=by)
            await self._shop.books.on_catalogue(lambda tx: self._said(tx, agreed, "approve", by))
            if agreed.effective_wall_ms > self._shop.clock.wall_ms():
                return Done(pending=pending)
            return await self._make_waiting(snap, agreed)

    async def drop(self, pending: int, by: str) -> str:
        """What waits will not be; why not, or empty."""
        async with self._one:
            snap = await self._snapshot()
            found = next((each for each in snap.pending if each.id == pending), None)
            if found is None:
                return f"pending: found {pending}, which does not wait"
            gone = replace(found, state="dropped")
            await self._shop.books.on_catalogue(lambda tx: self._said(tx, gone, "catalogue_drop", by))
            return ""

    async def go_on(self, by: str) -> str:
        """A stopped roll-out goes on without those in trouble; why not, or empty."""
        async with self._one:
            snap = await self._snapshot()
            if snap.rollout is None or snap.rollout.stage is not Stage.STOPPED:
                return "no roll-out is stopped"
            ride = go_on(snap.rollout, snap.stops)
            about, now_ms = f"roll-out of version {snap.rollout.edition}", self._shop.clock.wall_ms()
            deed = Deed(wall_ms=now_ms, by=by, action="catalogue_go_on", about=about)
            await self._shop.books.on_catalogue(lambda tx: tx.deed(deed))
            await self._rides.follow(ride.rollout, ride.stops)
            await self._rides.ride()
            return ""

    async def upload(self, picture: Picture) -> str:
        """Keep a picture; why not, or empty."""
        if not picture.png.startswith(_PNG):
            return "picture: found something else, allowed a PNG"
        if len(picture.png) > PICTURE_BYTES:
            return f"picture: found {len(picture.png)} bytes, allowed {PICTURE_BYTES}"
        await self._shop.books.on_catalogue(lambda tx: tx.put_picture(picture))
        return ""

    async def picture(self, sha256: str) -> bytes:
        """A picture's bytes, or none."""
        found = await self._shop.books.read_catalogue(lambda tx: tx.picture(sha256))
        return b"" if found is None else found.png

    # ------------------------------------------------------------ what people see

    async def view(self) -> CatalogueView:
        """What there is now."""
        snap = await self._snapshot()
        return await asyncio.to_thread(view, snap, self._shop.shelves)

    async def history(self, *, before: int = 0, limit: int = 50) -> tuple[Edition, ...]:
        """Editions, the newest first."""
        return await self._shop.books.read_catalogue(lambda tx: tx.editions(before=before, limit=limit))

    # ------------------------------------------------------------ helpers

    async def _snapshot(self) -> Snapshot:
        return await self._shop.books.read_catalogue(lambda tx: Snapshot.of(tx, self._kept))

    def _said(self, tx: CatalogueTx, pending: Pending, action: str, by: str) -> int:
        """Write down what waits or waits no more, and who said so."""
        number = tx.put_pending(pending)
        about, after = f"catalogue change {number}", "; ".join(pending.daring[:3])
        now_ms = self._shop.clock.wall_ms()
        tx.deed(Deed(wall_ms=now_ms, by=by, action=action, about=about, why=pending.why, after=after))
        return number

    async def _make(self, snap: Snapshot, wish: Pending) -> Done:
        """The edition itself, and the first wave of it: to each machine that is offered something else now.

        A roll-out that was on its way is over: those that still waited for it are in this one, or need none.
        """
        now = await asyncio.to_thread(lambda: offers(applied(snap.book, wish.changes)))
        going = [name for name, each in snap.bundles.items() if name in now and each.slots != now[name]]
        going = sorted(name for name in going if name in self._shop.shelves)
        number, wall_ms = snap.edition + 1, self._shop.clock.wall_ms()
        edition = Edition(
            edition=number,
            wall_ms=wall_ms,
            by=wish.by,
            why=wish.why,
            agreed=wish.agreed,
            changes=wish.changes,
        )
        rollout, stops = begin(number, going, wish.minutes, at_once=wish.at_once)

        def put(tx: CatalogueTx) -> None:
            assert tx.newest_edition() == snap.edition, "one edition at a time"
            tx.put_edition(edition)
            tx.deed(edited(edition))
            if snap.rollout is not None and not snap.is_done:
                tx.put_rollout(replace(snap.rollout, stage=Stage.UNDONE), ())
            tx.put_rollout(rollout, stops)
            tx.clear_alarm(machine="", name=STOPPED, lane=0)
            if wish.id:
                tx.put_pending(replace(wish, state="done"))

        await self._shop.books.on_catalogue(put)
        self._shop.log.info("catalogue.edition", edition=number, by=wish.by, machines=len(going))
        await self._rides.ride()
        return Done(edition=number, machines=tuple(going))

    async def _make_due(self) -> None:
        """Editions whose hour has come, one after the other, each once the one before it is everywhere."""
        if not await self._shop.books.read_catalogue(lambda tx: tx.pending()):
            return
        snap, now_ms = await self._snapshot(), self._shop.clock.wall_ms()
        due = [
            each
            for each in snap.pending
            if each.effective_wall_ms <= now_ms and (each.agreed or not each.daring)
        ]
        if not due or not snap.is_done:
            return
        await self._make_waiting(snap, due[0])

    async def _make_waiting(self, snap: Snapshot, wish: Pending) -> Done:
        """What waited is made only on the ground on which it was wished, and only if the book can be so."""
        wrong = await asyncio.to_thread(self._ground_lost, snap, wish)
        if not wrong:
            return await self._make(snap, wish)
        gone = replace(wish, state="overtaken")
        await self._shop.books.on_catalogue(lambda tx: tx.put_pending(gone))
        self._shop.log.warning("catalogue.overtaken", pending=gone.id, by=gone.by, why=wrong)
        return Done(why_not=f"{wrong}: nothing of it is made. Try: the change again")

    def _ground_lost(self, snap: Snapshot, wish: Pending) -> str:
        if lost := overtaken(snap.book, wish.changes):
            return f"{lost[0].kind} {lost[0].key} was changed meanwhile"
        after = applied(snap.book, wish.changes)
        if wrong := faults(after, self._shop.shelves):
            return str(wrong[0])
        dares = () if wish.agreed else daring(snap.book, after)
        return f"somebody else has to agree now: {dares[0]}" if dares else ""


def _pending(edit: Edit, made: tuple[Change, ...], dares: tuple[str, ...], wall_ms: int) -> Pending:
    return Pending(
        id=0,
        by=edit.by,
        why=edit.why,
        wall_ms=wall_ms,
        effective_wall_ms=edit.effective_wall_ms,
        minutes=edit.minutes,
        at_once=edit.at_once,
        daring=dares,
        changes=made,
    )
