"""The machine's daemon: the only place that wires its rooms together, and its one TaskGroup."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import fields
from importlib.metadata import version
from typing import Final

from edge.app_audit import tell_audit
from edge.app_service import ServiceDesk
from edge.config import EdgeSettings, broker_settings
from edge.core.gauge import Gauge, looked
from edge.core.machine import stop_reason
from edge.core.screen import OutOfOrder, Screen
from edge.display.service import open_screen
from edge.drivers.keypad import Keypad, KeypadSettings
from edge.drivers.lending import LendablePort
from edge.drivers.recorder import FlightRecorder
from edge.drivers.registry import make_dispenser
from edge.drivers.serial_port import SerialPort
from edge.engine import Engine, Leaving
from edge.host import SystemClock, fresh
from edge.journal import SqliteJournal, open_journal
from edge.payment.bridge import BridgeLink, Identity
from edge.ports import Dispenser, JournalFailed, Ports, Terms, TroubleTold
from edge.tech.door import door_of, serve_door
from wire.envelope import Keyring, Signer, key_id, load_private, load_public
from wire.gate import Gate
from wire.inbound import Refusal
from wire.link import Link
from wire.log import Log
from wire.service import Systemd, feed_watchdog

MESSAGES_PER_S: Final = 20
STATUS_EVERY_S: Final = 1.0
VITAL_SIGNS_EVERY_S: Final = 10.0
LAST_WORDS, LAST_WORD_S = 20, 0.1
FALSE: Final = (Refusal.UNSIGNED, Refusal.TWO_SIGNATURES, Refusal.UNKNOWN_KEY, Refusal.BAD_SIGNATURE)
FORGED: Final = Gauge(many=3, quiet=30)  # looks every ten seconds: over after five quiet minutes
NOISE: Final = Gauge(many=20, quiet=6)
# How long the thread that draws may keep the interpreter from the bus. Each read and write of the loop has to
# get it back, so at Python's usual 5 ms one answer to the board could wait six times as long.
SWITCH_S: Final = 0.0005


async def serve(settings: EdgeSettings, log: Log) -> bool:
    """Run until SIGTERM or SIGINT; True when a person wants the computer to start anew instead.

    Raises JournalFailed, BadKeyFile, BadFont, BadPanel before it serves.

    While it serves, a failure of any task ends all of them in an ExceptionGroup: a restart recovers from
    the journal, a daemon in an unknown state recovers from nothing.
    """
    clock = SystemClock()
    sys.setswitchinterval(SWITCH_S)
    with ExitStack() as stack:
        screen = stack.enter_context(open_screen(settings.display, log))
        try:
            journal = stack.enter_context(open_journal(settings.journal, fresh(clock)))
        except JournalFailed:
            screen.show(Screen(view=OutOfOrder(reason="journal_failed"), machine=settings.machine, phone=""))
            raise
        if journal.aside is not None:
            log.warning("journal.damaged", moved_to=str(journal.aside))
        recorder = _recorder(settings, clock, log)
        port = LendablePort(SerialPort(str(settings.bus.port), baud=settings.bus.baud))
        dispenser = recorder.beside(
            make_dispenser(settings.bus, clock, run=journal.session.boot, trace=recorder.trace, port=port)
        )
        bridge = _bridge_link(settings, journal=journal, dispenser=dispenser, clock=clock, log=log)
        link = Link(
            broker_settings(settings, journal.session),
            log=log,
            on_state=bridge.connected,
            random=random.random,
        )
        ports = Ports(
            journal=journal, dispenser=dispenser, display=screen, bridge=bridge, clock=clock, notes=log
        )
        keypad = _keypad(settings.keypad, clock)
        daemon = _Daemon(settings, ports=ports, bridge=bridge, link=link, log=log)
        await daemon.run(keypad, recorder, port)
        return daemon.starts_anew


class _Daemon:
    """The tasks of one run."""

    def __init__(
        self, settings: EdgeSettings, *, ports: Ports, bridge: BridgeLink, link: Link, log: Log
    ) -> None:
        terms = Terms(
            machine=settings.machine,
            lease_s=settings.sale.lease_s,
            grace_s=settings.sale.grace_s,
            answer_s=settings.sale.answer_s,
            vends_a_minute=settings.sale.vends_a_minute,
            vends_a_day=settings.sale.vends_a_day,
        )
        self._settings: Final = settings
        self._ports: Final = ports
        self._bridge: Final = bridge
        self._link: Final = link
        self._log: Final = log
        self._systemd: Final = Systemd()
        self._group: Final = asyncio.TaskGroup()
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._told_to_stop: Final = asyncio.Event()
        self.starts_anew = False
        self.engine: Final = Engine(ports=ports, terms=terms, spawn=self._spawn, entropy=os.urandom)
        bridge.attach(link, self.engine.post)

    async def run(self, keypad: Keypad | None, recorder: FlightRecorder, port: LendablePort) -> None:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop.set)
        async with self._group:
            self._spawn(self.engine.run(), "engine")
            self._spawn(self._ports.dispenser.run(self.engine.post), "bus")
            if keypad is not None:
                self._spawn(keypad.run(self.engine.post), "keypad")
            self._spawn(recorder.run(), "flight recorder")
            self._spawn(self._lend(port), "service")
            self._spawn(self._link.run(), "link")
            self._spawn(self._bridge.receive(), "bridge in")
            self._spawn(self._bridge.pump(), "bridge out")
            self._spawn(feed_watchdog(self._systemd), "watchdog")
            self._spawn(self._tell_how_we_are(), "status")
            self._spawn(self._tell_vital_signs(), "vital signs")
            self._spawn(self._tell_audit(), "audit")
            self._spawn(self._start_anew(), "new start")
            self._group.create_task(self._leave(), name="leave")

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _leave(self) -> None:
        """Begin nothing new, see a running motor to its end, say good-bye, then let go of everything."""
        await self._told_to_stop.wait()
        self._log.info("daemon.leaving")
        self._systemd.status("leaving")
        self.engine.post(Leaving())
        await self.engine.still()
        await self._ports.journal.told_to_leave()
        await self._link.close()
        for task in tuple(self._tasks):
            task.cancel()

    async def _start_anew(self) -> None:
        """A person asked for it and nobody is buying: leave once the bridge holds the report of it."""
        await self.engine.still()
        for _ in range(LAST_WORDS):
            await asyncio.sleep(LAST_WORD_S)
            if not self._bridge.waiting:
                break
        self.starts_anew = not self._told_to_stop.is_set()
        self._told_to_stop.set()

    async def _lend(self, port: LendablePort) -> None:
        """The technician's door, beside the journal."""
        journal, clock, log = self._settings.journal, self._ports.clock, self._log
        desk = ServiceDesk(self.engine, port, journal.parent, clock=clock, notes=log)
        await serve_door(desk, door_of(journal), log)

    async def _tell_how_we_are(self) -> None:
        """Readiness once the journal is recovered and the bus is served; then one line for the host."""
        await self.engine.recovered()
        self._systemd.ready()
        session, told = self._ports.journal.session, ""
        self._log.info("daemon.ready", jid=session.jid, boot=session.boot)
        while True:
            reason = stop_reason(self.engine.machine)
            status = f"not selling: {reason}" if reason else "selling"
            if status != told:
                told = status
                self._systemd.status(status)
                self._log.info("daemon.status", status=status)
            await asyncio.sleep(STATUS_EVERY_S)

    async def _tell_vital_signs(self) -> None:
        """What an operator's dashboard and a technician want to know of bus and link, as counters."""
        forged, noise = FORGED, NOISE
        while True:
            health = self._ports.dispenser.health()
            counters = {field.name: getattr(health, field.name) for field in fields(health)}
            del counters["facts"]
            refused = {f"refused_{reason}": count for reason, count in self._bridge.refused.items()}
            self._bridge.publish("bus", {**counters, **health.facts})
            self._bridge.publish("link", {"unread": self._link.overflowed, **refused})
            forged = self._look(
                "link_forged", forged, sum(self._bridge.refused.get(each, 0) for each in FALSE)
            )
            noise = self._look("bus_noise", noise, health.bad_checks)
            await asyncio.sleep(VITAL_SIGNS_EVERY_S)

    async def _tell_audit(self) -> None:
        """The newest day that is over, once the journal is recovered."""
        await self.engine.recovered()
        await tell_audit(
            self._settings.journal,
            self._settings.machine,
            clock=self._ports.clock,
            publish=self._bridge.publish,
            log=self._log,
        )

    def _look(self, name: str, gauge: Gauge, total: int) -> Gauge:
        """Tell the engine when a counter becomes a trouble, and when that is over."""
        now = looked(gauge, total)
        if now.stands is not gauge.stands:
            self._log.warning("trouble.changed", name=name, stands=now.stands, count=total)
            self.engine.post(TroubleTold(name=name, text=f"{now.recent} of late" if now.stands else ""))
        return now


