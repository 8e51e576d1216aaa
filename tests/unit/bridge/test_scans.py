"""Order requests through the real engine, in virtual time: who is let in, who is told why not, and when."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

import pytest

from cloud_bridge.core.model import State, TellCode, TellRefused
from cloud_bridge.core.scan import TellCodes, TellLease, TellOffered, spoken
from cloud_bridge.core.timings import Timings
from cloud_bridge.engine_scans import ANSWER_S, PAYERS_KEPT, Scans, _bound
from cloud_bridge.engine_tokens import Token, Tokens, Use
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.ports_scans import OrderRequest
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import COLA, SHELF, TEA, LoopClock, Quiet, World

TOKENS = Tokens(b"k" * 32, ["vm-0001"])
PRINTED = TOKENS.seal(Token(use=Use.PRINTED, machine="vm-0001", lane=12, serial=3))
AHEAD = TOKENS.seal(Token(use=Use.AHEAD, machine="vm-0001", lane=12, serial=77))


class Desk:
    """The platform's words: `token payer` asks, and the answer says `ok ticket` or `no words`."""

    def code(self, token: str, made_s: int, *, merchant: str = "") -> str:
        return f"weixin://{token}"

    def read(self, body: bytes) -> OrderRequest:
        token, _, payer = body.decode().partition(" ")
        if token == "forged":
            raise NoticeRejected("bad_signature")
        return OrderRequest(token=token, payer=payer)

    def granted(self, request: OrderRequest, ticket: str) -> bytes:
        return f"ok {ticket}".encode()

    def refused(self, request: OrderRequest, words: str) -> bytes:
        return f"no {words}".encode()

    def rejected(self) -> bytes:
        return b"rejected"


class ScanWorld(World):
    """The small world with an order interface before its engine."""

    shelf = replace(SHELF, printed_codes=3, codes_ahead=2)

    def start(self) -> None:
        super().start()
        numbers = count(self.starts * 1_000_000)
        self.scans = Scans(
            desk=Desk(),
            tokens=TOKENS,
            shelves={"vm-0001": self.shelf},
            timings=self.settings.timings,
            clock=LoopClock(),
            log=Quiet(),
            hands=self.engine.hands(lambda size: next(numbers).to_bytes(size, "big")),
        )
        self.engine.scans = self.scans

    async def scan(self, token: str = PRINTED, payer: str = "ann") -> str:
        began_s = asyncio.get_running_loop().time()
        answer = (await self.scans.answer(f"{token} {payer}".encode())).decode()
        assert asyncio.get_running_loop().time() - began_s < 4.5
        return answer

    async def let_in(self, payer: str = "ann") -> str:
        """A scan that got its order: the sale."""
        answer = await self.scan(payer=payer)
        assert answer.startswith("ok wx"), answer
        return answer.removeprefix("ok wx")

    def told(self, kind: type) -> list[object]:
        return [message for message in self.machine.told if isinstance(message, kind)]


class WithoutCodesAhead(ScanWorld):
    """Its machine is to hold none any more."""

    shelf = replace(SHELF, printed_codes=3)


def scene(
    act: Callable[[ScanWorld], Awaitable[None]],
    world: type[ScanWorld] = ScanWorld,
    timings: Timings | None = None,
) -> None:
    async def run() -> None:
        async with world(timings=timings) as there:
            await there.passed(1)
            await act(there)

    play(run())


def test_a_scan_gets_its_order_and_the_sale_goes_the_way_of_all() -> None:
    async def act(world: ScanWorld) -> None:
        sale_id = await world.let_in()
        assert world.row(sale_id).state is State.OFFERED
        assert world.row(sale_id).request_id in world.machine.leases
        await world.until(lambda: world.machine.rows[sale_id].code)
        assert world.told(TellCode) == []
        world.notify(world.wechat.pay(sale_id))
        await world.ended(sale_id, State.VENDED)
        assert (world.machine.pieces, len(world.machine.motors)) == (1, 1)

    scene(act)


def test_the_order_is_durable_before_the_payer_is_let_in() -> None:
    async def act(world: ScanWorld) -> None:
        assert (await world.scan()).startswith("ok")
        assert [sale.state for sale in world.tables.sales.values()] == [State.OFFERED]

    scene(act)


