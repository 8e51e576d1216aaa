"""The `[bills]` table: whether bills are fetched each morning, and where they lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BillsTable:
    """Bills, reports, and what is matched. Without `folder` they lie in `bills` beside the books.

    `daily` False: only `wxvend bridge reconcile` fetches a bill.
    """

    daily: bool = True
    folder: Path | None = None
