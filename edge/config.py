"""The machine's settings: one TOML file, read strictly. `docs/examples/edge.toml` shows every table."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from edge.core.model import Session
from edge.display.settings import DisplaySettings
from edge.drivers.keypad import KeypadSettings
from edge.drivers.registry import SETTINGS, BusSettings
from wire.broker import BrokerSettings, Letter
from wire.codec import encode
from wire.envelope import BadKeyFile, key_id, load_private, load_public
from wire.messages import Presence
from wire.mqtt_table import MqttTable
from wire.settings import BadSettings, File, OneOf, Pattern, Range, load, place_of
from wire.topics import Branch, Topic, everything

Machine = Annotated[str, Pattern(r"[a-z0-9-]{4,32}", "4 to 32 of a-z 0-9 -")]
BRIDGE_LEASE_MIN_S: Final = 60
Seconds = Annotated[int, Range(1, 600, "s")]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysTable:
    """Our own Ed25519 key, and the bridge's public key (two during a rotation)."""

    machine_key_file: Annotated[Path, File(private=True)]
    bridge_public_key_files: tuple[Annotated[Path, File()], ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.bridge_public_key_files) <= 2:
            count = len(self.bridge_public_key_files)
            raise ValueError(f"bridge_public_key_files: {count} files, allowed 1 or 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleTable:
    """What a sale promises, and how many motor runs the machine allows itself whoever asks for them.

    The pay window is the bridge's; it must end before the lease. The bridge refuses a lease outside its own
    `lease_min_s` to `lease_max_s`, which a shop leaves at 60 to 600.
    """

    lease_s: Seconds = 240
    grace_s: Seconds = 8
    answer_s: Annotated[float, Range(0.5, 30, "s")] = 8.0
    vends_a_minute: Annotated[int, Range(1, 1000)] = 20
    vends_a_day: Annotated[int, Range(1, 100_000)] = 400

    def __post_init__(self) -> None:
        if self.grace_s >= self.lease_s:
            raise ValueError(f"grace_s {self.grace_s} is not less than lease_s {self.lease_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """Everything that `wxvend edge run` needs to know."""

    machine: Machine
    journal: Path
    keys: KeysTable
    bus: Annotated[BusSettings, OneOf(SETTINGS)]  # exactly one sub-table, named after the bus
    mqtt: MqttTable = field(default_factory=MqttTable)
    display: DisplaySettings = field(default_factory=DisplaySettings)
    keypad: KeypadSettings | None = None
    sale: SaleTable = field(default_factory=SaleTable)

    def __post_init__(self) -> None:
        patience_s = getattr(self.bus, "patience_s", None)
        if patience_s is not None and self.sale.lease_s > patience_s - 5:
            raise ValueError(
                f"sale.lease_s {self.sale.lease_s} is more than bus.{self.bus.bus}.patience_s {patience_s} "
                "less 5: the machine would give up while a payment is still honoured"
            )


def read_settings(path: Path) -> EdgeSettings:
    """Read and check `path`. Raises wire.settings.BadSettings with every mistake and its place."""
    return load(path, EdgeSettings)


def places(path: Path) -> tuple[Path, Path]:
    """Where the machine's key and its journal are to be, though they and other files may not exist yet.

    Raises wire.settings.BadSettings when these two cannot be found in `path`.
    """
    folder = path.absolute().parent
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        return place_of(table["keys"]["machine_key_file"], folder), place_of(table["journal"], folder)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        settings = read_settings(path)  # says what is wrong, and where
        return settings.keys.machine_key_file, settings.journal


def findings(path: Path) -> tuple[bool, list[str]]:
    """What `check-config` says: whether all is well, and a line for each thing found, mistakes last."""
    try:
        settings = read_settings(path)
    except BadSettings as error:
        return False, str(error).splitlines()
    lines = [f"machine: {settings.machine}", f"journal: {settings.journal}"]
    mistakes: list[str] = []
    for found, wrong in (_keys(settings.keys), _bus(settings.bus), _font(settings.display)):
        lines, mistakes = [*lines, *found], [*mistakes, *wrong]
    lease_s = settings.sale.lease_s
    if lease_s < BRIDGE_LEASE_MIN_S:
        lines.append(
            f"warning: sale.lease_s: found {lease_s}; a bridge with the usual [timings] refuses less than "
            f"{BRIDGE_LEASE_MIN_S}. Try: {BRIDGE_LEASE_MIN_S} to 600"
        )
    return not mistakes, [*lines, *mistakes]


def _keys(table: KeysTable) -> tuple[list[str], list[str]]:
    """Which key is which, and what is no key or the other side's."""
    lines: list[str] = []
    mistakes: list[str] = []
    own = ""
    try:
        own = key_id(load_private(table.machine_key_file).public_key())
        lines.append(f"keys.machine_key_file: private key {own}; the bridge knows its public half")
    except BadKeyFile as error:
        mistakes.append(f"keys.machine_key_file: {error}")
    for file in table.bridge_public_key_files:
        try:
            name = key_id(load_public(file))
        except BadKeyFile as error:
            mistakes.append(f"keys.bridge_public_key_files: {error}")
            continue
        if name == own:
            mistakes.append(
                f"keys.bridge_public_key_files: {file}: found this machine's own key, allowed the bridge's. "
                "Try: the .pub that `wxvend bridge init` made"
            )
        else:
            lines.append(f"keys.bridge_public_key_files: public key {name} of the bridge")
    return lines, mistakes


def _bus(settings: BusSettings) -> tuple[list[str], list[str]]:
    """What the bus's port is. A missing one may be unplugged, and the daemon waits for it: no mistake."""
    name, port = f"bus.{settings.bus}.port", settings.port
    hint = "Try: wxvend tech ports, and a name under /dev/serial/by-path"
    if not port.exists():
        return [f"warning: {name}: {port}: found no device now; the daemon waits for it. {hint}"], []
    if not port.is_char_device():
        return [], [f"{name}: {port}: found no serial port, allowed a terminal device. {hint}"]
    return [f"{name}: {port}"], []


def _font(display: DisplaySettings) -> tuple[list[str], list[str]]:
    """Whether the screen's sentences can be written, where there is a screen."""
    if not display.drawn:
        return [], []
    from edge.display.errors import BadFont
    from edge.display.fonts import open_face
    from edge.display.words import everything

    try:
        face = open_face(configured=display.font_file, sentences=everything())
    except BadFont as error:
        return [], [str(error)]
    return [f"display.font_file: {face.path} can write every sentence of the screen"], []


def presence(session: Session, *, online: bool) -> bytes:
    """What stands retained of a session at the broker, so that an old will cannot bury a newer birth."""
    return encode(Presence(online=online, jid=session.jid, boot=session.boot, bits=session.bits))


def broker_settings(settings: EdgeSettings, session: Session) -> BrokerSettings:
    """The link's settings, with this session's presence as will and birth."""
    from_table, machine = settings.mqtt, settings.machine
    topic = Topic(machine, Branch.STATE, "presence")
    return BrokerSettings(
        host=from_table.host,
        port=from_table.port,
        client_id=machine,
        filters=(everything(machine, Branch.DOWN), everything(machine, Branch.SET)),
        will=Letter(topic, presence(session, online=False)),
        birth=Letter(topic, presence(session, online=True)),
        login=from_table.login,
        tls=from_table.tls,
    )