def test_twenty_phones_at_once_get_one_lease_and_nineteen_polite_refusals() -> None:
    async def act(world: ScanWorld) -> None:
        answers = await asyncio.gather(*(world.scan(payer=f"payer {number}") for number in range(20)))
        assert sum(answer.startswith("ok") for answer in answers) == 1
        assert answers.count(f"no {spoken('busy')}") == 19
        assert len(world.machine.leases) == len(world.tables.sales) == len(world.wechat.orders) == 1

    scene(act)


def test_the_next_phone_is_refused_by_the_machine_while_the_first_one_pays() -> None:
    async def act(world: ScanWorld) -> None:
        await world.let_in("ann")
        assert await world.scan(payer="bob") == f"no {spoken('busy')}"
        assert len(world.wechat.orders) == 1

    scene(act)


def test_a_payer_who_scans_again_leaves_his_own_unpaid_sale() -> None:
    async def act(world: ScanWorld) -> None:
        first = await world.let_in()
        second = await world.let_in()
        assert world.machine.rows[first].why == "replaced"
        world.notify(world.wechat.pay(second))
        await world.ended(second, State.VENDED)
        await world.ended(first, State.CLOSED)
        assert world.machine.pieces == 1

    scene(act)


@pytest.mark.parametrize("why", ["sold_out", "door_open", "fault", "code", "busy"])
def test_the_payer_reads_why_the_machine_gives_no_lease(why: str) -> None:
    async def act(world: ScanWorld) -> None:
        world.machine.denies = why
        assert await world.scan() == f"no {spoken(why)}"
        assert world.tables.sales == {}

    scene(act)


@pytest.mark.parametrize(
    "token",
    [
        "vm-0001-12",
        TOKENS.seal(Token(use=Use.PRINTED, machine="vm-0001", lane=12, serial=2)),
        TOKENS.seal(Token(use=Use.PRINTED, machine="vm-0001", lane=99, serial=3)),
        Tokens(b"l" * 32, ["vm-0001"]).seal(Token(use=Use.PRINTED, machine="vm-0001", lane=12, serial=3)),
    ],
    ids=["foreign", "older edition", "lane that is gone", "another bridge's"],
)
def test_a_stale_or_foreign_code_is_refused_without_a_word_to_the_machine(token: str) -> None:
    async def act(world: ScanWorld) -> None:
        assert await world.scan(token) == f"no {spoken('code')}"
        assert world.told(TellLease) == []

    scene(act)


def test_a_request_that_is_not_the_platforms_is_rejected() -> None:
    async def act(world: ScanWorld) -> None:
        assert await world.scan("forged") == "rejected"
        assert world.scans.counts["scan_rejected.bad_signature"] == 1

    scene(act)


def test_one_payer_who_scans_without_end_is_told_to_wait() -> None:
    async def act(world: ScanWorld) -> None:
        world.machine.denies = "sold_out"
        answers = [await world.scan() for _ in range(8)]
        assert answers.count(f"no {spoken('velocity')}") == 2
        await world.passed(60)
        assert await world.scan() == f"no {spoken('sold_out')}"

    scene(act)


# ---------------------------------------------------------------- too late


def test_a_machine_without_a_link_is_said_to_be_offline_at_once() -> None:
    async def act(world: ScanWorld) -> None:
        world.wire.up = False
        began_s = asyncio.get_running_loop().time()
        assert await world.scan() == f"no {spoken('offline')}"
        assert asyncio.get_running_loop().time() - began_s < 0.5

    scene(act)


def test_a_machine_that_does_not_answer_is_offline_within_two_seconds() -> None:
    async def act(world: ScanWorld) -> None:
        world.machine.deaf = True
        began_s = asyncio.get_running_loop().time()
        assert await world.scan() == f"no {spoken('offline')}"
        assert 1.4 < asyncio.get_running_loop().time() - began_s < 2.0

    scene(act)


