"""One end's connection to the broker: MQTT 5, QoS 1, acknowledged by hand after the commit. Decides nothing.

Each connection gets a paho client of its own, so nothing that was queued, in flight or unacknowledged in
memory survives a disconnect: the outboxes are the truth and repeat what matters. paho's network thread
enters the loop by `call_soon_threadsafe` only.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from wire.acks import InOrder
from wire.broker import Backoff, BrokerSettings, Letter, LinkDown, PublishResult
from wire.envelope import Envelope
from wire.inbound import Inbound
from wire.inbox import Inbox
from wire.log import Log
from wire.topics import Outside, Topic, limit_bytes

CONTENT_TYPE: Final = "application/json"
CLOSE_TIMEOUT_S: Final = 2.0
_QOS: Final = 1
_WITH_WILL: Final = 0x04  # disconnect with will message (MQTT 5 §3.14.2.1)
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)

StateListener = Callable[[bool, str], None]
# The library leaves this class without types.
_properties: Final[Callable[[int], Any]] = Properties


class Link:
    """Keeps a connection up for as long as `run` runs. All methods belong to the event loop's thread."""

    def __init__(
        self, settings: BrokerSettings, *, log: Log, on_state: StateListener, random: Callable[[], float]
    ) -> None:
        """`on_state(connected, reason)` is told of each change; `random` gives 0..1 for the waits."""
        self._settings = settings
        self._log = log
        self._on_state = on_state
        self._backoff = Backoff(settings.reconnect_min_s, settings.reconnect_max_s, random)
        self._inbox = Inbox(settings.queue)
        self._connection: _Connection | None = None
        self._connections = 0
        self._state: bool | None = None
        self._reason = "not tried yet"
        self._closing = asyncio.Event()

    @property
    def connected(self) -> bool:
        """True from the granted subscriptions until the connection is known to be lost."""
        return self._state is True

    @property
    def reason(self) -> str:
        """Why the link is as it is, in words for an operator; the latest attempt's, while it is down."""
        return self._reason

    @property
    def overflowed(self) -> int:
        """Messages that came faster than they were received, beyond `queue`; the broker offers them again."""
        return self._inbox.overflowed

    async def run(self) -> None:
        """Connect, and connect again whenever the link is lost, until `close` or cancellation."""
        while not self._closing.is_set():
            wait_s = await self._one_connection()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._closing.wait()

    async def receive(self) -> Inbound:
        """Wait for the next message. Acknowledge it with `ack` when what it caused is durable."""
        return await self._inbox.take()

    def ack(self, inbound: Inbound) -> None:
        """Tell the broker that `inbound` is ours now.

        Without effect when its connection is gone: the broker offers the message again, and its number may
        mean another message by now.
        """
        if self._connection is not None and self._connection.number == inbound.connection:
            self._connection.ack(inbound)

    def publish(
        self,
        topic: Topic | Outside,
        payload: bytes,
        *,
        envelope: Envelope | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> "asyncio.Future[PublishResult]":
        """Hand a message to the broker; the future gives what the broker said of it.

        Raises LinkDown when there is no connection or `queue` messages wait for their answer: nothing was
        sent or kept. Raises ValueError for a payload that the other side would refuse as too long.
        """
        limit = limit_bytes(topic)
        if len(payload) > limit:
            raise ValueError(f"payload: found {len(payload)} bytes, allowed {limit} on {topic}")
        if not self.connected or self._connection is None:
            raise LinkDown("not connected")
        properties = _publish_properties(envelope, expiry_s)
        return self._connection.publish(Letter(topic, payload, retain=retain), properties)

    async def close(self) -> None:
        """Disconnect and end `run`; the broker publishes the will, as after every other end."""
        self._closing.set()
        if self._connection is not None:
            await self._connection.close("closed")

    async def _one_connection(self) -> float:
        """Live through one connection; give the seconds to wait before the next."""
        self._connections += 1
        connection = _Connection(self._settings, self._connections, self._inbox)
        self._connection = connection
        began_s = asyncio.get_running_loop().time()
        reason = "closed"
        try:
            await connection.open(resume=self._connections > 1)
            self._tell(True, f"connected to {self._settings.host}:{self._settings.port}")
            if self._settings.birth is not None:
                connection.publish(self._settings.birth, _publish_properties(None, None))
            reason = await asyncio.shield(connection.lost)
        except LinkDown as error:
            reason = str(error)
        finally:
            self._tell(False, reason)
            await connection.close("closed")
        return self._backoff.next_s(lasted_s=asyncio.get_running_loop().time() - began_s)

    def _tell(self, connected: bool, reason: str) -> None:
        self._reason = reason
        # A broker that stays away is no news.
        if connected is self._state:
            return
        self._state = connected
        self._log.info("link.up" if connected else "link.down", reason=reason)
        self._on_state(connected, reason)


class _Client(mqtt.Client):
    """A paho client that says when its thread ends, also when a malformed packet ended it."""

    ended: Callable[[str], None]

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """Run until the connection is gone; never connect again."""
        reason = "connection lost"
        try:
            code = super().loop_forever(timeout, retry_first_connection)
            reason = mqtt.error_string(code)
        except Exception as error:
            # The thread's top. What a broker sends must not end in a link that is dead and looks alive.
            reason = f"unreadable packet ({type(error).__name__})"
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
        finally:
            self.ended(reason)
        return code


class _Connection:
    """One TCP connection from CONNECT to its end."""

    def __init__(self, settings: BrokerSettings, number: int, inbox: Inbox) -> None:
        self.number = number
        self._settings = settings
        self._inbox = inbox
        self._loop = asyncio.get_running_loop()
        self._granted: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._started = False
        self._unanswered: dict[int, asyncio.Future[PublishResult]] = {}
        self._socket: socket.socket | None = None
        self._resume = False
        self._client = self._make_client()
        self._acks = InOrder(lambda mid: self._client.ack(mid, _QOS))

    async def open(self, *, resume: bool) -> None:
        """Return once connected and subscribed. Raises LinkDown with the reason otherwise.

        With `resume`, a session that the broker still has keeps its subscriptions as they are.
        """
        self._resume = resume
        try:
            await asyncio.to_thread(self._connect)
        except (OSError, ValueError) as error:
            raise LinkDown(f"cannot connect: {error}") from error
        self._client.loop_start()
        self._started = True
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await asyncio.wait((self._granted, self.lost), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise LinkDown("no answer to CONNECT in time") from error
        if self.lost.done():
            raise LinkDown(self.lost.result())

    def ack(self, inbound: Inbound) -> None:
        if inbound.qos == _QOS:
            self._acks.done(inbound.mid)

    def publish(self, letter: Letter, properties: Properties) -> "asyncio.Future[PublishResult]":
        if self.lost.done():
            raise LinkDown(self.lost.result())
        if len(self._unanswered) >= self._settings.queue:
            raise LinkDown(f"{self._settings.queue} messages wait for the broker's answer")
        info = self._client.publish(
            str(letter.topic), letter.payload, qos=_QOS, retain=letter.retain, properties=properties
        )
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkDown(mqtt.error_string(info.rc))
        answer: asyncio.Future[PublishResult] = self._loop.create_future()
        self._unanswered[info.mid] = answer
        return answer

    async def close(self, reason: str) -> None:
        """Disconnect, by force when the broker does not read, and wait for paho's thread to end."""
        self._lose(reason)
        if not self._started:
            return
        # An ordinary good-bye would make the broker forget the will, and us look present for ever.
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=_WITH_WILL))
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._ended.wait()
        except TimeoutError:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            await self._ended.wait()

    def _make_client(self) -> _Client:
        settings = self._settings
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.ended = lambda reason: self._post(self._on_ended, reason)
        client.connect_timeout = settings.connect_timeout_s
        client.max_inflight_messages_set(settings.inflight)
        client.max_queued_messages_set(settings.queue)
        if settings.will is not None:
            will = settings.will
            client.will_set(str(will.topic), will.payload, qos=_QOS, retain=will.retain)
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    def _connect(self) -> None:
        """In a worker thread: read the files afresh (they may have been renewed), then TCP and TLS."""
        settings = self._settings
        if settings.login is not None:
            password = settings.login.password_file.read_text("utf-8").rstrip("\r\n")
            self._client.username_pw_set(settings.login.username, password)
        if settings.tls is not None:
            context = ssl.create_default_context(cafile=settings.tls.ca_file)
            if settings.tls.certificate_file is not None:
                context.load_cert_chain(settings.tls.certificate_file, settings.tls.key_file)
            self._client.tls_set_context(context)
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = settings.session_expiry_s
        properties.ReceiveMaximum = settings.inflight
        properties.MaximumPacketSize = settings.max_packet_bytes
        self._client.connect(
            settings.host,
            settings.port,
            keepalive=settings.keepalive_s,
            clean_start=False,
            properties=properties,
        )
        if self.lost.done():  # given up meanwhile
            self._client.disconnect()

    # In paho's thread.

    def _on_socket_open(self, _client: mqtt.Client, _userdata: object, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock

    def _on_connect(self, client: mqtt.Client, _userdata: object, *answer: Any) -> None:
        flags, reason, _properties = answer
        if reason.is_failure:
            self._post(self._lose, f"refused: {reason}")
        elif not self._settings.filters or (self._resume and flags.session_present):
            self._post(self._grant)
        else:
            client.subscribe([(name, SubscribeOptions(qos=_QOS)) for name in self._settings.filters])

    def _on_subscribe(self, _client: mqtt.Client, _userdata: object, *answer: Any) -> None:
        _mid, reasons, _properties = answer
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._post(self._lose, f"subscription refused: {refused[0]}")
        else:
            self._post(self._grant)

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        if not self._inbox.reserve():
            if message.qos:  # on this connection it would never come again
                self._post(self._lose, "more messages than asked for")
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # the gate counts it as a bad topic and has it acknowledged
        inbound = Inbound(
            topic=topic,
            payload=bytes(message.payload),
            retained=message.retain,
            user_properties=tuple(getattr(message.properties, "UserProperty", ())),
            mid=message.mid,
            qos=message.qos,
            connection=self.number,
        )
        self._post(self._take, inbound)
        self._acknowledge_at_once()

    def _on_publish(self, _client: mqtt.Client, _userdata: object, *answer: Any) -> None:
        mid, reason, _properties = answer
        self._post(self._answer, mid, PublishResult(reason.value, str(reason)))
        self._acknowledge_at_once()

    def _on_disconnect(self, _client: mqtt.Client, _userdata: object, *answer: Any) -> None:
        flags, reason, _properties = answer
        if flags.is_disconnect_packet_from_server:
            self._post(self._lose, f"broker: {reason}")
        else:
            self._post(self._lose, "connection lost")

    def _acknowledge_at_once(self) -> None:
        # A broker that leaves Nagle's algorithm on (the embedded one does) holds its next packet until our
        # kernel acknowledges the last one, which it delays by 40 ms unless told so, and told so each time.
        if _QUICKACK is not None and self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _post(self, call: Callable[..., None], *arguments: Any) -> None:
        # The loop may be closed by now; then nobody is left to care.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)

    # In the loop again.

    def _take(self, inbound: Inbound) -> None:
        if inbound.qos == _QOS:
            self._acks.came(inbound.mid)
        self._inbox.put(inbound)

    def _grant(self) -> None:
        if not self._granted.done():
            self._granted.set_result(None)

    def _answer(self, mid: int, result: PublishResult) -> None:
        waiting = self._unanswered.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        for mid in tuple(self._unanswered):
            self._answer(mid, PublishResult(None, reason))

    def _on_ended(self, reason: str) -> None:
        self._lose(reason)
        self._ended.set()


def _publish_properties(envelope: Envelope | None, expiry_s: int | None) -> Properties:
    properties: Properties = _properties(PacketTypes.PUBLISH)
    properties.ContentType = CONTENT_TYPE
    if envelope is not None:
        properties.UserProperty = list(envelope.user_properties)
    if expiry_s is not None:
        properties.MessageExpiryInterval = expiry_s
    return properties
