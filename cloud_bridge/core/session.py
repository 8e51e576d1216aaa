"""Judging who speaks: this session of a machine, a newer one, an older one, or a journal not to be believed.

A journal counts its starts and draws 64 bits at each. A start that is known under other bits, or one that
comes alive behind a start already seen, is a journal that was rolled back or cloned (G-ROLL). A repeated
or reordered message of a start that is known is harmless: whoever owns the broker can only delay.
"""

import enum
from dataclasses import dataclass

from cloud_bridge.core.model import Session


class Verdict(enum.StrEnum):
    """What a message's session means.

    SAME: the newest. NEWER: the machine restarted, what it had open is dead. OLDER: its reports are still
    taken, it opens no sale. REPLACED: another journal than the machine's last. The rest is not believed.
    """

    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    REPLACED = "replaced"
    ROLLED_BACK = "rolled_back"
    CLONED = "cloned"


DOUBTED = frozenset({Verdict.ROLLED_BACK, Verdict.CLONED})
# What a machine counts in memory only: a start begins without them and raises anew what still holds.
OF_ONE_SESSION = ("lane_jam", "lane_fault", "vend_uncertain", "link_forged", "bus_noise", "journal_new")


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


def judge(session: Session, known: Known, *, live: bool) -> Verdict:
    """Decide. `live` marks a birth or an answer: said in this moment, not a report from an outbox."""
    if known.doubt:
        return Verdict(known.doubt)
    if known.bits and known.bits != session.bits:
        return Verdict.CLONED
    other = known.current not in ("", session.jid)
    if session.boot > known.highest:
        if known.behind:
            return Verdict.ROLLED_BACK
        if not other:
            return Verdict.NEWER
        return Verdict.REPLACED if live else Verdict.OLDER
    if known.bits:
        return Verdict.SAME if session.boot == known.highest and not other else Verdict.OLDER
    return Verdict.ROLLED_BACK if live else Verdict.OLDER
