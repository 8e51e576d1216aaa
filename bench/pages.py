"""The operators' pages: how soon a change is seen, what a busy fleet costs, weight, lists of a million sales.

Needs Chromium. Server and browser are processes of their own. Times of lists are the server's processor
time for one answer, and a page is usable after its main thread's work: a busy computer's wall clock only
tells how busy it is.
"""

import json
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.sync_api import Browser, Page, Response, sync_playwright

from bench.figure import Figure
from bench.idle import cpu_s
from cloud_bridge.store.books import open_store

SALES: Final = 1_000_000
MACHINES: Final = 500
DAYS: Final = 365
MARKS: Final = 60
WATCHED_S: Final = 10.0
ASKED: Final = 15
SLOWER: Final = 4
SEEN_MS, LIST_MS, READY_MS, WEIGHT = 300, 100, 1000, 150_000
BRIDGE_SHARE, PAGE_SHARE = 0.30, 0.10
_CHROMIUM: Final = "/usr/bin/chromium"
_WATCH: Final = """machine => {
  const cell = document.querySelector(`#fleet tr[data-key="${machine}"]`).cells[2];
  window.seen = [];
  new MutationObserver(() => requestAnimationFrame(() => window.seen.push(
    [parseInt(cell.textContent, 10), performance.timeOrigin + performance.now()]
  ))).observe(cell, { childList: true, characterData: true, subtree: true });
}"""


class Served:
    """The server, and what it is told."""

    def __init__(self, running: "subprocess.Popen[str]") -> None:
        assert running.stdout is not None
        self._running: Final = running
        self.url: Final = running.stdout.readline().strip()

    def tell(self, command: str) -> Any:
        """One command, and its answer."""
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(f"{command}\n")
        self._running.stdin.flush()
        return json.loads(self._running.stdout.readline())


