"""What stands in the place of a safeguard that is taken away: each is a context in which it is gone."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final

from cloud_bridge import engine_sessions
from cloud_bridge.core import offer, order, paid, refund, session
from cloud_bridge.core import sale as bridge_sale
from cloud_bridge.core import table as bridge_table
from cloud_bridge.core.model import OrderClosed, Unpaid
from cloud_bridge.core.sale import JournalDoubted, Situation, Timer, Word
from cloud_bridge.core.session import DOUBTED, Claim, Verdict
from cloud_bridge.core.timings import Timings
from cloud_bridge.ports import NoticeRejected
from edge import journal
from edge.core import sale as edge_sale
from edge.core.model import (
    BaselineRead,
    Kind,
    NotDelivered,
    PaymentConfirmed,
    ReadBaseline,
    Rebooted,
    RunMotor,
    Sale,
    State,
    Step,
    Uncertain,
)
from edge.drivers.echo import Echo
from edge.drivers.xy import link as xy_link
from edge.drivers.xy import watch as xy_watch
from edge.engine import Engine
from hw_sim.world import disks, office
from hw_sim.world.clocks import WorldClock, true_wall_ms
from wire.envelope import Keyring
from wire.inbound import Verified
from wire.topics import parse

Patch = Callable[[], AbstractContextManager[None]]
_FOR_EVER_MS: Final = 1 << 50
_GONE: Final[Any] = object()


# ---------------------------------------------------------------- how something is replaced


@contextmanager
def _swapped(place: Any, name: str, other: Any) -> Iterator[None]:
    """`place.name` is `other` for a while."""
    before = place.__dict__.get(name, _GONE)
    setattr(place, name, other)
    try:
        yield
    finally:
        if before is _GONE:
            delattr(place, name)
        else:
            setattr(place, name, before)


@contextmanager
def _cells(rules: dict[Any, Any], others: dict[Any, Any]) -> Iterator[None]:
    """These cells of a table have other rules for a while."""
    before = {key: rules[key] for key in others}
    rules.update(others)
    try:
        yield
    finally:
        rules.update(before)


def _edge(others: dict[Any, Any]) -> AbstractContextManager[None]:
    rules: dict[Any, Any] = edge_sale.RULES
    return _cells(rules, others)


def _bridge(others: dict[Any, Any]) -> AbstractContextManager[None]:
    rules: dict[Any, Any] = bridge_table.RULES
    return _cells(rules, others)


@contextmanager
def _all(*parts: AbstractContextManager[None]) -> Iterator[None]:
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(part)
        yield


# ---------------------------------------------------------------- the machine's journal


def answered_early(*states: str) -> Patch:
    """A commit that brings a row into one of these states is answered before it is flushed."""

    def begin(self: Any) -> None:
        self._busy = bool(self._waiting)
        if not self._busy:
            return
        job, finish = self._waiting.popleft()
        before = disks.states(self._db)
        try:
            job(self._db)
        except sqlite3.Error as error:
            finish(error)
            begin(self)
            return
        after = disks.states(self._db)
        self._disk.flushing = self._db.serialize()
        self._told("journal.flush")
        early = any(before.get(key) != state and state in states for key, state in after.items())
        if early:
            self._reader.deserialize(self._disk.flushing)
            finish(None)
        later = (lambda error: None) if early else finish
        asyncio.get_running_loop().call_later(self._disk.speed.draw(self._chance), self._flushed, later)

    return lambda: _swapped(disks.DiskWriter, "_next", begin)


def no_compare_and_set() -> AbstractContextManager[None]:
    """A row takes a second intent."""
    states = (State.OPEN, State.INTENT)
    return _cells(journal._BEFORE, {State.INTENT: states})


# ---------------------------------------------------------------- the machine's table


def runs_again() -> AbstractContextManager[None]:
    """After a restart the motor runs once more."""

    def rule(sale: Sale, event: Rebooted, context: Any) -> Step:
        return Step(sale, (RunMotor(order=edge_sale._order(sale, _FOR_EVER_MS)),))

    return _edge({(State.INTENT, Rebooted): rule})


def acts_on_repeats() -> AbstractContextManager[None]:
    """An authorisation is acted on whatever the row says."""

    def again(sale: Sale, event: PaymentConfirmed, context: Any) -> Step:
        return Step(replace(sale, paying=True), (ReadBaseline(),))

    return _edge(
        {
            (State.INTENT, PaymentConfirmed): again,
            (State.INTENT, BaselineRead): edge_sale.RULES[State.OPEN, BaselineRead],
        }
    )


def makes_rows() -> AbstractContextManager[None]:
    """An authorisation of a sale that the journal does not have makes a row for it."""
    decide = Engine._decide

    async def made(self: Any, sale_id: str, event: Any) -> None:
        known = self._sales.get(sale_id) or self._journal.sale(sale_id)
        if known is None and isinstance(event, PaymentConfirmed):
            now = self._clock.now_ms()
            fresh = self._open(event.lane, now)
            row = replace(fresh, sale_id=sale_id, price_fen=event.paid_fen)
            await self._settle(None, Step(row))
        await decide(self, sale_id, event)

    return _swapped(Engine, "_decide", made)


def any_session() -> AbstractContextManager[None]:
    """An authorisation of another session counts."""
    rule = edge_sale.RULES[State.OPEN, PaymentConfirmed]

    def take(sale: Sale, event: PaymentConfirmed, context: Any) -> Step:
        here = context.session
        told = replace(event, session_jid=here.jid, session_boot=here.boot)
        return rule(replace(sale, session=here), told, context)

    return _edge({(State.OPEN, PaymentConfirmed): take})


def leases_outlive() -> AbstractContextManager[None]:
    """An open row gets a new lease at a restart."""

    def rule(sale: Sale, event: Rebooted, context: Any) -> Step:
        return Step(replace(sale, lease_until_ms=context.now_ms + 240_000))

    return _edge({(State.OPEN, Rebooted): rule})


def no_lease() -> AbstractContextManager[None]:
    """A lease is never over, neither when an authorisation comes nor before the intent."""
    return _swapped(edge_sale, "_lease_over", lambda sale, context: False)


# ---------------------------------------------------------------- the bus


def no_look_at_the_write() -> AbstractContextManager[None]:
    """A motor frame leaves however late it is."""
    rule = edge_sale.RULES[State.OPEN, BaselineRead]

    def late(sale: Sale, event: BaselineRead, context: Any) -> Step:
        decided = rule(sale, event, context)
        effects = tuple(
            RunMotor(order=replace(each.order, start_before_ms=_FOR_EVER_MS))
            if isinstance(each, RunMotor)
            else each
            for each in decided.effects
        )
        return Step(decided.sale, effects)

    return _edge({(State.OPEN, BaselineRead): late})


def repeats_moving() -> AbstractContextManager[None]:
    """A motor frame without an ACK is written again."""
    begin = xy_link.Link.__init__

    def made(self: Any, *, moving_sends: int, **others: Any) -> None:
        begin(self, moving_sends=xy_link.SENDS, **others)

    return _all(
        _swapped(xy_link.Link, "__init__", made), _swapped(xy_link.Link, "stop_moving", lambda self: [])
    )


def silence_proves() -> AbstractContextManager[None]:
    """A board that says nothing has moved nothing."""
    judge = xy_watch.Watch._judge_silence

    def proved(self: Any) -> Any:
        found = judge(self)
        if isinstance(found, Uncertain):
            return NotDelivered(kind=Kind.NOT_MOVED, why="silence", evidence=found.evidence)
        return found

    return _swapped(xy_watch.Watch, "_judge_silence", proved)


def echo_answers() -> AbstractContextManager[None]:
    """What comes back on a line is taken for the board's."""
    return _swapped(Echo, "heard", lambda self, data: data)


