"""Sales and cases as a person sees them."""

from dataclasses import fields

from cloud_bridge.core.case import Case, advice, reasons
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import CaseView, SaleView


def view(sale: Sale) -> SaleView:
    """A sale as a person sees it; an open case is told before what the machine said."""
    return SaleView(
        sale_id=sale.sale_id,
        machine=sale.machine,
        lane=sale.lane,
        product_zh=sale.product_zh,
        product_en=sale.product_en,
        price_fen=sale.price_fen,
        paid_fen=sale.paid_fen,
        refunded_fen=sale.refunded_fen,
        state=State.CASE.value if sale.case and sale.state is not State.PAID else sale.state.value,
        decision=sale.decision.value,
        why=next(iter(reasons(sale)), "") or sale.doubt or sale.why,
        opened_wall_ms=sale.opened_wall_ms,
        changed_wall_ms=sale.changed_wall_ms,
    )


def case_view(case: Case, sale: Sale) -> CaseView:
    """A case with what it is about, and what to do next."""
    return CaseView(
        **{field.name: getattr(case, field.name) for field in fields(case)},
        lane=sale.lane,
        product_zh=sale.product_zh,
        product_en=sale.product_en,
        paid_fen=sale.paid_fen,
        state=sale.state.value,
        advice=advice(case.reason),
    )
