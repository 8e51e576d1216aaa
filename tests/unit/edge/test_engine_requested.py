"""A machine that asks for vends itself: each wish ends in a vend, or in a no behind a durable row."""

from pathlib import Path

import pytest

from edge.core.model import CodeOffered, CodeRefused, PaymentConfirmed, State
from edge.core.screen import Code
from edge.ports import CancelPressed, KeyPressed, SaleMessage
from tests.unit.edge.world import Machine

CODE = CodeOffered(code_url="weixin://wxpay/bizpayurl?pr=x", pay_s=180, price_fen=350)


async def asked(machine: Machine, *, lane: int = 12, price_fen: int | None = 350) -> str:
    await machine.ready()
    await machine.done(KeyPressed(lane=lane, price_fen=price_fen))
    return machine.engine.machine.current


async def test_a_wish_at_the_price_that_is_shown_opens_a_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await asked(machine)
        await machine.tell(sale_id, CODE)
        await machine.until(lambda: isinstance(machine.glass.view, Code))
        assert machine.bus.dismissed == []


@pytest.mark.parametrize(("lane", "price_fen"), [(12, 400), (12, 0), (0, 350), (13, 350), (99, None)])
async def test_a_wish_that_cannot_be_sold_is_told_no_and_opens_nothing(
    tmp_path: Path, lane: int, price_fen: int | None
) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        assert await asked(machine, lane=lane, price_fen=price_fen) == ""
        assert machine.bus.dismissed == [lane]


async def test_a_cancelled_wish_is_told_no_once_its_row_is_closed(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await asked(machine)
        await machine.done(CancelPressed())
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert (row.state, machine.bus.dismissed) == (State.CLOSED, [12])


async def test_an_order_that_is_refused_is_told_no(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.tell(await asked(machine), CodeRefused(why="platform"))
        assert machine.bus.dismissed == [12]


async def test_a_vend_is_never_told_no(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await asked(machine)
        await machine.tell(sale_id, CODE)
        who = machine.journal.session
        paid = PaymentConfirmed(
            session_jid=who.jid, session_boot=who.boot, lane=12, paid_fen=350, paid_hash="h"
        )
        machine.engine.post(SaleMessage(sale_id=sale_id, event=paid))
        await machine.until(lambda: bool(machine.bus.vends))
        await machine.done(CancelPressed())
        machine.bus.go.set()
        await machine.until(lambda: machine.engine.machine.ended_ms > 0)
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert (row.state, machine.bus.dismissed) == (State.DELIVERED, [])
