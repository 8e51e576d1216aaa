"""What the daily match cannot explain: the sale stands still until a person has looked at it."""

from cloud_bridge.core.case import is_open
from cloud_bridge.core.model import State
from cloud_bridge.core.refund import held
from cloud_bridge.core.rule import flagged
from cloud_bridge.core.sale import BillDiffers, Context, RaiseAlarm, Sale, Step


def freeze(sale: Sale | None, event: BillDiffers, ctx: Context) -> Step:
    """Money that is still on its way stops; what has ended is flagged. The same reason again is harmless."""
    if sale is None:
        return Step(None, (RaiseAlarm(name=event.reason, text=f"{event.sale_id}: {event.text}"),))
    if is_open(sale, event.reason):
        return Step(sale)
    if sale.state is State.PAID:
        return held(sale, event.reason, event.text, ctx)
    return flagged(sale, event.reason, event.text)
