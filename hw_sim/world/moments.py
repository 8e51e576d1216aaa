"""Trouble that waits for its moment: in a flush, in a vend, at the end of a lease."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from hw_sim.world.broker import Packet
from hw_sim.world.disks import Speed
from hw_sim.world.machine import Machine
from hw_sim.world.pace import Pace
from hw_sim.world.story import Entry


async def killed_in_a_flush(pace: Pace) -> None:
    """A daemon dies while a flush runs and is started again at once; the flush may still come through."""
    story, world, chance = pace.world.story, pace.world, pace.chance
    by_name = {machine.name: machine for machine in world.machines}
    patience_s = chance.choice((0.005, 2.0, 10.0))

    def kill(machine: Machine) -> None:
        if machine.running and machine.disk.flushing:
            story.mark("killed in a flush")
            machine.crash(power=False)
            world.loop.on(world.loop.nature, 0.01, machine.start)

    def seen(number: int, who: str, name: str) -> None:
        if name == "journal.flush" and who in by_name and not pace.over and chance.random() < 0.05:
            world.loop.on(world.loop.nature, chance.random() * patience_s, kill, by_name[who])

    story.steps_seen.append(seen)
    await asyncio.sleep(0)


async def killed_in_a_vend(pace: Pace) -> None:
    """A machine loses power, or its daemon dies, between the intent and some seconds after the outcome."""
    world, chance = pace.world, pace.chance
    by_name = {machine.name: machine for machine in world.machines}

    def kill(machine: Machine, power: bool) -> None:
        if machine.running:
            machine.crash(power=power)
            world.loop.on(world.loop.nature, 2 + chance.random() * 3, machine.restore)

    def seen(entry: Entry) -> None:
        if entry.what == "sale.intent" and not pace.over and chance.random() < 0.4:
            after_s = chance.random() * chance.choice((0.5, 4.0, 10.0))
            world.loop.on(world.loop.nature, after_s, kill, by_name[entry.who], chance.random() < 0.5)

    world.story.watch(seen)
    await asyncio.sleep(0)


async def store_and_forward(pace: Pace) -> None:
    """A link that keeps everything for minutes and then hands all of it over, in order."""

    async def strike() -> None:
        weather, now_s = pace.world.weather, pace.world.loop.time()
        pace.world.story.add("broker", "stores")
        weather.stored_until_s = now_s + pace.chance.choice((5.0, 60.0, 300.0)) * pace.chance.random()

    await pace.now_and_then(strike)


async def obeys_repeats(pace: Pace) -> None:
    """Boards that take a repeated frame for a new one, and whose ACK of a motor frame may get lost."""
    world, chance = pace.world, pace.chance
    by_name = {machine.name: machine for machine in world.machines}
    for machine in world.machines:
        if "run_duplicates" in machine.board.faults.known:  # the others obey every frame that they hear
            machine.board.faults.set("run_duplicates", times=-1)

    def seen(entry: Entry) -> None:
        if entry.what == "sale.intent" and not pace.over and chance.random() < 0.3:
            machine = by_name[entry.who]
            known = "lose_command_ack" in machine.board.faults.known
            machine.stumble("lose_command_ack" if known else "lose_reply", times=1)

    world.story.watch(seen)
    await asyncio.sleep(0)


async def old_words(pace: Pace) -> None:
    """Each authorisation is heard again, some time and some times."""
    world, chance = pace.world, pace.chance

    def seen(entry: Entry) -> None:
        if entry.what == "authorises" and not pace.over:
            packet = world.broker.said[-1]
            for _ in range(chance.randrange(4)):
                delay_s = chance.random() * chance.choice((5.0, 100.0, 600.0))
                world.loop.on(world.loop.nature, delay_s, world.broker.route, packet)

    world.story.watch(seen)
    await asyncio.sleep(0)


async def late_words(pace: Pace) -> None:
    """An authorisation comes about when the lease of its sale ends."""
    world, chance = pace.world, pace.chance
    offs_s: dict[str, float | None] = {}  # one for all repeats of an authorisation

    def off_s() -> float | None:
        if chance.random() < 0.2:
            return None
        return chance.random() - 0.8 if chance.random() < 0.5 else 16 * chance.random() - 1

    def held_s(packet: Packet) -> float:
        if pace.over or not packet.topic.endswith("/down/sale.paid"):
            return 0.0
        off = offs_s.setdefault(json.loads(packet.payload)["sale_id"], off_s())
        machine = next(each for each in world.machines if f"/{each.name}/" in packet.topic)
        left_s = machine.lease_left_s()
        return 0.0 if off is None or left_s <= 0 else max(0.0, left_s + off)

    world.weather.held_s = held_s
    await asyncio.sleep(0)


async def slow_at_the_payment(pace: Pace) -> None:
    """A machine's disk takes many seconds for what follows an authorisation."""
    world, chance = pace.world, pace.chance
    by_name = {machine.name: machine for machine in world.machines}

    def fast(speed: Speed) -> None:
        speed.slow = 0.0

    def slow(speed: Speed) -> None:
        speed.slow, speed.slow_s = 0.0 if pace.over else 1.0, 25.0
        world.loop.on(world.loop.nature, 2.0, fast, speed)

    def seen(entry: Entry) -> None:
        if entry.what == "authorises" and not pace.over and chance.random() < 0.5:
            machine = by_name[str(dict(entry.fields)["machine"])]
            slow_s = max(0.0, machine.lease_left_s() - 1.0) if chance.random() < 0.7 else 0.0
            world.loop.on(world.loop.nature, slow_s, slow, machine.disk.speed)

    world.story.watch(seen)
    await asyncio.sleep(0)


