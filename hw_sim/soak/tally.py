"""What a soak has come to, kept in a file after each round, so that one that was broken off can go on."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hw_sim.soak.cast import Truth
from hw_sim.soak.rounds import Round

_COUNTS: Final = ("kills", "did", "ends")


class OtherSoak(Exception):
    """The file is not of this soak: what was found, what to do."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Rounds are numbered from 0 and may end in any order. `path` None: nothing is kept."""

    seed: int
    path: Path | None = None
    done: set[int] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    begun_s: float = 0.0
    before: int = 0  # rounds that were done when this run began

    def take(self, number: int, played: Round, before: Counter[str]) -> Counter[str]:
        """Add a round; `before` is what its shop's books said until then. What they say now."""
        now = counted(played.truth)
        self.done.add(number)
        self.kills.update(blow.victim for blow in played.blows)
        self.did.update(played.did)
        self.ends.update(now)
        self.ends.subtract(before)
        if played.wrong:
            self.violations.append(f"round {number}, seed {self.seed + number}: {played.wrong[0]}")
        self._keep()
        return now

    def line(self, now_s: float) -> str:
        """One line for people who watch."""
        rate = 60 * (len(self.done) - self.before) / max(now_s - self.begun_s, 1e-9)
        ends = ", ".join(f"{name} {count}" for name, count in sorted(self.ends.items()))
        wrong = f", VIOLATIONS {len(self.violations)}" if self.violations else ""
        return f"rounds {len(self.done)} ({rate:.1f} a minute), kills {self.kills.total()}, {ends}{wrong}"

    def table(self) -> Iterator[str]:
        """Everything, a line each."""
        for title, counts in (("killed", self.kills), ("the shopper", self.did), ("the books", self.ends)):
            yield title
            yield from (f"  {name:<24}{count:>8}" for name, count in sorted(counts.items()))
        yield from self.violations

    def _keep(self) -> None:
        if self.path is None:
            return
        kept = {"seed": self.seed, "done": sorted(self.done), "violations": self.violations}
        counts = {name: dict(getattr(self, name)) for name in _COUNTS}
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(json.dumps(kept | counts) + "\n")
        new.replace(self.path)


def counted(truth: Truth) -> Counter[str]:
    """How the sales of a shop's books ended, and where its money is."""
    books = truth.books
    orders = books.platform.values()
    return Counter(sale.state for sale in books.bridge.values()) + Counter(
        {
            "in doubt": sum(state == "uncertain" for state in books.journal.values()),
            "pieces": books.pieces_dropped,
            "paid fen": sum(order.paid_fen for order in orders),
            "refunded fen": sum(order.refunded_fen for order in orders),
        }
    )


def opened(path: Path | None, seed: int | None, new_seed: int) -> Tally:
    """The tally in the file, or a new one. `seed` None: the file's, or `new_seed`. Raises OtherSoak."""
    if path is None or not path.exists():
        return Tally(seed=new_seed if seed is None else seed, path=path)
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
        counts = [Counter[str](kept[name]) for name in _COUNTS]
        done, violations, found = set(kept["done"]), list(kept["violations"]), int(kept["seed"])
    except (ValueError, KeyError, TypeError) as error:
        raise OtherSoak(f"{path}: found no tally of a soak. Try: another file, or remove it") from error
    if seed is not None and seed != found:
        raise OtherSoak(f"{path}: found seed {found}, asked for {seed}. Try: another file, or without --seed")
    tally = Tally(seed=found, path=path, done=done, violations=violations, before=len(done))
    tally.kills, tally.did, tally.ends = counts
    return tally