def test_a_lease_that_comes_too_late_is_closed_on_both_sides_and_no_order_is_placed() -> None:
    async def act(world: ScanWorld) -> None:
        world.machine.lease_after_s = 1.7
        assert await world.scan() == f"no {spoken('offline')}"
        await world.until(lambda: bool(world.tables.sales))
        (sale,) = world.tables.sales.values()
        assert (sale.state, sale.why) == (State.CLOSED, "late")
        await world.until(lambda: world.machine.rows[sale.sale_id].state == "closed")
        assert world.machine.rows[sale.sale_id].why == "late"
        assert world.wechat.orders == {}

    scene(act)


def test_a_platform_that_does_not_answer_in_time_gives_the_sale_up_on_both_sides() -> None:
    async def act(world: ScanWorld) -> None:
        world.wechat.down = True
        assert await world.scan() == f"no {spoken('platform')}"
        world.wechat.down = False
        (sale,) = world.tables.sales.values()
        await world.until(lambda: world.machine.rows[sale.sale_id].state == "closed")
        await world.ended(sale.sale_id, State.CLOSED)

    scene(act)


@pytest.mark.parametrize("refusal", [True, False], ids=["refused", "no ticket"])
def test_an_order_that_lets_nobody_in_is_given_up_on_both_sides(refusal: bool) -> None:
    async def act(world: ScanWorld) -> None:
        world.wechat.refusals = {"place": "param_error"} if refusal else {}
        world.wechat.tickets = False
        assert await world.scan() == f"no {spoken('platform')}"
        (sale,) = world.tables.sales.values()
        await world.until(lambda: world.machine.rows[sale.sale_id].state == "closed")
        assert world.told(TellOffered) == []

    scene(act)


def test_an_answer_that_comes_too_late_for_the_phone_gives_the_sale_up() -> None:
    async def act(world: ScanWorld) -> None:
        world.machine.lease_after_s = 1.4
        world.wechat.down = True
        assert await world.scan() == f"no {spoken('late')}"
        (sale,) = world.tables.sales.values()
        assert (sale.state, sale.why) == (State.CLOSING, "late")

    scene(act, timings=Timings(scan_order_s=30.0))
    assert ANSWER_S < 4.5


def test_a_machine_that_closes_the_lease_meanwhile_is_the_reason_that_the_payer_reads() -> None:
    async def act(world: ScanWorld) -> None:
        world.wechat.down = True
        asking = asyncio.ensure_future(world.scan())
        await world.until(lambda: bool(world.tables.sales))
        (sale_id,) = world.tables.sales
        world.machine.close(sale_id, "lane.sold_out")
        assert await asking == f"no {spoken('sold_out')}"

    scene(act)


def test_after_a_restart_nobody_waits_for_a_quoted_scan_and_it_is_given_up() -> None:
    async def act(world: ScanWorld) -> None:
        world.wechat.down = True
        asking = asyncio.ensure_future(world.scan())
        await world.until(lambda: bool(world.tables.sales))
        await world.restart()
        asking.cancel()
        world.wechat.down = False
        (sale_id,) = world.tables.sales
        await world.ended(sale_id, State.CLOSED)
        assert world.machine.rows[sale_id].state == "closed"
        assert world.wechat.orders == {}

    scene(act)


def test_a_repeated_grant_changes_nothing() -> None:
    async def act(world: ScanWorld) -> None:
        sale_id = await world.let_in()
        before = world.row(sale_id)
        for report in list(world.machine.reports.values()):
            world.say(report)
        await world.passed(1)
        assert world.row(sale_id) == before
        assert len(world.wechat.orders) == 1

    scene(act)


def test_a_second_sale_for_the_same_scan_gets_no_order() -> None:
    async def act(world: ScanWorld) -> None:
        world.wechat.down = True
        asking = asyncio.ensure_future(world.scan())
        await world.until(lambda: bool(world.machine.leases))
        (request_id,) = world.machine.leases
        again = world.machine.select(COLA, request_id=request_id)
        await world.until(lambda: again in world.tables.sales)
        assert (world.row(again).state, world.row(again).why) == (State.CLOSED, "late")
        await asking

    scene(act)


def test_an_order_for_a_scan_is_not_closed_before_it_is_five_minutes_old() -> None:
    async def act(world: ScanWorld) -> None:
        sale_id = await world.let_in()
        began_s = asyncio.get_running_loop().time()
        world.machine.close(sale_id, "cancel")
        await world.until(lambda: world.wechat.calls["close"] > 0)
        assert asyncio.get_running_loop().time() - began_s >= 300
        await world.ended(sale_id, State.CLOSED)

    scene(act)


