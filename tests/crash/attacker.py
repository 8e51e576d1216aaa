"""Somebody who owns the broker: he reads everything, says anything anywhere, and has a machine of his own."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hw_sim.demo.onlooker import NAME
from hw_sim.demo.scenery import MACHINE
from tests.process.programs import until
from wire.envelope import Signer, generate, key_id, save_public
from wire.topics import Branch, Topic

OTHER: Final = "cafe-08"
Pairs = Sequence[tuple[str, str]]
_properties: Final[Callable[[int], Any]] = Properties  # it has no types


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came by, with its user properties."""

    topic: str
    payload: bytes
    pairs: Pairs
    retained: bool

    @property
    def members(self) -> Mapping[str, Any]:
        """What it says."""
        found: Mapping[str, Any] = json.loads(self.payload)
        return found


@dataclass(slots=True)
class Attacker:
    """Connects with a certificate of `folder`, with the owner's rights unless told otherwise."""

    folder: Path
    port: int
    name: str = NAME
    heard: list[Heard] = field(default_factory=list)
    up: bool = False
    _client: mqtt.Client = field(init=False)

    async def __aenter__(self) -> Self:
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.name, protocol=MQTTProtocolVersion.MQTTv5
        )
        certs = self.folder / "certs"
        own = (str(certs / f"{self.name}.crt"), str(certs / f"{self.name}.key"))
        self._client.tls_set(str(certs / "ca.crt"), *own)
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        await until(lambda: self.up, "an attacker at the broker")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def say(self, topic: str, payload: bytes, pairs: Pairs = (), *, retain: bool = False) -> None:
        """Anything, anywhere, as whoever."""
        properties = _properties(PacketTypes.PUBLISH)
        if pairs:
            properties.UserProperty = list(pairs)
        self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)

    def repeat(self, heard: Heard, *, retain: bool = False) -> None:
        """The very same bytes and signature again."""
        self.say(heard.topic, heard.payload, heard.pairs, retain=retain)

    def of(self, kind: str, **members: Any) -> list[Heard]:
        """What came by of a kind below up/ or down/, its members being these."""
        return [
            each
            for each in tuple(self.heard)
            if each.topic.endswith(f"/{kind}") and members.items() <= each.members.items()
        ]

    async def hears(self, kind: str, **members: Any) -> Heard:
        """The newest of a kind, once there is one."""
        await until(lambda: bool(self.of(kind, **members)), f"{kind} {members}")
        return self.of(kind, **members)[-1]

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe("wxvend/v1/#", qos=1)
        self.up = True

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        pairs = getattr(message.properties, "UserProperty", [])
        self.heard.append(Heard(message.topic, bytes(message.payload), tuple(pairs), message.retain))


@dataclass(slots=True)
class Villain:
    """What he prepares: rights at the broker, and a machine whose valid key the bridge knows."""

    folder: Path
    voice: Signer = field(init=False)

    def __post_init__(self) -> None:
        key = generate()
        self.voice = Signer(key_id(key.public_key()), key)
        save_public(self.folder / "other.pub", key.public_key())

    def rewrite(self, name: str, text: str) -> str:
        """For a cast: the broker is his, and his machine has a place in the bridge's settings."""
        match name:
            case "broker.acl":
                return text.replace("topic read wxvend/v1/#", "topic readwrite wxvend/#")
            case "bridge.toml":
                machine, file = f'id = "{MACHINE}"', 'public_key_file = "machine.pub"'
                begin, end = text.index("machines = [") + len("machines = ["), text.index("\n")
                own = text[begin : end - 1]
                assert machine in own
                assert file in own
                his = own.replace(machine, f'id = "{OTHER}"').replace(file, 'public_key_file = "other.pub"')
                return f"machines = [{own}, {his}]{text[end:]}"
            case _:
                return text

    def signed(self, topic: str, payload: bytes, *, kid: str = "") -> Pairs:
        """His own valid signature, perhaps under somebody else's name."""
        machine, branch, kind = topic.removeprefix("wxvend/v1/").split("/", 2)
        (_, own), signature = self.voice.sign(Topic(machine, Branch(branch), kind), payload).user_properties
        return (("kid", kid or own), signature)
