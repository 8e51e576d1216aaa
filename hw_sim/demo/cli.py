"""`wxvend demo`: a whole virtual vending machine on this computer.

Exit codes: 0 fine, 1 the books do not agree or a program failed, 2 bad input, 3 something needed is missing.
"""

import asyncio
import contextlib
import difflib
import json
import os
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from hw_sim.boards.shelf import MODELS
from hw_sim.broker import NoBroker, find_mosquitto
from hw_sim.demo.children import ChildFailed
from hw_sim.demo.scenarios import CUT_OFF, KEYED, LONGEST_S, SCENARIOS
from hw_sim.demo.web_call import CallFailed

FAILED: Final = 1
BAD_INPUT: Final = 2
NOT_THERE: Final = 3
PORT: Final = 8420


@click.command(epilog="Ctrl-C ends everything in order.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any free.")
@click.option("--no-browser", is_flag=True, help="Print the page's address and open nothing.")
@click.option("--once", is_flag=True, help="One scripted sale without a page.")
@click.option("--json", "as_json", is_flag=True, help="With --once: one JSON object.")
@click.option("--fault", default="", metavar="NAME", help="With --once: break something first.")
@click.option("--list-faults", is_flag=True, help="Say what there is to break, and how it has to end.")
@click.option(
    "--broker",
    type=click.Choice(["embedded", "mosquitto"]),
    default="embedded",
    show_default=True,
    help="mosquitto: as we ship it, with TLS and access rules.",
)
@click.option("--bus", default="xy", show_default=True, metavar="NAME", help="The machine's bus.")
@click.option(
    "--mode",
    type=click.Choice(["1", "2"]),
    default="2",
    show_default=True,
    help="Native mode 2: a code of an order. 1: a code of a product, ordered after the scan.",
)
@click.option("--fleet", type=click.IntRange(1, 100), metavar="N", help="A day of N machines instead of one.")
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 24 * 60),
    default=24.0,
    show_default=True,
    help="With --fleet: how long its day takes.",
)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Work in this new folder and leave it: settings, journal, books, logs.",
)
def demo(
    *,
    port: int,
    no_browser: bool,
    once: bool,
    as_json: bool,
    fault: str,
    list_faults: bool,
    broker: str,
    bus: str,
    mode: str,
    fleet: int | None,
    minutes: float,
    keep: Path | None,
) -> None:
    """Try everything: a machine, its board, the bridge, a payment platform and a broker, on this computer.

    \b
    Examples:
      wxvend demo                          a page with a virtual machine
      wxvend demo --once --json            one sale, one JSON object
      wxvend demo --once --fault jam       the spiral jams; the money goes back
      wxvend demo --once --bus tcn         the same sale on another bus
      wxvend demo --once --mode 1          the code was made ahead; the order comes after the scan
      wxvend demo --fleet 30               thirty machines live through a day, with the operators' pages
    """
    if list_faults:
        _list_faults()
        return
    if fleet is not None:
        _fleet_day(keep, fleet, minutes, quiet=as_json)
        return
    _refuse_unknown(fault, bus)
    if (fault or as_json) and not once:
        _fail("--fault and --json: allowed with --once; the page has switches. Try: --once", BAD_INPUT)
    if mode == "1" and fault in KEYED:
        _fail(f"--fault: found {fault} with --mode 1, where a scan locks the keys. Try: --mode 2", BAD_INPUT)
    with _failures_in_words():
        if broker == "mosquitto":
            find_mosquitto()
        with _folder(keep) as folder:
            if once:
                told = _run(_once(folder, fault, _stage_wishes(broker, bus, mode)))
                if told is None:
                    _fail("stopped before the sale ended", FAILED)
                _tell(told, fault, as_json=as_json)
                sys.exit(0 if told["ok"] else FAILED)
            _run(_show(folder, port, _stage_wishes(broker, bus, mode), browser=not no_browser))


def _refuse_unknown(fault: str, bus: str) -> None:
    if fault not in SCENARIOS:
        names = [name for name in SCENARIOS if name]
        near = difflib.get_close_matches(fault, names, n=1, cutoff=0.0)[0]
        _fail(f"--fault: found {fault!r}, allowed {', '.join(names)}. Try: --fault {near}", BAD_INPUT)
    if bus not in MODELS:
        near = difflib.get_close_matches(bus, MODELS, n=1, cutoff=0.0)[0]
        _fail(f"--bus: found {bus!r}, allowed {', '.join(MODELS)}. Try: --bus {near}", BAD_INPUT)