def figures() -> list[Figure]:
    """All of it, over one fleet and one year of books."""
    with TemporaryDirectory() as folder:
        fill_books(Path(folder) / "books.db")
        with serving(Path(folder)) as served, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            try:
                return [*_lists(served), *_weights(served, browser), *_life(served, browser)]
            finally:
                browser.close()


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """The server for the time of the block."""
    command = [sys.executable, "-m", "bench.pages_server", str(folder), str(MACHINES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield Served(running)
        finally:
            running.terminate()


# ---------------------------------------------------------------- lists


def _lists(served: Served) -> Iterator[Figure]:
    today = datetime.now(UTC).astimezone().date().isoformat()
    newest, deep = sale_id(SALES - 1), _moment_ms(SALES // 2)
    paths = {
        "fleet of 500": "/",
        "sales": "/sales",
        "sales, half a year back": f"/sales?before={deep}.x",
        "sales of a machine": "/sales?machine=vm-0007",
        "sales of a day that vended": f"/sales?day={today}&kind=vended",
        "sales whose money went back": "/sales?kind=refunded",
        "sales lost with their money": "/sales?kind=lost",
        "sales by the end of an id": f"/sales?q={newest[-4:]}",
        "sales by the end of a payment": "/sales?q=9917",
        "a sale": f"/sales/{newest}",
        "a machine": "/machines/vm-0007",
        "cases": "/cases",
        "money": "/money",
        "what waits": "/api/waiting",
    }
    for name, path in paths.items():
        before_s = served.tell("cpu")
        took_ms = [_asked_ms(served.url + path) for _ in range(ASKED)]
        yield _figure(
            name=f"{name}, {SALES:,} sales: server time",
            ours=1000 * (served.tell("cpu") - before_s) / ASKED,
            beside=f"{statistics.median(took_ms):.0f} ms median on the wall",
            most=LIST_MS,
        )


def _asked_ms(url: str) -> float:
    begun_s = time.perf_counter()
    with urllib.request.urlopen(url) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - begun_s)


# ---------------------------------------------------------------- weight and first use


def _weights(served: Served, browser: Browser) -> Iterator[Figure]:
    for path in ("/", "/machines/vm-0007", "/sales", "/cases", "/money"):
        page = browser.new_page()
        sizes = _listen(page)
        inside = page.context.new_cdp_session(page)
        inside.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(served.url + path, wait_until="load")
        page.locator("#line:not(:empty)").wait_for()
        told = {each["name"]: each["value"] for each in inside.send("Performance.getMetrics")["metrics"]}
        ready_ms = SLOWER * 1000 * told["TaskDuration"]
        size = sum(sizes)
        page.close()
        kib = f"{size / 1000:.0f} kB"
        yield Figure(
            name=f"page {path}: weight with all its files",
            ours=kib,
            beside=f"{ready_ms:.0f} ms of work until usable, {SLOWER}x slower",
            ratio=size / WEIGHT,
            goal=f"{WEIGHT // 1000} kB and {READY_MS} ms",
            met=size <= WEIGHT and ready_ms <= READY_MS,
        )


def _listen(page: Page) -> list[int]:
    """The size of each answer, as its head says: a stream, which does not end, says nothing."""
    sizes: list[int] = []

    def heard(answer: Response) -> None:
        sizes.append(int(answer.headers.get("content-length", 0)))

    page.on("response", heard)
    return sizes


# ---------------------------------------------------------------- a fleet that lives


def _life(served: Served, browser: Browser) -> Iterator[Figure]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{served.url}/?view=list")
    page.locator("#line:not(:empty)").wait_for()
    time.sleep(1)
    took_ms = _seen(served, page)
    yield _figure(
        name="a change at a machine is on an open page, p95",
        ours=took_ms[int(0.95 * len(took_ms))],
        beside=f"{statistics.median(took_ms):.0f} ms median of {len(took_ms)}",
        most=SEEN_MS,
    )
    served.tell("run")
    time.sleep(3)
    pids, before_s = _renderers(), served.tell("cpu")
    browsers_s = {pid: cpu_s(pid) for pid in pids}
    begun_s = time.monotonic()
    time.sleep(WATCHED_S)
    took_s = time.monotonic() - begun_s
    bridge = (served.tell("cpu") - before_s) / took_s
    drawn = max((cpu_s(pid) - browsers_s[pid]) / took_s for pid in pids)
    served.tell("rest")
    page.close()
    name = f"{MACHINES} machines, each changing once a second"
    yield _share(f"{name}: the bridge", bridge, BRIDGE_SHARE)
    yield _share(f"{name}: the page", drawn, PAGE_SHARE)


def _seen(served: Served, page: Page) -> list[float]:
    """Milliseconds from each change to the frame that shows it."""
    page.evaluate(_WATCH, "vm-0001")
    said: dict[int, float] = dict(served.tell(f"mark {MARKS}"))
    time.sleep(1)
    seen: dict[int, float] = {}
    for degrees, at_ms in page.evaluate("window.seen"):
        seen.setdefault(degrees, at_ms)
    assert len(seen) >= 0.9 * len(said), f"{len(seen)} of {len(said)} changes were seen"
    return sorted(seen[degrees] - said[degrees] for degrees in seen if degrees in said)


def _renderers() -> list[int]:
    """Chromium's processes that draw pages."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if b"--type=renderer" in words:
            found.append(int(path.parent.name))
    return found


# ---------------------------------------------------------------- rows of the table


def _figure(*, name: str, ours: float, beside: str, most: int) -> Figure:
    return Figure(
        name=name,
        ours=f"{ours:.0f} ms",
        beside=beside,
        ratio=ours / most,
        goal=f"at most {most} ms",
        met=ours <= most,
    )


def _share(name: str, share: float, most: float) -> Figure:
    return Figure(
        name=name,
        ours=f"{100 * share:.1f} % of a core",
        beside=f"over {WATCHED_S:.0f} s",
        ratio=share / most,
        goal=f"under {100 * most:.0f} %",
        met=share < most,
    )


# ---------------------------------------------------------------- a year of sales


def sale_id(number: int) -> str:
    """26 letters, their end spread as a real one's is."""
    spread = number * 7_368_787 % 26**5
    tail = "".join(chr(97 + spread // 26**at % 26) for at in range(5))
    return f"{number:021d}".translate(str.maketrans("0123456789", "abcdefghij")) + tail


def _moment_ms(number: int) -> int:
    end = datetime.now(UTC) - timedelta(minutes=1)
    begin_ms = round((end - timedelta(days=DAYS)).timestamp() * 1000)
    return begin_ms + number * (DAYS * 86_400_000 // SALES)


def fill_books(path: Path) -> None:
    """A million sales over a year and a fleet, and what the ledger says of them."""
    open_store(f"sqlite:///{path}", incarnation=lambda: "b" * 26).close()
    begin_ms, step_ms = _moment_ms(0), DAYS * 86_400_000 // SALES
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TEMP TABLE number (n INTEGER PRIMARY KEY, sale_id TEXT)")
        db.executemany("INSERT INTO number VALUES (?, ?)", ((n, sale_id(n)) for n in range(SALES)))
        given = {
            "sale_id": "sale_id",
            "machine": f"printf('vm-%04d', n * 7919 % {MACHINES})",
            "lane": "1 + n % 40",
            "opened_wall_ms": f"{begin_ms} + n * {step_ms}",
            "changed_wall_ms": f"{begin_ms} + n * {step_ms} + 9000",
            "state": "CASE WHEN n % 50 = 0 THEN 'refunded' WHEN n % 7 = 0 THEN 'closed' ELSE 'vended' END",
            "decision": "CASE WHEN n % 50 = 0 THEN 'refund' WHEN n % 7 = 0 THEN '' ELSE 'vend' END",
            "why": "CASE WHEN n % 50 = 0 THEN 'not_delivered.moved.jam' ELSE '' END",
            "product_zh": "'可乐'",
            "product_en": "'Cola'",
            "price_fen": "350",
            "paid_fen": "CASE WHEN n % 7 = 0 AND n % 50 > 0 THEN 0 ELSE 350 END",
            "refunded_fen": "CASE WHEN n % 50 = 0 THEN 350 ELSE 0 END",
            "transaction_id": "printf('42000%022d', n * 104729)",
        }
        columns = db.execute("SELECT name, type FROM pragma_table_info('sale')").fetchall()
        empty = {"INTEGER": "0", "BLOB": "x''"}
        values = [given.get(name, empty.get(kind, "''")) for name, kind in columns]
        names = ", ".join(f'"{name}"' for name, _ in columns)
        db.execute(f"INSERT INTO sale ({names}) SELECT {', '.join(values)} FROM number")
        sides = (("platform_clearing", "customer_liability"), ("customer_liability", "sales"))
        for debit, credit in (*sides, ("shrinkage", "sales")):
            some = " WHERE n % 5000 = 0" if debit == "shrinkage" else ""
            db.execute(
                "INSERT INTO ledger (sale_id, debit, credit, fen, why, wall_ms, hash) "
                f"SELECT sale_id, '{debit}', '{credit}', 350, '', {begin_ms} + n * {step_ms}, '' "
                f"FROM number{some}"
            )
        db.execute(
            "INSERT INTO fact (wall_ms, machine, sale_id, who, what) "
            f"SELECT {begin_ms} + n * {step_ms}, 'vm-0007', sale_id, 'edge', 'the goods are out' FROM number"
        )
        db.commit()
