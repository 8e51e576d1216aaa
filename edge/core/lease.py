"""Who may have a lease after a scan, and which code is shown without one. Pure.

A code made ahead opens a sale only while it is the one on the screen, and only once: what was photographed
before, or comes a second time, is refused. The last word is always the machine's.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from edge.core.machine import Machine, closed, lane_reason, over_velocity
from edge.core.model import Sale, Session, State
from edge.core.pocket import CodesHeld, HeldCode, LeaseAsked, Pocket, Shown

SHOWN_MS: Final = 90_000
# Somebody may have scanned in the moment in which the code went.
SCANNED_MS: Final = 5_000
REQUESTS_A_MINUTE: Final = 20
_MINUTE_MS: Final = 60_000


def obstacle(machine: Machine, asked: LeaseAsked, sale: Sale | None, now_ms: int) -> str:
    """Why nobody may have this lane now, or "". `sale` is the machine's latest."""
    reason = closed(machine) or lane_reason(machine, asked.lane)
    if reason:
        return reason
    if asked.token and not _on_screen(machine, asked, now_ms):
        return "code"
    if _taken(machine, asked, sale, now_ms):
        return "busy"
    recent = len(_recent(machine, now_ms)) >= REQUESTS_A_MINUTE
    return "velocity" if recent or over_velocity(machine, now_ms) else ""


def is_for(asked: LeaseAsked | CodesHeld, session: Session) -> bool:
    """Whether it was said to the session that runs: what is older is a replay, or came too late."""
    return (asked.session_jid, asked.session_boot) == (session.jid, session.boot)


def granted(machine: Machine, asked: LeaseAsked, now_ms: int) -> Machine:
    """The lane is promised: its code leaves the screen and is never shown again."""
    pocket = machine.pockets.get(asked.lane)
    left = tuple(code for code in pocket.codes if code.token != asked.token) if pocket is not None else ()
    kept = _with_pocket(machine, asked.lane, pocket.version, left) if pocket is not None else machine.pockets
    return replace(machine, pockets=kept, shown=None, leases_ms=(*_recent(machine, now_ms), now_ms))


def hold(machine: Machine, held: CodesHeld) -> Machine:
    """Exactly these codes from now on, unless a newer word about the lane came before."""
    before = machine.pockets.get(held.lane)
    if before is not None and held.version <= before.version:
        return machine
    return replace(machine, pockets=_with_pocket(machine, held.lane, held.version, held.codes))


def show(machine: Machine, lane: int, now_ms: int) -> Machine | None:
    """The lane's next code comes on the screen; None when the machine holds none.

    Codes take turns, so that one which nobody scanned is not the one that the next shopper sees.
    """
    pocket = machine.pockets.get(lane)
    if pocket is None or not pocket.codes:
        return None
    code, *others = pocket.codes
    turned = _with_pocket(machine, lane, pocket.version, (*others, code))
    shown = Shown(lane=lane, code=code, until_ms=now_ms + SHOWN_MS, span_ms=SHOWN_MS)
    return replace(machine, pockets=turned, shown=shown, notice_until_ms=0)


def put_away(machine: Machine) -> Machine:
    """No code without a sale is on the screen any more."""
    return replace(machine, shown=None)


def locked(sale: Sale | None) -> bool:
    """Somebody is paying on a phone: a key pressed by somebody else does not take the sale from him."""
    return sale is not None and sale.state is State.OPEN and sale.request_id != ""


def _on_screen(machine: Machine, asked: LeaseAsked, now_ms: int) -> bool:
    shown = machine.shown
    return (
        shown is not None
        and (shown.lane, shown.code.token) == (asked.lane, asked.token)
        and now_ms < shown.until_ms + SCANNED_MS
    )


def _taken(machine: Machine, asked: LeaseAsked, sale: Sale | None, now_ms: int) -> bool:
    """Another shopper has the machine: a sale of his is open, or he looks at a code."""
    if sale is not None and sale.state is State.INTENT:
        return True
    if sale is not None and sale.state is State.OPEN:
        own = sale.sale_id == asked.replaces and sale.request_id != ""
        return not own or sale.paying
    shown = machine.shown
    return shown is not None and shown.code.token != asked.token and now_ms < shown.until_ms


def _recent(machine: Machine, now_ms: int) -> tuple[int, ...]:
    return tuple(at for at in machine.leases_ms if now_ms - at < _MINUTE_MS)


def _with_pocket(
    machine: Machine, lane: int, version: int, codes: tuple[HeldCode, ...]
) -> Mapping[int, Pocket]:
    return {**machine.pockets, lane: Pocket(version=version, codes=codes)}