def wall_clock() -> AbstractContextManager[None]:
    """A machine measures on the clock that it shows people."""
    return _swapped(WorldClock, "now_ms", lambda self: true_wall_ms(self._loop) + self.wall_error_ms)


# ---------------------------------------------------------------- the way in


def believes_everybody() -> AbstractContextManager[None]:
    """Whatever comes on a topic is believed."""
    return _swapped(Keyring, "open_", lambda self, inbound: Verified(parse(inbound.topic), inbound.payload))


def believes_journals() -> AbstractContextManager[None]:
    """A journal that was rolled back begins a session like any other."""
    judge = session.judge

    def believed(who: Any, known: Any, claim: Any) -> Verdict:
        found = judge(who, known, claim)
        if found not in DOUBTED:
            return found
        return Verdict.NEWER if who.boot > known.highest else Verdict.SAME

    return _swapped(engine_sessions, "judge", believed)


def takes_births_for_alive() -> AbstractContextManager[None]:
    """A birth is alive in the moment in which it comes, however long somebody held it."""
    claim = engine_sessions._claim

    def alive(event: Any, challenges: Any) -> Claim:
        found = claim(event, challenges)
        known = found is not Claim.BIRTH
        return found if known else Claim.ALIVE

    return _swapped(engine_sessions, "_claim", alive)


