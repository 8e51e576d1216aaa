"""Plays with books that come back from a copy, and with words that cross each other.

Each is a world of its own; `plays` says which cells it is there for.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.case import Resolution
from hw_sim.platform.faults import Fault
from hw_sim.world.stage import GONE_S, PAYMENTS, REFUNDS, Stage
from hw_sim.world.story import Entry

# How a motor run ends, and the board's fault that makes it end so.
ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"delivered": "", "not_delivered": "jam", "uncertain": "no_result"}
)

# ---------------------------------------------------------------- books from a copy, and words before others


async def outcome_first(stage: Stage, *, at: str, outcome: str) -> None:
    """The books are from when the sale was there ("": before it), and how the motor run ended comes first."""
    before = await stage.known()
    await stage.buy(outcome, fault=ENDINGS[outcome])
    stage.cut_off()
    stage.no_answers()
    stage.post.held = {PAYMENTS}
    await stage.put_back(stage.copy_at(at) if at else before)
    stage.say_again(stage.said("up/sale.outcome"))
    await asyncio.sleep(2)
    stage.post.held = set()
    stage.no_answers(lost=False)
    stage.link_again()
    if not at and outcome == "not_delivered":
        await stage.becomes("refunded", GONE_S)
        await stage.resolve(Resolution.CLOSED, reason="unknown_sale")


async def goods_of_a_refused_sale(stage: Stage) -> None:
    """The books know nothing of it and have a new price list: they refuse it, then hear of the goods."""
    before = stage.books
    await stage.buy("delivered")
    stage.cut_off()
    stage.no_answers()
    stage.post.held = {PAYMENTS}
    await stage.put_back(before, catalogue=True)
    stage.link_again()
    await stage.case("goods_unpaid")
    await stage.resolve(Resolution.CLOSED)
    stage.post.held = set()
    stage.no_answers(lost=False)


async def paid_as_a_refused_sale_is_shut(stage: Stage) -> None:
    """The books refuse a sale that has a code; somebody pays just before the platform closes its order."""
    before = await stage.known()
    await stage.choose()
    stage.cut_off()
    stage.arm(Fault.PAYMENT_BEATS_CLOSE)
    stage.post.held = {PAYMENTS}
    await stage.put_back(before, catalogue=True)
    stage.link_again()
    await stage.until(lambda: stage.row is not None and stage.row.paid_fen > 0, "it is paid", GONE_S)
    stage.post.held = set()


async def asked_of_a_lost_journal(stage: Stage) -> None:
    """Neither books nor journal know a sale that was paid, and the platform still tells of the payment."""
    before = await stage.known()
    stage.post.deaf = True
    await stage.vend()
    stage.machine.crash(power=True)
    stage.machine.new_journal()
    await stage.put_back(before)
    stage.machine.restore()
    await stage.becomes("doubt", 4000.0)


async def refund_of_a_forgotten_sale(stage: Stage) -> None:
    """The first that restored books hear of a sale is that its money went back."""
    before = await stage.known()
    await stage.vend()
    stage.cut_off()
    stage.post.held = {PAYMENTS}
    await stage.put_back(before)
    await stage.give_back_by_hand()
    await stage.until(lambda: stage.row is not None, "the payment is found")
    stage.post.held = set()
    stage.link_again()


# ---------------------------------------------------------------- words that cross each other


async def refund_reaches_an_open_row(stage: Stage) -> None:
    """Paid while the machine is away, and given back; it is there again while its lease lives."""
    await stage.choose()
    stage.cut_off()
    await asyncio.sleep(2)
    stage.pay()
    await stage.becomes("vending")
    stage.office.order_refund(stage.sale_id)
    await stage.becomes("refunding")
    stage.link_again()
    await stage.ends("closed")


async def refund_reaches_a_turning_motor(stage: Stage) -> None:
    """Books that were restored in a vend: an operator does not wait for the machine."""
    await stage.choose()
    stage.pay()
    await stage.ends("intent")
    await stage.put_back(stage.copy_at("offered"))
    await stage.case("foreign")
    stage.no_answers()
    stage.post.held = {REFUNDS}
    stage.office.order_refund(stage.sale_id)
    await stage.becomes("refunding")
    await stage.ends("delivered")
    await stage.goods_known()
    stage.no_answers(lost=False)
    stage.post.held = set()


async def code_said_again_after_a_jam(stage: Stage) -> None:
    """A sale's code comes once more when its motor run has failed already."""
    await stage.buy("not_delivered", fault="jam")
    stage.say_again(stage.said("down/sale.code"))
    await asyncio.sleep(1)


