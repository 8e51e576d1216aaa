"""Whoever owns the broker delays a sale and does nothing else: no motor starts for him, no fen goes back."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hw_sim.demo.eye import Eye
from hw_sim.demo.scenery import MACHINE, screen
from hw_sim.demo.shelf import SHELF
from hw_sim.soak.cast import Cast
from hw_sim.soak.rounds import come_to_rest
from tests.crash.attacker import OTHER, Attacker, Heard, Villain
from tests.process.programs import until
from tests.shell.broker import require_mosquitto

LANE, PRICE_FEN = SHELF[0].lane, SHELF[0].price_fen
PAID, OUTCOME = f"wxvend/v1/{MACHINE}/down/sale.paid", f"wxvend/v1/{MACHINE}/up/sale.outcome"


class Siege(Cast):
    """A shop around a villain's broker; the shopper is honest."""

    async def chooses(self) -> str:
        """Key the lane; the code on the screen."""
        await self.ready(30)
        self.press({"do": "key", "lane": LANE})
        return await Eye(screen(self.folder)).new_code(10)

    async def pays(self, code: str) -> None:
        """Pay on the phone."""
        await self.desk("pay", {"code_url": code})

    async def ends(self) -> Mapping[str, int]:
        """All at rest and agreed: how the sales ended, how often a motor ran, what went back."""
        truth, wrong = await come_to_rest(self)
        assert wrong == []
        states = Counter(sale.state for sale in truth.books.bridge.values())
        back = sum(order.refunded_fen for order in truth.books.platform.values())
        return {**states, "starts": truth.motor_starts, "back": back}

    def refused(self, program: str) -> set[str]:
        """The names under which a program refused messages, from its log."""
        lines = (self.folder / f"{program}.log").read_text().splitlines()
        said = [json.loads(line) for line in lines if line.startswith("{")]
        return {str(line["reason"]) for line in said if line.get("event") == "wire.refused"}


def altered(heard: Heard, **members: Any) -> bytes:
    """The same message with other members."""
    return json.dumps({**heard.members, **members}, separators=(",", ":")).encode()


async def test_no_word_of_an_attacker_starts_a_motor(tmp_path: Path) -> None:
    require_mosquitto()
    villain = Villain(tmp_path)
    async with (
        Siege(tmp_path, rewrite=villain.rewrite) as siege,
        Attacker(tmp_path, siege.scenery.broker_port) as attacker,
    ):
        await siege.pays(await siege.chooses())
        old = await attacker.hears("sale.paid")
        assert await siege.ends() == {"vended": 1, "starts": 1, "back": 0}
        await siege.chooses()
        code = attacker.of("sale.code")[-1]
        forged = altered(old, sale_id=code.members["sale_id"])
        attacker.repeat(old)
        attacker.say(PAID, forged)
        attacker.say(PAID, forged, old.pairs)
        attacker.say(PAID, forged, [*old.pairs, *old.pairs])
        attacker.say(PAID, forged, villain.signed(PAID, forged))
        attacker.say(PAID, forged, villain.signed(PAID, forged, kid=dict(old.pairs)["kid"]))
        attacker.say(PAID, forged + b" " * 5000, old.pairs)
        attacker.say(PAID, code.payload, code.pairs)
        attacker.say(PAID.replace("/v1/", "/v0/"), forged, old.pairs)
        attacker.repeat(old, retain=True)
        names = {"unsigned", "bad_signature", "two_signatures", "unknown_key", "oversize"}
        await until(lambda: siege.refused("edge") >= names, lambda: f"{siege.refused('edge')}")
        await siege.kill("edge")  # a new session, which finds the old authorisation retained
        await siege.start("edge")
        await until(lambda: "retained" in siege.refused("edge"), lambda: f"{siege.refused('edge')}")
        attacker.repeat(old)
        assert await siege.ends() == {"vended": 1, "closed": 1, "starts": 1, "back": 0}
        await siege.pays(await siege.chooses())
        assert await siege.ends() == {"vended": 2, "closed": 1, "starts": 2, "back": 0}


async def test_no_word_of_an_attacker_sends_money_back(tmp_path: Path) -> None:
    require_mosquitto()
    villain = Villain(tmp_path)
    async with (
        Siege(tmp_path, turn_ms=2500, rewrite=villain.rewrite) as siege,
        Attacker(tmp_path, siege.scenery.broker_port) as attacker,
    ):
        await siege.kill("edge")
        await siege.start("edge")
        birth = await attacker.hears("birth")
        siege.press({"do": "fault", "name": "no_drop", "times": 1})
        await siege.pays(await siege.chooses())
        jammed = await attacker.hears("sale.outcome")
        honest = {"refunded": 1, "starts": 1, "back": PRICE_FEN}
        assert await siege.ends() == honest
        await siege.kill("edge")
        await siege.start("edge")
        assert await siege.ends() == honest
        await siege.pays(await siege.chooses())
        await until(lambda: len(attacker.of("sale.paid")) > 1, "a second authorisation")
        request = attacker.of("sale.requested")[-1]
        false = altered(jammed, sale_id=request.members["sale_id"], n=jammed.members["n"] + 2)
        his = OUTCOME.replace(MACHINE, OTHER)
        attacker.repeat(birth)  # of the session before
        attacker.repeat(jammed)
        attacker.repeat(request)
        attacker.say(OUTCOME, false)
        attacker.say(OUTCOME, false, jammed.pairs)
        attacker.say(OUTCOME, false, villain.signed(OUTCOME, false))
        attacker.say(his, false, villain.signed(his, false))
        stolen = request.topic.replace(MACHINE, OTHER)
        attacker.say(stolen, request.payload, villain.signed(stolen, request.payload))
        presence = f"wxvend/v1/{MACHINE}/state/presence"
        will = {name: birth.members[name] for name in ("jid", "boot", "bits")}
        attacker.say(presence, json.dumps({"online": False, **will}).encode(), retain=True)
        names = {"unsigned", "bad_signature", "foreign"}
        await until(lambda: siege.refused("bridge") >= names, lambda: f"{siege.refused('bridge')}")
        assert await siege.ends() == {"refunded": 1, "vended": 1, "starts": 2, "back": PRICE_FEN}


async def test_a_machine_that_is_thrown_off_by_its_own_name_sells_a_little_later(tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege:
        code = await siege.chooses()
        for _ in range(3):
            async with Attacker(tmp_path, siege.scenery.broker_port, name=MACHINE):
                pass
        await siege.pays(code)
        ends = await siege.ends()
        assert ends["starts"] == ends.get("vended", 0)
        assert ends["back"] == PRICE_FEN * ends.get("refunded", 0)
        assert ends.get("vended", 0) + ends.get("refunded", 0) == 1
