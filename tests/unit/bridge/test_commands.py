"""Commands to machines in virtual time: answered or failed within seconds, once, and never kept for later."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from cloud_bridge.core.command import (
    MOST_FILLS,
    NEEDS,
    CommandAnswered,
    CommandWish,
    Fill,
    Outcome,
    TellCommand,
    What,
    told,
    wrong,
)
from cloud_bridge.core.people import Action, Person, Role, may
from cloud_bridge.core.run import Session
from cloud_bridge.engine_commands import ANSWER_S, Commands, Hands
from cloud_bridge.ports import JournalRow, Tx
from cloud_bridge.ports_catalogue import Count
from cloud_bridge.ports_people import Deed, Line
from hw_sim.world.books import MemoryStore
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import LoopClock, Quiet

HERE = "vm-0001"
NOW = Session(jid="j" * 26, boot=3, bits="b" * 16)
STOP = CommandWish(machine=HERE, what=What.STOP, by="ann", why="spoiled")
TICKET = "0" * 32


@dataclass(slots=True)
class Deeds:
    """An audit that a test reads."""

    lines: list[Deed] = field(default_factory=list)

    async def record(self, deed: Deed) -> None:
        self.lines.append(deed)

    async def deeds(self, *, before: int = 0, limit: int = 100) -> tuple[Line, ...]:
        return ()


class Scene:
    """Commands with everything around them played. `machine` answers what it is told, or nothing."""

    def __init__(self) -> None:
        self.told: list[TellCommand] = []
        self.audit, self.heard, self.counts = Deeds(), list[CommandAnswered](), list[Count]()
        self.here, self.reached, self.stock_says = True, True, ""
        self.machine: Callable[[TellCommand], CommandAnswered | None] = obeys
        self.store = MemoryStore()
        numbers = iter(range(100))
        self.commands = Commands(
            store=self.store,
            fleet=self,
            audit=self.audit,
            clock=LoopClock(),
            log=Quiet(),
            hands=Hands(heard=self._hear, filled=self._fill, new_id=lambda: f"c{next(numbers):025d}"),
        )

    async def lives(self, session: Session = NOW, doubt: str = "") -> None:
        row = JournalRow(
            machine=HERE, jid=session.jid, boot=session.boot, bits=session.bits, upto=0, doubt=doubt
        )

        def put(tx: Tx) -> None:
            tx.put_journal(row)

        await self.store.run(put)

    def live(self, machine: str) -> bool:
        return self.here

    async def tell(self, machine: str, message: object) -> bool:
        assert isinstance(message, TellCommand)
        self.told.append(message)
        answer = self.machine(message)
        if answer is not None:
            await self.commands.command_told(answer)
        return self.reached

    async def _hear(self, answer: CommandAnswered) -> None:
        self.heard.append(answer)

    async def _fill(self, counts: tuple[Count, ...]) -> str:
        self.counts += [] if self.stock_says else list(counts)
        return self.stock_says


def answered(asked: TellCommand, state: str, **more: object) -> CommandAnswered:
    values = {
        "machine": HERE,
        "session": NOW,
        "n": 7 if state == "done" else 0,
        "command_id": asked.command_id,
        "what": asked.wish.what.value,
        "by": asked.wish.by,
        "reason": asked.wish.why,
        "fills": asked.wish.fills,
        "ticket": TICKET if state == "ticket" else "",
    }
    return CommandAnswered(**{**values, "state": state, **more})  # type: ignore[arg-type]


def obeys(asked: TellCommand) -> CommandAnswered:
    if not asked.ticket:
        return answered(asked, "ticket")
    return answered(asked, "done", before="selling", after="stopped")


def deaf_after_the_ticket(asked: TellCommand) -> CommandAnswered | None:
    return None if asked.ticket else obeys(asked)


def run(scene: Callable[[Scene], object]) -> None:
    async def played() -> None:
        made = Scene()
        await scene(made)  # type: ignore[misc]

    play(played())


# ---------------------------------------------------------------- one command


def test_a_command_is_done_with_the_machines_ticket_and_the_audit_says_what_it_changed() -> None:
    async def scene(at: Scene) -> None:
        await at.lives()
        became = await at.commands.command(STOP)
        assert became == Outcome(done=True, before="selling", after="stopped")
        assert [each.ticket for each in at.told] == ["", TICKET]
        assert {(each.jid, each.boot) for each in at.told} == {(NOW.jid, NOW.boot)}
        (deed,) = at.audit.lines
        assert (deed.by, deed.action, deed.why) == ("ann", "command.stop", "spoiled")
        assert (deed.before, deed.after) == ("selling", "stopped")

    run(scene)


@pytest.mark.parametrize("case", ["never heard of", "not linked", "nobody takes it", "silent"])
def test_a_machine_that_is_not_there_is_a_failure_now_and_nothing_is_kept_for_it(case: str) -> None:
    async def scene(at: Scene) -> None:
        if case != "never heard of":
            await at.lives()
        at.here = case != "not linked"
        at.reached = case != "nobody takes it"
        at.machine = lambda asked: None
        began = asyncio.get_running_loop().time()
        assert await at.commands.command(STOP) == Outcome(done=False, why="offline")
        assert asyncio.get_running_loop().time() - began <= ANSWER_S
        assert all(not each.ticket for each in at.told)
        assert at.audit.lines[-1].after == "not done: offline"

    run(scene)


def test_a_machine_that_falls_silent_after_its_ticket_leaves_it_open_and_says_so() -> None:
    async def scene(at: Scene) -> None:
        await at.lives()
        at.machine = deaf_after_the_ticket
        began = asyncio.get_running_loop().time()
        became = await at.commands.command(STOP)
        assert (became.done, became.certain, became.why) == (False, False, "no_answer")
        assert asyncio.get_running_loop().time() - began == pytest.approx(ANSWER_S)
        assert at.audit.lines[-1].after.startswith("not known")

    run(scene)


def test_a_refusal_is_told_by_its_name() -> None:
    async def scene(at: Scene) -> None:
        await at.lives()
        at.machine = lambda asked: answered(asked, "refused", why="session")
        assert await at.commands.command(STOP) == Outcome(done=False, why="session")

    run(scene)


def test_a_journal_that_is_not_believed_is_told_nothing() -> None:
    async def scene(at: Scene) -> None:
        await at.lives(doubt="cloned")
        assert (await at.commands.command(STOP)).why == "journal"
        assert at.told == []

    run(scene)


def test_words_of_another_session_another_machine_or_an_older_command_answer_nothing() -> None:
    async def scene(at: Scene) -> None:
        await at.lives()

        def lies(asked: TellCommand) -> CommandAnswered | None:
            return answered(asked, "done", session=replace(NOW, boot=2)) if asked.ticket else obeys(asked)

        at.machine = lies
        assert not (await at.commands.command(STOP)).certain
        elsewhere = lambda asked: answered(asked, "ticket", machine="vm-0002")  # noqa: E731
        at.machine = elsewhere
        assert (await at.commands.command(STOP)).why == "offline"
        at.machine = lambda asked: answered(replace(asked, command_id="c" * 26), "ticket")
        assert (await at.commands.command(STOP)).why == "offline"

    run(scene)


def test_a_ticket_that_comes_twice_is_no_answer_to_the_command_with_it() -> None:
    async def scene(at: Scene) -> None:
        await at.lives()

        def stutters(asked: TellCommand) -> CommandAnswered | None:
            if asked.ticket:
                asyncio.get_running_loop().call_later(1, lambda: asyncio.ensure_future(late(asked)))
            return answered(asked, "ticket")

        async def late(asked: TellCommand) -> None:
            await at.commands.command_told(answered(asked, "done", before="selling", after="stopped"))

        at.machine = stutters
        assert (await at.commands.command(STOP)).done

    run(scene)


def test_a_second_command_to_a_machine_that_is_answering_one_is_refused() -> None:
    async def scene(at: Scene) -> None:
        await at.lives()
        at.machine = deaf_after_the_ticket
        first = asyncio.ensure_future(at.commands.command(STOP))
        await asyncio.sleep(0.1)
        assert (await at.commands.command(STOP)).why == "busy"
        await first
        at.machine = obeys
        assert (await at.commands.command(STOP)).done

    run(scene)


def test_a_refill_is_counted_before_the_machine_is_acknowledged_and_a_repeat_bears_the_same_key() -> None:
    async def scene(at: Scene) -> None:
        await at.lives()
        wish = CommandWish(
            machine=HERE, what=What.REFILL, by="bob", fills=(Fill(lane=12, count=5), Fill(lane=13, count=8))
        )
        assert (await at.commands.command(wish)).done
        assert [(each.lane, each.count, each.by) for each in at.counts] == [(12, 5, "bob"), (13, 8, "bob")]
        (done,) = (each for each in at.heard if each.state == "done")
        await at.commands.command_told(done)
        assert {each.key for each in at.counts[2:]} == {each.key for each in at.counts[:2]}
        at.stock_says = "count: found 5 beside 8 in a lane of 8"
        await at.commands.command_told(done)
        assert at.audit.lines[-1].action == "stock.not_counted"

    run(scene)


# ---------------------------------------------------------------- what may be asked


@pytest.mark.parametrize(
    ("wish", "about"),
    [
        (STOP, ""),
        (replace(STOP, why=""), "why"),
        (replace(STOP, by=" "), "by"),
        (replace(STOP, why="a\nb"), "why"),
        (replace(STOP, why="x" * 201), "why"),
        (replace(STOP, what=What.REBOOT, why=""), "why"),
        (replace(STOP, what=What.IDENTIFY, why=""), ""),
        (replace(STOP, lane=12), "lane"),
        (replace(STOP, what=What.CLEAR_LANE), "lane"),
        (replace(STOP, what=What.CLEAR_LANE, lane=12), ""),
        (replace(STOP, what=What.REFILL), "fills"),
        (replace(STOP, fills=(Fill(lane=1, count=1),)), "fills"),
        (replace(STOP, what=What.REFILL, fills=(Fill(lane=1, count=1),)), ""),
        (replace(STOP, what=What.REFILL, fills=(Fill(lane=1, count=0),)), "fills"),
        (replace(STOP, what=What.REFILL, fills=(Fill(lane=1, count=1), Fill(lane=1, count=2))), "fills"),
        (
            replace(
                STOP,
                what=What.REFILL,
                fills=tuple(Fill(lane=each, count=1) for each in range(1, MOST_FILLS + 2)),
            ),
            "fills",
        ),
    ],
)
def test_a_wish_that_means_nothing_is_refused_with_its_field(wish: CommandWish, about: str) -> None:
    assert wrong(wish).partition(":")[0] == about


def test_a_technician_handles_machines_and_nobody_who_only_looks_does() -> None:
    technician = Person(name="t", roles=frozenset({Role.TECHNICIAN}), machines=frozenset({HERE}))
    viewer = Person(name="v", roles=frozenset({Role.VIEWER}), everywhere=True)
    for what in What:
        assert may(technician, NEEDS[what], HERE)
        assert not may(technician, NEEDS[what], "vm-0002")
        assert not may(viewer, NEEDS[what], HERE)
    assert not may(technician, Action.REFUND, HERE)


def test_the_timeline_says_who_did_what_with_how_many_pieces() -> None:
    done = CommandAnswered(
        machine=HERE,
        session=NOW,
        n=7,
        command_id="c",
        what="refill",
        state="done",
        before="1 of 2 lanes do not sell",
        after="0 of 2 lanes do not sell",
        by="bob",
        reason="Monday",
        fills=(Fill(lane=12, count=5), Fill(lane=13, count=8)),
    )
    assert told(done) == (
        "bob: refill; 5 into lane 12, 8 into lane 13; "
        "1 of 2 lanes do not sell -> 0 of 2 lanes do not sell; Monday"
    )
