"""The world's loop: one order for one seed, and power cuts that leave nothing tidied up."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hw_sim.world.loop import Host, WorldLoop

Said = list[str]


def world(seed: int = 1) -> WorldLoop:
    return WorldLoop(random.Random(seed).randrange)


async def count(said: Said, name: str, wait_s: float) -> None:
    for number in range(3):
        said.append(f"{name}{number}")
        await asyncio.sleep(wait_s)


def race(seed: int) -> Said:
    loop, said = world(seed), Said()
    for name in "abcd":
        loop.spawn(Host(name), count(said, name, 0), name)
    loop.run_until(1)
    return said


def test_the_same_seed_gives_the_same_order_and_another_another() -> None:
    assert race(7) == race(7)
    assert len({tuple(race(seed)) for seed in range(20)}) > 10


def test_callbacks_of_one_host_run_in_the_order_they_were_asked_for() -> None:
    loop, said = world(), Said()

    async def ask() -> None:
        for name in "abc":
            loop.call_soon(said.append, name)

    loop.spawn(Host("one"), ask(), "ask")
    loop.run_until(0)
    assert said == ["a", "b", "c"]


def test_time_jumps_to_what_is_next_and_to_the_end_when_nothing_is() -> None:
    loop, said = world(), Said()
    loop.spawn(Host("one"), count(said, "x", 1000), "count")
    loop.run_until(1500)
    assert (said, loop.time()) == (["x0", "x1"], 1500)
    loop.run_until(1e9)
    assert (said, loop.time()) == (["x0", "x1", "x2"], 1e9)


async def careful(said: Said) -> None:
    try:
        await asyncio.sleep(10)
        said.append("went on")
    finally:
        said.append("tidied up")


async def guarded(said: Said) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(careful(said))


async def queued(said: Said) -> None:
    box: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().call_later(5, box.put_nowait, "late")
    async with asyncio.timeout(20):
        said.append(await box.get())


@pytest.mark.parametrize("program", [careful, guarded, queued])
def test_a_power_cut_forgets_everything_and_tidies_nothing(
    program: Callable[[Said], Coroutine[Any, Any, None]],
) -> None:
    loop, host, said = world(), Host("one"), Said()
    loop.spawn(host, program(said), "program")
    loop.run_until(3)
    loop.cut(host)
    loop.run_until(100)
    assert said == []


def test_a_host_that_comes_back_runs_beside_what_others_had_going_on() -> None:
    loop, said = world(), Said()
    one, other = Host("one"), Host("other")
    loop.spawn(one, count(said, "a", 10), "a")
    loop.spawn(other, count(said, "b", 10), "b")
    loop.run_until(5)
    loop.cut(one)
    loop.spawn(one, count(said, "c", 10), "c")
    loop.run_until(100)
    assert sorted(said) == ["a0", "b0", "b1", "b2", "c0", "c1", "c2"]


def test_a_host_that_dies_in_the_middle_of_a_callback_asks_for_nothing_after_it() -> None:
    loop, host, said = world(), Host("one"), Said()

    async def die() -> None:
        loop.cut(host)
        loop.call_soon(said.append, "soon")
        loop.call_later(1, said.append, "later")
        await asyncio.sleep(0)
        said.append("went on")

    loop.spawn(host, die(), "die")
    loop.run_until(10)
    assert said == []


def test_what_is_sent_to_a_host_is_lost_with_its_power() -> None:
    loop, host, said = world(), Host("one"), Said()
    loop.on(host, 5, said.append, "lost")
    loop.run_until(1)
    loop.cut(host)
    loop.on(host, 5, said.append, "kept")
    loop.run_until(10)
    assert said == ["kept"]


def test_an_error_nobody_caught_is_kept_with_the_name_of_its_host() -> None:
    loop = world()
    loop.on(Host("one"), 1, lambda: [][0])
    loop.run_until(2)
    ((name, error),) = loop.broken
    assert (name, type(error)) == ("one", IndexError)
