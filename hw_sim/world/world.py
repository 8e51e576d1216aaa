"""A world under one seed: machines, their bridge, the platform and a broker, wired and in virtual time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.ports import Shelf, ShelfProduct
from edge.ports import Terms
from hw_sim.boards.shelf import Wanted
from hw_sim.platform.model import Rules
from hw_sim.world.broker import Broker, Packet, Weather
from hw_sim.world.buses import KINDS, USUAL, oddities
from hw_sim.world.chance import stream
from hw_sim.world.keys import ed25519_key
from hw_sim.world.loop import WorldLoop
from hw_sim.world.machine import Machine, Plan
from hw_sim.world.office import Office, OfficePlan
from hw_sim.world.payments import Payments
from hw_sim.world.scans import AHEAD, EDITION
from hw_sim.world.story import Story
from wire.envelope import Signer, key_id

LANES: Final = (11, 12, 13, 14)
PRICES_FEN: Final = (350, 200, 400, 650)
NAMES: Final = (("可乐", "Cola"), ("矿泉水", "Spring water"), ("绿茶", "Green tea"), ("薯片", "Crisps"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """What a world is made of. `stock` is pieces a lane; `poll_ms` how often a board gives the turn.

    All machines have the same `bus`, with `odd` a board may differ from others of its kind. A machine's
    forward clock runs at one of `clock_rates`. With `order_requests` there are codes of products.
    """

    machines: int = 1
    bus: str = USUAL
    odd: bool = False
    stock: int = 100
    poll_ms: int = 1000
    turn_ms: int = 3000
    clock_rates: tuple[float, ...] = ()
    order_requests: bool = False
    terms: Terms = field(default_factory=lambda: Terms(machine="", lease_s=240, vends_a_day=100_000))
    timings: Timings = field(default_factory=Timings)
    limits: Limits = field(default_factory=lambda: Limits(lane=1000, machine=1000, fleet=1000))


class World:
    """Build it, let `loop` run, and ask who did what. Nothing goes wrong by itself."""

    def __init__(self, seed: int, rig: Rig) -> None:
        self.seed: Final = seed
        self.rig: Final = rig
        self.loop: Final = WorldLoop(self.chance("schedule").randrange)
        self.story: Final = Story(self.loop)
        self.weather: Final = Weather()
        self.cut_off: Final[set[str]] = set()
        self.heard: Callable[[Packet], None] = lambda packet: None
        self.broker: Final = Broker(
            self.loop,
            self.weather,
            self.chance("broker"),
            reachable=lambda name: name not in self.cut_off,
            heard=lambda packet: self.heard(packet),
        )
        self.payments: Final = Payments(self.loop, Rules(), self.story, chance=self.chance)
        names = [f"vm-{number:04d}" for number in range(1, rig.machines + 1)]
        bridge = _signer(self.chance("bridge key"))
        signers = {name: _signer(self.chance(f"{name} key")) for name in names}
        self.machines: Final = [self._machine(name, signers[name], bridge) for name in names]
        self.office: Final = Office(
            OfficePlan(
                shelves=[_shelf(name, scans=rig.order_requests) for name in names],
                timings=rig.timings,
                limits=rig.limits,
            ),
            loop=self.loop,
            broker=self.broker,
            payments=self.payments,
            signer=bridge,
            machines=signers,
            story=self.story,
            chance=self.chance,
        )

    stream = staticmethod(stream)

    def chance(self, concern: str) -> Random:
        """The stream of a concern."""
        return stream(self.seed, concern)

    def start(self) -> None:
        """Everything is switched on."""
        self.office.start()
        for machine in self.machines:
            machine.start()

    def run(self, seconds: float) -> None:
        """Let the world go on for a while."""
        self.loop.run_until(self.loop.time() + seconds)

    def _machine(self, name: str, signer: Signer, bridge: Signer) -> Machine:
        rig = self.rig
        terms = Terms(
            machine=name,
            lease_s=rig.terms.lease_s,
            grace_s=rig.terms.grace_s,
            answer_s=rig.terms.answer_s,
            vends_a_minute=rig.terms.vends_a_minute,
            vends_a_day=rig.terms.vends_a_day,
        )
        plan = Plan(
            name=name,
            prices=dict(zip(LANES, PRICES_FEN, strict=True)),
            stock=rig.stock,
            terms=terms,
            bus=rig.bus,
            odd=oddities(rig.bus, self.chance(f"{name} board")) if rig.odd else (),
            board=Wanted(
                poll_ms=rig.poll_ms,
                turn_ms=KINDS[rig.bus].turn_ms or rig.turn_ms,
                traced=False,
                seed=self.seed,
            ),
            clock_rate=self.chance(f"{name} clock").choice(rig.clock_rates or (1.0,)),
        )
        return Machine(
            plan,
            loop=self.loop,
            broker=self.broker,
            signer=signer,
            bridge=bridge,
            story=self.story,
            chance=lambda concern: self.chance(f"{name} {concern}"),
        )


def _shelf(machine: str, *, scans: bool) -> Shelf:
    products = tuple(
        ShelfProduct(lane=lane, name_zh=zh, name_en=en, price_fen=price_fen)
        for lane, price_fen, (zh, en) in zip(LANES, PRICES_FEN, NAMES, strict=True)
    )
    shelf = Shelf(machine=machine, version=7, phone="400-000-0000", products=products)
    return replace(shelf, printed_codes=EDITION, codes_ahead=AHEAD) if scans else shelf


def _signer(chance: Random) -> Signer:
    key = ed25519_key(chance.randbytes(32))
    return Signer(key_id=key_id(key.public_key()), private_key=key)
