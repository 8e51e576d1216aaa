"""`wxvend bridge catalogue | stock`: what machines sell, as editions; and what lies in their lanes.

Reading needs no daemon and disturbs none. A change goes to the daemon that runs; while none runs it is made
in the books, and machines are offered it at the next start.
"""

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from cloud_bridge.app import SystemClock
from cloud_bridge.app_catalogue_doors import GoodsDoors
from cloud_bridge.cli_books import at_the_daemon_or_in_the_books
from cloud_bridge.cli_ends import BAD_INPUT, FAILED, fail
from cloud_bridge.config import BridgeSettings, read_settings
from cloud_bridge.core.rollout import MINUTES
from cloud_bridge.engine_catalogue import Catalogues
from cloud_bridge.engine_catalogue_csv import lanes_csv, products_csv
from cloud_bridge.engine_catalogue_parts import in_words
from cloud_bridge.engine_catalogue_rides import Shop
from cloud_bridge.engine_catalogue_views import Snapshot, view
from cloud_bridge.engine_stock import Stocks, stock_of
from cloud_bridge.ports import Store, StoreFailed
from cloud_bridge.ports_catalogue import CatalogueView, Edition, LaneStock
from cloud_bridge.store import looking
from cloud_bridge.store.books import SqlStore
from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.web.operator import BadAsk, ask_desk
from cloud_bridge.web.stock import restock_csv
from wire.service import logger
from wire.settings import BadSettings

T = TypeVar("T")
_CONFIG: Final = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bridge.toml"),
    show_default=True,
    help="The bridge's settings.",
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_BY: Final = click.option("--by", required=True, help="Who does it.")
_WHY: Final = click.option("--why", required=True, help="For what reason; it is kept for ever.")


# ---------------------------------------------------------------- the catalogue


@click.group()
def catalogue() -> None:
    """See and change what machines sell. Each change is a new version, and any version can come back.

    \b
    Examples:
      wxvend bridge catalogue export lanes > lanes.csv
      wxvend bridge catalogue import lanes.csv --by ann --why "winter prices"
    """


@catalogue.command("show")
@_CONFIG
@_JSON
def show(config: Path, as_json: bool) -> None:
    """Say what each machine is offered and runs, and how far the newest version is."""
    found = _looked(config, Snapshot.of)
    seen = view(found, {shelf.machine: shelf for shelf in read_settings(config).shelves})
    if as_json:
        click.echo(json.dumps(asdict(seen), ensure_ascii=False))
        return
    for line in _shown(seen):
        click.echo(line)


@catalogue.command("export")
@click.argument("table", type=click.Choice(["products", "lanes"]))
@_CONFIG
def export(table: str, config: Path) -> None:
    """Write the products, or the lanes of machines and templates, as CSV for a spreadsheet."""
    book = _looked(config, lambda tx: tx.book())
    click.echo(products_csv(book) if table == "products" else lanes_csv(book), nl=False)


@catalogue.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@_CONFIG
@_BY
@_WHY
@click.option("--minutes", type=click.IntRange(1, 1440), default=MINUTES, help="How long a machine may take.")
@click.option("--at-once", is_flag=True, help="Offer it to all machines at once, not in waves.")
@click.option(
    "--from", "effective", default="", help="In force from this time on, as 2026-01-31T06:00+08:00."
)
@_JSON
def take(files: tuple[Path, ...], config: Path, effective: str, as_json: bool, **asked: Any) -> None:
    """Make a new version of tables that were exported, or say each mistake by row and column.

    A lanes table speaks for every machine and template it names: a lane that it has not is gone. A products
    table changes the products that it names. With any mistake nothing is taken.
    """
    try:
        texts = json.dumps([file.read_text("utf-8-sig") for file in files])
        due = datetime.fromisoformat(effective) if effective else None
        if due is not None and due.tzinfo is None:
            raise ValueError(f"--from: found {effective!r}, allowed a time with its offset, as +08:00")
    except (OSError, ValueError) as error:
        fail(error, BAD_INPUT)
    wished = {
        "texts": texts,
        "minutes": str(asked["minutes"]),
        "at_once": "yes" if asked["at_once"] else "no",
        "effective_wall_ms": str(round(due.timestamp() * 1000)) if due is not None else "0",
    }
    _do(config, "catalogue_import", as_json=as_json, by=asked["by"], why=asked["why"], **wished)


