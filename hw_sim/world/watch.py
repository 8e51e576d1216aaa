"""What only an onlooker of both ends can see: words that are not durable or not counted, empty offers."""

import json
from collections.abc import Mapping
from typing import Any, Final

from edge.core.screen import Code, Screen
from hw_sim.world.broker import Packet
from hw_sim.world.machine import Machine
from hw_sim.world.story import Entry
from hw_sim.world.world import World

_OUTCOMES: Final = frozenset({"delivered", "not_delivered", "uncertain"})
_SAYS: Final[Mapping[str, frozenset[str]]] = {
    "sale.closed": frozenset({"closed"}),
    "sale.outcome": _OUTCOMES,
    "sale.requested": frozenset({"open", "intent", "closed"}) | _OUTCOMES,
}


def watch(world: World) -> None:
    """Look at each message that reaches the broker, each code that is shown, each row that closes."""
    machines = {machine.name: machine for machine in world.machines}

    def look(packet: Packet) -> None:
        _, _, name, branch, kind = packet.topic.split("/", 4)
        if branch not in ("up", "down") or not kind.startswith("sale."):
            return
        world.story.step(name if branch == "up" else "bridge", "mqtt.said")
        said = json.loads(packet.payload)
        if branch == "up" and said["sale_id"]:
            world.story.add(
                name, "reports" if kind in _SAYS else "answers", sale_id=said["sale_id"], kind=kind
            )
            if not _durable(kind, said, machines[name].disk.rows.get(said["sale_id"], "")):
                world.story.add(name, "says what is not durable", sale_id=said["sale_id"], kind=kind)
        elif kind == "sale.paid":
            world.story.add("bridge", "authorises", sale_id=said["sale_id"], machine=name)
            sale = world.office.disk.tables.sales.get(said["sale_id"])
            if sale is None or sale.sent_count < 1:
                world.story.add("bridge", "is told what was not counted", sale_id=said["sale_id"])

    def closes(entry: Entry) -> None:
        fields: dict[str, Any] = dict(entry.fields)
        closing = entry.what == "row" and fields["state"] == "closed" and fields["was"] not in ("", "closed")
        if closing and world.payments.payable(fields["sale_id"]):
            world.story.add("bridge", "closes what can be paid", sale_id=fields["sale_id"])

    def hurt(packet: Packet, how: str) -> None:
        world.story.add(packet.topic.split("/")[2], how, topic=packet.topic)

    world.heard = look
    world.broker.hurt = hurt
    world.story.watch(closes)
    for machine in world.machines:
        machine.shown = _offer(world, machine)


def _durable(kind: str, said: Mapping[str, Any], row: str) -> bool:
    """What a machine says stands on its disk. That a row is open, busy or unknown is no such word."""
    if kind == "sale.status":
        return said["state"] == row or said["state"] in ("open", "busy", "unknown")
    return row in _SAYS[kind] and (kind != "sale.outcome" or said["outcome"] == row)


def _offer(world: World, machine: Machine) -> Any:
    """A code on the screen: a live link, an open durable row, a live lease, a lane with goods (I16)."""

    def shown(screen: Screen) -> None:
        if not isinstance(screen.view, Code):
            return
        assert machine.engine is not None
        sale_id = machine.engine.machine.current
        lane = machine.board.cabinet.lanes[screen.view.product.lane]
        shown = machine.engine.machine.shown is not None  # a product's code: no sale, no lease yet
        holds = (
            machine.link is not None and machine.link.connected,
            shown or machine.disk.rows.get(sale_id) == "open",
            shown or machine.lease_left_s() > 0,
            lane.stock > 0 and (shown or not lane.paused),
        )
        if not all(holds):
            world.story.add(machine.name, "offers what it cannot vend", sale_id=sale_id)

    return shown
