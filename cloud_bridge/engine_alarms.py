"""Alarms of the bridge's own: whoever finds a lasting fault says it by name, and says when it is over."""

from typing import Final

from cloud_bridge.ports import Clock, StandingAlarm, Store, Tx


class OwnAlarms:
    """Written into the books, where the page and all other listeners find them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store: Final = store
        self._clock: Final = clock

    async def say(self, name: str, text: str) -> None:
        """Raise an alarm, or renew its words; without a text it is over. Raises StoreFailed."""
        wall_ms = self._clock.wall_ms()

        def note(tx: Tx) -> None:
            if not text:
                tx.clear_alarm(machine="", name=name, lane=0)
                return
            tx.set_alarm(
                StandingAlarm(machine="", name=name, lane=0, code="", text=text, since_wall_ms=wall_ms)
            )

        await self._store.run(note)
