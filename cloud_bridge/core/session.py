"""Judging who speaks: this session of a machine, a newer one, an older one, or a journal not to be believed.

A journal counts its starts and draws 64 bits at each. A start that is known under other bits, or one that is
alive behind a start already seen, is a journal that was rolled back or cloned (G-ROLL). Whoever owns the
broker delivers when he likes: alive is only who signs a challenge made after that start was seen (G-FRESH).
"""

import enum
from dataclasses import dataclass

from cloud_bridge.core.model import Session


class Verdict(enum.StrEnum):
    """What a message's session means.

    SAME: the newest. NEWER: the machine restarted, what it had open is dead. OLDER: its reports are still
    taken, it opens no sale. REPLACED: another journal than the machine's last. UNBORN: ahead of all that is
    known, and not proven: nothing of it is taken until it is. UNHEARD: an older start that was never heard
    of: its reports are counted and prove nothing. The rest is not believed.
    """

    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    REPLACED = "replaced"
    UNBORN = "unborn"
    UNHEARD = "unheard"
    ROLLED_BACK = "rolled_back"
    CLONED = "cloned"


class Claim(enum.Enum):
    """What a message says about the moment in which it was signed.

    WORD: nothing. BIRTH: that its session is alive, at some time. ALIVE: the same, after our newest challenge
    was made, and that is after every start we have seen. UNTRIED: the birth of a machine that knows no
    challenges.
    """

    WORD = enum.auto()
    BIRTH = enum.auto()
    ALIVE = enum.auto()
    UNTRIED = enum.auto()


DOUBTED = frozenset({Verdict.ROLLED_BACK, Verdict.CLONED})
BEGINS = frozenset({Verdict.NEWER, Verdict.REPLACED})
# Why a session may not open a sale.
OBSTACLES = {Verdict.OLDER: "stale", Verdict.UNHEARD: "stale", **dict.fromkeys(DOUBTED, "journal")}
# What a machine counts in memory only: a start begins without them and raises anew what still holds.
OF_ONE_SESSION = (
    "lane_jam",
    "lane_fault",
    "vend_uncertain",
    "link_forged",
    "bus_noise",
    "journal_new",
    "maintenance",
    "catalogue_refused",
    "catalogue_unsupported",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the books remember before this message.

    `highest` is the journal's newest boot (0: never heard of it), `bits` are the ones known for the boot
    that speaks now (empty: never heard of it), `doubt` is the verdict given before (empty: none), and
    `current` the journal that the machine used last (empty: none). `behind` says that the machine counts
    fewer reports at its birth than the books hold of this journal.
    """

    highest: int = 0
    bits: str = ""
    doubt: str = ""
    current: str = ""
    behind: bool = False


def judge(session: Session, known: Known, claim: Claim) -> Verdict:
    """Decide. Other bits and forgotten reports prove something whenever they were signed."""
    if known.doubt:
        return Verdict(known.doubt)
    if known.bits and known.bits != session.bits:
        return Verdict.CLONED
    other = known.current not in ("", session.jid)
    if session.boot > known.highest:
        return _ahead(known, claim, other=other)
    if known.bits and session.boot == known.highest and not other:
        return Verdict.SAME
    if claim is Claim.ALIVE:  # two of them, or one that went back
        return Verdict.CLONED if known.bits else Verdict.ROLLED_BACK
    return Verdict.OLDER if known.bits else Verdict.UNHEARD


def _ahead(known: Known, claim: Claim, *, other: bool) -> Verdict:
    """Only a birth begins a session: it says how many reports its journal counts."""
    if claim is Claim.WORD:
        return Verdict.UNBORN
    if known.behind:
        return Verdict.ROLLED_BACK
    if not other:
        return Verdict.NEWER
    return Verdict.UNBORN if claim is Claim.BIRTH else Verdict.REPLACED