async def cut_off_in_a_vend(pace: Pace) -> None:
    """A machine's network goes while its motor turns, for up to five minutes."""
    world, chance = pace.world, pace.chance

    def seen(entry: Entry) -> None:
        if entry.what == "motor starts" and not pace.over and chance.random() < 0.3:
            world.story.add(entry.who, "cut off")
            world.cut_off.add(entry.who)
            world.loop.on(world.loop.nature, 0.0, world.broker.cut_name, entry.who, "keep-alive")
            world.loop.on(world.loop.nature, 300 * chance.random(), world.cut_off.discard, entry.who)

    world.story.watch(seen)
    await asyncio.sleep(0)


async def bridge_killed_at_a_payment(pace: Pace) -> None:
    """The bridge dies while the first flush after a payment runs."""
    world, chance = pace.world, pace.chance
    waits = False

    def paid(entry: Entry) -> None:
        nonlocal waits
        waits = waits or (entry.what == "payment.made" and not pace.over and chance.random() < 0.4)

    def flushes(number: int, who: str, name: str) -> None:
        nonlocal waits
        if waits and name == "books.flush":
            waits = False
            world.loop.on(world.loop.nature, 0.0, world.office.crash)
            world.loop.on(world.loop.nature, 2.0, world.office.start)

    world.story.watch(paid)
    world.story.steps_seen.append(flushes)
    await asyncio.sleep(0)


async def lost_in_a_vend(pace: Pace) -> None:
    """A journal is lost, or an older one put in its place, just after a motor was ordered."""
    world, chance = pace.world, pace.chance
    by_name = {machine.name: machine for machine in world.machines}
    older: dict[str, list[bytes]] = {}

    def strike(machine: Machine) -> None:
        copies = older.pop(machine.name, [])
        if not machine.running:
            return
        machine.crash(power=True)
        if len(copies) > 1 and chance.random() < 0.5:
            machine.swap_journal(copies[-2], "rolled back")  # from before this sale
        else:
            machine.lose_journal()
        for after_s, act in ((2.0, machine.restore), (60.0, fresh), (62.0, machine.start)):
            world.loop.on(world.loop.nature, after_s, *((act, machine) if act is fresh else (act,)))

    def fresh(machine: Machine) -> None:
        """A technician gives it a new journal and confirms it."""
        machine.crash(power=False)
        machine.new_journal()

    def seen(entry: Entry) -> None:
        if entry.what == "sale.open":
            older.setdefault(entry.who, []).append(by_name[entry.who].disk.image)
        if entry.what == "sale.intent" and not pace.over and chance.random() < 0.3:
            world.loop.on(world.loop.nature, chance.random() * 8, strike, by_name[entry.who])

    world.story.watch(seen)
    await asyncio.sleep(0)


async def restored_after_a_vend(pace: Pace) -> None:
    """Books are restored that do not know yet what was paid and vended; its machine may be away."""
    world, chance = pace.world, pace.chance
    office = world.office
    backups: dict[str, Any] = {}

    def strike(sale_id: str, name: str, away_s: float) -> None:
        if office.running:
            office.crash()
            office.restore_books(backups[sale_id], chance.randbytes(16).hex())
            world.loop.on(world.loop.nature, 1.0, office.start)
            world.story.add(name, "cut off")
            world.cut_off.add(name)
            world.broker.cut_name(name, "keep-alive")
            world.loop.on(world.loop.nature, away_s, world.cut_off.discard, name)

    def seen(entry: Entry) -> None:
        fields: dict[str, Any] = dict(entry.fields)
        if entry.what == "row" and fields["state"] == "offered" and fields["was"] == "quoted":
            backups[fields["sale_id"]] = office.disk.tables
        ended = entry.what in ("sale.delivered", "sale.not_delivered") and fields["sale_id"] in backups
        if ended and not pace.over and chance.random() < 0.2:
            away_s = chance.random() * chance.choice((10.0, 300.0))
            after_s = chance.random() * chance.choice((0.1, 5.0))
            world.loop.on(world.loop.nature, after_s, strike, fields["sale_id"], entry.who, away_s)

    world.story.watch(seen)
    await asyncio.sleep(0)


MOMENTS: Final[Mapping[str, Callable[[Pace], Coroutine[Any, Any, None]]]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            killed_in_a_flush,
            killed_in_a_vend,
            lost_in_a_vend,
            restored_after_a_vend,
            cut_off_in_a_vend,
            bridge_killed_at_a_payment,
            slow_at_the_payment,
            store_and_forward,
            obeys_repeats,
            old_words,
            late_words,
        )
    }
)
