"""Who owns the broker delivers births when he likes: alive is who answers a fresh challenge (G-FRESH)."""

import pytest

from cloud_bridge.core.model import Born, FromMachine, State, TellChallenge
from cloud_bridge.engine_sessions import Challenges
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import TEA, World


async def starts(world: World, boot: int) -> None:
    """The machine starts for the time `boot`; the bridge hears of no start between the last one and this."""
    world.machine.boot = boot - 1
    world.machine.reboot()
    await world.passed(1)


def birth_of(world: World, boot: int, *, challenge: str | None = "") -> Born:
    """What a start of the machine's journal said at some time."""
    kept: list[FromMachine] = []
    now, say = world.machine.boot, world.machine.say
    world.machine.boot, world.machine.say = boot, kept.append
    world.machine.born(challenge)
    world.machine.boot, world.machine.say = now, say
    assert isinstance(kept[0], Born)
    return kept[0]


async def alarms(world: World) -> set[str]:
    return {alarm.name for alarm in await world.engine.alarms()}


def test_a_birth_that_was_withheld_until_a_newer_one_costs_nothing() -> None:
    async def scene() -> None:
        async with World() as world:
            await starts(world, 4)
            sale_id = await world.offered()
            await world.engine.heard(birth_of(world, 3))
            await world.until(lambda: world.said(TellChallenge) == 1)
            world.notify(world.wechat.pay(sale_id))
            await world.ended(sale_id, State.VENDED)
            assert await alarms(world) == set()

    play(scene())


def test_a_start_behind_the_newest_that_answers_is_a_journal_that_was_rolled_back() -> None:
    async def scene() -> None:
        async with World() as world:
            await starts(world, 4)
            await starts(world, 3)
            assert await alarms(world) == {"journal_rolled_back"}
            sale_id = world.machine.select(TEA)
            assert (await world.ended(sale_id, State.CLOSED)).why == "journal"

    play(scene())


def test_two_sessions_of_one_journal_that_live_at_the_same_time_are_clones() -> None:
    async def scene() -> None:
        async with World() as world:
            await starts(world, 2)
            await starts(world, 3)
            world.machine.boot = 2  # the other one is there as well, and connects again
            world.machine.born()
            await world.passed(1)
            assert await alarms(world) == {"journal_cloned"}

    play(scene())


def test_an_answer_to_an_older_challenge_proves_nothing_however_it_is_kept() -> None:
    async def scene() -> None:
        async with World() as world:
            await starts(world, 3)
            world.machine.deaf = True
            await world.engine.heard(birth_of(world, 2))
            first = f"{1:032x}"
            kept = birth_of(world, 3, challenge=first)  # the answer, which somebody withholds
            world.machine.deaf = False
            await starts(world, 4)
            await world.engine.heard(kept)
            await world.engine.heard(birth_of(world, 2, challenge=first))
            await world.passed(1)
            assert await alarms(world) == set()
            assert world.said(TellChallenge) > 0

    play(scene())


def test_a_former_journal_does_not_come_back_by_a_birth_that_was_withheld() -> None:
    async def scene() -> None:
        async with World() as world:
            old = birth_of(world, 2)
            world.machine.lose_journal()
            await world.passed(1)
            assert await alarms(world) == {"journal_replaced"}
            sale_id = await world.paid()
            await world.engine.heard(old)
            await world.ended(sale_id, State.VENDED)
            assert world.row(sale_id).doubt == ""

    play(scene())


@pytest.mark.parametrize("challenge", ["", None])
def test_another_journal_waits_for_its_proof_unless_it_knows_no_challenges(
    challenge: str | None,
) -> None:
    async def scene() -> None:
        async with World() as world:
            await world.passed(1)
            world.machine.deaf = True
            world.machine.jid, world.machine.boot = "k" * 26, 1
            await world.engine.heard(birth_of(world, 1, challenge=challenge))
            assert (world.machine.jid in world.tables.journals) is (challenge is None)
            assert ("journal_replaced" in await alarms(world)) is (challenge is None)

    play(scene())


def test_words_of_a_start_whose_birth_is_not_heard_yet_are_taken_when_they_come_again() -> None:
    async def scene() -> None:
        async with World() as world:
            await world.passed(1)
            world.machine.boot = 2
            sale_id = world.machine.select()
            await world.passed(0.01)
            assert sale_id not in world.tables.sales
            await world.ended(sale_id, State.OFFERED)
            assert world.said(TellChallenge) == 1

    play(scene())


def test_a_bridge_that_started_anew_asks_again() -> None:
    async def scene() -> None:
        async with World() as world:
            await starts(world, 4)
            world.machine.deaf = True
            await world.engine.heard(birth_of(world, 3))
            await world.restart()
            answer = birth_of(world, 3, challenge=f"{1:032x}")
            await world.engine.heard(answer)
            assert await alarms(world) == set()

    play(scene())


def test_a_challenge_is_one_for_a_machine_until_it_is_over() -> None:
    draws = iter(("a" * 32, "b" * 32, "c" * 32))
    challenges = Challenges(lambda: next(draws))
    assert [challenges.ask("vm-0001") for _ in range(2)] == ["a" * 32] * 2
    assert challenges.ask("vm-0002") == "b" * 32
    assert challenges.met("vm-0001", "a" * 32)
    assert not challenges.met("vm-0001", "b" * 32)
    challenges.over("vm-0001")
    assert not challenges.met("vm-0001", "a" * 32)
    assert not challenges.met("vm-0001", "")
    assert challenges.ask("vm-0001") == "c" * 32
