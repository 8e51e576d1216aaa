"""What goes wrong in a world: drawn per seed, and most kinds are at rest in most worlds.

A kind that is on strikes now and then until `heal`; then nothing is broken any more and everything has power.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from hw_sim.platform.faults import Armed, Fault
from hw_sim.world.machine import Machine
from hw_sim.world.mishaps import MISHAPS
from hw_sim.world.pace import Pace
from hw_sim.world.world import World

ON: Final = (0.05, 0.1, 0.25)  # the chance that a kind is on: where everything breaks nobody buys anything

_STANDS_S: Final = 120.0  # until somebody mends what would stand, at most
_CALLS: Final = (
    Fault.ANSWER_LOST,
    Fault.ANSWER_ERROR_500,
    Fault.ANSWER_HTML_502,
    Fault.ANSWER_WRONG_SIGNATURE,
    Fault.ANSWER_UNSIGNED,
    Fault.ANSWER_SIGNTEST,
    Fault.CALL_LIMITED_429,
    Fault.CALL_FAILED_500,
    Fault.ORDER_UNKNOWN_YET,
    Fault.CLOSE_USER_PAYING,
)
_NOTICES: Final = (
    Fault.LOST_NOTICE,
    Fault.LATE_NOTICE,
    Fault.DOUBLE_NOTICE,
    Fault.REPLAYED_NOTICE,
    Fault.NOTICE_WRONG_SIGNATURE,
    Fault.NOTICE_SIGNTEST,
    Fault.NOTICE_STALE,
)
_RACES: Final = (Fault.PAYMENT_BEATS_CLOSE, Fault.PAYMENT_FOLLOWS_CLOSE, Fault.PAYMENT_BEATS_ANSWER)
_REFUNDS: Final = (Fault.REFUND_NOT_ENOUGH, Fault.REFUND_CLOSED, Fault.REFUND_ABNORMAL)


class Trouble(Pace):
    """Everything that may go wrong, in one world. `kinds` are the names of those that are on."""

    def __init__(self, world: World, *, only: frozenset[str] | None = None) -> None:
        super().__init__(world)
        names = list(KINDS)
        on = self.chance.choice(ON)
        drawn = frozenset(name for name in names if self.chance.random() < on)
        self.kinds: Final = tuple(name for name in names if name in (drawn if only is None else only))

    def start(self) -> None:
        """From now on."""
        loop = self.world.loop
        for name in self.kinds:
            loop.spawn(loop.nature, KINDS[name](self), f"trouble {name}")

    def heal(self) -> None:
        """Nothing is broken any more, and everything runs."""
        self.over = True
        world = self.world
        world.story.add("world", "heals")
        calm(world)
        if not world.broker.up:
            world.broker.start(world.broker.snapshot())
        world.office.start()
        for machine in world.machines:
            machine.restore()

    # ------------------------------------------------------------ power

    async def power(self) -> None:
        """A machine loses power, and gets it back."""

        async def strike() -> None:
            machine = self.chance.choice(self.world.machines)
            machine.crash(power=True)
            await self.for_a_while()
            machine.restore()

        await self.now_and_then(strike)

    async def machine_killed(self) -> None:
        """The daemon in a machine dies; its board goes on."""

        async def strike() -> None:
            machine = self.chance.choice(self.world.machines)
            machine.crash(power=False)
            await asyncio.sleep(2 + self.chance.random() * 3)
            machine.start()

        await self.now_and_then(strike)

    async def bridge_killed(self) -> None:
        """The bridge dies, and is started again."""

        async def strike() -> None:
            self.world.office.crash()
            await self.for_a_while()
            self.world.office.start()

        await self.now_and_then(strike)

    async def board_blinks(self) -> None:
        """The board loses power for a blink; the computer in the machine does not."""

        async def strike() -> None:
            machine = self.chance.choice(self.world.machines)
            if machine.board.powered:
                machine.blink()

        await self.now_and_then(strike)

    async def killed_at_a_step(self) -> None:
        """Power fails right at a flush, a motor frame or an answer."""
        story, chance = self.world.story, self.chance
        for _ in range(chance.randrange(1, 6)):
            at = story.steps + 1 + chance.randrange(60)
            struck: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            def strike(number: int, who: str, name: str, at: int = at, struck: Any = struck) -> None:
                if number == at and not self.over:
                    story.add("world", "cuts power at a step", host=who, step=name)
                    story.mark(f"cut_at.{name}")
                    self._crash(who)
                    struck.set_result(who)

            story.steps_seen.append(strike)
            who = await struck
            story.steps_seen.remove(strike)
            await asyncio.sleep(1 + chance.random() * 20)
            self._revive(who)

    def _crash(self, who: str) -> None:
        if who == "bridge":
            self.world.office.crash()
        else:
            self._machine(who).crash(power=self.chance.random() < 0.5)

    def _revive(self, who: str) -> None:
        if who == "bridge":
            self.world.office.start()
        else:
            self._machine(who).restore()

    def _machine(self, name: str) -> Any:
        return next(machine for machine in self.world.machines if machine.name == name)

    # ------------------------------------------------------------ network and broker

    async def partitions(self) -> None:
        """A machine or the bridge has no network for a while."""

        async def strike() -> None:
            world = self.world
            name = self.chance.choice(["bridge", *(machine.name for machine in world.machines)])
            world.story.add(name, "cut off")
            world.cut_off.add(name)
            await asyncio.sleep(self.chance.random() * 25)  # until keep-alive notices
            world.broker.cut_name(name, "keep-alive")
            await self.for_a_while()
            world.cut_off.discard(name)

        await self.now_and_then(strike)

    async def broker_restarts(self) -> None:
        """The broker comes back with what it knew a while ago."""

        async def strike() -> None:
            broker = self.world.broker
            memory = broker.snapshot()
            await asyncio.sleep(self.chance.random() * 30)
            self.world.story.add("broker", "broker stops")
            broker.stop()
            await self.for_a_while()
            if not broker.up:
                broker.start(memory)

        await self.now_and_then(strike)

    async def bad_broker(self) -> None:
        """The broker loses, repeats, holds back and replays."""
        weather, chance = self.world.weather, self.chance
        weather.loss = chance.choice((0.0, 0.02, 0.2))
        weather.repeat = chance.choice((0.0, 0.05, 0.3))
        weather.hold = chance.choice((0.0, 0.05, 0.3))
        weather.hold_s = chance.choice((5.0, 120.0, 900.0))
        weather.replay = chance.choice((0.0, 0.05))

    async def slow_network(self) -> None:
        """Everything on the way to and from the broker takes seconds."""
        self.world.weather.latency_s = self.chance.choice((0.2, 1.0, 4.0))
        self.world.weather.jitter_s = self.chance.choice((0.1, 2.0))

    # ------------------------------------------------------------ the platform

    async def bad_wires(self) -> None:
        """Calls and notifications get lost on their way there or back, or take long."""
        wires, chance = self.world.payments.wires, self.chance
        wires.lost = chance.choice((0.0, 0.05, 0.3))
        wires.unanswered = chance.choice((0.0, 0.05, 0.3))
        wires.slow = chance.choice((0.0, 0.1))

    async def platform_down(self) -> None:
        """The platform cannot be reached for a while."""

        async def strike() -> None:
            self.world.payments.wires.down = True
            await self.for_a_while()
            self.world.payments.wires.down = False

        await self.now_and_then(strike)

    async def odd_answers(self) -> None:
        """Calls are refused, answered wrongly, or signed by nobody."""
        self._arm(_CALLS, (0.02, 0.1))

    async def odd_notices(self) -> None:
        """Notifications are lost, late, doubled, replayed or wrongly signed."""
        self._arm(_NOTICES, (0.05, 0.3))

    async def races(self) -> None:
        """A payment goes through just as its order is made or closed."""
        self._arm(_RACES, (0.1, 0.4))

    async def odd_refunds(self) -> None:
        """A refund is refused for now, closed, or abnormal."""
        self._arm(_REFUNDS, (0.2, 0.5))

    def _arm(self, faults: tuple[Fault, ...], chances: tuple[float, ...]) -> None:
        for fault in faults:
            if self.chance.random() < 0.4:
                armed = Armed(fault, probability=self.chance.choice(chances), delay_ms=2000)
                self.world.payments.faults.arm(armed)

    # ------------------------------------------------------------ the cabinet

    async def bad_motors(self) -> None:
        """Spirals jam, sensors are blind, results come late or never."""
        await self._faults(lambda machine: machine.kind.runs)

    async def bad_turns(self) -> None:
        """The board's side of the exchange stumbles."""
        await self._faults(lambda machine: machine.kind.words)

    async def _faults(self, names: Callable[[Machine], tuple[str, ...]]) -> None:
        async def strike() -> None:
            machine = self.chance.choice(self.world.machines)
            fault = self.chance.choice(names(machine))
            machine.stumble(fault, times=self.chance.randrange(1, 3))
            if fault in machine.kind.stand:
                await asyncio.sleep(self.chance.random() * _STANDS_S)
                machine.mend(fault)

        await self.now_and_then(strike)

    async def noise(self) -> None:
        """Bytes on the serial line are lost, changed or held back."""
        late = self.world.chance("late bytes")
        for machine in self.world.machines:
            machine.bus.noise.late = late.choice((0.0, 0.0, 0.01, 0.1))
            machine.bus.noise.loss = self.chance.choice((0.0, 0.01, 0.1))
            machine.bus.noise.flip = self.chance.choice((0.0, 0.01, 0.1))

    async def unplugged(self) -> None:
        """The serial cable is pulled and put back."""

        async def strike() -> None:
            bus = self.chance.choice(self.world.machines).bus
            bus.noise.deaf = True
            await self.for_a_while()
            bus.noise.deaf = False

        await self.now_and_then(strike)

    # ------------------------------------------------------------ disks and clocks

    async def slow_disks(self) -> None:
        """A flush may take seconds."""
        machines = (machine.disk.speed for machine in self.world.machines)
        for speed in (self.world.office.disk.speed, *machines):
            speed.slow = self.chance.choice((0.0, 0.1, 0.5))
            speed.slow_s = self.chance.choice((0.5, 5.0, 30.0))

    async def wrong_clocks(self) -> None:
        """Clocks for people are stepped, or begin in 1970."""

        async def strike() -> None:
            machine = self.chance.choice(self.world.machines)
            wrong_s = self.chance.choice((-86_400, -3_600, 3_600, 86_400, -1_790_000_000, 0))
            machine.clock.wall_error_ms = 1000 * wrong_s

        await self.now_and_then(strike)


