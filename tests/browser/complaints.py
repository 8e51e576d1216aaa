"""Complaints to look at, and somebody who looks after them as the test says."""

from dataclasses import dataclass, field, replace

from cloud_bridge.ports import Fact
from cloud_bridge.ports_desk import ActView, ComplaintHint, ComplaintStory, ComplaintView
from tests.unit.web.bridge import SALE, START_WALL_MS

HOUR_MS = 3_600_000
DELIVERED = ComplaintStory(
    complaint_id="20002026010100000000000001",
    sale_id=SALE.sale_id,
    machine="vm-0001",
    lane=12,
    product_zh="可乐",
    product_en="Cola",
    amount_fen=350,
    refunded_fen=0,
    standing="pending",
    verdict="delivered",
    problem="service",
    words="付了钱，可乐没有掉下来",
    times=1,
    made_wall_ms=START_WALL_MS - 13 * HOUR_MS,
    waits_since_wall_ms=START_WALL_MS - 13 * HOUR_MS,
    overdue=True,
    next="send_prepared",
    prepared="您好，05-28 20:26 vm-0001货道12可乐¥3.50，机器检测到已出货。如未取到请在此回复，我们会处理。",
    pictures=1,
    acts=(),
    timeline=tuple(
        Fact(wall_ms=START_WALL_MS + at * 900, machine="vm-0001", sale_id=SALE.sale_id, who=who, what=what)
        for at, (who, what) in enumerate(
            [
                ("bridge", "the order is placed"),
                ("wechat", "¥3.50 is paid (notice)"),
                ("bridge", "authorised to vend"),
                ("edge", "the goods are out"),
                ("wechat", "a payer complains"),
            ]
        )
    ),
)
ANSWERED = replace(
    DELIVERED,
    standing="processing",
    overdue=False,
    waits_since_wall_ms=0,
    next="complete",
    acts=(ActView(kind="answer", words=DELIVERED.prepared, by="ann", wall_ms=START_WALL_MS, outcome="done"),),
)


@dataclass
class Complaints:
    """Implements `ports_desk.ComplaintService`."""

    stories: dict[str, ComplaintStory] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    why_not: str = ""

    async def hint(self, hint: ComplaintHint) -> None:
        raise AssertionError("a page announces nothing")

    async def views(self, *, everything: bool = False) -> tuple[ComplaintView, ...]:
        return tuple(self.stories.values())

    async def story(self, complaint_id: str) -> ComplaintStory | None:
        return self.stories.get(complaint_id)

    async def answer(self, complaint_id: str, words: str, by: str) -> str:
        self.asked.append(("answer", complaint_id, words, by))
        return self.why_not

    async def complete(self, complaint_id: str, by: str) -> str:
        self.asked.append(("complete", complaint_id, by))
        return self.why_not

    async def phone(self, complaint_id: str, by: str) -> str:
        self.asked.append(("phone", complaint_id, by))
        return "13900001234"
