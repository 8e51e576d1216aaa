"""What happened, fact by fact, as the programs themselves told it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

KEPT: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line. `t_ms` is Unix milliseconds, `who` shopper | edge | bus | board | mqtt | bridge | wechat.

    `detail` is what can be unfolded: a frame in hex, a message with its topic. `mark` names the few facts
    that a stopwatch looks for.
    """

    t_ms: float
    who: str
    what: str
    detail: str = ""
    mark: str = ""


class Story:
    """Keeps the newest facts; `listener` is told each at once."""

    def __init__(self) -> None:
        self.facts: Final[list[Fact]] = []
        self.listener: Callable[[Fact], None] = lambda fact: None

    def tell(self, fact: Fact) -> None:
        """Add a fact."""
        self.facts.append(fact)
        del self.facts[:-KEPT]
        self.listener(fact)

    def since(self, t_ms: float) -> list[Fact]:
        """Facts from that moment on, in the order of their clocks."""
        return sorted((fact for fact in self.facts if fact.t_ms >= t_ms), key=lambda fact: fact.t_ms)
