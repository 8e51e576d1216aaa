"""What pages read, as a person sees it: the store's rows turned into views. Implements `Looking`."""

from collections.abc import Mapping
from dataclasses import dataclass

from cloud_bridge.engine_views import case_view, view
from cloud_bridge.ports import Fact, SaleView
from cloud_bridge.ports_looking import Asked, DayFigures, LookingStore, Machines, SaleFile


@dataclass(frozen=True, slots=True)
class Looked:
    """The books, looked into."""

    store: LookingStore

    async def page(self, asked: Asked) -> tuple[SaleView, ...]:
        """The newest sales first."""
        return tuple(view(sale) for sale in await self.store.page(asked))

    async def by_tail(self, words: str, machines: Machines, limit: int) -> tuple[SaleView, ...]:
        """Sales whose id, or whose payment's number, ends so."""
        return tuple(view(sale) for sale in await self.store.by_tail(words, machines, limit))

    async def file(self, sale_id: str) -> SaleFile | None:
        """One sale with all that is known of it."""
        found = await self.store.evidence(sale_id)
        if found is None:
            return None
        return SaleFile(
            sale=view(found.sale),
            transaction_id=found.sale.transaction_id,
            refund_no=found.sale.refund_no,
            merchant=found.sale.merchant,
            catalogue_version=found.sale.catalogue_version,
            facts=found.facts,
            cases=tuple(case_view(case, found.sale) for case in found.cases),
            entries=found.entries,
            decisions=found.decisions,
        )

    async def figures(self, since_ms: int, until_ms: int, machines: Machines) -> DayFigures:
        """What came of the sales that were opened in this time."""
        return await self.store.figures(since_ms, until_ms, machines)

    async def days(self, since_ms: int, until_ms: int, machines: Machines) -> Mapping[str, DayFigures]:
        """The same for each day."""
        return await self.store.days(since_ms, until_ms, machines)

    async def machine_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """The newest lines about a machine and no sale."""
        return await self.store.machine_lines(machine, limit)

    async def sale_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """The newest lines of a machine's newest sales."""
        return await self.store.sale_lines(machine, limit)

    async def newest_lines(self, machines: Machines, limit: int) -> tuple[Fact, ...]:
        """The newest of all lines."""
        return await self.store.newest_lines(machines, limit)
