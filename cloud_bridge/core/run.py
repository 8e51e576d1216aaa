"""One run of a machine's daemon: who speaks, and to whom something is said."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of a machine's daemon on one journal."""

    jid: str
    boot: int
    bits: str
