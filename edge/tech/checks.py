"""The checks that every driver has to pass on every board, in the order in which they are tried."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from edge.core.errors import BusError
from edge.core.machine import next_seq
from edge.core.model import Delivered, NotDelivered, Outcome, Uncertain, VendOrder, Withheld
from edge.ports import BusDown, BusEvent, BusUp, LaneReported
from edge.tech.trial import Bench, Failed, Inapplicable, Truth

T = TypeVar("T")

LOOK_S: Final = 0.05
UP_S: Final = 60.0
LONGEST_S: Final = 600.0
READY_LOOKS: Final = 30
SILENT_S: Final = 60.0
CUTS_S: Final = (0.02, 0.3, 1.0, 2.5)  # after the order: before, in and behind a motor window
FAR_MS: Final = 10**15


async def _identify(bench: Bench) -> str:
    identity = await _up(bench)
    missing = set(bench.lanes) - {event.lane for event in bench.told if isinstance(event, LaneReported)}
    _expect(not missing, f"lanes {sorted(missing)} were not reported")
    return f"{identity}, {len(bench.lanes)} lanes"


async def _check_moves_nothing(bench: Bench) -> str:
    await _up(bench)
    lane = bench.lanes[0]
    await _ready(bench, lane)
    _expect(await _patiently(bench.dispenser.check(9_998)) != "", "a lane that is not there was accepted")
    await _moved(bench, starts=0)
    return "a stocked lane can vend, a missing one cannot"


async def _vend_twice(bench: Bench) -> str:
    await _up(bench)
    for number in (1, 2):
        outcome = await _vend(bench, bench.lanes[0])
        _expect(isinstance(outcome, Delivered), f"vend {number} ended as {outcome}")
        await _moved(bench, starts=number, fallen=number)
    return "two vends, two starts, two pieces"


async def _nothing_falls(bench: Bench) -> str:
    await _up(bench)
    _switch(bench, "no_drop")
    outcome = await _vend(bench, bench.lanes[0])
    if not bench.dispenser.capabilities.witness.drop_sensor:
        return f"no drop sensor: the board cannot see it ({type(outcome).__name__})"
    _expect(isinstance(outcome, NotDelivered), f"ended as {outcome}")
    await _moved(bench, starts=1, fallen=0)
    return "not delivered"


async def _jam(bench: Bench) -> str:
    await _up(bench)
    _expect_proof(bench)
    _switch(bench, "jam")
    outcome = await _vend(bench, bench.lanes[0])
    _expect(not isinstance(outcome, Delivered), f"ended as {outcome}")
    return type(outcome).__name__


async def _motor_missing(bench: Bench) -> str:
    await _up(bench)
    _expect_proof(bench)
    _switch(bench, "motor_missing")
    outcome = await _vend(bench, bench.lanes[0])
    _expect(isinstance(outcome, NotDelivered | Withheld), f"ended as {outcome}")
    await _moved(bench, starts=0)
    return "refused, nothing turned"


async def _silence(bench: Bench) -> str:
    await _up(bench)
    order = await _ordered(bench, bench.lanes[0])
    _switch(bench, "silent", times=-1)
    if bench.dispenser.capabilities.asks and not _is_noticed(bench):
        await asyncio.sleep(SILENT_S)
        if not _is_noticed(bench):
            raise Inapplicable("a machine at rest says nothing on this bus")
    await _until(lambda: _is_noticed(bench), SILENT_S)
    _expect(await _patiently(bench.dispenser.check(bench.lanes[0])) != "", "a silent board can vend")
    outcome = await _patiently(bench.dispenser.vend(order))
    _expect(isinstance(outcome, Withheld), f"a silent board ended a vend as {outcome}")
    _switch(bench, "silent", times=0)
    await _until(lambda: not any(isinstance(event, BusDown) for event in _since_up(bench)), UP_S)
    return "noticed, nothing sold, and back"


async def _noise(bench: Bench) -> str:
    await _up(bench)
    seen = []
    for fault in ("garbage", "split_writes", "bad_check", "stale_reply", "lose_reply", "lose_command"):
        before = await bench.truth()
        order = await _ordered(bench, bench.lanes[0])
        if not bench.fault(fault, 1):
            continue
        outcome = await _patiently(bench.dispenser.vend(order))
        bench.fault(fault, 0)
        await _true(bench, outcome, before)
        seen.append(f"{fault}: {type(outcome).__name__}")
        await _settled(bench, outcome)
    if not seen:
        raise Inapplicable("nothing here can spoil the line")
    return ", ".join(seen)


async def _board_restarts_in_the_window(bench: Bench) -> str:
    await _up(bench)
    order = await _ordered(bench, bench.lanes[0])
    before = await bench.truth()
    _switch(bench, "restart_in_run")
    outcome = await _patiently(bench.dispenser.vend(order))
    await _true(bench, outcome, before)
    return type(outcome).__name__


async def _daemon_dies_in_the_window(bench: Bench) -> str:
    await _up(bench)
    seen = []
    for cut_s in CUTS_S:
        order = await _ordered(bench, bench.lanes[0])
        before = await bench.truth()
        vend = asyncio.ensure_future(bench.dispenser.vend(order))
        await asyncio.sleep(cut_s)
        await bench.restart_daemon()
        vend.cancel()
        with suppress(asyncio.CancelledError):
            await vend
        outcome = await _patiently(bench.dispenser.recover(order))
        await _true(bench, outcome, before)
        seen.append(f"{cut_s} s: {type(outcome).__name__}")
        await _settled(bench, outcome)
    return ", ".join(seen)


async def _recovery_of_what_never_began(bench: Bench) -> str:
    await _up(bench)
    order = await _ordered(bench, bench.lanes[0])
    await bench.restart_daemon()
    outcome = await _patiently(bench.dispenser.recover(order))
    _expect(not isinstance(outcome, Delivered), f"nothing was written, and it ended as {outcome}")
    await _moved(bench, starts=0)
    return type(outcome).__name__


async def _lease(bench: Bench) -> str:
    await _up(bench)
    order = await _ordered(bench, bench.lanes[0], start_before_ms=0)
    outcome = await _patiently(bench.dispenser.vend(order))
    _expect(isinstance(outcome, Withheld), f"ended as {outcome}")
    await _moved(bench, starts=0)
    return "no start after the lease"


async def _exclusivity(bench: Bench) -> str:
    await _up(bench)
    refused = await bench.second_is_refused()
    if refused is None:
        raise Inapplicable("no serial port on this bench")
    _expect(refused, "a second daemon reached the board")
    return "a second daemon is kept from the board"


async def _timing(bench: Bench) -> str:
    await _up(bench)
    await _vend(bench, bench.lanes[0])
    health, capabilities = bench.dispenser.health(), bench.dispenser.capabilities
    limit_ms = 1000 * max(capabilities.start_s, capabilities.motor_s)
    _expect(health.bad_checks == 0, f"{health.bad_checks} bad check sums on a quiet line")
    _expect(health.slowest_answer_ms <= limit_ms, f"an answer took {health.slowest_answer_ms} ms")
    return f"{health.frames} frames, no bad check, slowest answer {health.slowest_answer_ms:.0f} ms"


CHECKS: Final[tuple[Callable[[Bench], Awaitable[str]], ...]] = (
    _identify,
    _check_moves_nothing,
    _vend_twice,
    _nothing_falls,
    _jam,
    _motor_missing,
    _silence,
    _noise,
    _board_restarts_in_the_window,
    _daemon_dies_in_the_window,
    _recovery_of_what_never_began,
    _lease,
    _exclusivity,
    _timing,
)


# ---------------------------------------------------------------- helpers


def _expect(true: bool, words: str) -> None:
    if not true:
        raise Failed(words)


def _expect_proof(bench: Bench) -> None:
    if not bench.dispenser.capabilities.proves_delivery:
        raise Inapplicable("nothing on this bus looks whether anything was delivered")


def _switch(bench: Bench, fault: str, times: int = 1) -> None:
    if not bench.fault(fault, times):
        raise Inapplicable(f"nobody here can make {fault.replace('_', ' ')}")


async def _up(bench: Bench) -> str:
    await _until(lambda: any(isinstance(event, BusUp) for event in bench.told), UP_S)
    return next(event.identity for event in reversed(bench.told) if isinstance(event, BusUp))


async def _until(true: Callable[[], bool], within_s: float) -> None:
    """Look often; what is waited for is told by a driver, that has no event for it."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while not true():
        if loop.time() > end_s:
            raise Failed(f"nothing came of it within {within_s:.0f} s")
        await asyncio.sleep(LOOK_S)


