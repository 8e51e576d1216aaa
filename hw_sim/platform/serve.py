"""Serve the platform on loopback until told to stop: its address first, then its diary, a JSON line each."""

import asyncio
import json
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import uvicorn

from hw_sim.platform.api import Api
from hw_sim.platform.courier import Courier, Letter
from hw_sim.platform.desk import Desk
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Faults
from hw_sim.platform.http_face import Face
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import open_keys
from hw_sim.platform.model import Platform, Rules
from hw_sim.platform.notices import ANSWER_WITHIN_MS, Delivery
from hw_sim.platform.orders import Shop
from hw_sim.platform.signatures import KeyMode, Signer

HOST: Final = "127.0.0.1"
MERCHANT_NAME: Final = "示例小店 Corner Shop"
_WORDS: Final = {
    "call.answered": "{operation} answered {status}{code}",
    "code.scanned": "a phone scanned the code",
    "payment.made": "paid {amount_fen} fen",
    "payment.cancelled": "the payer put the phone away",
    "notice.sent": "notification {event_type} sent: answered {verdict}",
    "notice.lost": "a notification got lost",
    "notice.given_up": "a notification was given up",
    "refund.ended": "refund of {amount_fen} fen: {status}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve. `port` 0 is any free one; `keys` the folder of keys and credentials.json."""

    port: int
    keys: Path
    key_mode: KeyMode
    rules: Rules
    seed: int = 0


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


async def serve_platform(options: Options, out: TextIO) -> None:
    """Run until SIGTERM. Raises KeysDamaged, and OSError when the port is taken."""

    def say(line: dict[str, Any]) -> None:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
        out.flush()

    keys = open_keys(options.keys, now_ms=now_ms())
    rng = random.Random(options.seed or time.time_ns())
    events, faults, ids = Events(lambda entry: say(_told(entry))), Faults(rng), Ids(rng)
    merchant = keys.merchant
    shop = Shop(merchant.mchid, merchant.appid, MERCHANT_NAME)
    platform = Platform(shop=shop, rules=options.rules, faults=faults, events=events, rng=rng)
    signer = Signer(keys=keys, mode=options.key_mode, ids=ids)
    api = Api(platform=platform, merchant=merchant, signer=signer, faults=faults, events=events, ids=ids)
    post = _Post(platform, Courier(signer=signer, faults=faults, ids=ids))
    desk = Desk(platform=platform, faults=faults, events=events, signer=signer)
    face = Face(api=api, desk=desk, now_ms=now_ms, kick=post.kick)
    async with asyncio.TaskGroup() as group:
        carrying = group.create_task(post.run(), name="notices")
        await _serve(face, options.port, lambda url: say({"event": "ready", "url": url}))
        carrying.cancel()


async def _serve(face: Face, port: int, ready: Callable[[str], None]) -> None:
    config = uvicorn.Config(face, host=HOST, port=port, lifespan="off", log_config=None, access_log=False)
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    ready(f"http://{HOST}:{listening.getsockname()[1]}")
    await serving


class _Post:
    """Carries notices, each in a thread of its own, as often as the model says."""

    def __init__(self, platform: Platform, courier: Courier) -> None:
        self._platform = platform
        self._courier = courier
        self._kicked = asyncio.Event()

    def kick(self) -> None:
        self._kicked.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._kicked.clear()
                for delivery in self._platform.due(now_ms()):
                    group.create_task(self._deliver(delivery), name=f"notice {delivery.notice.id}")
                next_ms = self._platform.next_wakeup_ms()
                wait_s = None if next_ms is None else max(0.0, (next_ms - now_ms()) / 1000)
                try:
                    async with asyncio.timeout(wait_s):
                        await self._kicked.wait()
                except TimeoutError:
                    continue

    async def _deliver(self, delivery: Delivery) -> None:
        letter = self._courier.write(delivery, now_ms())
        verdict = await asyncio.to_thread(_send, letter)
        self._platform.report(delivery, verdict, now_ms())
        self.kick()


def _send(letter: Letter) -> int | str:
    """Make the POST; the status code, or a word for what went wrong."""
    request = urllib.request.Request(letter.url, data=letter.body, headers=dict(letter.headers))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_WITHIN_MS / 1000 + 1) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return type(error).__name__


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the diary with words for people; `event` names it for programs."""
    code = f" {entry['code']}" if entry.get("code") else ""
    words = _WORDS.get(entry["what"], entry["what"])
    return {
        **entry,
        "event": entry["what"],
        "who": "wechat",
        "what": words.format_map({**entry, "code": code}),
    }
