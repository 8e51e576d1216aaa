"""One round: each victim is killed at its own moment while a shopper buys; then all has to come to rest."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hw_sim.soak.cast import VICTIMS, Cast, Truth
from hw_sim.soak.shopper import Shopper

WINDOW_S: Final = 3.0
# A look needs an answer of two other programs, so on a busy computer looks come slower, like everything else.
PATIENCE: Final = 600  # looks in a row in which nothing changes and no victim says a word
_MOST_LOOKS: Final = 6000
_AGAIN: Final = 0.25  # how often a victim dies a second time, most likely while it starts
_LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """`victim` dies `at_s` after the round began and is started again `dark_s` later."""

    victim: str
    at_s: float
    dark_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round was. `wrong` is empty, or the promise is broken."""

    blows: Sequence[Blow]
    did: Counter[str]
    truth: Truth
    wrong: Sequence[str]


def drawn(chance: random.Random) -> list[Blow]:
    """Each victim once, some twice."""
    blows = []
    for victim in VICTIMS:
        at_s, dark_s = chance.uniform(0, WINDOW_S), chance.uniform(0, 1)
        blows.append(Blow(victim=victim, at_s=at_s, dark_s=dark_s))
        if chance.random() < _AGAIN:
            at_s += dark_s + chance.uniform(0.05, 1.5)
            blows.append(Blow(victim=victim, at_s=at_s, dark_s=chance.uniform(0, 0.3)))
    return sorted(blows, key=lambda blow: blow.at_s)


async def play_round(cast: Cast, seed: int) -> Round:
    """The same seed draws the same moments; what is caught in them is the computer's affair."""
    chance = random.Random(seed)
    blows = drawn(chance)
    shopper = Shopper(cast, random.Random(chance.random()))
    shopping = asyncio.create_task(shopper.shop(), name="shopper")
    await asyncio.gather(*(_strike(cast, [b for b in blows if b.victim == name]) for name in VICTIMS))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await shopping  # a little more, into the recovery
    shopping.cancel()
    await asyncio.wait([shopping])
    if not shopping.cancelled():
        await shopping  # it never ends by itself: this raises what went wrong
    truth, wrong = await come_to_rest(cast, shopper)
    return Round(blows=blows, did=shopper.did, truth=truth, wrong=[*cast.deaths, *wrong])


async def come_to_rest(
    cast: Cast, shopper: Shopper | None = None, *, patience: int = PATIENCE
) -> tuple[Truth, list[str]]:
    """Wait until the machine sells, nothing is open and the witnesses agree; else what is wrong."""
    before, still = (cast.words, await cast.truth()), 0
    for _ in range(_MOST_LOOKS):
        if cast.deaths or still > patience:
            break
        if shopper is not None and cast.sells:
            shopper.leave()
        await asyncio.sleep(_LOOK_EVERY_S)
        now = cast.words, await cast.truth()
        still = still + 1 if now == before else 0
        before, truth = now, now[1]
        if still and cast.sells and truth.at_rest and not truth.wrong():
            return truth, []
    truth = before[1]
    return truth, truth.wrong() or [f"nothing came to rest; the machine {_state(cast)}"]


def _state(cast: Cast) -> str:
    return "sells" if cast.sells else "does not sell"


async def _strike(cast: Cast, blows: Sequence[Blow]) -> None:
    begun_s = asyncio.get_running_loop().time()
    for blow in blows:
        await asyncio.sleep(max(0.0, begun_s + blow.at_s - asyncio.get_running_loop().time()))
        await cast.kill(blow.victim)
        await asyncio.sleep(blow.dark_s)
        await cast.start(blow.victim)
