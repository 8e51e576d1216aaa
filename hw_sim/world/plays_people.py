"""Plays with money that goes back by hand, operators who end cases, second payments and scans that are lost.

Each is a world of its own; `plays` says which cells it is there for.
"""

import asyncio

from cloud_bridge.core.case import Resolution
from hw_sim.platform.faults import Fault
from hw_sim.world.scans import Phones, printed
from hw_sim.world.stage import GONE_S, LANE, PAYMENTS, NotAsWritten, Stage, SteadySpeed
from hw_sim.world.story import Entry

# ---------------------------------------------------------------- money given back by hand


async def given_back_while_quoted(stage: Stage) -> None:
    """Paid before the answer to the order came, given back in the portal, and ended by an operator."""
    stage.arm(Fault.PAYMENT_BEATS_ANSWER)
    stage.no_answers()
    stage.post.held = {PAYMENTS}
    await stage.choose(shown=False)
    await stage.becomes("quoted")
    await asyncio.sleep(1)
    await _given_back(stage)


async def given_back_while_offered(stage: Stage) -> None:
    """The payment is not heard of, its refund is."""
    await stage.choose()
    stage.no_answers()
    stage.post.held = {PAYMENTS}
    stage.pay()
    await _given_back(stage)


async def given_back_while_closing(stage: Stage) -> None:
    """The same, once the shopper has cancelled."""
    await stage.choose()
    stage.no_answers()
    stage.post.held = {PAYMENTS}
    stage.pay()
    stage.machine.press(0)
    await stage.becomes("closing")
    await _given_back(stage)


async def given_back_while_closed(stage: Stage) -> None:
    """Paid after the platform said that it is closed, and given back before anybody looked again."""
    await stage.choose()
    stage.arm(Fault.PAYMENT_FOLLOWS_CLOSE)
    stage.post.held = {PAYMENTS}
    stage.machine.press(0)
    await stage.becomes("closed")
    stage.no_answers()
    await _given_back(stage)


async def _given_back(stage: Stage) -> None:
    await stage.give_back_by_hand()
    await stage.case("hand_refund")
    await stage.resolve(Resolution.CLOSED)
    stage.no_answers(lost=False)
    stage.post.held = set()


async def given_back_after_the_goods(stage: Stage) -> None:
    """A friendly hand: the goods are out, and the money goes back all the same."""
    await stage.vend()
    await stage.give_back_by_hand()
    await stage.case("hand_refund")
    await stage.resolve(Resolution.CLOSED)


# ---------------------------------------------------------------- cases, and who ends them


async def _held_by_the_brakes(stage: Stage) -> None:
    """The machine goes silent in a vend; doubt is waited out, and the brakes leave it to a person."""
    stage.post.deaf = True
    await stage.choose()
    stage.pay()
    await stage.ends("intent")
    stage.cut_off()
    await stage.becomes("case", GONE_S)


async def goods_in_a_case(stage: Stage) -> None:
    """... who had not decided when the payment is told of again and the machine is back."""
    await _held_by_the_brakes(stage)
    await stage.another_letter()
    stage.post.deaf = False
    stage.link_again()
    await stage.becomes("vended", GONE_S)


async def refunded_from_a_case(stage: Stage) -> None:
    """... who gives the money back: then the machine is back with the goods out."""
    await _held_by_the_brakes(stage)
    stage.post.deaf = False
    stage.office.order_refund(stage.sale_id)
    await stage.becomes("refunded")
    stage.link_again()
    await stage.goods_known()


async def settled_by_hand(stage: Stage) -> None:
    """... who settles it. Then everybody tells of it again: payment, refund in the portal, machine."""
    await _held_by_the_brakes(stage)
    await stage.resolve(Resolution.CLOSED)
    await stage.becomes("settled")
    await stage.another_letter()
    await stage.give_back_by_hand()
    await stage.case("hand_refund")
    await stage.resolve(Resolution.CLOSED)
    stage.post.deaf = False
    stage.link_again()
    await stage.goods_known()


async def said_to_be_out_while_foreign(stage: Stage) -> None:
    """Restored books may not send; an operator counts the pieces before the machine can be asked."""
    await stage.vend()
    stage.cut_off()
    await stage.put_back(stage.copy_at("offered"))
    await stage.case("foreign")
    await stage.resolve(Resolution.VENDED)
    stage.link_again()


async def said_to_be_out_in_doubt(stage: Stage) -> None:
    """The board never told of a piece that an operator sees in the tray."""
    await stage.buy("uncertain", fault="no_result")
    await stage.becomes("doubt")
    await stage.resolve(Resolution.VENDED)


async def paid_twice_while_refunding(stage: Stage) -> None:
    """The platform took two payments: one goes back by itself, the other one by hand."""
    stage.machine.stumble("jam", times=1)
    await stage.choose()
    stage.pay()
    await stage.ends("intent")
    await asyncio.sleep(1)
    stage.no_answers()
    await stage.becomes("refunding", GONE_S)
    await stage.pay_twice()
    await stage.case("second_payment")
    await stage.return_the_second()
    stage.no_answers(lost=False)


async def paid_twice_in_a_case(stage: Stage) -> None:
    """The same while the first one waits for a person."""
    await _held_by_the_brakes(stage)
    await stage.pay_twice()
    await stage.case("second_payment")
    await stage.return_the_second()
    stage.post.deaf = False
    stage.link_again()


# ---------------------------------------------------------------- scans


async def scan_lost_while_quoted(stage: Stage) -> None:
    """The books are slow with the request: the phone gives up before the order is there."""
    stage.no_answers()
    await _scanned(stage, slow_at=("sale.open", "lane", LANE), flush_s=3.4)
    stage.no_answers(lost=False)


async def scan_lost_while_offered(stage: Stage) -> None:
    """The books are slow with the order: the phone gives up before it is let in."""
    await _scanned(stage, slow_at=("row", "state", "quoted"), flush_s=6.0)


async def _scanned(stage: Stage, *, slow_at: tuple[str, str, object], flush_s: float) -> None:
    """Somebody scans the lane's label; from one line of the story on each flush of the books takes long."""
    world, disk = stage.world, stage.office.disk
    what, name, value = slow_at

    def seen(entry: Entry) -> None:
        if entry.what == what and dict(entry.fields)[name] == value:
            disk.speed = SteadySpeed(flush_s=flush_s)

    await stage.until(lambda: stage.sells, "the machine sells", GONE_S)
    usual = disk.speed
    world.story.watch(seen)
    phones = Phones(world.loop, world.payments, world.office.ask_order, world.chance("phones"))
    if await phones.order_of(printed(stage.machine.name, LANE), "somebody"):
        raise NotAsWritten("the phone was let in")
    await stage.until(lambda: stage.where == "closing", "the sale is given up")
    disk.speed = usual