async def _patiently(work: Awaitable[T]) -> T:
    async with asyncio.timeout(LONGEST_S):
        return await work


def _is_noticed(bench: Bench) -> bool:
    """The driver has told that the board is gone."""
    return any(isinstance(event, BusDown) for event in _since_up(bench))


def _since_up(bench: Bench) -> list[BusEvent]:
    """What was told since the board was last known to be there, that word included."""
    ups = [at for at, event in enumerate(bench.told) if isinstance(event, BusUp)]
    return bench.told[ups[-1] :] if ups else bench.told


async def _ready(bench: Bench, lane: int) -> None:
    """Choose a lane, and wait until it can vend."""
    bench.choose(lane)
    for _ in range(READY_LOOKS):
        reason = await _patiently(bench.dispenser.check(lane))
        if reason not in ("busy", "no_request"):  # the last product lies in the hatch, the wish is on its way
            break
        await asyncio.sleep(1)
    _expect(reason == "", f"lane {lane} was refused: {reason}")


async def _ordered(bench: Bench, lane: int, *, start_before_ms: int = FAR_MS) -> VendOrder:
    """An order as the engine makes it: chosen, checked, and with the board's evidence of before."""
    await _ready(bench, lane)
    try:
        baseline = await _patiently(bench.dispenser.baseline(lane))
    except BusError as error:
        raise Failed(f"no evidence before the vend: {error}") from error
    bench.seq = next_seq(bench.seq, bench.dispenser.capabilities.seq_bits, baseline)
    return VendOrder(
        sale_id="conformance", lane=lane, seq=bench.seq, baseline=baseline, start_before_ms=start_before_ms
    )


