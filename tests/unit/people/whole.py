"""The whole bridge behind its door, wired as the daemon wires it, and a caller that needs no socket."""

import asyncio
import contextlib
import json
import random
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from starlette.types import ASGIApp, Message

from cloud_bridge.app import SystemClock, _engine, _signer, _web
from cloud_bridge.app_merchants import Merchants
from cloud_bridge.app_rooms import Rooms, make_rooms
from cloud_bridge.config import broker_settings, read_settings
from cloud_bridge.core.case import Case
from cloud_bridge.core.logins import Session, Token, User
from cloud_bridge.core.model import State
from cloud_bridge.core.people import Person, Role
from cloud_bridge.core.sale import Sale
from cloud_bridge.engine_people import hashed
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import Fact, StandingAlarm, Tx
from cloud_bridge.ports_people import PeopleTx
from cloud_bridge.store.books import SqlStore, open_store
from cloud_bridge.web.doorman import COOKIE, Doorman, token_of
from cloud_bridge.web.gate import Gate
from tests.unit.desk.shop import put
from tests.unit.desk.test_monitors import PAID
from tests.unit.web.bridge import Lines
from wire.envelope import generate, save_private, save_public
from wire.link import Link

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "bridge.toml"
OWN, FOREIGN = "vm-0001", "vm-0002"
SALES = {OWN: "o" * 26, FOREIGN: "f" * 26}
GOODS = {OWN: "自家可乐", FOREIGN: "别家绿茶"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks: by a session, by a token, or as nobody."""

    person: Person
    session: str = ""
    bearer: str = ""

    @property
    def heads(self) -> dict[str, str]:
        if self.bearer:
            return {"authorization": f"Bearer {self.bearer}"}
        if not self.session:
            return {}
        return {"cookie": f"{COOKIE}={self.session}", "x-wxvend-token": token_of(self.session)}


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def words(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def did(self) -> bool:
        """Whether something was done or shown: an answer may say why not, too."""
        if self.headers.get("content-type") != "application/json":
            return True
        told = self.json
        return not (isinstance(told, dict) and (told.get("why") or told.get("done") is False))


@dataclass(slots=True)
class Whole:
    """The application and the books behind it."""

    app: ASGIApp
    doorman: Doorman
    store: SqlStore
    rooms: Rooms

    async def ask(
        self,
        method: str,
        path: str,
        heads: Mapping[str, str],
        body: bytes = b"",
        *,
        origin: str = "http://127.0.0.1",
    ) -> Answer:
        """One request. A stream is left as soon as it began."""
        path, _, query = path.partition("?")
        given = {"host": "127.0.0.1", **heads}
        if method == "POST":
            given |= {"content-length": str(len(body)), "content-type": "application/json"}
            given |= {"origin": origin} if origin else {}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("192.0.2.7", 50_000),
            "server": ("127.0.0.1", 8080),
        }
        answer, gone = Answer(), asyncio.Event()
        bodies = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if bodies:
                return bodies.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            answer.body += message.get("body", b"")
            if message["type"] == "http.response.body":
                gone.set()

        async with asyncio.timeout(20):
            await self.app(scope, receive, send)
        return answer


@contextlib.asynccontextmanager
async def whole(folder: Path, account: Path) -> AsyncIterator[Whole]:
    """Serve the example's settings with a second machine; books with something of each machine in them."""
    settings = read_settings(written(folder, account))
    clock, log = SystemClock(), Lines()
    roster = Roster((machine.id for machine in settings.machines), clock)
    fleet = Fleet(signer=_signer(settings), roster=roster, timings=settings.timings, log=log)
    with (
        Merchants(settings.accounts, settings.older_accounts, clock=clock) as merchants,
        contextlib.closing(open_store(settings.store.url, incarnation=lambda: "s" * 26, idle_s=600)) as store,
    ):
        await store.run(_filled)
        engine = _engine(settings, store, merchants, fleet, clock=clock, log=cast(Any, log))
        link = Link(
            broker_settings(settings), log=cast(Any, log), on_state=fleet.connected, random=random.random
        )
        fleet.attach(link)
        rooms = make_rooms(
            settings,
            store=store,
            engine=engine,
            merchants=merchants,
            fleet=fleet,
            roster=roster,
            clock=clock,
            log=cast(Any, log),
        )
        await rooms.goods.catalogues.open()
        running = asyncio.create_task(engine.run())
        served: Any = _web(settings, engine, roster, rooms, books=store, orders=None)
        gate: Gate = served.args[0]
        try:
            yield Whole(gate, cast(Doorman, gate._pages), store, rooms)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            rooms.people.close()
            rooms.desk.close()


def written(folder: Path, account: Path) -> Path:
    shutil.copytree(account / "keys", folder / "keys")
    save_private(folder / "bridge.key", generate())
    text = EXAMPLE.read_text()
    table = text[text.index("[[machines]]") :]
    for machine, other in ((OWN, ""), (FOREIGN, table.replace(OWN, FOREIGN))):
        save_public(folder / f"{machine}.pub", generate().public_key())
        text += f"\n{other}"
    path = folder / "bridge.toml"
    path.write_text(text)
    return path


def _filled(tx: Tx) -> None:
    """A sale with a case, an alarm and a line of each machine."""
    for n, (machine, sale_id) in enumerate(SALES.items(), start=1):
        sale = replace(
            PAID,
            sale_id=sale_id,
            machine=machine,
            product_zh=GOODS[machine],
            transaction_id=f"4200{n}",
            state=State.CASE,
            case="brakes",
            opened_wall_ms=n,
            changed_wall_ms=n,
        )
        _case(tx, sale)
        tx.note(Fact(wall_ms=n, machine=machine, sale_id=sale_id, who="edge", what=f"{GOODS[machine]} fell"))
        alarm = StandingAlarm(
            machine=machine, name="lane_jam", lane=11, code="E21", text=GOODS[machine], since_wall_ms=n
        )
        tx.set_alarm(alarm)


def _case(tx: Tx, sale: Sale) -> None:
    put(tx, sale)
    tx.open_case(
        Case(
            sale_id=sale.sale_id,
            machine=sale.machine,
            reason="brakes",
            evidence=sale.product_zh,
            opened_wall_ms=sale.opened_wall_ms,
        )
    )


async def arrive(bridge: Whole, *people: Person) -> list[Caller]:
    """Everybody as a user with a session, or as a program with a token."""
    now_ms = SystemClock().wall_ms()
    callers = [
        Caller(each, bearer=f"token of {each.name}")
        if each.program
        else Caller(each, session=f"session of {each.name}")
        for each in people
    ]

    def into(tx: PeopleTx) -> str:
        for caller in callers:
            each = caller.person
            scope: dict[str, Any] = {
                "roles": each.roles,
                "machines": each.machines,
                "merchants": each.merchants,
                "everywhere": each.everywhere,
            }
            if each.program:
                tx.put_token(
                    Token(id=hashed(caller.bearer), name=each.name, **scope, by="root", made_wall_ms=0)
                )
                continue
            tx.put_user(User(name=each.name, **scope, password="", made_wall_ms=0, changed_wall_ms=0))
            tx.put_session(
                Session(
                    id=hashed(caller.session),
                    name=each.name,
                    proven=each.proven,
                    made_wall_ms=now_ms,
                    seen_wall_ms=now_ms,
                )
            )
        return ""

    await bridge.rooms.people.people.managed(into)
    return callers


def somebody(role: Role, *, own: bool, proven: bool = True, program: bool = False) -> Person:
    """A person of one role, on one machine or on all."""
    words = (role.value, "own" if own else "all", "" if proven else "unproven", "program" if program else "")
    return Person(
        name="-".join(word for word in words if word),
        roles=frozenset({role}),
        machines=frozenset({OWN}) if own else frozenset(),
        everywhere=not own,
        proven=proven,
        program=program,
    )
