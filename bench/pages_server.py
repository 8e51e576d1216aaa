"""What `bench.pages` looks at: the bridge's web server over real books, and a fleet that changes.

`python -m bench.pages_server FOLDER MACHINES` prints its address. Each line on stdin is a command, answered
with a line of JSON: `cpu` (seconds used so far), `run` and `rest` (the fleet changes, or stands
still), `mark N` (one machine changes N times; when, by the temperature it then shows).
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from cloud_bridge.app import SystemClock
from cloud_bridge.engine_looking import Looked
from cloud_bridge.engine_views import case_view
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.store.books import SqlStore, open_store
from cloud_bridge.web.app import make_app
from cloud_bridge.web.server import serve_web
from wire.topics import Branch, Topic

LANES = 40
MARK_S = 0.25


class Quiet:
    """A log that says nothing."""

    def info(self, event: str, /, **fields: object) -> object:
        return None

    warning = info


class Books:
    """The part of the engine's service that pages read."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def cases(self, *, everything: bool = False) -> tuple[Any, ...]:
        found = await self._store.cases(resolved=500 if everything else 0)
        return tuple(case_view(case, sale) for case, sale in found)

    async def alarms(self) -> tuple[Any, ...]:
        return await self._store.alarms()

    async def facts(self) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield


class Fleet:
    """Machines that show what machines show."""

    def __init__(self, count: int) -> None:
        self.machines = [f"vm-{number:04d}" for number in range(count)]
        self.roster = Roster(self.machines, SystemClock())
        self._turn = 0
        for machine in self.machines:
            self.show(
                machine, "presence", {"v": 1, "online": True, "jid": "j" * 26, "boot": 3, "bits": "0" * 32}
            )
            self.show(machine, "health", {"selling": True, "reason": "", "catalogue_version": 3})
            for lane in range(1, LANES + 1):
                self.show(machine, f"lane/{lane}", self._lane(lane, 5))

    def show(self, machine: str, kind: str, values: Mapping[str, object]) -> None:
        topic = Topic(machine, Branch.STATE, kind)
        self.roster.take(topic, json.dumps(values).encode(), retained=False)

    async def run(self) -> None:
        """Each machine changes once a second, spread over it."""
        step_s = 1 / len(self.machines)
        due_s = time.monotonic()
        while True:
            self._turn += 1
            machine = self.machines[self._turn % len(self.machines)]
            stock = (self._turn // len(self.machines)) % 8
            if self._turn % 3:
                self.show(machine, "climate", {"temperature_c": stock, "door_open": False})
            else:
                self.show(machine, "lane/7", self._lane(7, stock))
            due_s += step_s
            await asyncio.sleep(max(0, due_s - time.monotonic()))

    async def mark(self, count: int) -> list[tuple[int, float]]:
        """One machine shows so many temperatures, and when it showed each."""
        told = []
        for degrees in range(-50, -50 + count):
            at_ms = time.time() * 1000
            self.show(self.machines[1], "climate", {"temperature_c": degrees, "door_open": False})
            told.append((degrees, at_ms))
            await asyncio.sleep(MARK_S + degrees % 7 * 0.023)
        return told

    @staticmethod
    def _lane(lane: int, stock: int) -> Mapping[str, object]:
        return {
            "product": f"可乐 {lane}",
            "product_en": f"Cola {lane}",
            "price_fen": 350,
            "stock": stock,
            "capacity": 8,
            "reason": "" if stock else "sold_out",
        }


async def serve(folder: Path, count: int) -> None:
    """Serve until stdin ends."""
    fleet = Fleet(count)
    with closing(open_store(f"sqlite:///{folder}/books.db", incarnation=lambda: "b" * 26)) as store:
        service: Any = Books(store)
        app = make_app(
            service=service,
            roster=fleet.roster,
            trends=fleet.roster,
            looking=Looked(store),
            clock=SystemClock(),
            log=Quiet(),
            notify_path="/notify",
        )
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve_web(app, "127.0.0.1", 0, ready.set_result), name="web")
        sys.stdout.write(f"{await ready}\n")
        sys.stdout.flush()
        await answer(fleet)
        serving.cancel()
        await asyncio.wait([serving])


async def answer(fleet: Fleet) -> None:
    """Do what each line says."""
    running: asyncio.Task[None] | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        told: object = None
        match line.split():
            case ["cpu"]:
                told = time.process_time()
            case ["run"]:
                running = asyncio.create_task(fleet.run(), name="fleet")
            case ["rest"] if running is not None:
                running.cancel()
            case ["mark", count]:
                told = await fleet.mark(int(count))
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
