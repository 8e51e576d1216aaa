"""What strikes a paid sale, one after the other as people would do it; how it has to end, `scenarios` says.

Each waits for a fact that the programs tell, never for time to pass, so that it strikes where it should.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from edge.core.machine import FAILURES_STOP_A_LANE
from hw_sim.demo.eye import Eye
from hw_sim.demo.intruder import Letter
from hw_sim.demo.scenarios import Mishap
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.stage import Stage
from wire.envelope import KEY_ID, SIGNATURE, Envelope, Signer, generate, key_id
from wire.topics import parse

CODE_TIMEOUT_S: Final = 10.0
FIRST: Final = SHELF[0].lane
SECOND: Final = SHELF[1].lane
_FACT_TIMEOUT_S: Final = 20.0


class Scene:
    """A shopper before a code, and all that can happen around him."""

    def __init__(self, stage: Stage, eye: Eye, code: str) -> None:
        self.stage: Final = stage
        self.eye: Final = eye
        self.code = code
        self._told: Final = len(stage.window.story.facts)

    async def pay(self) -> None:
        """Pay the code."""
        await self.stage.pay(self.code)

    async def choose(self, lane: int) -> None:
        """Choose once more, and read the new code."""
        self.stage.choose(lane)
        self.code = await self.eye.new_code(CODE_TIMEOUT_S)
        await self.stage.scan(self.code)

    async def seen(self, mark: str, *, times: int = 1) -> None:
        """Wait until so many facts with this mark were told since the scene began. Raises TimeoutError."""
        window = self.stage.window

        def enough() -> bool | None:
            return sum(fact.mark == mark for fact in window.story.facts[self._told :]) >= times or None

        await window.until(f"{times} x {mark}", enough, _FACT_TIMEOUT_S)

    async def shown(self, state: str, field: str, value: object) -> None:
        """Wait until the machine shows this. Raises TimeoutError."""
        states = self.stage.window.states

        def stands() -> bool | None:
            return states.get(state, {}).get(field) == value or None

        await self.stage.window.until(f"{state} to show {field} {value}", stands, _FACT_TIMEOUT_S)


async def strike(mishap: Mishap, scene: Scene) -> None:
    """Let the shopper pay, and the mishap happen. Raises TimeoutError when a fact does not come."""
    await _MISHAPS[mishap](scene)


async def _power_cut(scene: Scene) -> None:
    await scene.pay()
    await scene.seen("motor.turns")
    await scene.stage.cut_power()


async def _power_cut_after_drop(scene: Scene) -> None:
    await scene.pay()
    await scene.seen("dropped")
    await scene.stage.cut_all_power()


async def _broker_restart(scene: Scene) -> None:
    await scene.pay()
    await scene.stage.crash("broker")


async def _offline(scene: Scene) -> None:
    scene.stage.pull_cable()
    await scene.pay()
    await scene.seen("sale.closed")
    scene.stage.mend_cable()


async def _bridge_crash(scene: Scene) -> None:
    await scene.pay()
    await scene.seen("motor.turns")
    await scene.stage.crash("bridge")


async def _journal_lost(scene: Scene) -> None:
    """The authorisation is on its way when the journal goes, so it cannot be taken back."""
    scene.stage.pull_cable()
    await scene.pay()
    await scene.seen("mqtt.sale.paid")
    await scene.stage.lose_journal()
    scene.stage.mend_cable()
    await scene.shown("health", "reason", "journal_new")
    scene.stage.choose(SECOND)
    await scene.seen("sale.not_offered")


async def _blind_sensor(scene: Scene) -> None:
    await scene.pay()
    for sales in range(1, FAILURES_STOP_A_LANE):
        await scene.seen("sale.not_delivered", times=sales)
        scene.stage.break_board("blind_sensor")
        await scene.choose(FIRST)
        await scene.pay()
    await scene.shown(f"lane/{FIRST}", "failures", FAILURES_STOP_A_LANE)
    scene.stage.choose(FIRST)
    await scene.seen("sale.not_offered")


async def _replay(scene: Scene) -> None:
    """Sent while another sale is open and unpaid: that is what a thief would like to have."""
    await scene.pay()
    await scene.seen("sale.delivered")
    await scene.choose(SECOND)
    await scene.seen("mqtt.sale.code")
    as_it_was, forged = _captured(scene)
    await scene.stage.intrude([as_it_was, *forged])
    await scene.seen("mqtt.sale.status")
    await scene.seen("wire.refused", times=len(forged))
    scene.stage.cancel()


def _captured(scene: Scene) -> tuple[Letter, list[Letter]]:
    """The authorisation as it went to the machine, and what can be made of it without the bridge's key."""
    letters = scene.stage.window.letters
    paid, open_id = letters["sale.paid"], json.loads(letters["sale.code"].payload)["sale_id"]
    topic, payload, signed = parse(paid.topic), paid.payload, dict(paid.user_properties)
    envelope = Envelope(signed[KEY_ID], signed[SIGNATURE])
    message = json.loads(payload)
    for_the_open_sale = payload.replace(message["sale_id"].encode(), open_id.encode())
    for_another_lane = json.dumps(message | {"lane": SECOND}).encode()
    own = generate()
    thief = Signer(key_id(own.public_key()), own)
    return Letter(topic, payload, envelope), [
        Letter(topic, for_the_open_sale, envelope),
        Letter(topic, for_another_lane, envelope),
        Letter(topic, for_the_open_sale, thief.sign(topic, for_the_open_sale)),
        Letter(topic, payload, None),
    ]


_MISHAPS: Final[Mapping[Mishap, Callable[[Scene], Awaitable[None]]]] = MappingProxyType(
    {
        Mishap.POWER_CUT: _power_cut,
        Mishap.POWER_CUT_AFTER_DROP: _power_cut_after_drop,
        Mishap.BROKER_RESTART: _broker_restart,
        Mishap.OFFLINE: _offline,
        Mishap.BRIDGE_CRASH: _bridge_crash,
        Mishap.JOURNAL_LOST: _journal_lost,
        Mishap.BLIND_SENSOR: _blind_sensor,
        Mishap.REPLAY: _replay,
    }
)