def _recorder(settings: EdgeSettings, clock: SystemClock, log: Log) -> FlightRecorder:
    """Its files lie beside the journal, in a folder of their own."""
    bus = settings.bus
    return FlightRecorder(
        settings.journal.parent / "traces", bus=bus.bus, baud=bus.baud, clock=clock, notes=log
    )


def _keypad(settings: KeypadSettings | None, clock: SystemClock) -> Keypad | None:
    if settings is None:
        return None
    return Keypad(clock, SerialPort(str(settings.port), baud=settings.baud))


def _bridge_link(
    settings: EdgeSettings, *, journal: SqliteJournal, dispenser: Dispenser, clock: SystemClock, log: Log
) -> BridgeLink:
    own = load_private(settings.keys.machine_key_file)
    bridge_keys = {key_id(key): key for key in map(load_public, settings.keys.bridge_public_key_files)}
    return BridgeLink(
        Identity(
            machine=settings.machine,
            lease_s=settings.sale.lease_s,
            start_s=dispenser.capabilities.start_s,
            software=version("wxvend"),
        ),
        journal=journal,
        signer=Signer(key_id(own.public_key()), own),
        gate=Gate(
            Keyring.of_edge(settings.machine, bridge_keys),
            log=log,
            clock=time.monotonic,
            per_s=MESSAGES_PER_S,
        ),
        clock=clock,
    )