def calm(world: World) -> None:
    """Switch off everything that can be on."""
    world.cut_off.clear()
    world.payments.faults.clear()
    wires, weather = world.payments.wires, world.weather
    wires.lost = wires.unanswered = wires.slow = 0.0
    wires.down = False
    weather.loss = weather.repeat = weather.hold = weather.replay = 0.0
    weather.latency_s = weather.jitter_s = 0.02
    weather.stored_until_s = 0.0
    weather.held_s = lambda packet: 0.0
    world.broker.adversary = None
    world.office.disk.speed.slow = 0.0
    for machine in world.machines:
        machine.disk.speed.slow = 0.0
        machine.bus.noise.loss = machine.bus.noise.flip = machine.bus.noise.late = 0.0
        machine.bus.noise.deaf = False
        for name in machine.board.faults.names:
            machine.board.faults.set(name, times=0)


Kind = Callable[[Any], Coroutine[Any, Any, None]]
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        **{
            kind.__name__: kind
            for kind in (
                Trouble.power,
                Trouble.machine_killed,
                Trouble.bridge_killed,
                Trouble.board_blinks,
                Trouble.killed_at_a_step,
                Trouble.partitions,
                Trouble.broker_restarts,
                Trouble.bad_broker,
                Trouble.slow_network,
                Trouble.bad_wires,
                Trouble.platform_down,
                Trouble.odd_answers,
                Trouble.odd_notices,
                Trouble.races,
                Trouble.odd_refunds,
                Trouble.bad_motors,
                Trouble.bad_turns,
                Trouble.noise,
                Trouble.unplugged,
                Trouble.slow_disks,
                Trouble.wrong_clocks,
            )
        },
        **MISHAPS,
    }
)