async def _vend(bench: Bench, lane: int) -> Outcome:
    return await _patiently(bench.dispenser.vend(await _ordered(bench, lane)))


async def _settled(bench: Bench, outcome: Outcome) -> None:
    """As the engine does: after doubt the board is identified anew."""
    if isinstance(outcome, Uncertain):
        seen = len(bench.told)
        await bench.dispenser.resync()
        await _until(lambda: any(isinstance(event, BusUp) for event in bench.told[seen:]), UP_S)
    else:
        await _up(bench)


async def _moved(bench: Bench, *, starts: int, fallen: int | None = None) -> None:
    """So many motors started on this bench, and so many pieces fell."""
    truth = await bench.truth()
    if truth is not None:
        _expect(truth.starts == starts, f"{truth.starts} starts instead of {starts}")
        _expect(fallen in (None, truth.fallen), f"{truth.fallen} pieces fell instead of {fallen}")


async def _true(bench: Bench, outcome: Outcome, before: Truth | None) -> None:
    """What was told agrees with what fell, or is doubt; and no motor turned twice."""
    after = await bench.truth()
    if before is None or after is None:
        return
    starts, fallen = after.starts - before.starts, after.fallen - before.fallen
    _expect(starts <= 1, f"{starts} starts for one order")
    if not bench.dispenser.capabilities.proves_delivery:
        return
    _expect(not isinstance(outcome, Delivered) or fallen == 1, f"{outcome}, and {fallen} pieces fell")
    _expect(not isinstance(outcome, NotDelivered) or fallen == 0, f"{outcome}, and {fallen} pieces fell")
    _expect(not isinstance(outcome, Withheld) or starts == 0, f"{outcome}, and {starts} motors started")
