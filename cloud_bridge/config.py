"""The bridge's settings: one TOML file, read strictly. `docs/examples/bridge.toml` shows every table."""

import json
import tomllib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final

from cloud_bridge.config_wechat import WechatTable
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.ports import Shelf, ShelfProduct
from cloud_bridge.wechat.key_report import describe_keys
from wire.broker import BrokerSettings
from wire.envelope import BadKeyFile, PublicKey, key_id, load_private, load_public
from wire.mqtt_table import MqttTable
from wire.settings import BadSettings, File, Pattern, Range, load, read_secret
from wire.topics import LIMIT_BYTES, Branch, everything

MQTT_NAME: Final = "bridge"
LANES_LIMIT: Final = 200
CATALOGUE_BYTES: Final = LIMIT_BYTES[Branch.SET]
# Messages of all machines that may be between the broker and our commit; the books share a commit.
IN_FLIGHT: Final = 64

Machine = Annotated[str, Pattern(r"[a-z0-9-]{4,32}", "4 to 32 of a-z 0-9 -")]
Seconds = Annotated[int, Range(1, 3600, "s")]
Wait = Annotated[float, Range(0.05, 86_400, "s")]
Spare = Annotated[float, Range(0, 86_400, "s")]
Refunds = Annotated[int, Range(1, 1_000_000, "refunds")]