def _fleet_day(keep: Path | None, machines: int, minutes: float, *, quiet: bool) -> None:
    from hw_sim.demo.fleet_show import Wish, live

    wish = Wish(machines=machines, minutes=minutes, seed=0, quiet=quiet)
    with _failures_in_words(), _folder(keep) as folder:
        found = _run(live(folder, wish))
    if quiet:
        if found is None:
            _fail("stopped before the day was over", FAILED)
        click.echo(json.dumps(found, ensure_ascii=False))
        sys.exit(0 if found["ok"] else FAILED)


def _stage_wishes(broker: str, bus: str, mode: str) -> dict[str, Any]:
    """What the troupe is asked to be like."""
    return {"mosquitto": broker == "mosquitto", "bus": bus, "order_requests": mode == "1"}


async def _once(folder: Path, fault: str, wishes: dict[str, Any]) -> dict[str, Any]:
    from hw_sim.demo.cable import Cable
    from hw_sim.demo.report import report
    from hw_sim.demo.script import TERMS, play
    from hw_sim.demo.stage import Stage
    from hw_sim.demo.troupe import Troupe
    from hw_sim.demo.window import Window

    window, scenario = Window(), SCENARIOS[fault]
    cable = Cable() if scenario.mishap in CUT_OFF else None
    async with Troupe(folder, window, terms=TERMS, cable=cable, **wishes) as troupe:
        ending = await troupe.during(play(Stage(folder, troupe, window), scenario))
    told = report(fault, scenario, ending)
    told["timings_ms"]["start_to_selling"] = troupe.started_ms
    return told


async def _show(folder: Path, port: int, wishes: dict[str, Any], *, browser: bool) -> None:
    from hw_sim.demo.room import Room
    from hw_sim.demo.scenery import Terms
    from hw_sim.demo.server import HOST, make_page, serve
    from hw_sim.demo.stage import Stage
    from hw_sim.demo.troupe import Troupe
    from hw_sim.demo.window import Window

    window = Window()
    with _listen(HOST, port) as listening:
        async with Troupe(folder, window, terms=Terms(), **wishes) as troupe:
            stage = Stage(folder, troupe, window)
            room = Room(stage)
            address = f"http://{HOST}:{listening.getsockname()[1]}/"
            click.echo(f"The virtual machine is at {address}  (Ctrl-C ends it)")
            if browser and _has_desktop():
                await asyncio.to_thread(webbrowser.open, address)
            await troupe.during(_both(room.run(), serve(make_page(room, stage.picture), listening)))


async def _both(first: Coroutine[Any, Any, None], second: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(first)
        group.create_task(second)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run until done, or until asked to stop (then None), in order; asked twice, it stops as it stands."""

    async def interruptible() -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: signal.Signals) -> None:
            loop.remove_signal_handler(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop, number)
        return await work

    with contextlib.suppress(asyncio.CancelledError):
        return asyncio.run(interruptible())
    return None


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        _fail(f"--port: found {port} taken ({error.strerror}). Try: --port 0", NOT_THERE)


def _has_desktop() -> bool:
    """Whether there is a window to open; a text browser would take this terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="wxvend-demo-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        _fail(f"--keep: found {keep}, allowed a folder that is not there yet", BAD_INPUT)
    yield keep.absolute()


@contextlib.contextmanager
def _failures_in_words() -> Iterator[None]:
    try:
        yield
    except NoBroker as error:
        _fail(str(error), NOT_THERE)
    except (ChildFailed, CallFailed, TimeoutError) as error:
        _fail(str(error), FAILED)


def _list_faults() -> None:
    for name, scenario in SCENARIOS.items():
        if name:
            long = f" May take {scenario.longest_s} s." if scenario.longest_s > LONGEST_S else ""
            click.echo(f"{name:<22}{scenario.words} Ends {' or '.join(scenario.ends)}.{long}")


def _tell(told: dict[str, Any], fault: str, *, as_json: bool) -> None:
    from hw_sim.demo.report import as_story

    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo("\n".join(as_story(told, SCENARIOS[fault])))


def _fail(words: str, code: int) -> NoReturn:
    click.echo(f"wxvend demo: {words}", err=True)
    sys.exit(code)
