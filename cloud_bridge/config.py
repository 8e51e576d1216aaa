"""The bridge's settings: one TOML file, read strictly. `docs/examples/bridge.toml` shows every table."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from cloud_bridge.config_alerts import AlertsTable, described
from cloud_bridge.config_bills import BillsTable
from cloud_bridge.config_desk import ComplaintsTable, ShippingTable
from cloud_bridge.config_doing import ByHandTable
from cloud_bridge.config_machines import MachineTable, first_twice
from cloud_bridge.config_timings import LimitsTable, TimingsTable
from cloud_bridge.config_tools import HomeAssistantTable
from cloud_bridge.config_web import WebTable, described_web
from cloud_bridge.config_wechat import (
    MerchantTable,
    WechatTable,
    accounts,
    astray,
    older_accounts,
    orderless,
)
from cloud_bridge.ports import Shelf
from cloud_bridge.wechat.key_report import describe_keys
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.v2_account import V2Settings
from cloud_bridge.wechat.v2_report import describe_v2
from wire.broker import BrokerSettings
from wire.envelope import BadKeyFile, PublicKey, key_id, load_private, load_public
from wire.mqtt_table import MqttTable
from wire.settings import BadSettings, File, load, place_of, read_secret
from wire.topics import Branch, everything

MQTT_NAME: Final = "bridge"
# Messages of all machines that may be between the broker and our commit; the books share a commit.
IN_FLIGHT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysTable:
    """The Ed25519 key that signs what machines are told. `wxvend bridge init` makes it."""

    bridge_key_file: Annotated[Path, File(private=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTable:
    """The books: an SQLite file on a disk that keeps what was flushed, or another database by its address.

    The address stands in a file of its own, because it holds a password: postgresql+psycopg://user:...@host/db
    `operator_socket` is where `wxvend bridge resolve` finds the daemon; beside an SQLite file by itself.
    """

    file: Path | None = None
    url_file: Annotated[Path, File(private=True)] | None = None
    operator_socket: Path | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.url_file is None):
            raise ValueError("both file and url_file, or neither; exactly one is needed")

    @property
    def door(self) -> Path | None:
        """The operator's socket, or None where nobody said where it is to be."""
        if self.operator_socket is not None or self.file is None:
            return self.operator_socket
        return self.file.with_name(f"{self.file.name}.operator")

    @property
    def url(self) -> str:
        """The address of the books. Raises OSError."""
        return f"sqlite:///{self.file}" if self.url_file is None else read_secret(self.url_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """Everything that `wxvend bridge run` needs to know."""

    keys: KeysTable
    store: StoreTable
    wechat: WechatTable
    machines: tuple[MachineTable, ...]
    merchants: tuple[MerchantTable, ...] = ()
    mqtt: MqttTable = field(default_factory=MqttTable)
    web: WebTable = field(default_factory=WebTable)
    timings: TimingsTable = field(default_factory=TimingsTable)
    limits: LimitsTable = field(default_factory=LimitsTable)
    complaints: ComplaintsTable = field(default_factory=ComplaintsTable)
    alerts: AlertsTable = field(default_factory=AlertsTable)
    shipping: ShippingTable = field(default_factory=ShippingTable)
    bills: BillsTable = field(default_factory=BillsTable)
    by_hand: ByHandTable = field(default_factory=ByHandTable)
    home_assistant: HomeAssistantTable = field(default_factory=HomeAssistantTable)

    def __post_init__(self) -> None:
        if not self.machines:
            raise ValueError("no [[machines]]; at least one is needed")
        if twice := first_twice([machine.id for machine in self.machines]):
            raise ValueError(f"machine {twice} twice")
        if wrong := astray(self.wechat, self.merchants, {each.id: each.merchant for each in self.machines}):
            raise ValueError(wrong)
        coded = {each.id: each.merchant for each in self.machines if each.printed_codes or each.codes_ahead}
        if lost := orderless(self.wechat, self.merchants, coded):
            raise ValueError(
                f"machine {lost} with codes for order requests, and no order_url of its merchant"
            )

    @property
    def accounts(self) -> Mapping[str, WechatSettings]:
        """Every merchant's account by his name; that of `[wechat]` has none."""
        return accounts(self.wechat, self.merchants)

    @property
    def older_accounts(self) -> Mapping[str, V2Settings]:
        """The accounts for APIv2 of those merchants who have a key for it."""
        return older_accounts(self.wechat, self.merchants)

    @property
    def bills_folder(self) -> Path:
        """Where bills and reports lie."""
        beside = self.store.file or self.store.url_file
        assert beside is not None, "one of both is there"
        return self.bills.folder or beside.with_name("bills")

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
        return place_of(table["keys"]["bridge_key_file"], path.absolute().parent)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return read_settings(path).keys.bridge_key_file  # says what is wrong, and where


def machine_keys(settings: BridgeSettings) -> dict[str, tuple[str, PublicKey]]:
    """Each machine's key id and key. Raises BadKeyFile, also when two machines would have one key."""
    owners: dict[str, str] = {}
    keys = {machine.id: _own_key(machine, owners) for machine in settings.machines}
    return {machine: (key_id(key), key) for machine, key in keys.items()}


def _own_key(machine: MachineTable, owners: dict[str, str]) -> PublicKey:
    """The machine's key, noted in `owners` by its id."""
    key = load_public(machine.public_key_file)
    owner = owners.setdefault(key_id(key), machine.id)
    if owner != machine.id:
        raise BadKeyFile(
            f"{machine.public_key_file}: found the key of {owner}, allowed one of {machine.id}'s own. "
            f"Try: wxvend edge init on {machine.id}, and give its .pub to the bridge"
        )
    return key


def findings(path: Path, *, now_s: float) -> tuple[bool, list[str]]:
    """What `check-config` says: whether all is well, and a line for each mistake or each thing found."""
    try:
        settings = read_settings(path)
    except BadSettings as error:
        return False, str(error).splitlines()
    lines, mistakes = _places(settings)
    owners: dict[str, str] = {}
    try:
        own = key_id(load_private(settings.keys.bridge_key_file).public_key())
        owners[own] = "the bridge"
        lines.append(f"keys.bridge_key_file: private key {own}; machines know its public half")
    except BadKeyFile as error:
        mistakes.append(f"keys.bridge_key_file: {error}")
    for machine in settings.machines:
        try:
            name = key_id(_own_key(machine, owners))
            shelf = f"catalogue {machine.catalogue_version} with {len(machine.lanes)} lanes"
            lines.append(f"machines: {machine.id}: public key {name}; {shelf}")
        except BadKeyFile as error:
            mistakes.append(f"machines: {machine.id}: public_key_file: {error}")
    told, wrong = described(settings.alerts, settings.complaints)
    lines, mistakes = [*lines, *told], [*mistakes, *wrong]
    for name, account in settings.accounts.items():
        report = describe_keys(account, now_s=now_s)
        where = f"merchants.{name}" if name else "wechat"
        mistakes += [f"{where}.{mistake}" for mistake in report.mistakes]
        lines += [f"{where}.{line}" for line in report.lines]
    for name, older in settings.older_accounts.items():
        report = describe_v2(older, now_s=now_s)
        where = f"merchants.{name}" if name else "wechat"
        mistakes += [f"{where}.{mistake}" for mistake in report.mistakes]
        lines += [f"{where}.{line}" for line in report.lines]
    return not mistakes, [*lines, *mistakes]


def _places(settings: BridgeSettings) -> tuple[list[str], list[str]]:
    """Where everything is, and what cannot be there."""
    mqtt, web, books = settings.mqtt, settings.web, settings.store.file
    lines = [
        f"store: {books or settings.store.url_file}",
        f"web: http://{web.host}:{web.port}; notifications come to {settings.wechat.notify_url}",
        f"mqtt: {mqtt.host}:{mqtt.port} {'over TLS' if mqtt.tls else 'in the clear'}, as {MQTT_NAME}",
    ]
    lines += described_web(web)
    if books is None or (books.parent.is_dir() and os.access(books.parent, os.W_OK)):
        return lines, []
    return lines, [f"store.file: found no folder {books.parent} to write in. Try: mkdir or chown it"]


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
