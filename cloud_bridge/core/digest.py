"""A day in one message: what was sold and given back, what failed, and what waits for a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One day of the platform's, `2026-01-31`. Amounts in fen.

    `silent` are machines that sold nothing; `standing` the names of alarms that stand as it is written, the
    gravest first, with how many of each; `bill` is `fits`, `differs`, or empty while it is not in.
    """

    day: str
    paid: int
    paid_fen: int
    refunded: int
    refunded_fen: int
    failed: int
    raised: int
    cases: int
    complaints: int
    machines: int
    silent: tuple[str, ...] = ()
    standing: tuple[tuple[str, int], ...] = ()
    bill: str = ""
    best: tuple[tuple[str, int], ...] = ()
