"""What a decision of the books needs to know about a fact before it reads a row."""

from cloud_bridge.core.model import Born, FromMachine, LeaseDenied, Payment, Requested, StatusAnswered
from cloud_bridge.core.sale import Event, MachineSaid, Product, Rang, Sale, Timer
from cloud_bridge.ports import Shelf


def machine_of(event: Event) -> str:
    """Whose sale it is, where the fact itself says so."""
    return event.machine if isinstance(event, Requested | MachineSaid | Payment) else ""


def number_of(event: FromMachine) -> int:
    """The number of a report; 0 for an answer, which nobody acknowledges."""
    return 0 if isinstance(event, Born | StatusAnswered | LeaseDenied) else event.n


def lane_of(sale: Sale | None, event: Event | None) -> int:
    """The lane in question, 0 for none."""
    if sale is not None:
        return sale.lane
    return event.lane if isinstance(event, Requested) else 0


def brakes(event: Event | None) -> bool:
    """Whether refunds on a machine's word count for what is decided now."""
    if isinstance(event, Rang):
        return event.timer is Timer.DOUBT
    return isinstance(event, Requested | MachineSaid)


def product_of(shelf: Shelf | None, lane: int) -> Product | None:
    """What lies in a lane, as our own catalogue has it."""
    if shelf is None:
        return None
    for product in shelf.products:
        if product.lane == lane:
            return Product(
                name_zh=product.name_zh,
                name_en=product.name_en,
                price_fen=product.price_fen,
                version=shelf.version,
            )
    return None
