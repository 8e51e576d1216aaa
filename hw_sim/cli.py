"""`wxvend sim`: the world outside, to try things on. Loopback only.

Each prints one JSON object a line: first `ready` with where it is, then what happens. Exit codes: 0 asked to
stop, 1 it failed, 2 bad input.
"""

import asyncio
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NoReturn

import click

FAILED: Final = 1
BAD_INPUT: Final = 2
DEFAULT_LANES: Final = "11,12,13,14,21,22,23,24,31,32,33,34"


@click.group()
def sim() -> None:
    """Simulate what a machine meets: its board, the payment platform, a broker.

    \b
    Examples:
      wxvend sim board --bus xy --link board
      wxvend sim wechat --port 8081 --keys keys
      wxvend sim broker --port 1883
      wxvend sim robots --port 8082
      wxvend sim world --seeds 0:100
      wxvend sim phone screen.png
    """


@sim.command()
@click.option("--bus", default="xy", show_default=True, help="Which board; see --list-buses.")
@click.option("--link", type=click.Path(path_type=Path), help="Also make this symbolic link to the terminal.")
@click.option("--keypad", type=click.Path(path_type=Path), help="A keypad beside the board, linked here.")
@click.option("--lanes", default=DEFAULT_LANES, show_default=True, help="Lane numbers.")
@click.option("--stock", type=click.IntRange(0, 255), default=5, show_default=True, help="Pieces per lane.")
@click.option(
    "--turn-ms", type=click.IntRange(10, 60_000), default=1200, show_default=True, help="A motor run."
)
@click.option(
    "--poll-ms", type=click.IntRange(2, 2000), default=200, show_default=True, help="Between polls."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is left to chance.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[:TIMES]", help="Switch a fault on.")
@click.option(
    "--trace/--quiet",
    default=None,
    help="Also polls, acknowledgements, repeats; else not on a terminal.",
)
@click.option("--list-faults", is_flag=True, help="Say what there is to break on this bus.")
@click.option("--list-buses", is_flag=True, help="Say which boards there are.")
def board(
    *,
    bus: str,
    link: Path | None,
    keypad: Path | None,
    lanes: str,
    stock: int,
    turn_ms: int,
    poll_ms: int,
    seed: int,
    faults: tuple[str, ...],
    trace: bool | None,
    list_faults: bool,
    list_buses: bool,
) -> None:
    """A machine's board on a pseudo-terminal; its path is in the first line.

    Wishes are JSON lines on stdin, such as {"do": "key", "lane": 12} or {"do": "fault", "name": "jam"}.
    """
    from hw_sim.boards.mechanics import Cabinet
    from hw_sim.boards.serve import serve_board
    from hw_sim.boards.shelf import MODELS, Wanted, make_board

    if bus not in MODELS:
        _fail(f"board: --bus: found {bus!r}, allowed {', '.join(MODELS)}", BAD_INPUT)
    if list_buses:
        click.echo("\n".join(MODELS))
        return
    wanted = Wanted(turn_ms=turn_ms, poll_ms=poll_ms, seed=seed)
    if list_faults:
        known = make_board(bus, Cabinet(), wanted).faults.known
        click.echo("\n".join(f"{name:<18}{words}" for name, words in known.items()))
        return
    try:
        work = serve_board(
            bus,
            Cabinet.of([int(number) for number in lanes.split(",")], stock=stock),
            wanted,
            faults=dict(_fault(text, -1) for text in faults),
            link=link,
            keypad=keypad,
            trace=not sys.stdout.isatty() if trace is None else trace,
            out=sys.stdout,
        )
        asyncio.run(work)
    except ValueError as error:
        _fail(f"board: {error}", BAD_INPUT)


@sim.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any.")
@click.option(
    "--keys",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("keys"),
    show_default=True,
    help="Folder of the merchant's keys and credentials.json; made on the first start.",
)
@click.option(
    "--key-mode",
    default="public_key",
    show_default=True,
    help="How answers are signed: certificate, rotating, public_key or migrating:SHARE.",
)
@click.option("--refund-delay-ms", default=3000, show_default=True, help="Until a refund is done.")
@click.option("--notify-speedup", default=1.0, show_default=True, help="Divides the waits between repeats.")
@click.option("--short-windows", is_flag=True, help="Take pay windows shorter than a minute as they stand.")
@click.option("--seed", default=0, show_default=True, help="Of what is left to chance; 0: anew each time.")
@click.option("--float-fen", type=int, help="What there is for refunds beside the takings; else enough.")
@click.option("--standing-clock", is_flag=True, help="Its time goes on only by POST /_sim/clock.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[@KIND][:TIMES|:SHARE%][~MS]",
    help="Switch a fault on: for one kind of call or notice, so often or by chance, with its delay.",
)
@click.option("--order-url", default="", help="Where to ask for an order when a product's code is scanned.")
@click.option(
    "--complaint-schedule",
    type=click.Choice(["2021", "2023"]),
    default="2021",
    show_default=True,
    help="The page whose re-sending notices of complaints keep.",
)
@click.option("--tell-own-acts", is_flag=True, help="Push a merchant's own answers to complaints, too.")
@click.option("--list-faults", is_flag=True, help="Say what there is to break.")
def wechat(*, list_faults: bool, **wish: Any) -> None:
    """A WeChat Pay platform with real signatures: orders, notifications, queries, closing, refunds.

    Phones pay at POST /_sim/pay {"code_url": ...}, payers complain at POST /_sim/complain
    {"out_trade_no": ...}; faults are set at POST /_sim/fault {"name": ...}; the truth about all money is at
    GET /_sim/books. GET /_sim/ is a page to drive it by hand.
    """
    from hw_sim.platform.faults import Fault
    from hw_sim.platform.keys import KeysDamaged
    from hw_sim.platform.serve import options_of, serve_platform

    if list_faults:
        click.echo("\n".join(f"{fault:<28}{fault.words}" for fault in Fault))
        return
    try:
        asyncio.run(serve_platform(options_of(wish), sys.stdout))
    except (KeysDamaged, ValueError) as error:
        _fail(f"wechat: {error}", BAD_INPUT)
    except OSError as error:
        _fail(f"wechat: {error}", FAILED)


@sim.command()
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--platform", default="http://127.0.0.1:8081", show_default=True, help="Where `sim wechat` is.")
@click.option("--look", is_flag=True, help="Only say what the phone would show.")
def phone(picture: Path, platform: str, look: bool) -> None:
    """A shopper's phone: reads the code from a machine's screen and pays.

    PICTURE is what the machine draws (`[display] png`). The phone knows nothing but what it sees.
    """
    from hw_sim.demo.phone import read_code
    from hw_sim.demo.web_call import CallFailed, post

    code = read_code(picture)
    if not code:
        _fail(f"phone: {picture}: found no code. Try: choose a product first", FAILED)
    try:
        page = asyncio.run(post(f"{platform}/_sim/{'scan' if look else 'pay'}", {"code_url": code}))
    except CallFailed as error:
        _fail(f"phone: {error}", FAILED)
    paid = "" if look else "paid: "
    click.echo(f"{paid}{page['merchant']}, {page['description']}, ¥{page['amount_fen'] / 100:.2f}")


@sim.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=1883, show_default=True, help="0: any free one."
)
def broker(port: int) -> None:
    """An MQTT 5 broker without access rules that forgets everything when it stops."""
    from hw_sim.broker import EmbeddedBroker, NoBroker

    with tempfile.TemporaryDirectory(prefix="wxvend-broker-") as folder:
        embedded = EmbeddedBroker(Path(folder), port)
        try:
            embedded.start()
        except NoBroker as error:
            _fail(str(error), FAILED)
        click.echo(f'{{"event": "ready", "url": "mqtt://127.0.0.1:{embedded.port}"}}')
        try:
            asyncio.run(_until_stopped())
        finally:
            embedded.stop()


