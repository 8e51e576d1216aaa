"""The `[by_hand]` table: how much money people may give back by hand, alone and in a day."""

from dataclasses import dataclass
from typing import Annotated

from cloud_bridge.core.approval import HandLimits
from wire.settings import Range

Fen = Annotated[int, Range(0, 10_000_000, "fen")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHandTable:
    """What one person gives back alone: an operator, somebody of finance. Above it a second one has to agree.

    `person_day_fen`: what one person gives in 24 hours at most; `machine_day_fen`: what goes back on one
    machine before a second person looks; `wait_s`: how long an act waits for him.
    """

    operator_fen: Fen = 5_000
    finance_fen: Fen = 20_000
    person_day_fen: Fen = 50_000
    machine_day_fen: Fen = 50_000
    wait_s: Annotated[int, Range(60, 86_400, "s")] = 3_600

    @property
    def limits(self) -> HandLimits:
        """As the engine knows them."""
        return HandLimits(
            operator_fen=self.operator_fen,
            finance_fen=self.finance_fen,
            person_day_fen=self.person_day_fen,
            machine_day_fen=self.machine_day_fen,
            wait_s=self.wait_s,
        )
