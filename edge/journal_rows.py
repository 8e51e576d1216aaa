"""Journal rows: a sale as columns and back, and the hash chain that makes an edited journal show."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from edge.core.model import Baseline, Sale, Session, State
from edge.ports import JournalFailed, OutboxRow

COLUMNS: Final = (
    "sale_id, lane, price_fen, catalogue_version, jid, boot, bits, opened_wall_ms, state, why, evidence, "
    "seq, base_seq, base_stock, base_count, paid_hash"
)


def to_row(sale: Sale) -> tuple[object, ...]:
    """The durable part of a sale, in the order of COLUMNS."""
    base = sale.baseline or Baseline()
    who = sale.session
    return (
        sale.sale_id,
        sale.lane,
        sale.price_fen,
        sale.catalogue_version,
        who.jid,
        who.boot,
        who.bits,
        sale.opened_wall_ms,
        sale.state.value,
        sale.why,
        sale.evidence,
        sale.seq,
        base.seq,
        base.stock,
        base.count,
        sale.paid_hash,
    )


def to_sale(row: tuple[object, ...]) -> Sale:
    """A sale from a row in the order of COLUMNS; what lived in memory only is gone."""
    (sale_id, lane, price, version, jid, boot, bits, opened, state, why, evidence, seq, *base, paid) = row
    return Sale(
        sale_id=_text(sale_id),
        lane=_whole(lane),
        price_fen=_whole(price),
        catalogue_version=_whole(version),
        session=Session(jid=_text(jid), boot=_whole(boot), bits=_text(bits)),
        opened_wall_ms=_whole(opened),
        state=State(_text(state)),
        why=_text(why),
        evidence=_text(evidence),
        seq=None if seq is None else _whole(seq),
        baseline=_baseline(base) if seq is not None else None,
        paid_hash=_text(paid),
    )


def _baseline(values: list[object]) -> Baseline:
    seq, stock, count = (None if value is None else _whole(value) for value in values)
    return Baseline(seq=seq, stock=stock, count=count)


def _text(value: object) -> str:
    assert isinstance(value, str)  # STRICT tables: the column's type is a fact
    return value


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


# ---------------------------------------------------------------- the hash chain


def to_report(row: tuple[object, ...]) -> OutboxRow:
    """A report from `n, kind, sale_id, payload`."""
    n, kind, sale_id, payload = row
    assert isinstance(payload, bytes)
    return OutboxRow(n=_whole(n), kind=_text(kind), sale_id=_text(sale_id), payload=payload)


def row_hash(sale: Sale) -> str:
    """SHA-256 of the durable part of a row: a report carries it, so that an edited journal shows."""
    return hashlib.sha256(entry(sale).encode()).hexdigest()


def verify_chain(path: Path) -> int:
    """How many entries the chain has, rows and all as written. Raises JournalFailed naming what is not."""
    count, faults = check_journal(path)
    if faults:
        raise JournalFailed(f"journal {path}: {'; '.join(faults)}")
    return count


def check_journal(path: Path) -> tuple[int, tuple[str, ...]]:
    """How many entries the chain has, and each entry and row that is not what was written.

    Looks only; the daemon may run. Raises JournalFailed when the file cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")  # one moment, whatever the daemon writes meanwhile
            return _check(db)
    except sqlite3.Error as error:
        raise JournalFailed(f"journal {path}: {error}") from error


def _check(db: sqlite3.Connection) -> tuple[int, tuple[str, ...]]:
    faults: list[str] = []
    newest: dict[str, str] = {}
    digest, count = "", 0
    for number, text, found in db.execute("SELECT id, entry, hash FROM chain ORDER BY id"):
        count += 1
        sale_id = _sale_of(text)
        if chained(digest, text) != found:
            faults.append(f"chain entry {number} of sale {sale_id} was changed")
        digest, newest[sale_id] = found, text
    for row in db.execute(f"SELECT {COLUMNS} FROM sale ORDER BY opened_wall_ms"):  # noqa: S608
        left = newest.pop(str(row[0]), "")
        if json.dumps(row, separators=(",", ":")) != left:
            faults.append(
                f"sale {row[0]}: its row was changed" if left else f"sale {row[0]}: no entry made it"
            )
    faults += [f"sale {sale_id}: its row is gone" for sale_id in newest]
    return count, tuple(faults)


def _sale_of(text: str) -> str:
    try:
        return str(json.loads(text)[0])
    except (ValueError, LookupError, TypeError):
        return "?"


def entry(sale: Sale) -> str:
    """The text of a row that the chain covers."""
    return json.dumps(to_row(sale), separators=(",", ":"))


def chained(before: str, text: str) -> str:
    """The hash of an entry, bound to all before it."""
    return hashlib.sha256(f"{before}\0{text}".encode()).hexdigest()


def last_hash(db: sqlite3.Connection) -> str:
    """The end of the chain, "" for an empty one."""
    found = db.execute("SELECT hash FROM chain ORDER BY id DESC LIMIT 1").fetchone()
    return found[0] if found else ""