@sim.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8082, show_default=True, help="0: any.")
@click.option(
    "--secret", "signing", multiple=True, metavar="KIND=SECRET", help="What a robot asks to be signed with."
)
def robots(port: int, signing: tuple[str, ...]) -> None:
    """Robots of group chats that check what they are told: /wecom?key=, /dingtalk?access_token=, /feishu."""
    from hw_sim.robots import Robots, serve

    robots = Robots(
        secrets=dict(each.partition("=")[::2] for each in signing),
        now_s=lambda: time.time_ns() / 1e9,
        tell=lambda line: click.echo(json.dumps(line, ensure_ascii=False)),
    )

    async def until_stopped() -> None:
        server = await serve(robots, port)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        click.echo(json.dumps({"event": "ready", "url": url}))
        await _until_stopped()
        server.close()

    asyncio.run(until_stopped())


@sim.command()
@click.option("--seeds", default="0:100", show_default=True, metavar="A:B", help="From A on, without B.")
@click.option("--seed", type=int, help="Only this one.")
@click.option("--sales", default=20, show_default=True, help="Shoppers in each world.")
@click.option("--hours", default=24.0, show_default=True, help="For how long they come, at most.")
@click.option("--machines", default=0, show_default=True, help="In each world; 0: as the seed has it.")
@click.option(
    "--bus", default="any", show_default=True, metavar="NAME", help="The machines'; any: as the seed has it."
)
@click.option("--order-requests", is_flag=True, help="Codes name products; orders are made after the scan.")
@click.option(
    "--only", default="", help="Kinds of trouble, with commas, instead of the seed's own; none: none."
)
@click.option("--every-step", is_flag=True, help="Cut the power at each step of fixed scenarios instead.")
@click.option("--every-mark", is_flag=True, help="Exit with 3 when a mark or rule was come past by no seed.")
@click.option("--without", default="", metavar="NAME", help="Take a safeguard away.")
@click.option("--list-safeguards", is_flag=True, help="Say which there are.")
@click.option("--markdown", is_flag=True, help="With --list-safeguards: the page of docs/safeguards.md.")
@click.option("--story", is_flag=True, help="With --seed: what happened, line by line.")
@click.option("--workers", default=0, show_default=True, help="Processes; 0: one for each core.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object.")
def world(**wish: Any) -> None:
    """Whole shops under seeds, in virtual time: do all promises hold, whatever goes wrong?

    Exits 1 when one was broken, with the seed, the invariant and the story. The same seed is the same story.
    """
    from hw_sim.world.cli import Wish, list_safeguards, run
    from hw_sim.world.run import Life

    if wish["list_safeguards"]:
        click.echo(list_safeguards(markdown=wish["markdown"]))
        return
    only = None if not wish["only"] else frozenset(wish["only"].split(",")) - {"none"}
    life = Life(
        sales=wish["sales"],
        hours=wish["hours"],
        machines=wish["machines"],
        only=only,
        bus=wish["bus"],
        order_requests=wish["order_requests"],
    )
    kept = ("seeds", "seed", "story", "every_step", "every_mark", "without", "as_json", "workers")
    sys.exit(run(Wish(life=life, **{name: wish[name] for name in kept})))


async def _until_stopped() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _fault(text: str, usual_times: int) -> tuple[str, int]:
    name, colon, times = text.partition(":")
    try:
        return name, int(times) if colon else usual_times
    except ValueError as error:
        raise ValueError(f"fault: found {text}, allowed NAME or NAME:TIMES") from error


def _fail(words: str, code: int) -> NoReturn:
    click.echo(f"wxvend sim {words}", err=True)
    sys.exit(code)
