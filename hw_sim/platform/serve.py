"""Serve the platform on loopback until told to stop: its address first, then its diary, a JSON line each."""

import asyncio
import json
import random
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from hw_sim.platform.api import Api
from hw_sim.platform.bill_wishes import bill_wishes
from hw_sim.platform.carrier import Carrier
from hw_sim.platform.clock import Clock
from hw_sim.platform.complaint_calls import ComplaintDesk
from hw_sim.platform.complaint_wishes import complaint_wishes
from hw_sim.platform.courier import Courier
from hw_sim.platform.desk import Desk
from hw_sim.platform.echo import Echo
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Armed, Faults, armed
from hw_sim.platform.http_face import Face, serve
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import open_api_v2_key, open_app_secret, open_keys
from hw_sim.platform.model import Platform, Rules
from hw_sim.platform.orders import Shop
from hw_sim.platform.page_wishes import page_wishes
from hw_sim.platform.refund_calls import RefundCalls
from hw_sim.platform.shipping import Shipping
from hw_sim.platform.signatures import KeyMode, Signer
from hw_sim.platform.v2_older import Around, older
from hw_sim.platform.v2_scans import Phones
from hw_sim.platform.violations import Violations

HOST: Final = "127.0.0.1"
MERCHANT_NAME: Final = "示例小店 Corner Shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve.

    `port` 0 is any free one; `keys` the folder of keys and credentials.json; `seed` 0 is another one each
    time; `faults` are on from the start. `complaint_schedule` is the page (2021 or 2023) whose re-sending
    notices of complaints keep; with `tells_own_acts` the merchant's own acts are pushed as well. `order_url`
    is where the merchant wants to be asked for an order after a scan.
    """

    port: int
    keys: Path
    key_mode: KeyMode
    rules: Rules
    seed: int = 0
    faults: tuple[Armed, ...] = ()
    clock_stands: bool = False
    complaint_schedule: str = "2021"
    tells_own_acts: bool = False
    order_url: str = ""


def options_of(wish: Mapping[str, Any]) -> Options:
    """Options as the command line has them, by the names of its options. Raises ValueError."""
    return Options(
        port=wish["port"],
        keys=wish["keys"],
        key_mode=KeyMode.parse(wish["key_mode"]),
        rules=Rules(
            refund_delay_ms=wish["refund_delay_ms"],
            notify_speedup=wish["notify_speedup"],
            shorten_minimum_expiry=wish["short_windows"],
            float_fen=wish["float_fen"],
        ),
        seed=wish["seed"],
        order_url=wish["order_url"],
        faults=tuple(armed(text) for text in wish["faults"]),
        clock_stands=wish["standing_clock"],
        complaint_schedule=wish["complaint_schedule"],
        tells_own_acts=wish["tell_own_acts"],
    )


async def serve_platform(options: Options, out: TextIO) -> None:
    """Run until SIGTERM or SIGINT. Raises KeysDamaged, and OSError when the port is taken."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_platform(options, out, stop)


async def run_platform(options: Options, out: TextIO, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises as `serve_platform`."""

    def say(line: dict[str, Any]) -> None:
        try:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            out.flush()
        except BrokenPipeError:  # whoever started this is gone
            stop.set()

    clock = Clock(lambda: time.time_ns() // 1_000_000, stands=options.clock_stands)
    # A timeline beside other programs' needs the wall's time, also after the platform's was pushed ahead.
    events = Events(lambda entry: say(entry | {"t_ms": entry["t_ms"] - clock.ahead_ms}))
    face, carrier = _wired(options, clock, events)
    with socket.create_server((HOST, options.port)) as listening:
        say({"event": "ready", "url": f"http://{HOST}:{listening.getsockname()[1]}"})
        async with asyncio.TaskGroup() as group:
            carrying = group.create_task(carrier.run(), name="notices")
            await serve(face, listening, stop)
            carrying.cancel()


def _wired(options: Options, clock: Clock, events: Events) -> tuple[Face, Carrier]:
    keys = open_keys(options.keys, now_ms=clock.wall_ms())
    merchant = keys.merchant
    rng = random.Random(options.seed or None)
    faults, ids = Faults(rng), Ids(rng)
    for each in options.faults:
        faults.arm(each)
    signer = Signer(keys=keys, mode=options.key_mode, ids=ids)
    platform = Platform(
        shop=Shop(merchant.mchid, merchant.appid, MERCHANT_NAME),
        rules=options.rules,
        faults=faults,
        events=events,
        rng=rng,
    )
    api = Api(platform=platform, merchant=merchant, signer=signer, faults=faults, events=events, ids=ids)
    shop = Shop(merchant.mchid, merchant.appid, MERCHANT_NAME)
    around = Around(platform=platform, shop=shop, faults=faults, events=events, ids=ids)
    v2 = older(around, key=open_api_v2_key(options.keys), others=api)
    v2.scans.order_url = options.order_url
    courier = Courier(signer=signer, faults=faults, ids=ids, older=v2.letters.write)
    carrier = Carrier(platform=platform, courier=courier, clock=clock)
    desk = Desk(platform=platform, faults=faults, events=events, signer=signer, clock=clock)
    desk.add(Phones(scans=v2.scans, faults=faults, clock=clock).wishes(desk.wish("scan"), desk.wish("pay")))
    shipping = Shipping(platform=platform, shop=shop, ids=ids, app_secret=open_app_secret(options.keys))
    complaints = ComplaintDesk(
        platform=platform,
        merchant=merchant,
        ids=ids,
        schedule=options.complaint_schedule,
        tells_own=options.tells_own_acts,
        plain_http=True,
    )
    violations = Violations(platform=platform, ids=ids, mchid=merchant.mchid)
    refund_calls = RefundCalls(platform=platform, signer=signer, appid=merchant.appid, ids=ids, clock=clock)
    echo = Echo(platform=platform, merchant=merchant, signer=signer, ids=ids)
    api.add((*complaints.routes(), *violations.routes(), *refund_calls.routes(), *echo.routes()))
    desk.add(bill_wishes(platform=platform, shop=shop, clock=clock))
    desk.add({**refund_calls.wishes(), **page_wishes(platform=platform, signer=signer, clock=clock)})
    desk.add(
        complaint_wishes(
            platform=platform, complaints=complaints, violations=violations, shipping=shipping, clock=clock
        )
    )
    return Face(api=v2.api, desk=desk, clock=clock, kick=carrier.kick, plain=shipping), carrier