@catalogue.command("history")
@_CONFIG
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", type=int, default=0, help="Only versions below this one.")
@_JSON
def history(config: Path, limit: int, before: int, as_json: bool) -> None:
    """Say who changed what, when and why, the newest first."""
    found = _looked(config, lambda tx: tx.editions(before=before, limit=limit))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False))
        return
    for each in found:
        click.echo(_told(each))


@catalogue.command("undo")
@click.argument("version", type=int)
@_CONFIG
@_BY
@_WHY
@_JSON
def undo(version: int, config: Path, by: str, why: str, as_json: bool) -> None:
    """Make a new version that is as VERSION was."""
    _do(config, "catalogue_undo", as_json=as_json, edition=str(version), by=by, why=why)


@catalogue.command("agree")
@click.argument("change", type=int)
@_CONFIG
@_BY
@_JSON
def agree(change: int, config: Path, by: str, as_json: bool) -> None:
    """Agree, as the second person, to a change that waits for one."""
    _do(config, "catalogue_agree", as_json=as_json, pending=str(change), by=by)


@catalogue.command("drop")
@click.argument("change", type=int)
@_CONFIG
@_BY
@_JSON
def drop(change: int, config: Path, by: str, as_json: bool) -> None:
    """Give up a change that waits."""
    _do(config, "catalogue_drop", as_json=as_json, pending=str(change), by=by)


@catalogue.command("go-on")
@_CONFIG
@_BY
@_JSON
def go_on(config: Path, by: str, as_json: bool) -> None:
    """Let a roll-out that stopped go on, without the machines in trouble."""
    _do(config, "catalogue_go_on", as_json=as_json, by=by)


# ---------------------------------------------------------------- the stock


@click.group(invoke_without_command=True)
@_CONFIG
@click.option("--machine", default="", help="Only this machine's lanes.")
@click.option("--route", default="", help="Only machines of this route.")
@click.option("--restock", is_flag=True, help="As CSV: what to bring to the lanes that are below par.")
@_JSON
@click.pass_context
def stock(ctx: click.Context, /, config: Path, machine: str, route: str, **how: bool) -> None:
    """Say what lies in the lanes by the books, those that need somebody first.

    \b
    Examples:
      wxvend bridge stock --route north --restock > north.csv
      wxvend bridge stock counted vm-0001 12 7 --by ann
    """
    if ctx.invoked_subcommand is not None:
        return
    known = [each.id for each in _settings(config).machines]
    asked = [each for each in known if machine in ("", each)]
    wall_ms = SystemClock().wall_ms()
    lanes = _looked(config, lambda tx: stock_of(tx, asked, route, {}, wall_ms))
    if how["restock"]:
        click.echo(restock_csv([each for each in lanes if each.to_bring]), nl=False)
    elif how["as_json"]:
        click.echo(json.dumps([asdict(each) for each in lanes], ensure_ascii=False))
    else:
        for each in lanes:
            click.echo(_lane(each))


def _noting(name: str, hand: str, words: str) -> None:
    @stock.command(name, help=words)
    @click.argument("machine")
    @click.argument("lane", type=int)
    @click.argument("count", type=int)
    @_CONFIG
    @_BY
    @click.option("--why", default="", help="A note.")
    @_JSON
    def note(config: Path, as_json: bool, **asked: Any) -> None:
        wished = {each: str(value) for each, value in asked.items()}
        _do(config, "stock_note", as_json=as_json, key=f"cli.{secrets.token_hex(16)}", hand=hand, **wished)


_noting("filled", "refilled", "Note that COUNT pieces were put into a LANE of a MACHINE.")
_noting("counted", "corrected", "Note that somebody counted COUNT pieces in a LANE of a MACHINE.")


# ---------------------------------------------------------------- helpers


