"""A disk that does not come back for seconds: the shopper sees the news, and nothing acts on it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.machine import at_start
from edge.core.model import CodeOffered, State
from edge.core.screen import Asking, Checking, Code, Idle, View
from edge.engine import Event
from edge.engine_mailbox import LIMIT, Mailbox, Redraw
from edge.ports import (
    BusDown,
    BusUp,
    CancelPressed,
    ClimateReported,
    LaneReported,
    LinkDown,
    LinkUp,
    SaleMessage,
)
from tests.unit.edge.world import Machine

CODE = CodeOffered(code_url="weixin://wxpay/bizpayurl?pr=x", pay_s=180, price_fen=350)
JAM = LaneReported(lane=13, stock=0, capacity=8, fault="E21")
COOL = ClimateReported(temperature_c=5, door_open=False)


async def offered(machine: Machine) -> str:
    await machine.ready()
    sale_id = await machine.select()
    await machine.tell(sale_id, CODE)
    await machine.until(lambda: shows(machine) is Code)
    return sale_id


def shows(machine: Machine) -> type[View]:
    return type(machine.glass.view)


@asynccontextmanager
async def held_up(machine: Machine, event: Event) -> AsyncIterator[None]:
    """The engine takes `event` to a disk that does not answer until this ends."""
    disk = sqlite3.connect(machine.path, isolation_level=None)
    disk.execute("BEGIN IMMEDIATE")
    machine.engine.post(event)
    for _ in range(5):
        await asyncio.sleep(0)
    try:
        yield
    finally:
        disk.execute("ROLLBACK")
        disk.close()


@pytest.mark.parametrize(
    "news",
    [
        LinkDown(why="link_down"),
        LinkDown(why="bridge_silent"),
        BusDown(why="silent"),
        LaneReported(lane=12, stock=0, capacity=8),
        ClimateReported(temperature_c=5, door_open=True),
    ],
    ids=["line", "bridge", "bus", "lane", "door"],
)
async def test_a_code_goes_at_once_while_the_disk_is_busy_with_something_else(
    tmp_path: Path, news: Event
) -> None:
    async with Machine(tmp_path / "journal") as machine:
        sale_id = await offered(machine)
        async with held_up(machine, CancelPressed()):
            assert shows(machine) is Code
            machine.engine.post(news)
            assert shows(machine) is Checking
        await machine.done(COOL)
        sale = machine.journal.sale(sale_id)
        assert sale is not None
        assert sale.state is State.CLOSED


async def test_what_waits_behind_the_disk_is_seen_before_anything_is_drawn_again(tmp_path: Path) -> None:
    async with Machine(tmp_path / "journal") as machine:
        await offered(machine)
        before = len(machine.glass.screens)
        async with held_up(machine, JAM):
            machine.engine.post(LinkDown(why="link_down"))
        await machine.done(COOL)
        seen = [type(screen.view) for screen in machine.glass.screens[before:]]
        assert Code not in seen
        await machine.done(LinkUp())
        assert shows(machine) is Code


async def test_a_line_that_is_back_before_the_disk_costs_the_shopper_nothing(tmp_path: Path) -> None:
    async with Machine(tmp_path / "journal") as machine:
        await offered(machine)
        async with held_up(machine, JAM):
            machine.engine.post(LinkDown(why="link_down"))
            machine.engine.post(LinkUp())
            assert shows(machine) is Code
        await machine.done(COOL)
        assert shows(machine) is Code


async def test_a_sale_that_is_being_closed_shows_no_code_however_long_its_flush_lasts(tmp_path: Path) -> None:
    async with Machine(tmp_path / "journal") as machine:
        await offered(machine)
        async with held_up(machine, CancelPressed()):
            machine.clock.at_ms += 1_000
            machine.engine.post(Redraw())
            assert shows(machine) is Checking
        await machine.done(COOL)
        assert shows(machine) is Idle


async def test_nothing_but_the_screen_runs_ahead_of_the_disk(tmp_path: Path) -> None:
    async with Machine(tmp_path / "journal") as machine:
        await machine.ready()
        sale_id = await machine.select()
        assert shows(machine) is Asking
        async with held_up(machine, JAM):
            machine.engine.post(SaleMessage(sale_id=sale_id, event=CODE))
            machine.engine.post(LinkDown(why="link_down"))
            assert shows(machine) is Asking
            assert "link_down" not in machine.engine.machine.stops


async def test_a_mailbox_gives_in_order_and_has_a_bound() -> None:
    mailbox = Mailbox()
    for _ in range(LIMIT - 1):
        mailbox.put(Redraw(), None)
    mailbox.put(BusUp(identity="x"), None)
    with pytest.raises(asyncio.QueueFull):
        mailbox.put(Redraw(), None)
    taken = [(await mailbox.get())[0] for _ in range(LIMIT)]
    assert taken[-1] == BusUp(identity="x")
    waiting = asyncio.ensure_future(mailbox.get())
    await asyncio.sleep(0)
    mailbox.put(Redraw(), None)
    assert await waiting == (Redraw(), None)


def test_looking_ahead_changes_nothing_that_waits() -> None:
    mailbox = Mailbox()
    mailbox.put(LinkDown(why="link_down"), None)
    machine = replace(at_start("vm-0001", (20, 400), confirmed=True), stops=frozenset())
    assert mailbox.ahead(machine).stops == {"link_down"}
    assert mailbox.ahead(machine).stops == {"link_down"}
    assert machine.stops == frozenset()
