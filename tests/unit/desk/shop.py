"""A complaints desk at work: real desk, books and adapter before the simulated platform, without a wire."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloud_bridge.core.case import Wish
from cloud_bridge.core.complaint import Complaint, Doing
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import MachineSaid, Sale, Word
from cloud_bridge.core.trail import change
from cloud_bridge.engine_complaints import Complaints, ComplaintSettings
from cloud_bridge.ports import Fact, Tx
from cloud_bridge.ports_desk import ComplaintHint
from cloud_bridge.store.books import SqlStore
from cloud_bridge.wechat.complaints import WechatComplaints
from cloud_bridge.wechat.exchange import Exchange, NoAnswer, Reply
from cloud_bridge.wechat.keys import Keys, PlatformKey
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings
from cloud_bridge.wechat.signing import Request
from hw_sim.platform.answers import Call
from hw_sim.platform.complaint_calls import ComplaintDesk
from hw_sim.platform.complaints import Complaint as Theirs
from hw_sim.platform.ids import Ids
from tests.unit.sim_platform.bench import NUMBER, Bench

ADDRESS = "https://shop.example/wechat/notify"
VENDED = {"state": State.VENDED, "decision": Decision.VEND, "goods": True}
REFUNDING: dict[str, Any] = {
    "state": State.PAID,
    "decision": Decision.REFUND,
    "refund_no": f"R{NUMBER}",
    "why": "late",
}
REFUNDED = REFUNDING | {"state": State.REFUNDED, "refunded_fen": 350}
BRAKED = {
    "state": State.CASE,
    "decision": Decision.VEND,
    "case": "brakes",
    "why": "not_delivered.jam",
    "sent_count": 1,
}
IN_DOUBT = {"state": State.CASE, "decision": Decision.VEND, "case": "doubt", "doubt": "machine_gone"}


@dataclass
class Lines:
    """A log that remembers."""

    lines: list[str] = field(default_factory=list)

    def info(self, event: str, /, **fields: object) -> object:
        self.lines.append(f"{event} {fields}")
        return None

    warning = info


class Counter:
    """Implements `exchange.Caller` straight at the platform's counter. `cut` loses the next answers."""

    def __init__(self, bench: Bench, keys: Keys) -> None:
        self._bench = bench
        self._exchange = Exchange(keys, clock=self, nonce=lambda: "n" * 32)
        self.calls: list[str] = []
        self.cut = 0

    def now_ms(self) -> int:
        return self._bench.now_ms

    def wall_ms(self) -> int:
        return self._bench.now_ms

    async def call(self, request: Request) -> Reply:
        await asyncio.sleep(0)
        headers = {name.lower(): value for name, value in self._exchange.headers(request).items()}
        self.calls.append(f"{request.method} {request.target.partition('?')[0].rpartition('/')[2]}")
        sent = Call(request.method, request.target, headers, request.body)
        answer = self._bench.api.handle(sent, now_ms=self._bench.now_ms, wall_ms=self._bench.now_ms)
        if self.cut and request.method != "GET":
            self.cut -= 1
            return NoAnswer("connection")
        return self._exchange.judge(answer.status, answer.headers, answer.body)


@dataclass
class Engine:
    """The sales' engine as far as complaints ask it: a decided refund is a row that is being refunded."""

    store: SqlStore
    wishes: list[Wish] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    async def resolve(self, wish: Wish) -> str:
        self.wishes.append(wish)
        await self.store.run(lambda tx: put(tx, replace(_sale(tx, wish.sale_id), **REFUNDING)))
        return ""

    async def look_up(self, sale_id: str, merchant: str) -> None:
        self.looked_up.append(sale_id)

    def tell_facts(self, facts: Sequence[Fact]) -> None:
        self.facts.extend(facts)


