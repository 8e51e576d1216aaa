"""A bill to look at by hand, whatever the hour: today's as far as it goes, without the faults that are on."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from hw_sim.platform.answers import rfc3339
from hw_sim.platform.bill_text import BOM, Oddities, fund_bill, trade_bill
from hw_sim.platform.bills import day_lines
from hw_sim.platform.clock import Clock
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Shop


def bill_wishes(
    *, platform: Platform, shop: Shop, clock: Clock
) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
    """`bill`: `day` (today's without one), `kind` trade or funds; gives `{day, lines, text}`."""

    def bill(wish: Mapping[str, Any]) -> Any:
        now_ms = clock.now_ms()
        day, kind = str(wish.get("day") or rfc3339(now_ms)[:10]), wish.get("kind", "trade")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            raise ValueError(f"day: found {day[:20]}, allowed a day such as 2026-01-31")
        if kind not in ("trade", "funds"):
            raise ValueError(f"kind: found {str(kind)[:20]}, allowed trade, funds")
        lines = day_lines(platform, date.fromisoformat(day), now_ms)
        plain = trade_bill(shop, lines, Oddities()) if kind == "trade" else fund_bill(lines, Oddities())
        return {"day": day, "lines": len(lines), "text": plain.decode().removeprefix(BOM)}

    return {"bill": bill}
