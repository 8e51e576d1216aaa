"""What people do to machines and about money by hand, wired: commands, refunds, the second person."""

import base64
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cloud_bridge.config import BridgeSettings
from cloud_bridge.core.command import CommandWish, Fill, Outcome, What
from cloud_bridge.engine import Engine
from cloud_bridge.engine_commands import Commands, Hands, Noted
from cloud_bridge.engine_doing import Doing
from cloud_bridge.engine_frees import Frees
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.ports import Clock, Log
from cloud_bridge.store.books import SqlStore
from cloud_bridge.web.doing import Room, doing_routes

Asked = Mapping[str, str]


class DoingDesk:
    """Made before the daemon runs. `filled` counts pieces that were put in into the stock."""

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        store: SqlStore,
        engine: Engine,
        fleet: Fleet,
        filled: Noted,
        clock: Clock,
        log: Log,
    ) -> None:
        self._machines: Final = frozenset(machine.id for machine in settings.machines)
        hands = Hands(heard=engine.heard, filled=filled, new_id=_new_id)
        self.commands: Final = Commands(
            store=store, fleet=fleet, audit=store, clock=clock, log=log, hands=hands
        )
        frees = Frees(store, engine.hands(os.urandom).ask)
        engine.claimed = frees.claimed
        self.doing: Final = Doing(
            books=store,
            resolve=engine.resolve,
            commands=self.commands,
            audit=store,
            clock=clock,
            limits=settings.by_hand.limits,
            frees=frees,
            price_of=engine.price_of,
        )

    def routes(self) -> Room:
        """For the page and for programs."""
        return doing_routes(self.doing)

    def doors(self) -> Mapping[str, Callable[[Asked], Awaitable[tuple[str, str]]]]:
        """What people at this computer may ask for: why not, and what is said."""
        return {"command": self._command}

    async def _command(self, asked: Asked) -> tuple[str, str]:
        if asked["machine"] not in self._machines:
            return f"machine: found {asked['machine'][:32]}, allowed {', '.join(sorted(self._machines))}", ""
        try:
            wish = _wish(asked)
        except ValueError as error:
            return str(error), ""
        return _told(await self.doing.command(wish))


def _wish(asked: Asked) -> CommandWish:
    """From its words. Raises ValueError with field, found and allowed."""
    try:
        what = What(asked["what"])
    except ValueError:
        allowed = ", ".join(What)
        raise ValueError(f"what: found {asked['what'][:20]!r}, allowed {allowed}") from None
    return CommandWish(
        machine=asked["machine"],
        what=what,
        by=asked["by"],
        why=asked["why"],
        lane=int(asked["lane"]) if asked["lane"].isdigit() else 0,
        on_site=asked["on_site"] == "yes",
        fills=tuple(_fill(part) for part in asked["fills"].split()),
    )


def _fill(part: str) -> Fill:
    lane, _, count = part.partition("=")
    if not (lane.isdigit() and count.isdigit()):
        raise ValueError(f"fill: found {part[:20]!r}, allowed LANE=PIECES such as 12=5")
    return Fill(lane=int(lane), count=int(count))


def _told(became: Outcome) -> tuple[str, str]:
    if became.done:
        words = f"{became.before} -> {became.after}"
        return "", f"{words}; {became.said}" if became.said else words
    if not became.certain:
        return (
            "the machine did not answer: nobody knows whether it was done; if so, its timeline will say so",
            "",
        )
    return became.why, ""


def _new_id() -> str:
    """128 random bits as ids are written: 26 of a-z 2-7."""
    return base64.b32encode(os.urandom(16)).decode("ascii").rstrip("=").lower()