class Shop:
    """One merchant, one sale, one payer who complains."""

    def __init__(self, bench: Bench, store: SqlStore, **more: Any) -> None:
        self.bench, self.store = bench, store
        merchant = bench.keys.merchant
        self.platform = ComplaintDesk(
            platform=bench.platform, merchant=merchant, ids=Ids(random.Random(1)), **more
        )
        bench.api.add(self.platform.routes())
        self.keys = keys_of(bench)
        self.counter = Counter(bench, self.keys)
        self.calls = WechatComplaints(merchant.mchid, self.keys.private_key, self.counter)
        self.log, self.engine = Lines(), Engine(store)
        self.desk = self._desk({"": ADDRESS})

    def _desk(self, addresses: dict[str, str]) -> Complaints:
        return Complaints(
            store=self.store,
            sales=self.engine,
            calls={"": self.calls},
            clock=self.counter,
            log=self.log,
            settings=ComplaintSettings(addresses=addresses),
        )

    # ------------------------------------------------------------ what happens

    async def sold(self, **row: Any) -> None:
        """A sale of the books and its paid order at the platform."""
        self.bench.paid()
        order = self.bench.platform.paid_order(NUMBER, self.bench.now_ms)
        assert order is not None
        values: dict[str, Any] = {
            "sale_id": NUMBER,
            "machine": "vm-0001",
            "store": self.store.incarnation,
            "opened_wall_ms": self.bench.now_ms,
            "lane": 12,
            "price_fen": 350,
            "product_zh": "可乐",
            "product_en": "Cola",
            "start_s": 5,
            "transaction_id": order.transaction_id,
            "paid_fen": 350,
            "paid_at": "2026-05-28T20:26:38+08:00",
        }
        await self.store.run(lambda tx: put(tx, Sale(**(values | row))))

    async def becomes(self, **row: Any) -> None:
        await self.store.run(lambda tx: put(tx, replace(_sale(tx, NUMBER), **row)))

    def complains(self, **told: str) -> Theirs:
        order = self.bench.platform.paid_order(NUMBER, self.bench.now_ms)
        assert order is not None
        return self.platform.book.create(order, self.bench.now_ms, **told)

    async def notified(self) -> int:
        """Every notice that waits arrives; how many there were."""
        merchant = self.bench.keys.merchant
        settings = WechatSettings(
            mchid=merchant.mchid,
            appid=merchant.appid,
            merchant_serial=merchant.serial,
            merchant_private_key_file=__file__,  # type: ignore[arg-type]
            api_v3_key_file=__file__,  # type: ignore[arg-type]
            notify_url=ADDRESS,
            platform_public_keys=(
                PlatformPublicKey(id=self.bench.keys.public_key.serial, file=__file__),  # type: ignore[arg-type]
            ),
        )
        opener, before = WechatNotices(settings, self.keys), len(self.bench.letters)
        self.bench.pass_ms(0)
        letters = self.bench.letters[before:]
        for at_ms, letter in letters:
            headers = {name.lower(): value for name, value in letter.headers.items()}
            told = opener.open(headers, letter.body, at_ms / 1000)
            if isinstance(told, ComplaintHint):
                await self.desk.hint(told)
        return len(letters)

    async def works(self, rounds: int = 1) -> None:
        """Let the desk do its rounds until it waits, so many times."""
        for _ in range(rounds):
            await self.desk.work()
            while self.desk.wanted:
                await self.desk.work()

    # ------------------------------------------------------------ looking

    async def row(self) -> Complaint:
        ((complaint, _, _), *_) = await self.store.complaints(settled=10)
        return complaint

    async def acts(self) -> tuple[Doing, ...]:
        ((_, acts, _), *_) = await self.store.complaints(settled=10)
        return acts

    async def alarms(self) -> set[str]:
        return {alarm.name for alarm in await self.store.alarms()}

    def said(self) -> list[tuple[str, str]]:
        """What the payer's phone shows."""
        (complaint,) = self.platform.book.all()
        return [(entry.action, entry.words) for entry in complaint.history]

    def standing(self) -> str:
        (complaint,) = self.platform.book.all()
        return complaint.standing.value


def keys_of(bench: Bench) -> Keys:
    """The merchant's keys as the product holds them."""
    merchant, public = bench.keys.merchant, bench.keys.public_key
    return Keys(
        mchid=merchant.mchid,
        merchant_serial=merchant.serial,
        private_key=bench.key,
        api_v3_key=merchant.api_v3_key.encode(),
        platform={public.serial: PlatformKey(key=public.key.public_key())},
        answer_with=public.serial,
    )


def put(tx: Tx, sale: Sale) -> None:
    """Write a row as the engine does, with its line in the trail."""
    event = MachineSaid(sale_id=sale.sale_id, machine=sale.machine, jid="", word=Word.OPEN)
    before = tx.sale(sale.sale_id)
    tx.put(sale)
    tx.record(sale, change(before, sale, event, sale.changed_wall_ms or sale.opened_wall_ms))


def _sale(tx: Tx, sale_id: str) -> Sale:
    sale = tx.sale(sale_id)
    assert sale is not None
    return sale
