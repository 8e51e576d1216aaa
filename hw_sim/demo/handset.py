"""What a shopper's phone shows: the payment page of the code it read, and what became of the money."""

from collections.abc import Mapping
from typing import Any, Final

from hw_sim.demo.children import Line
from hw_sim.demo.stage import Stage
from hw_sim.demo.web_call import CallFailed, Refused

CLOSED_WITHIN_S: Final = 5.0


class Handset:
    """One phone. It keeps the page of the last code it read, as a real one does, until it is put away."""

    def __init__(self, stage: Stage) -> None:
        self._stage: Final = stage
        self._code = ""
        self._pays = ""  # the order's own code, where the one that was read is a product's
        self._page: Mapping[str, Any] = {}
        self._may_pay = False
        self._status, self._tone = "", ""

    def shows(self, in_sight: str) -> Mapping[str, Any]:
        """For the page; `in_sight` is the code that the camera reads at this moment."""
        return {
            "read": in_sight,
            "merchant": self._page.get("merchant", ""),
            "about": self._page.get("description", ""),
            "amount_fen": self._page.get("amount_fen", 0),
            "may_pay": self._may_pay,
            "status": self._status,
            "tone": self._tone,
        }

    async def read(self, code: str) -> None:
        """Open the payment page of a code."""
        if code == self._code:
            return
        self._code = code
        try:
            self._page = await self._stage.scan(code)
            self._pays = str(self._page.get("code_url", code))
        except CallFailed as error:
            self._say(str(error), "stop", may_pay=False)
            return
        self._say("", "", may_pay=True)

    async def pay(self, *, race: bool = False) -> None:
        """Pay what the page asks for; the platform may say no."""
        if not self._may_pay:
            return
        self._may_pay = False
        try:
            await self._stage.pay(self._pays, race=race)
        except Refused as error:
            self._say(error.text, "stop", may_pay=False)

    async def pay_late(self) -> None:
        """Cancel at the machine with the payment under way, so that it arrives a moment too late."""
        if not self._may_pay:
            return
        mark = len(self._stage.window.story.facts)
        self._stage.cancel()
        await self._stage.window.until(
            "the machine to close the sale",
            lambda: any(fact.mark == "sale.closed" for fact in self._stage.window.story.facts[mark:]) or None,
            CLOSED_WITHIN_S,
        )
        await self.pay(race=True)

    async def put_away(self) -> None:
        """Leave the payment page without paying."""
        if self._may_pay:
            await self._stage.put_away(self._pays)
        self._page = {}
        self._say("put away", "", may_pay=False)

    def hear(self, line: Line) -> None:
        """What the platform did with the money of this page's order."""
        if not self._page or line.get("out_trade_no") != self._page["out_trade_no"]:
            return
        match line.get("fact"):
            case "payment.made":
                self._say("paid", "go", may_pay=False)
            case "refund.ended" if line.get("status") == "SUCCESS":
                self._say("the money is back", "wait", may_pay=False)

    def _say(self, status: str, tone: str, *, may_pay: bool) -> None:
        self._status, self._tone, self._may_pay = status, tone, may_pay
