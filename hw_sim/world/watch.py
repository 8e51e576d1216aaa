"""What only an onlooker of both ends can see: reports that are not durable, messages not counted."""

import json

from hw_sim.world.broker import Packet
from hw_sim.world.world import World

_SAYS = {"sale.closed": {"closed"}, "sale.outcome": {"delivered", "not_delivered", "uncertain"}}


def watch(world: World) -> None:
    """Look at each message as it reaches the broker."""
    rows = {machine.name: machine.disk for machine in world.machines}

    def look(packet: Packet) -> None:
        _, _, machine, branch, kind = packet.topic.split("/", 4)
        if branch == "up" and kind in _SAYS:
            said = json.loads(packet.payload)
            if rows[machine].rows.get(said["sale_id"]) not in _SAYS[kind]:
                world.story.add(machine, "says what is not durable", sale_id=said["sale_id"], kind=kind)
        if branch == "down" and kind == "sale.paid":
            sale_id = json.loads(packet.payload)["sale_id"]
            sale = world.office.disk.tables.sales.get(sale_id)
            if sale is None or sale.sent_count < 1:
                world.story.add("bridge", "is told what was not counted", sale_id=sale_id)

    world.heard = look
