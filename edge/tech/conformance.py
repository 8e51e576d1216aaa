"""One suite for every driver and every board: does what is told agree with what really moved?

The suite knows no bus and no simulator. A `Bench` gives it a machine and, where it can, faults to switch on
and the truth to compare with; against a real board what cannot be done is said to be not applicable.
"""

from collections.abc import AsyncIterator
from typing import Final

from edge.core.judge import Recovery, Witness
from edge.tech.checks import CHECKS
from edge.tech.trial import Failed, Finding, Inapplicable, Lab, Verdict


async def examine(lab: Lab) -> AsyncIterator[Finding]:
    """Every check, in order."""
    for check in CHECKS:
        name = check.__name__.removeprefix("_").replace("_", " ")
        async with lab.bench() as bench:
            try:
                words = await check(bench)
                yield Finding(check=name, verdict=Verdict.PASS, words=words)
            except Inapplicable as error:
                yield Finding(check=name, verdict=Verdict.NOT_APPLICABLE, words=str(error))
            except (Failed, TimeoutError) as error:
                yield Finding(check=name, verdict=Verdict.FAIL, words=str(error) or "took too long")


def proof(witness: Witness) -> str:
    """What a board can say after a power cut in the middle of a vend, in one sentence."""
    return _PROOFS[witness.recovery]


_PROOFS: Final = {
    Recovery.LATCHED: "Keeps the result of its last run until that is cleared: a new one proves itself.",
    Recovery.TOKEN: "Keeps number and result of its last run: ours proves itself, an old one none began.",
    Recovery.HISTORY: "Keeps numbers and results of its last runs: ours proves itself.",
    Recovery.READ_ONCE: "Keeps a result until it is read: found, it proves itself; gone, it is doubt.",
    Recovery.RUN_STATE: "Says whether a motor turns: seen turning, its end is known; else it is doubt.",
    Recovery.COUNTERS: "Counts each lane's sales: one more proves a delivery.",
    Recovery.DOOR: "Says whether a door stands open: open is delivered; closed is doubt.",
    Recovery.NONE: "Keeps nothing: every vend that a power cut interrupts is doubt.",
}