def test_a_payment_that_comes_after_the_window_is_given_back() -> None:
    async def act(world: ScanWorld) -> None:
        sale_id = await world.let_in()
        world.machine.close(sale_id, "cancel")
        await world.passed(1)
        world.notify(world.wechat.pay(sale_id))
        await world.ended(sale_id, State.REFUNDED)
        assert world.machine.motors == []

    scene(act)


# ---------------------------------------------------------------- codes made ahead


def held(world: ScanWorld, lane: int) -> TellCodes:
    found = [each for each in world.told(TellCodes) if isinstance(each, TellCodes) and each.lane == lane]
    return found[-1]


def test_a_birth_fills_every_lane_with_codes_of_this_session() -> None:
    async def act(world: ScanWorld) -> None:
        await world.until(lambda: len(world.told(TellCodes)) == 2)
        for product in (COLA, TEA):
            codes = held(world, product.lane)
            assert (codes.jid, codes.boot, len(codes.codes)) == (world.machine.jid, 1, 2)
            for code in codes.codes:
                token = TOKENS.open(code.token)
                assert token is not None
                assert (token.use, token.lane) == (Use.AHEAD, product.lane)
                assert code.code_url == f"weixin://{code.token}"

    scene(act)


def test_a_used_code_is_replaced_by_a_newer_word_about_its_lane() -> None:
    async def act(world: ScanWorld) -> None:
        await world.until(lambda: len(world.told(TellCodes)) == 2)
        before = held(world, 12)
        assert (await world.scan(before.codes[0].token)).startswith("ok")
        (lease,) = world.told(TellLease)
        assert isinstance(lease, TellLease)
        assert lease.token == before.codes[0].token
        await world.until(lambda: held(world, 12) != before)
        assert held(world, 12).version > before.version

    scene(act)


def test_a_printed_code_names_no_token_to_the_machine() -> None:
    async def act(world: ScanWorld) -> None:
        await world.let_in()
        (lease,) = world.told(TellLease)
        assert isinstance(lease, TellLease)
        assert (lease.token, lease.lane, lease.boot) == ("", 12, 1)

    scene(act)


def test_a_machine_that_asked_for_a_code_gets_more_of_them() -> None:
    async def act(world: ScanWorld) -> None:
        await world.until(lambda: len(world.told(TellCodes)) == 2)
        await world.offered(TEA)
        await world.until(lambda: len(world.told(TellCodes)) == 3)
        assert held(world, 13) == world.told(TellCodes)[-1]

    scene(act)


def test_a_code_made_ahead_for_a_machine_that_is_to_have_none_is_refused_and_revoked() -> None:
    async def act(world: ScanWorld) -> None:
        assert world.told(TellCodes) == []
        assert await world.scan(AHEAD) == f"no {spoken('code')}"
        await world.until(lambda: bool(world.told(TellCodes)))
        assert held(world, 12).codes == ()

    scene(act, WithoutCodesAhead)


def test_what_is_remembered_of_payers_is_bounded() -> None:
    kept = dict.fromkeys(range(PAYERS_KEPT + 1), "")
    _bound(kept)
    assert (len(kept), 0 in kept) == (PAYERS_KEPT, False)


def test_every_reason_has_words_that_fit_into_the_platforms_answer() -> None:
    for why in ("sold_out", "lane.sold_out", "offline", "door_open", "code", "busy", "no_such_name"):
        assert 0 < len(spoken(why).encode()) <= 128
    assert spoken("lane.sold_out") == spoken("sold_out") == "商品已售罄，请选购其他商品"
    assert spoken("door_open") == spoken("no_such_name") == "设备暂停服务，请稍后再试"


def test_a_refusal_is_told_to_the_machine_too() -> None:
    async def act(world: ScanWorld) -> None:
        world.wechat.refusals = {"place": "param_error"}
        await world.scan()
        await world.until(lambda: bool(world.told(TellRefused)))
        (refused,) = world.told(TellRefused)
        assert isinstance(refused, TellRefused)
        assert refused.why == "platform"

    scene(act)
