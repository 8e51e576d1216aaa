"""Every driver against every board's model, by the suite that a technician runs on a bench."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.core.model import Delivered, Outcome, VendOrder
from edge.drivers.registry import BUSES, make_dispenser
from edge.ports import BusEvent, Dispenser
from edge.tech.checks import CHECKS
from edge.tech.conformance import examine
from edge.tech.trial import Finding, Lab, Truth, Verdict
from hw_sim.boards.board import Board
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board
from hw_sim.world.clocks import WorldClock
from hw_sim.world.loop import Host, WorldLoop
from tests.unit.drivers.line import Wire

LANES = (11, 12, 13)
Spoil = Callable[[Dispenser], Dispenser]
# Faults of a board by the suite's names, where a board calls them otherwise.
OTHER_NAMES: Mapping[str, Mapping[str, str]] = {"xy": {"lose_reply": "lose_command_ack"}}


class SimulatedBench:
    """Implements `edge.tech.conformance.Bench` over a model, in virtual time."""

    def __init__(self, bus: str, loop: WorldLoop, spoil: Spoil) -> None:
        self._spoil = spoil
        self.seq = 0
        self.lanes = LANES
        self.told: list[BusEvent] = []
        self._bus = bus
        self._loop = loop
        self._board: Board = make_board(bus, Cabinet.of(LANES, stock=30), Wanted())
        self._wire = Wire(loop, self._board)
        self.dispenser: Dispenser = self._start()

    def fault(self, name: str, times: int) -> bool:
        name = OTHER_NAMES.get(self._bus, {}).get(name, name)
        if name not in self._board.faults.known:
            return False
        self._board.faults.set(name, times=times)
        return True

    def choose(self, lane: int) -> None:
        self._board.key(lane)
        self._wire.look()

    async def truth(self) -> Truth:
        cabinet = self._board.cabinet
        return Truth(cabinet.motor_starts, cabinet.pieces_dropped)

    async def second_is_refused(self) -> None:
        return None

    async def restart_daemon(self) -> None:
        self._running.cancel()
        self.dispenser = self._start()

    def _start(self) -> Dispenser:
        told: list[BusEvent] = []
        self.told = told
        settings = BUSES[self._bus]().settings(**_settings(self._bus))
        clock = WorldClock(self._loop)
        dispenser = self._spoil(make_dispenser(settings, clock, port=self._wire))
        self._running = self._loop.create_task(dispenser.run(told.append), name="bus")
        return dispenser


def _settings(bus: str) -> dict[str, Any]:
    own = {"xy": {}, "relay": {"lanes": LANES, "relays": 16, "accept_without_proof": True}}
    if bus.startswith("mdb-"):
        own[bus] = {"lanes": LANES, "items": LANES}
    return {"port": Path("/dev/null"), **own.get(bus, {"lanes": LANES})}


def lab(bus: str, loop: WorldLoop, spoil: Spoil) -> Lab:
    @contextlib.asynccontextmanager
    async def bench() -> AsyncIterator[SimulatedBench]:
        yield SimulatedBench(bus, loop, spoil)

    return Lab(bench=bench)


def examined(bus: str, spoil: Spoil = lambda dispenser: dispenser) -> list[Finding]:
    """What the suite finds of a bus, in virtual time."""
    loop = WorldLoop(lambda _: 0)
    found: list[Finding] = []

    async def run() -> None:
        async for finding in examine(lab(bus, loop, spoil)):
            found.append(finding)

    done = loop.spawn(Host("technician"), run(), "examine")
    while not done.done():
        loop.run_until(loop.time() + 60)
        assert loop.broken == []
    done.result()
    loop.close()
    return found


@pytest.mark.parametrize("bus", BUSES)
def test_a_driver_keeps_its_word_against_its_board(bus: str) -> None:
    found = examined(bus)
    assert [finding for finding in found if finding.verdict is Verdict.FAIL] == []
    assert len(found) == len(CHECKS)
    assert sum(finding.verdict is Verdict.PASS for finding in found) >= len(CHECKS) - 3


class Spoiled:
    """A driver that keeps its word but for one thing."""

    def __init__(self, inner: Dispenser) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Liar(Spoiled):
    """Whatever happened, it was delivered."""

    async def vend(self, order: VendOrder) -> Outcome:
        await self._inner.vend(order)
        return Delivered(evidence="trust me")


class Eager(Spoiled):
    """After a power cut it simply tries again."""

    async def recover(self, order: VendOrder) -> Outcome:
        while await self._inner.check(order.lane):
            await asyncio.sleep(1)
        return await self._inner.vend(replace(order, baseline=await self._inner.baseline(order.lane)))


class Patient(Spoiled):
    """A lease that has ended is no reason not to start."""

    async def vend(self, order: VendOrder) -> Outcome:
        return await self._inner.vend(replace(order, start_before_ms=10**15))


@pytest.mark.parametrize(
    ("spoil", "caught"),
    [(Liar, "nothing falls"), (Eager, "daemon dies in the window"), (Patient, "lease")],
)
def test_a_driver_that_breaks_its_word_is_caught(spoil: type[Spoiled], caught: str) -> None:
    failed = {finding.check for finding in examined("adh814", spoil) if finding.verdict is Verdict.FAIL}
    assert caught in failed
