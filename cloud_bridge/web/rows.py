"""The fleet in rows: what one look at a machine has to say. Pure.

A row is a list, so that five hundred of them are small: see `Row`. Words are in the reader's language.
"""

from dataclasses import dataclass
from typing import Final

from cloud_bridge.ports import MachineView
from cloud_bridge.web.speaker import Speaker

LOW: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One machine. `since_wall_ms` is when it was heard last, while it is not linked; 0 otherwise.

    `stock` and `room` are pieces over all lanes whose board tells both; `low`: it should be refilled soon.
    """

    machine: str
    tone: str
    state: str
    since_wall_ms: int
    temperature: str
    stock: int
    room: int
    low: bool


def row(machine: MachineView, speaker: Speaker) -> Row:
    """What the machine shows, in words."""
    tone, state, since_ms = _state(machine, speaker)
    told = [lane for lane in machine.lanes if lane.stock is not None and lane.capacity]
    degrees = machine.temperature_c
    stock, room = sum(lane.stock or 0 for lane in told), sum(lane.capacity or 0 for lane in told)
    sold_out = sum(lane.reason == "sold_out" for lane in machine.lanes)
    return Row(
        machine=machine.machine,
        tone=tone,
        state=state,
        since_wall_ms=since_ms,
        temperature="" if degrees is None else f"{degrees} °C",
        stock=stock,
        room=room,
        low=(room > 0 and stock < LOW * room) or (sold_out > 0 and sold_out >= LOW * len(machine.lanes)),
    )


def heard(machine: MachineView) -> bool:
    """It said or showed something, ever."""
    return machine.boot > 0 or machine.seen_wall_ms > 0


def _state(machine: MachineView, speaker: Speaker) -> tuple[str, str, int]:
    if not heard(machine):
        return "quiet", speaker.say("never_heard"), 0
    if not machine.online:
        since_ms = machine.seen_wall_ms
        return "stop", speaker.say("offline_since" if since_ms else "offline"), since_ms
    if machine.selling:
        return "go", speaker.say("selling"), 0
    reason = f": {speaker.named('stop', machine.reason)}" if machine.reason else ""
    return "wait", speaker.say("not_selling") + reason, 0


def as_list(each: Row) -> list[str | int]:
    """A row for the line to a page."""
    return [
        *(each.machine, each.tone, each.state, each.since_wall_ms, each.temperature),
        *(each.stock, each.room, int(each.low)),
    ]
