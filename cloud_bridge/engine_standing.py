"""A person takes a standing alarm out of the books; who and why stay in the timeline."""

from collections.abc import Callable

from cloud_bridge.core.case import reason_of
from cloud_bridge.core.standing import Clearing, obstacle, told
from cloud_bridge.ports import Fact, Store, Tx


async def clear_in(store: Store, asked: Clearing, wall_ms: Callable[[], int], *, running: bool) -> str:
    """Why not, or empty once it is durable. `running`: by the daemon that serves. Raises StoreFailed."""
    alarms = await store.alarms()
    lanes = [each.lane for each in alarms if (each.name, each.machine) == (asked.name, asked.machine)]
    if not lanes:
        others = sorted({each.machine or "the bridge" for each in alarms if each.name == asked.name})
        where = f"; it stands on {', '.join(others)}" if others else ""
        return f"no such alarm on {asked.machine or 'the bridge'}{where}. Try: wxvend bridge alarms"

    def work(tx: Tx) -> str:
        journals = tx.journals(asked.machine)
        why_not = obstacle(
            asked,
            open_cases=tx.open_cases(asked.machine, reason_of(asked.name)),
            doubted=any(each.current and each.doubt for each in journals),
            running=running,
        )
        if why_not:
            return why_not
        for lane in lanes:
            tx.clear_alarm(machine=asked.machine, name=asked.name, lane=lane)
        line = Fact(wall_ms=wall_ms(), machine=asked.machine, sale_id="", who="operator", what=told(asked))
        tx.note(line)
        return ""

    return await store.run(work)
