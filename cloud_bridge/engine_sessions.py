"""Whose word it is: a message's session held against the books, and the challenges that ask who lives now."""

from collections.abc import Callable
from typing import Final

from cloud_bridge.core.model import Born, FromMachine, StatusAnswered
from cloud_bridge.core.session import Claim, Known, Verdict, judge
from cloud_bridge.ports import JournalRow, Tx


class Challenges:
    """One for each machine that has to prove itself, good until a start is seen or it is answered.

    Kept in memory alone: who waits for proof repeats his words, and after a restart is asked anew. `draw`
    gives 32 hexadecimal digits that were never drawn before.
    """

    def __init__(self, draw: Callable[[], str]) -> None:
        self._draw: Final = draw
        self._asked: Final[dict[str, str]] = {}

    def ask(self, machine: str) -> str:
        """What this machine has to sign."""
        if machine not in self._asked:
            self._asked[machine] = self._draw()
        return self._asked[machine]

    def met(self, machine: str, answer: str) -> bool:
        """The machine signed the one that it was asked for."""
        return answer != "" and self._asked.get(machine) == answer

    def over(self, machine: str) -> None:
        """Answered, or made before the newest start: an answer to it proves nothing any more."""
        self._asked.pop(machine, None)


def judged(tx: Tx, event: FromMachine, challenges: Challenges) -> tuple[Verdict, JournalRow | None]:
    """What this message's session means, and the row of its journal before it."""
    session, claim = event.session, _claim(event, challenges)
    row = tx.journal(session.jid)
    newest = next((other for other in tx.journals(event.machine) if other.current), None)
    known = Known(
        highest=row.boot if row else 0,
        bits=tx.bits_of(session.jid, session.boot),
        doubt=row.doubt if row else "",
        current=newest.jid if newest else "",
        behind=isinstance(event, Born) and row is not None and event.n < row.upto,
    )
    if claim is Claim.ALIVE:
        challenges.over(event.machine)
    if row is not None and row.machine != event.machine:
        return Verdict.CLONED, row  # two machines cannot have one journal
    return judge(session, known, claim), row


def unproven(event: FromMachine, verdict: Verdict) -> bool:
    """Whether to ask who lives now: a start of which too little is known speaks as if it were the newest."""
    if isinstance(event, Born) and event.challenge is None:
        return False
    speaks = isinstance(event, Born | StatusAnswered)
    return verdict is Verdict.UNBORN or (speaks and verdict in (Verdict.OLDER, Verdict.UNHEARD))


def _claim(event: FromMachine, challenges: Challenges) -> Claim:
    if not isinstance(event, Born):
        return Claim.WORD
    if event.challenge is None:
        return Claim.UNTRIED
    return Claim.ALIVE if challenges.met(event.machine, event.challenge) else Claim.BIRTH
