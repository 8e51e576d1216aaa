"""The daemon's side of a service: the engine stops selling, the port is lent, and both are noted."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge.core.machine import MAINTENANCE
from edge.core.service import ServiceAsked, ServiceOver
from edge.drivers.lending import LendablePort
from edge.engine import Engine
from edge.ports import Clock, Notes

LOOK_S: Final = 0.05
SERVICE_LOG: Final = "service.jsonl"


class ServiceDesk:
    """Implements `edge.tech.door.Desk`. Who had the port stands in the journal, and in the service log."""

    def __init__(
        self, engine: Engine, port: LendablePort, folder: Path, *, clock: Clock, notes: Notes
    ) -> None:
        self._engine: Final = engine
        self._port: Final = port
        self._log: Final = folder / SERVICE_LOG
        self._clock: Final = clock
        self._notes: Final = notes
        self._who = ""
        self._lent = False

    async def lend(self, who: str, what: str) -> None:
        """Let an open sale finish, stop selling, close the port."""
        self._who = who
        asked = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC).isoformat(timespec="seconds")
        self._engine.post(ServiceAsked(who=f"{who} has the port for {what}, asked {asked}"))
        self._notes.info("service.asked", who=who, what=what)
        await self._nobody_buys()
        await self._port.lend()
        self._lent = True
        await self._note(f"port lent for {what}")

    async def take_back(self, why: str) -> None:
        """Open the port again; nothing is sold before the board is identified."""
        self._port.take_back()
        await self._say_over()
        lent, self._lent = self._lent, False
        if lent:
            await self._note(f"port back: {why}")

    async def _say_over(self) -> None:
        """A mailbox that is full for a moment must not leave the machine out of service for good."""
        while True:
            try:
                self._engine.post(ServiceOver())
            except asyncio.QueueFull:
                await asyncio.sleep(LOOK_S)
            else:
                return

    async def _nobody_buys(self) -> None:
        while True:
            if MAINTENANCE in self._engine.machine.stops:
                return
            await asyncio.sleep(LOOK_S)

    async def _note(self, result: str) -> None:
        """The journal has it already: a log that cannot be written costs a warning."""
        self._notes.info("service.changed", who=self._who, result=result)
        told = {
            "wall_ms": self._clock.wall_ms(),
            "who": self._who,
            "did": "service",
            "lane": 0,
            "result": result,
        }
        try:
            await asyncio.to_thread(_append, self._log, json.dumps(told, ensure_ascii=False) + "\n")
        except OSError as error:
            self._notes.warning("service.not_noted", why=error.strerror)


def _append(file: Path, line: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(handle, "a", encoding="utf-8") as out:
        out.write(line)
