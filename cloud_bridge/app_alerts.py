"""Everybody who is told of alarms, made of the settings: robots, mail servers, programs."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from cloud_bridge.config_alerts import LANGUAGES, AlertsTable, HookTable, MailTable, SinkTable
from cloud_bridge.ports import Clock
from cloud_bridge.web.hooks import Hook, HookSettings
from cloud_bridge.web.mail import Mail, MailSettings
from cloud_bridge.web.robots import Robot, RobotSettings
from cloud_bridge.wechat.hooks import HookExchange
from cloud_bridge.wechat.plain import Host, PlainExchange, PlainHost

Teller = Robot | Mail | Hook


class Tellers:
    """Made before the daemon runs. One whose files cannot be used is told to `unusable`: sales go on."""

    def __init__(self, alerts: AlertsTable, clock: Clock, unusable: Callable[[str, str], None]) -> None:
        self._alerts: Final = alerts
        self._clock: Final = clock
        self._hosts: Final = ExitStack()
        made: list[Teller] = []
        for table in alerts.everybody:
            try:
                made.append(self._made(table))
            except (OSError, ValueError) as error:
                unusable(table.name, str(error))
        self.all: Final = tuple(made)

    @property
    def readers(self) -> tuple[Teller, ...]:
        """Those who get the digest."""
        return tuple(each for each in self.all if each.name in self._alerts.readers)

    def close(self) -> None:
        """Let go of every host."""
        self._hosts.close()

    def _made(self, table: SinkTable | MailTable | HookTable) -> Teller:
        match table:
            case SinkTable():
                return self._robot(table)
            case MailTable():
                return self._mail(table)
            case HookTable():
                return self._hook(table)

    def _robot(self, table: SinkTable) -> Robot:
        (base_url, target), secret = table.address, table.secret
        about = RobotSettings(
            name=table.name,
            kind=table.kind,
            target=target,
            secret=secret,
            languages=LANGUAGES[self._alerts.language],
            wants=table.wants,
        )
        return Robot(about, self._host(base_url, PlainExchange()), self._clock)

    def _mail(self, table: MailTable) -> Mail:
        about = MailSettings(
            name=table.name,
            host=table.host,
            port=table.port,
            tls=table.tls,
            sender=table.sender,
            to=table.to,
            user=table.user,
            password=table.secret,
            authorities=None if table.ca_file is None else str(table.ca_file),
            languages=LANGUAGES[self._alerts.language],
            wants=table.wants,
        )
        return Mail(about, self._clock)

    def _hook(self, table: HookTable) -> Hook:
        (base_url, target), secret = table.address, table.secret
        if not secret:
            raise ValueError("secret_file is empty")
        about = HookSettings(name=table.name, target=target, wants=table.wants)
        return Hook(about, self._host(base_url, HookExchange(secret, self._clock)), self._clock)

    def _host(self, base_url: str, exchange: PlainExchange) -> PlainHost:
        host = PlainHost(Host(base_url, self._alerts.proxy_url), self._clock, exchange)
        self._hosts.callback(host.close)
        return host
