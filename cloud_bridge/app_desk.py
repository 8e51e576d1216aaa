"""What a shop's people work with, wired: complaints, alarms that are told on, monitors, delivery reports."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Final

from cloud_bridge.app_alerts import Tellers
from cloud_bridge.app_merchants import Merchants
from cloud_bridge.app_watch import Routes, Watching
from cloud_bridge.config import BridgeSettings
from cloud_bridge.core.standing import clearing
from cloud_bridge.engine import Engine
from cloud_bridge.engine_alerts import Alerts
from cloud_bridge.engine_complaints import Complaints, ComplaintSettings
from cloud_bridge.engine_monitors import Monitors
from cloud_bridge.engine_shipping import Shipping
from cloud_bridge.engine_standing import clear_in
from cloud_bridge.fleet.alarms import AlarmStates
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import Clock, Log, OtherNotice
from cloud_bridge.ports_desk import ComplaintHint, DeskStore, Violation
from cloud_bridge.store.books import SqlStore
from cloud_bridge.wechat.complaints import WechatComplaints
from cloud_bridge.wechat.plain import Host, PlainHost
from cloud_bridge.wechat.shipping import MiniProgram
from wire.settings import read_secret

_A_DAY_S: Final = 24 * 3600.0
Asked = Mapping[str, str]
Answer = Callable[[Asked], Awaitable[tuple[str, str]]]


class Desk:
    """Made before the daemon runs. A robot whose files cannot be used is told to the log: sales go on."""

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        store: SqlStore,
        engine: Engine,
        merchants: Merchants,
        fleet: Fleet,
        roster: Roster,
        clock: Clock,
        log: Log,
    ) -> None:
        self._hosts: Final[list[PlainHost]] = []
        self.clock: Final = clock
        self.log: Final = log
        self._engine: Final = engine
        self._store: Final[DeskStore] = store
        self.complaints: Final = Complaints(
            store=store,
            sales=engine,
            calls={
                name: WechatComplaints(each.settings.mchid, each.keys.private_key, each.client)
                for name, each in merchants.by_name.items()
            },
            clock=clock,
            log=log,
            settings=_complaint_settings(settings, merchants),
        )
        self._monitors: Final = Monitors(store=store, watch=engine.watch, clock=clock)
        self._tellers: Final = Tellers(settings.alerts, clock, lambda name, why: self._unusable(name, why))
        states = AlarmStates(fleet.shown, lambda: fleet.linkups)
        self._alerts: Final = Alerts(store=store, sinks=(states, *self._tellers.all), clock=clock, log=log)
        self._watching: Final = Watching(
            settings,
            books=store,
            roster=roster,
            linked=lambda: fleet.linked,
            readers=self._tellers.readers,
            clock=clock,
            log=log,
        )
        self._shipping: Final = self._reports(settings, merchants, store, log)
        engine.others = self._take

    def tasks(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What runs as long as the daemon does, by name."""
        tasks = {
            "complaints": self.complaints.run(),
            "monitors": self._monitors.run(),
            "alerts": self._alerts.run(),
            **self._watching.tasks(),
        }
        return tasks if self._shipping is None else {**tasks, "shipping": self._shipping.run()}

    def rooms(self) -> Sequence[Routes]:
        """Routes for the bridge's face."""
        return self._watching.rooms()

    def doors(self) -> Mapping[str, Answer]:
        """What people at this computer may ask for, beside cases: why not, and what is said."""
        return {
            "answer": self._answer,
            "complete": self._complete,
            "phone": self._phone,
            "clear": self._clear,
            "test": self._test,
            "care": self._watching.care_for,
        }

    def close(self) -> None:
        """Let go of every host."""
        self._tellers.close()
        for host in self._hosts:
            host.close()

    # ------------------------------------------------------------ what comes in

    async def _take(self, notice: OtherNotice) -> None:
        """A notification about something else than money; durable when this returns."""
        match notice:
            case ComplaintHint():
                await self.complaints.hint(notice)
            case Violation():
                await self._monitors.violated(notice)

    async def _answer(self, asked: Asked) -> tuple[str, str]:
        return await self.complaints.answer(asked["complaint_id"], asked["words"], asked["by"]), ""

    async def _complete(self, asked: Asked) -> tuple[str, str]:
        return await self.complaints.complete(asked["complaint_id"], asked["by"]), ""

    async def _phone(self, asked: Asked) -> tuple[str, str]:
        found = await self.complaints.phone(asked["complaint_id"], asked["by"])
        return ("" if found else "the platform gave no number, or it cannot be opened"), found

    async def _clear(self, asked: Asked) -> tuple[str, str]:
        try:
            wanted = clearing(asked)
        except ValueError as error:
            return str(error), ""
        return await clear_in(self._store, wanted, self.clock.wall_ms, running=True), ""

    async def _test(self, _asked: Asked) -> tuple[str, str]:
        said = [f"{each.name}: {await each.test() or 'taken'}" for each in self._tellers.all]
        return ("" if said else "nobody in [alerts] of the settings"), "; ".join(said)

    # ------------------------------------------------------------ made of settings

    def _unusable(self, name: str, why: str) -> None:
        self.log.warning("alerts.unusable", sink=name, why=why)

    def _reports(
        self, settings: BridgeSettings, merchants: Merchants, store: DeskStore, log: Log
    ) -> Shipping | None:
        table, first = settings.shipping, merchants.by_name.get("")
        if table.app_secret_file is None or first is None:
            return None
        calls = MiniProgram(
            first.settings,
            first.client,
            self._host(Host(table.base_url, table.proxy_url)),
            app_secret=read_secret(table.app_secret_file),
            clock=self.clock,
        )
        return Shipping(store=store, calls={"": calls}, clock=self.clock, log=log)

    def _host(self, host: Host) -> PlainHost:
        self._hosts.append(PlainHost(host, self.clock))
        return self._hosts[-1]


def _complaint_settings(settings: BridgeSettings, merchants: Merchants) -> ComplaintSettings:
    table = settings.complaints
    if not table.manage_address:
        return ComplaintSettings(addresses={}, sweep_s=float(table.ask_again_s))
    addresses = {name: each.settings.notify_url for name, each in merchants.by_name.items()}
    return ComplaintSettings(addresses=addresses, sweep_s=_A_DAY_S)