# ---------------------------------------------------------------- the bridge's table


def unknown_is_no() -> AbstractContextManager[None]:
    """What a machine does not know it has not delivered; another journal of it is as good."""

    def no(sale: Any, event: Any, ctx: Any) -> Any:
        return refund.give_back_on_evidence(sale, "closed.unknown", ctx)

    stays = bridge_table.RULES[Situation.VENDING, Timer.DOUBT]
    return _all(
        _swapped(order, "_believed", lambda sale, event: event),
        _bridge({(Situation.VENDING, Word.UNKNOWN): no, (Situation.VENDING, JournalDoubted): stays}),
    )


def timeout_refunds() -> AbstractContextManager[None]:
    """Past the bound the money goes back, whatever was sent."""

    def back(sale: Any, event: Any, ctx: Any) -> Any:
        return refund.give_back(replace(sale, past=True), "timeout", ctx)

    return _bridge({(Situation.VENDING, Timer.BOUND): back})


def sends_uncounted() -> AbstractContextManager[None]:
    """An authorisation goes out and is counted at its next repeat."""
    vend = paid._vend

    def sent(sale: Any, ctx: Any) -> Any:
        decided = vend(sale, ctx)
        assert decided.sale is not None
        return bridge_sale.Step(replace(decided.sale, sent_count=0), decided.effects)

    return _swapped(paid, "_vend", sent)


def nothing_is_foreign() -> AbstractContextManager[None]:
    """Restored books are taken for the ones that were there."""
    places = (paid, order, refund, bridge_sale)
    return _all(*(_swapped(place, "is_foreign", lambda sale, ctx: False) for place in places))


def new_number_each_time() -> AbstractContextManager[None]:
    """Each try of a refund has a number of its own."""
    draft = refund._draft

    def numbered(sale: Any) -> Any:
        made = draft(sale)
        return replace(made, refund_no=f"R{sale.refund_tries}{sale.sale_id}")

    return _swapped(refund, "_draft", numbered)


def second_number_at_once() -> AbstractContextManager[None]:
    """A refund that is merely accepted is asked for again under the second number."""

    def accepted(sale: Any) -> Any:
        second = replace(sale, refund_no=refund.second_number(sale.sale_id), refund_tries=1)
        return bridge_sale.Step(second, (bridge_sale.AskRefund(draft=refund._draft(second)),))

    return _swapped(refund, "_accepted", accepted)


def never_queries() -> AbstractContextManager[None]:
    """The platform is never asked about an order."""
    return _all(
        _swapped(offer, "_look", lambda: ()),
        _bridge(
            {
                (where, Timer.QUERY): bridge_table.RULES[Situation.VENDING, Timer.QUERY]
                for where in (Situation.OFFERED, Situation.CLOSING, Situation.CLOSED)
            }
        ),
    )


def closes_alone() -> AbstractContextManager[None]:
    """An unpaid order is closed in our books, and the platform is not told."""

    def shut(sale: Any, event: Unpaid, ctx: Any) -> Any:
        if sale.state.value == "offered" and not sale.window_over:
            return bridge_sale.Step(sale)
        return offer.closed(sale, OrderClosed(sale_id=sale.sale_id), ctx)

    return _bridge({(where, Unpaid): shut for where in (Situation.OFFERED, Situation.CLOSING)})


def bound_without_slack() -> AbstractContextManager[None]:
    """The bound is the lease, and nothing for drift and a frame in the line."""
    return _swapped(Timings, "bound_s", lambda self, *, lease_s, start_s: float(lease_s))


def answers_before_commit() -> AbstractContextManager[None]:
    """A notification is answered as soon as it is read."""

    async def take(self: Any, engine: Any, letter: Any, answer: Any) -> None:
        answer(204)
        try:
            await engine.notice({name.lower(): value for name, value in letter.headers.items()}, letter.body)
        except NoticeRejected:
            return

    return _swapped(office.Office, "_take", take)