def _text(most: int) -> Pattern:
    return Pattern(rf"[^\x00-\x1f\x7f]{{1,{most}}}", f"1 to {most} characters on one line")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysTable:
    """The Ed25519 key that signs what machines are told. `wxvend bridge init` makes it."""

    bridge_key_file: Annotated[Path, File(private=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTable:
    """The books: an SQLite file on a disk that keeps what was flushed, or another database by its address.

    The address stands in a file of its own, because it holds a password: postgresql+psycopg://user:...@host/db
    """

    file: Path | None = None
    url_file: Annotated[Path, File(private=True)] | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.url_file is None):
            raise ValueError("both file and url_file, or neither; exactly one is needed")

    @property
    def url(self) -> str:
        """The address of the books. Raises OSError."""
        return f"sqlite:///{self.file}" if self.url_file is None else read_secret(self.url_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebTable:
    """Where notifications and the operators' page are served: loopback, behind a proxy that speaks TLS.

    The page has no login yet. It answers under `page_hosts` only; whoever gives it another name has the proxy
    ask who is there.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Range(0, 65535)] = 8080
    page_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingsTable(Timings):
    """Every wait, with what an operator may set. Without the table it is a shop's."""

    lease_min_s: Seconds = 60
    lease_max_s: Seconds = 600
    pay_s: Annotated[int, Range(1, 600, "s")] = 180
    last_payer_s: Annotated[int, Range(0, 600, "s")] = 20
    order_min_s: Annotated[int, Range(1, 600, "s")] = 60
    screen_less_s: Annotated[int, Range(0, 60, "s")] = 5
    bound_drift: Annotated[float, Range(1, 1.1)] = 1.002
    bound_slack_s: Spare = 1.0
    place_again_s: Wait = 1.0
    place_cap_s: Wait = 10.0
    query_first_s: Wait = 5.0
    query_s: Wait = 3.0
    query_spread_s: Spare = 2.0
    query_late_s: Wait = 15.0
    query_past_s: tuple[Wait, ...] = (60.0, 300.0, 900.0, 3600.0)
    look_again_s: Wait = 60.0
    authorise_s: Wait = 2.0
    authorise_factor: Annotated[float, Range(1, 10)] = 1.5
    authorise_cap_s: Wait = 10.0
    ask_s: Wait = 5.0
    ask_cap_s: Wait = 60.0
    doubt_s: Spare = 600.0
    gone_s: Wait = 900.0
    refund_again_s: tuple[Wait, ...] = (5.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0)
    refund_poll_s: tuple[Wait, ...] = (60.0, 60.0, 60.0, 60.0, 60.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
    refund_slow_s: Wait = 3600.0
    refund_tries: Annotated[int, Range(1, 10_000)] = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsTable(Limits):
    """How many refunds within `window_s` a machine's word is good for, before a person has to look."""

    window_s: Annotated[int, Range(60, 604_800, "s")] = 3600
    lane: Refunds = 3
    machine: Refunds = 6
    fleet: Refunds = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTable:
    """What lies in a lane and costs what."""

    lane: Annotated[int, Range(1, 9999)]
    name_zh: Annotated[str, _text(40)]
    name_en: Annotated[str, _text(60)]
    price_fen: Annotated[int, Range(1, 10_000_000, "fen")]
    picture: Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{0,120}", "at most 120 characters on one line")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTable:
    """A machine that may speak, and its catalogue. Raise `catalogue_version` with each change of it."""

    id: Machine
    public_key_file: Annotated[Path, File()]
    catalogue_version: Annotated[int, Range(1, 2**31)]
    lanes: tuple[LaneTable, ...]
    phone: Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{0,40}", "at most 40 characters on one line")] = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.lanes) <= LANES_LIMIT:
            raise ValueError(f"{len(self.lanes)} lanes; 1 to {LANES_LIMIT} are allowed")
        if twice := _first_twice([lane.lane for lane in self.lanes]):
            raise ValueError(f"lane {twice} twice")
        size = len(json.dumps(asdict(self), default=str, ensure_ascii=False).encode())
        if size > CATALOGUE_BYTES:
            raise ValueError(f"a catalogue of {size} bytes; {CATALOGUE_BYTES} are allowed")

    @property
    def shelf(self) -> Shelf:
        """The catalogue as the engine knows it."""
        products = tuple(
            ShelfProduct(
                lane=lane.lane,
                name_zh=lane.name_zh,
                name_en=lane.name_en,
                price_fen=lane.price_fen,
                picture=lane.picture,
            )
            for lane in self.lanes
        )
        return Shelf(machine=self.id, version=self.catalogue_version, phone=self.phone, products=products)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """Everything that `wxvend bridge run` needs to know."""

    keys: KeysTable
    store: StoreTable
    wechat: WechatTable
    machines: tuple[MachineTable, ...]
    mqtt: MqttTable = field(default_factory=MqttTable)
    web: WebTable = field(default_factory=WebTable)
    timings: TimingsTable = field(default_factory=TimingsTable)
    limits: LimitsTable = field(default_factory=LimitsTable)

    def __post_init__(self) -> None:
        if not self.machines:
            raise ValueError("no [[machines]]; at least one is needed")
        if twice := _first_twice([machine.id for machine in self.machines]):
            raise ValueError(f"machine {twice} twice")

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        """Every machine's catalogue."""
        return tuple(machine.shelf for machine in self.machines)


def read_settings(path: Path) -> BridgeSettings:
    """Read and check `path`. Raises wire.settings.BadSettings with every mistake and its place."""
    return load(path, BridgeSettings)


def key_place(path: Path) -> Path:
    """Where the bridge's key is to be, though it and other files may not exist yet.

    Raises wire.settings.BadSettings when this cannot be found in `path`.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        return path.absolute().parent / str(table["keys"]["bridge_key_file"])
    except (OSError, ValueError, KeyError, TypeError):
        return read_settings(path).keys.bridge_key_file  # says what is wrong, and where


def machine_keys(settings: BridgeSettings) -> dict[str, tuple[str, PublicKey]]:
    """Each machine's key id and key. Raises BadKeyFile, also when two machines would have one key."""
    keys: dict[str, tuple[str, PublicKey]] = {}
    owners: dict[str, str] = {}
    for machine in settings.machines:
        key = load_public(machine.public_key_file)
        owner = owners.setdefault(key_id(key), machine.id)
        if owner != machine.id:
            raise BadKeyFile(
                f"{machine.public_key_file}: found the key of {owner}, allowed one of {machine.id}'s own. "
                f"Try: wxvend edge init on {machine.id}, and give its .pub to the bridge"
            )
        keys[machine.id] = (key_id(key), key)
    return keys


def findings(path: Path, *, now_s: float) -> tuple[bool, list[str]]:
    """What `check-config` says: whether all is well, and a line for each mistake or each thing found."""
    try:
        settings = read_settings(path)
    except BadSettings as error:
        return False, str(error).splitlines()
    lines = [
        f"books: {settings.store.file or settings.store.url_file}",
        f"web: http://{settings.web.host}:{settings.web.port}",
    ]
    mistakes: list[str] = []
    try:
        own = key_id(load_private(settings.keys.bridge_key_file).public_key())
        lines.append(f"keys.bridge_key_file: private key {own}; machines know its public half")
    except BadKeyFile as error:
        mistakes.append(str(error))
    for machine in settings.machines:
        try:
            (name, _) = machine_keys(replace(settings, machines=(machine,)))[machine.id]
            lines.append(
                f"machines: {machine.id}: public key {name}; catalogue {machine.catalogue_version} "
                f"with {len(machine.lanes)} lanes"
            )
        except BadKeyFile as error:
            mistakes.append(str(error))
    if not mistakes:
        try:
            machine_keys(settings)
        except BadKeyFile as error:
            mistakes.append(str(error))
    report = describe_keys(settings.wechat.settings(), now_s=now_s)
    mistakes += [f"wechat.{mistake}" for mistake in report.mistakes]
    return not mistakes, [*lines, *(f"wechat.{line}" for line in report.lines), *mistakes]


def broker_settings(settings: BridgeSettings) -> BrokerSettings:
    """The link's settings: the reports and the states of all machines."""
    return BrokerSettings(
        host=settings.mqtt.host,
        port=settings.mqtt.port,
        client_id=MQTT_NAME,
        filters=(everything("+", Branch.UP), everything("+", Branch.STATE)),
        login=settings.mqtt.login,
        tls=settings.mqtt.tls,
        inflight=IN_FLIGHT,
    )


def _first_twice(names: list[str] | list[int]) -> str:
    seen: set[str | int] = set()
    for name in names:
        if name in seen:
            return str(name)
        seen.add(name)
    return ""
