"""What `bench.bill` measures: one day matched in this process, its figures as JSON."""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.bill import DAY, MCHID
from cloud_bridge.engine_bills_match import Desk, match_day
from cloud_bridge.ports_bills import BillFile, BillKind, BillReading
from cloud_bridge.store.bills import sorted_by_sale
from cloud_bridge.store.books import open_store
from cloud_bridge.wechat.bill_reader import TradeBill
from cloud_bridge.wechat.bills import WechatBills


class LocalBills(WechatBills):
    """A bill that lies here already."""

    def __init__(self) -> None:
        self.merchant = ""  # type: ignore[misc]

    @contextmanager
    def reading(self, bill: BillFile) -> Iterator[BillReading]:
        """Read it."""
        with bill.file.open("rb") as file:
            yield TradeBill(file, MCHID)


def _mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(folder: Path) -> None:
    """Match, and say what it took."""
    bill = BillFile(merchant="", day=DAY, kind=BillKind.TRADE, sha1="", file=folder / "bill.csv")
    with closing(open_store(f"sqlite:///{folder}/books.db", incarnation=lambda: "")) as store:
        desk = Desk(bills=LocalBills(), books=store, sort=sorted_by_sale, own=frozenset({"vm-0001"}))
        idle_mib, wall_s, cpu_s = _mib(), time.monotonic(), time.process_time()
        matched = match_day(desk, DAY, bill, None, lambda lines: None)
        told = {
            "matched": matched.figures.paid["matched"],
            "cpu_s": time.process_time() - cpu_s,
            "wall_s": time.monotonic() - wall_s,
            "rss_mib": _mib(),
            "idle_mib": idle_mib,
        }
    assert matched.found == (), matched.found[:3]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