def _shown(seen: CatalogueView) -> list[str]:
    lines = [f"version {seen.edition}"]
    if seen.rollout is not None and seen.rollout.why:
        lines.append(f"roll-out of {seen.rollout.edition} {seen.rollout.stage}: {seen.rollout.why}")
    for each in seen.pending:
        why = "; ".join(each.daring) if each.daring and not each.agreed else "its hour"
        lines.append(f"change {each.id} by {each.by} waits for {why}")
    for offer in seen.machines:
        why = f"  {offer.why}" if offer.why else ""
        differs = "  (its lanes in bridge.toml are not read any more)" if offer.settings_differ else ""
        lines.append(
            f"{offer.machine}  {len(offer.slots)} lanes  offered {offer.version}  runs {offer.runs}  "
            f"{offer.state}{why}{differs}"
        )
    return lines


def _told(each: Edition) -> str:
    at = datetime.fromtimestamp(each.wall_ms / 1000).astimezone()
    agreed = f", agreed by {each.agreed}" if each.agreed else ""
    head = f"version {each.edition}  {at:%Y-%m-%d %H:%M:%S %z}  {each.by}{agreed}: {each.why}"
    return "\n".join([head, *(f"    {in_words(change)}" for change in each.changes)])


def _lane(each: LaneStock) -> str:
    there = "?" if each.pieces is None else str(each.pieces)
    sums = f"{each.refilled} filled {each.corrected:+d} corrected {each.vended} sold"
    goods = each.product_zh or each.product
    return (
        f"{each.machine}  lane {each.lane}  {goods}  {each.level}  {there} pieces ({sums})  "
        f"bring {each.to_bring}"
    )


def _settings(config: Path) -> BridgeSettings:
    try:
        return read_settings(config)
    except BadSettings as error:
        fail(error, BAD_INPUT)


def _looked(config: Path, work: Callable[[Any], T]) -> T:
    settings = _settings(config)
    try:
        return looking.catalogue(settings.store.url, work)
    except (StoreUnusable, StoreFailed, OSError) as error:
        fail(error, FAILED)


def _do(config: Path, do: str, *, as_json: bool, **asked: str) -> NoReturn:
    """Have it done, and say what became of it."""
    settings = _settings(config)
    heard: list[str] = []

    def at_the_daemon(door: Path) -> str:
        why_not, said = ask_desk(door, do, **asked)
        heard.append(said)
        return why_not

    async def in_the_books(store: Store) -> str:
        assert isinstance(store, SqlStore)
        doors = await _alone(settings, store)
        why_not: str
        why_not, said = await doors[do](asked)
        heard.append(said)
        return why_not

    try:
        for name, most in (("by", 64), ("why", 200)):
            words = asked.get(name, "-") or ("-" if do == "stock_note" else "")
            if not (0 < len(words.strip()) <= most and words.isprintable()):
                raise BadAsk(f"--{name}: found {words[:20]!r}, allowed 1 to {most} characters on one line")
        why_not = at_the_daemon_or_in_the_books(settings, at_the_daemon, in_the_books)
    except BadAsk as error:
        fail(error, BAD_INPUT)
    except (StoreUnusable, StoreFailed, OSError) as error:
        fail(error, FAILED)
    said = "".join(heard)
    if as_json:
        click.echo(json.dumps({"ok": not why_not, "why": why_not, "said": said}, ensure_ascii=False))
    else:
        click.echo(f"wxvend bridge: refused: {why_not}" if why_not else said or "done", err=bool(why_not))
    sys.exit(FAILED if why_not else 0)


async def _alone(settings: BridgeSettings, store: SqlStore) -> Mapping[str, Any]:
    """The same doors while no daemon runs: nobody is told, and nobody is there."""
    clock, shelves = SystemClock(), {shelf.machine: shelf for shelf in settings.shelves}
    shop = Shop(
        books=store,
        shelves=shelves,
        sell_from=lambda shelf: None,
        offer=lambda shelf: None,
        live=lambda machine: False,
        clock=clock,
        log=logger(),
    )
    catalogues = Catalogues(shop)
    await catalogues.open()
    stocks = Stocks(books=store, known=shelves, machines=lambda: (), clock=clock, log=logger())
    return GoodsDoors(catalogues, stocks).doors()
