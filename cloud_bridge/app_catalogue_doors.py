"""What people at this computer may ask about catalogue and stock: of the daemon, or of the books alone.

A wish is words by name, as the operator's door has them; an answer is why not, and what is said.
"""

import json
from collections.abc import Mapping
from typing import Final

from cloud_bridge.core.rollout import MINUTES
from cloud_bridge.core.stock import Hand
from cloud_bridge.engine_catalogue_parts import spread
from cloud_bridge.ports_catalogue import CatalogueService, Count, Done, Edit, StockService
from cloud_bridge.web.operator import Asked, Door


class GoodsDoors:
    """The doors of both."""

    def __init__(self, catalogues: CatalogueService, stocks: StockService) -> None:
        self._catalogues: Final = catalogues
        self._stocks: Final = stocks

    def doors(self) -> Mapping[str, Door]:
        """What people at this computer may ask for."""
        return {
            "catalogue_import": self._import,
            "catalogue_export": self._export,
            "catalogue_undo": self._undo,
            "catalogue_agree": self._agree,
            "catalogue_drop": self._drop,
            "catalogue_go_on": self._go_on,
            "stock_note": self._note,
        }

    async def _import(self, asked: Asked) -> tuple[str, str]:
        texts = json.loads(asked["texts"])
        edit = Edit(
            wanted={},
            base=0,
            by=asked["by"],
            why=asked["why"],
            minutes=number(asked["minutes"]) or MINUTES,
            at_once=asked["at_once"] == "yes",
            effective_wall_ms=number(asked["effective_wall_ms"]),
        )
        done, mistakes = await self._catalogues.take_tables([str(text) for text in texts], edit)
        return "\n".join([*mistakes, done.why_not]) if done.refused else "", said(done)

    async def _export(self, asked: Asked) -> tuple[str, str]:
        return "", json.dumps(await self._catalogues.tables(), ensure_ascii=False)

    async def _undo(self, asked: Asked) -> tuple[str, str]:
        done = await self._catalogues.undo(number(asked["edition"]), asked["by"], asked["why"])
        return refusal(done), said(done)

    async def _agree(self, asked: Asked) -> tuple[str, str]:
        done = await self._catalogues.agree(number(asked["pending"]), asked["by"])
        return refusal(done), said(done)

    async def _drop(self, asked: Asked) -> tuple[str, str]:
        return await self._catalogues.drop(number(asked["pending"]), asked["by"]), ""

    async def _go_on(self, asked: Asked) -> tuple[str, str]:
        return await self._catalogues.go_on(asked["by"]), ""

    async def _note(self, asked: Asked) -> tuple[str, str]:
        count = Count(
            key=asked["key"],
            machine=asked["machine"],
            lane=number(asked["lane"]),
            hand=Hand(asked["hand"]),
            count=number(asked["count"]),
            by=asked["by"],
            why=asked["why"],
        )
        return await self._stocks.note((count,)), ""


def number(text: str) -> int:
    """A number that a person wrote; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def refusal(done: Done) -> str:
    """Why a wish was not taken, or empty."""
    return "\n".join([*map(str, done.faults), done.why_not] if done.refused else [])


def said(done: Done) -> str:
    """What became of a wish."""
    if done.refused:
        return ""
    if done.pending:
        why = "; ".join(done.daring)
        until = f"until somebody else agrees: {why}" if why else "until its hour"
        return f"change {done.pending} waits {until}"
    return f"version {done.edition} goes to {spread(done.machines) or 'no machine'}"