async def code_reaches_a_row_in_doubt(stage: Stage) -> None:
    """The code is said once more, as late as that."""
    await stage.buy("uncertain", fault="no_result")
    stage.say_again(stage.said("down/sale.code"))
    await asyncio.sleep(2)


async def power_fails_with_the_frame_in_the_line(stage: Stage) -> None:
    """Between the board's turn and its motor."""
    machine, loop = stage.machine, stage.world.loop

    def seen(entry: Entry) -> None:
        if entry.what == "frame leaves" and entry.who == machine.name and machine.running:
            loop.on(loop.nature, 0.0, partial(machine.crash, power=True))
            loop.on(loop.nature, 3.0, machine.restore)

    await stage.choose()
    stage.world.story.watch(seen)
    stage.pay()
    await stage.until(lambda: not machine.running, "power fails")
    await stage.until(lambda: stage.machine_row not in ("open", "intent"), "the row is judged")


async def closed_while_gone(stage: Stage) -> None:
    """The authorisation never reached the machine; it closes its row and is silent until there is doubt."""
    await stage.choose()
    stage.world.weather.held_s = lambda packet: 1e6 if packet.topic.endswith("/down/sale.paid") else 0.0
    stage.pay()
    await stage.becomes("vending")
    stage.cut_off()
    await stage.becomes("doubt", GONE_S)
    stage.link_again()
    await stage.becomes("refunded", GONE_S)


async def jammed_while_gone(stage: Stage) -> None:
    """The motor ran into nothing while the machine was silent."""
    stage.machine.stumble("jam", times=1)
    await stage.choose()
    stage.pay()
    await stage.ends("intent")
    stage.cut_off()
    await stage.becomes("doubt", GONE_S)
    stage.link_again()
    await stage.becomes("refunded", GONE_S)


async def contradicted_by_an_older_journal(stage: Stage) -> None:
    """After the goods the machine gets a copy of its journal from before them, and closes that row.

    Its word has the number of the one that told of the goods. It is said all the same, for the bridge still
    waits for an earlier one.
    """
    await stage.choose()
    stage.world.weather.held_s = lambda packet: 1e6 if packet.topic.endswith("/up/sale.closed") else 0.0
    stage.machine.press(0)
    await stage.ends("closed")
    await stage.choose()
    copy = stage.machine.disk.image
    stage.pay()
    await stage.ends("delivered", 200.0)
    await stage.becomes("vended")
    stage.machine.crash(power=True)
    stage.machine.swap_journal(copy, "rolled back")
    stage.world.weather.held_s = lambda packet: 0.0
    await asyncio.sleep(1)
    stage.machine.restore()
    await stage.case("contradiction")


async def more_codes_than_lanes(stage: Stage) -> None:
    """The bridge hears of no cancelling: to it each sale still waits with a code, and the next gets none."""
    stage.world.weather.held_s = lambda packet: 1e6 if packet.topic.endswith("/up/sale.closed") else 0.0
    for _ in stage.machine.plan.lanes:
        await stage.choose()
        stage.machine.press(0)
        await stage.ends("closed")
    await stage.choose(shown=False)
    await stage.until(lambda: stage.row is not None and stage.row.why == "busy", "it is refused")
