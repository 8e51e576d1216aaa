"""The `[alerts]` tables: who is told of what, when, and from when on a machine is worth a word.

Addresses, passwords and signing secrets stand in files of their own; none is ever shown in full.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final

from cloud_bridge.config_desk import ComplaintsTable
from cloud_bridge.core.alarm import Wants, Weight
from cloud_bridge.core.lookout import Terms
from cloud_bridge.wechat.plain import parted
from wire.settings import File, Pattern, Range, read_secret

LANGUAGES: Final = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}
ROBOTS: Final = ("wecom", "dingtalk", "feishu")
MOST_SINKS: Final = 16
MOST_READERS: Final = 20
_PRIVATE: Final = File(private=True)
_NAME: Final = Pattern(r"[a-z0-9-]{1,16}", "1 to 16 of a-z 0-9 -")
_WEIGHT: Final = Pattern("note|warning|urgent", "note, warning or urgent")
_ADDRESS: Final = Pattern(r"[^\s@,<>]{1,64}@[^\s@,<>]{1,190}", "an address such as ann@example.com")
_A_DAY_MIN: Final = 24 * 60
_DEFAULT: Final = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What all of them have: from which weight on they are told, and after how many minutes.

    `after_min` above 0 makes it one that is told only of what stood so long and nobody took into his hands.
    """

    name: Annotated[str, _NAME]
    least: Annotated[str, _WEIGHT] = "note"
    after_min: Annotated[int, Range(0, _A_DAY_MIN, "min")] = 0
    digest: bool = False

    @property
    def wants(self) -> Wants:
        """As the rules read it."""
        return Wants(least=Weight[self.least.upper()], after_s=self.after_min * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkTable(Told):
    """A robot of a group chat."""

    kind: Annotated[str, Pattern("|".join(ROBOTS), f"one of {', '.join(ROBOTS)}")]
    url_file: Annotated[Path, _PRIVATE]
    secret_file: Annotated[Path, _PRIVATE] | None = None

    def __post_init__(self) -> None:
        if self.kind == "wecom" and self.secret_file is not None:
            raise ValueError("secret_file for wecom, which signs nothing")

    @property
    def address(self) -> tuple[str, str]:
        """Scheme and host, and the rest. Raises OSError, ValueError."""
        return parted(read_secret(self.url_file))

    @property
    def secret(self) -> str:
        """What signs. Raises OSError."""
        return read_secret(self.secret_file) if self.secret_file is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTable(Told):
    """A program of the operator's own; what is posted to it is signed with the secret."""

    url_file: Annotated[Path, _PRIVATE]
    secret_file: Annotated[Path, _PRIVATE]

    @property
    def address(self) -> tuple[str, str]:
        """Scheme and host, and the rest. Raises OSError, ValueError."""
        return parted(read_secret(self.url_file))

    @property
    def secret(self) -> str:
        """What signs. Raises OSError."""
        return read_secret(self.secret_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTable(Told):
    """A mail server, and who gets mail through it. In the clear only to this computer."""

    host: Annotated[str, Pattern(r"[A-Za-z0-9.:-]{1,255}", "a host's name")]
    port: Annotated[int, Range(1, 65535)] = 465
    tls: Annotated[str, Pattern("implicit|starttls|none", "implicit, starttls or none")] = "implicit"
    ca_file: Annotated[Path, File()] | None = None
    user: str = ""
    password_file: Annotated[Path, _PRIVATE] | None = None
    sender: Annotated[str, _ADDRESS]
    to: tuple[Annotated[str, _ADDRESS], ...]

    def __post_init__(self) -> None:
        if self.tls == "none" and not _here(self.host):
            raise ValueError(f'tls = "none" for {self.host}, which is not this computer')
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("user or password_file alone; a login needs both")
        if not 1 <= len(self.to) <= MOST_READERS:
            raise ValueError(f"{len(self.to)} addresses in to; 1 to {MOST_READERS} are allowed")

    @property
    def secret(self) -> str:
        """The password. Raises OSError."""
        return read_secret(self.password_file) if self.password_file is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookoutTable:
    """From when on what is seen of a machine is an alarm: `[alerts.machines]`."""

    offline_min: Annotated[int, Range(1, _A_DAY_MIN, "min")] = _DEFAULT.offline_min
    links_an_hour: Annotated[int, Range(2, 100)] = _DEFAULT.links
    door_min: Annotated[int, Range(1, _A_DAY_MIN, "min")] = _DEFAULT.door_min
    warm_min: Annotated[int, Range(1, _A_DAY_MIN, "min")] = _DEFAULT.warm_min
    lowest_c: Annotated[int, Range(-60, 100, "°C")] = _DEFAULT.lowest_c
    highest_c: Annotated[int, Range(-60, 100, "°C")] = _DEFAULT.highest_c

    def __post_init__(self) -> None:
        if self.lowest_c >= self.highest_c:
            raise ValueError(f"lowest_c {self.lowest_c} not below highest_c {self.highest_c}")

    @property
    def terms(self) -> Terms:
        """As the rules read it."""
        return Terms(
            offline_min=self.offline_min,
            links=self.links_an_hour,
            door_min=self.door_min,
            warm_min=self.warm_min,
            lowest_c=self.lowest_c,
            highest_c=self.highest_c,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsTable:
    """Who is told of alarms, beside page and broker. `language` is zh, en or both.

    At `digest_hour`, on the platform's clock, those with `digest` get the day that is over.
    """

    language: Annotated[str, Pattern("zh|en|both", "zh, en or both")] = "zh"
    proxy_url: str = field(default="", repr=False)
    digest_hour: Annotated[int, Range(0, 23)] = 8
    machines: LookoutTable = field(default_factory=LookoutTable)
    sinks: tuple[SinkTable, ...] = ()
    mails: tuple[MailTable, ...] = ()
    hooks: tuple[HookTable, ...] = ()

    def __post_init__(self) -> None:
        names = [each.name for each in self.everybody]
        if len(set(names)) < len(names):
            raise ValueError("a name of a sink twice")
        if "mqtt" in names:
            raise ValueError("the name mqtt, which is the broker's")
        if len(names) > MOST_SINKS:
            raise ValueError(f"{len(names)} sinks; {MOST_SINKS} are allowed")

    @property
    def everybody(self) -> tuple[SinkTable | MailTable | HookTable, ...]:
        """All who are told."""
        return (*self.sinks, *self.mails, *self.hooks)

    @property
    def readers(self) -> frozenset[str]:
        """The names of those who get the digest."""
        return frozenset(each.name for each in self.everybody if each.digest)


def described(alerts: AlertsTable, complaints: ComplaintsTable) -> tuple[list[str], list[str]]:
    """What `check-config` says of them: a line for each, and the mistakes. No address is shown in full."""
    asked = f"asked for each {complaints.ask_again_s} s"
    lines = [f"complaints: {'notifications come to us' if complaints.manage_address else asked}"]
    mistakes = []
    for each in alerts.everybody:
        where = f"alerts.{_table(each)}: {each.name}"
        try:
            lines.append(f"{where}: {' '.join(_about(each))}")
        except (OSError, ValueError) as error:
            mistakes.append(f"{where}: {_files(each)}: {error}")
    if alerts.readers:
        lines.append(
            f"alerts: a digest at {alerts.digest_hour}:00 +08:00 to {', '.join(sorted(alerts.readers))}"
        )
    return lines, mistakes


def _about(each: SinkTable | MailTable | HookTable) -> Iterator[str]:
    if isinstance(each, MailTable):
        login = "with a login" if each.secret else "without a login"
        yield f"mail over {each.host}:{each.port}, tls {each.tls}, {login}, to {len(each.to)}"
    else:
        kind = each.kind if isinstance(each, SinkTable) else "a program"
        yield f"{kind} at {each.address[0]}, {'signed' if each.secret else 'not signed'}"
    if each.least != "note":
        yield f"from {each.least} on"
    if each.after_min:
        yield f"after {each.after_min} min that nobody takes it"


def _table(each: SinkTable | MailTable | HookTable) -> str:
    return {SinkTable: "sinks", MailTable: "mails", HookTable: "hooks"}[type(each)]


def _files(each: SinkTable | MailTable | HookTable) -> str:
    if isinstance(each, MailTable):
        return f"password_file {each.password_file}"
    return f"url_file {each.url_file}"


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
