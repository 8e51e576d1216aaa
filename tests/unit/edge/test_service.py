"""A technician asks for the machine while somebody buys, has it, and gives it back."""

import asyncio
import json
from pathlib import Path

from edge.app_service import ServiceDesk
from edge.core.lease import obstacle
from edge.core.model import ClearAlarm, RaiseAlarm, State
from edge.core.pocket import LeaseAsked
from edge.core.screen import Code, Done, Idle, Maintenance
from edge.core.service import ServiceAsked, ServiceOver
from edge.drivers.lending import LendablePort
from edge.drivers.serial_port import Listener
from tests.unit.edge.test_engine import is_, offered, paid
from tests.unit.edge.world import Machine, Quiet

ASKED = ServiceAsked(who="anna has the port for tech scan, asked 2026-11-25T03:40:00+00:00")


def alarms(machine: Machine) -> list[RaiseAlarm | ClearAlarm]:
    told = [report for _, _, report in machine.cloud.reports]
    return [each for each in told if isinstance(each, RaiseAlarm | ClearAlarm)]


async def test_with_nobody_buying_the_service_begins_at_once_and_is_in_the_journal(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        before = machine.journal.last_n
        await machine.done(ASKED)
        assert (sorted(machine.engine.machine.stops), machine.journal.last_n) == (["maintenance"], before + 1)
        assert alarms(machine) == [RaiseAlarm(name="maintenance", text=ASKED.who)]
        assert machine.cloud.states["health"]["reason"] == "maintenance"
        shown = machine.glass.view
        assert isinstance(shown, Maintenance)
        assert [tile.product.lane for tile in shown.tiles] == [12, 13]
        assert await machine.select() == ""
        await machine.done(ServiceOver())
        assert alarms(machine)[1:] == [ClearAlarm(name="maintenance")]
        assert isinstance(machine.glass.view, Idle)
        assert await machine.select() != ""


async def test_an_open_sale_is_let_finish_and_no_second_one_begins(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        sale_id = await offered(machine)
        await machine.done(ASKED)
        await machine.until(lambda: isinstance(machine.glass.view, Code))  # he may still pay
        assert await machine.select() == sale_id  # a key opens nothing and takes nothing away
        assert is_(machine, sale_id, State.OPEN)
        assert "maintenance" not in machine.engine.machine.stops
        await machine.tell(sale_id, paid(machine))
        await machine.until(lambda: bool(machine.bus.vends))
        assert "maintenance" not in machine.engine.machine.stops
        machine.bus.go.set()
        await machine.until(lambda: is_(machine, sale_id, State.DELIVERED))
        await machine.until(lambda: "maintenance" in machine.engine.machine.stops)
        await machine.until(lambda: isinstance(machine.glass.view, Done))  # he is told where his product is
        machine.clock.at_ms += 7_000
        await machine.done(ASKED)
        assert isinstance(machine.glass.view, Maintenance)


async def test_a_wish_that_is_withdrawn_while_somebody_buys_was_no_service(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        sale_id = await offered(machine)
        await machine.done(ASKED)
        await machine.done(ServiceOver())
        await machine.tell(sale_id, paid(machine))
        machine.bus.go.set()
        await machine.until(lambda: is_(machine, sale_id, State.DELIVERED))
        assert (machine.engine.machine.stops, alarms(machine)) == (frozenset(), [])


async def test_a_scan_is_refused_from_the_asking_on(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        await machine.done(ASKED)
        session = machine.journal.session
        scan = LeaseAsked(
            request_id="r" * 26,
            lane=12,
            session_jid=session.jid,
            session_boot=session.boot,
            token="",
            replaces="",
        )
        assert obstacle(machine.engine.machine, scan, None, 0) == "maintenance"
        await machine.done(scan)
        assert machine.cloud.refused == [("r" * 26, "maintenance")]


async def test_a_restart_ends_a_service(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        await machine.done(ASKED)
    async with Machine(tmp_path / "edge.db") as again:
        await again.ready()
        assert (again.engine.machine.service, again.engine.machine.stops) == ("", frozenset())


class Device:
    """A transport that says when it is open."""

    def __init__(self) -> None:
        self.open = False
        self.written: list[bytes] = []

    async def serve(self, listener: Listener) -> None:
        self.open = True
        try:
            listener.on_opened()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # a real one takes a moment, too
            self.open = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def discard_input(self) -> None:
        pass


class Ear:
    """What the driver hears of its port."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_opened(self) -> None:
        self.heard.append("opened")

    def on_data(self, data: bytes) -> None:
        pass

    def on_lost(self, why: str) -> None:
        self.heard.append(why)


async def test_the_desk_lends_a_closed_port_and_notes_who_had_it_and_why_it_came_back(tmp_path: Path) -> None:
    device, ear = Device(), Ear()
    port = LendablePort(device)
    serving = asyncio.ensure_future(port.serve(ear))
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        desk = ServiceDesk(machine.engine, port, tmp_path, clock=machine.clock, notes=Quiet())
        port.write(b"before")
        await desk.lend("anna", "tech scan")
        assert (device.open, sorted(machine.engine.machine.stops)) == (False, ["maintenance"])
        port.write(b"meanwhile")
        await desk.take_back("gone")
        await machine.until(lambda: device.open)
        port.write(b"after")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert (ear.heard, device.written) == (["opened", "lent", "opened"], [b"before", b"after"])
    notes = [json.loads(line) for line in (tmp_path / "service.jsonl").read_text().splitlines()]
    assert [(note["who"], note["result"]) for note in notes] == [
        ("anna", "port lent for tech scan"),
        ("anna", "port back: gone"),
    ]


async def test_what_breaks_a_port_breaks_a_lendable_one() -> None:
    class Broken(Device):
        async def serve(self, listener: Listener) -> None:
            raise ValueError("no port")

    port = LendablePort(Broken())
    result = (await asyncio.gather(port.serve(Ear()), return_exceptions=True))[0]
    assert isinstance(result, ValueError)
    await port.lend()  # nothing to close, nothing to wait for
