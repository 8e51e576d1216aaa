"""What the merchant has to refund from: takings that are not paid out yet, and what he put in.

From "paid from unsettled funds by default" of the operations description; fees are left out.
"""

from hw_sim.platform.answers import ApiError


class Purse:
    """Fen; `float_fen` None is a purse that is never empty."""

    def __init__(self, float_fen: int | None) -> None:
        self._float_fen = float_fen
        self._moved_fen = 0

    @property
    def available_fen(self) -> int | None:
        """What there is, None for enough."""
        return None if self._float_fen is None else self._float_fen + self._moved_fen

    def put(self, fen: int) -> None:
        """A payment, a top-up, or a refund that was closed."""
        self._moved_fen += fen

    def take(self, fen: int) -> None:
        """A refund. Raises ApiError 403 NOT_ENOUGH, and takes nothing then."""
        available_fen = self.available_fen
        if available_fen is not None and fen > available_fen:
            raise ApiError(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        self._moved_fen -= fen

    def pay_out(self) -> None:
        """The day's takings go to the bank: what is left is what the merchant keeps here."""
        self._moved_fen = min(0, self._moved_fen)
