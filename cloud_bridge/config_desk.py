"""The `[complaints]`, `[alerts]` and `[shipping]` tables: what is done by itself, and who is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from cloud_bridge.wechat.plain import parted
from wire.settings import File, Pattern, Range, read_secret

LANGUAGES: Final = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}
ROBOTS: Final = ("wecom", "dingtalk", "feishu")
MOST_SINKS: Final = 8
MINI_PROGRAM_HOST: Final = "https://api.weixin.qq.com"
_PRIVATE: Final = File(private=True)
_NAME: Final = Pattern(r"[a-z0-9-]{1,16}", "1 to 16 of a-z 0-9 -")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintsTable:
    """Complaints are looked after with or without this table.

    `manage_address` has the platform send notifications of them to each merchant's `notify_url`: set right at
    each start, and in place of whatever was there. Without it they are found by asking each `ask_again_s`.
    """

    manage_address: bool = False
    ask_again_s: Annotated[int, Range(60, 86_400, "s")] = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkTable:
    """A robot of a group chat. Its address and its signing secret stand in files of their own."""

    name: Annotated[str, _NAME]
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
class AlertsTable:
    """Who is told of alarms, beside page and broker. `language` is zh, en or both."""

    language: Annotated[str, Pattern("zh|en|both", "zh, en or both")] = "zh"
    proxy_url: str = field(default="", repr=False)
    sinks: tuple[SinkTable, ...] = ()

    def __post_init__(self) -> None:
        names = [sink.name for sink in self.sinks]
        if len(set(names)) < len(names):
            raise ValueError("a name of a sink twice")
        if "mqtt" in names:
            raise ValueError("the name mqtt, which is the broker's")
        if len(names) > MOST_SINKS:
            raise ValueError(f"{len(names)} sinks; {MOST_SINKS} are allowed")


def described(alerts: AlertsTable, complaints: ComplaintsTable) -> tuple[list[str], list[str]]:
    """What `check-config` says of them: a line for each, and the mistakes. No address is shown in full."""
    asked = f"asked for each {complaints.ask_again_s} s"
    lines = [f"complaints: {'notifications come to us' if complaints.manage_address else asked}"]
    mistakes = []
    for sink in alerts.sinks:
        try:
            signed = "signed" if sink.secret else "not signed"
            lines.append(f"alerts.sinks: {sink.name}: {sink.kind} at {sink.address[0]}, {signed}")
        except (OSError, ValueError) as error:
            mistakes.append(f"alerts.sinks: {sink.name}: url_file {sink.url_file}: {error}")
    return lines, mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingTable:
    """Reports of deliveries (self-pickup) to the platform of mini-programs, for an appid under that regime.

    Only for payments made inside such a mini-program: others never enter it, and each would be asked in vain.
    """

    app_secret_file: Annotated[Path, _PRIVATE] | None = None
    base_url: Annotated[str, Pattern(r"https?://[^/?#@\s]+", "scheme and host")] = MINI_PROGRAM_HOST
    proxy_url: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        parted(self.base_url)
