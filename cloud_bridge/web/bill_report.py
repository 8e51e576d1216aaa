"""A matched day as a page that an accountant can read, print and file, and as a table for his spreadsheet.

The statement leads from the bill's total to the books' total, place by place; both are what was counted, so
the page cannot say that they agree when they do not.
"""

import csv
import html
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final

from cloud_bridge.core.sale import yuan
from cloud_bridge.ports_bills import DayResult, Figures, Found, moment
from cloud_bridge.web.bill_words import REPORT_WORDS
from cloud_bridge.web.words import LANGUAGES, table

_PLACES: Final = (
    *(("bill", ""), ("bill_only", "-"), ("elsewhen", "-"), ("void", "-"), ("bill_differs", "-")),
    *(("books_differs", "+"), ("books_only", "+"), ("books", "=")),
)
_WORDS: Final = {"bill_only": "bill_bill_only", "bill_differs": "bill_apart"}
_FUNDS: Final = {  # the platform's own words
    "交易": "bill_payments",
    "退款": "bill_refunds",
    "扣除交易手续费": "bill_fee_taken",
    "退还交易手续费": "bill_fee_back",
}
_TRADES: Final = ("交易", "退款")
_CSV_HEAD: Final = (
    *("day", "merchant", "class", "rule", "sale_id", "machine", "number", "at", "bill_yuan", "books_yuan"),
    *("since", "cause", "why", "by"),
)


def as_html(result: DayResult, found: Sequence[Found], language: str, *, style: str = "") -> str:
    """The whole page; it needs nothing beside it, unless `style` says where its style is."""
    which = LANGUAGES.index(language)
    words = table(language) | {key: both[which] for key, both in REPORT_WORDS.items()}
    title = f"{words['bill_title']} {result.day}"
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>\n{_style(style)}\n</head>\n<body>",
        f"<h1>{html.escape(title)}</h1>",
        _state(result, found, words),
        _about(result, words),
        *(_statement(result.figures, words) if result.figures else ()),
        _differences(found, words),
        f'<p class="sign">{words["bill_signature"]}: ____________________</p>',
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def as_csv(result: DayResult, found: Iterable[Found]) -> str:
    """Every difference, a row each; a BOM lets spreadsheets read the Chinese, and no cell is a formula."""
    out = io.StringIO()
    out.write("\N{BYTE ORDER MARK}")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(_CSV_HEAD)
    for each in found:
        difference, cause = each.difference, each.cause
        rows.writerow(
            [
                *(result.day, result.merchant, difference.kind.value, difference.rule.value),
                *(_plain(difference.sale_id), difference.machine, _plain(difference.number)),
                *(_plain(difference.at), _bare(difference.bill_fen), _bare(difference.books_fen)),
                moment(each.since_wall_ms),
                *((cause.name, _plain(cause.why), _plain(cause.by)) if cause else ("", "", "")),
            ]
        )
    return out.getvalue()


def _plain(words: str) -> str:
    """Not a formula, whatever a spreadsheet makes of its first character."""
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t", "\r") else words


def _bare(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


# ---------------------------------------------------------------- the page's parts


def _state(result: DayResult, found: Sequence[Found], words: Mapping[str, str]) -> str:
    still = sum(each.cause is None for each in found)
    if result.closed:
        return f'<p class="state go">● {words["bill_closed"]}</p>'
    if result.fault:
        return f'<p class="state stop">■ {words["bill_failed"]}: {html.escape(result.fault)}</p>'
    return f'<p class="state stop">■ {words["bill_open"]} · {still} {words["bill_unexplained"]}</p>'


def _about(result: DayResult, words: Mapping[str, str]) -> str:
    figures = result.figures
    lines = [(words["bill_merchant"], result.merchant)] if result.merchant else []
    if result.matched_wall_ms:
        lines.append((words["bill_matched_at"], moment(result.matched_wall_ms)))
    lines.append((words["bill_hash"], result.sha1 or words["bill_none"]))
    if figures:
        lines += [
            (words["bill_lines"], str(figures.lines)),
            (words["bill_fee"], _fee(figures.fee_fen_5)),
            (words["bill_pieces"], str(figures.pieces)),
        ]
        if figures.funds:
            moved = " · ".join(
                f"{words.get(_FUNDS.get(name, name), name)} {_signed(fen)}"
                for name, fen in figures.funds.items()
            )
            lines.append((words["bill_funds"], moved))
            if apart_fen := _apart_fen(figures):
                lines.append((words["bill_funds_apart"], _signed(apart_fen)))
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in lines)
    return f"<dl>{rows}</dl>"


def _apart_fen(figures: Figures) -> int:
    """How far the flow of funds is from the trades: what is booked a day later stands here, for a person."""
    moved = sum(figures.funds.get(name, 0) for name in _TRADES)
    return moved - (figures.paid["bill"] - figures.refunds["bill"] + figures.refunds["void"])


def _statement(figures: Figures, words: Mapping[str, str]) -> Iterator[str]:
    heads = (words["bill_payments"], words["bill_refunds"])
    yield f"<h2>{words['bill_statement']}</h2>\n<table>\n<thead><tr><th></th>"
    yield "".join(f'<th class="number">{head}</th>' for head in heads) + "</tr></thead>\n<tbody>"
    for place, sign in _PLACES:
        sides = figures.paid[place], figures.refunds[place]
        if not any(sides) and sign in ("-", "+"):
            continue
        row = ' class="sum"' if sign in ("", "=") else ""
        cells = "".join(f'<td class="number">{_with(sign, fen)}</td>' for fen in sides)
        yield f"<tr{row}><td>{words[_WORDS.get(place, f'bill_{place}')]}</td>{cells}</tr>"
    matched = "".join(
        f'<td class="number quiet">{yuan(side["matched"])}</td>' for side in (figures.paid, figures.refunds)
    )
    yield f'<tr><td class="quiet">{words["bill_matched"]}</td>{matched}</tr>\n</tbody></table>'


def _differences(found: Sequence[Found], words: Mapping[str, str]) -> str:
    head = f"<h2>{words['bill_differences']}</h2>"
    if not found:
        return f"{head}\n<p>{words['bill_fits']}</p>"
    names = ("bill_class", "sale", "bill_number", "bill_theirs", "bill_ours", "bill_rule", "bill_cause")
    figures = ("bill_theirs", "bill_ours")
    cells = "".join(f'<th class="{"number" if name in figures else ""}">{words[name]}</th>' for name in names)
    rows = "\n".join(_row(each, words) for each in sorted(found, key=lambda each: each.cause is not None))
    inner = f"<thead><tr>{cells}</tr></thead>\n<tbody>\n{rows}\n</tbody>"
    return f'{head}\n<table class="apart">\n{inner}</table>'


def _row(each: Found, words: Mapping[str, str]) -> str:
    difference, cause = each.difference, each.cause
    why = words.get(f"cause.{cause.name}", cause.name) if cause else words["cause."]
    said = ": ".join(part for part in (cause.by, cause.why) if part) if cause else ""
    place = " · ".join(part for part in (difference.machine, difference.at) if part)
    return (
        f"<tr><td>{'●' if cause else '■'} {words['why.' + difference.kind]}</td>"
        f'<td class="id">{html.escape(difference.sale_id)}<div class="quiet">{html.escape(place)}</div></td>'
        f'<td class="id">{html.escape(difference.number)}</td>'
        f"{_amount(difference.bill_fen, words['bill_theirs'])}"
        f"{_amount(difference.books_fen, words['bill_ours'])}"
        f"<td>{words['rule.' + difference.rule]}</td>"
        f'<td class="{"go" if cause else "stop"}">{html.escape(why)}'
        f'<div class="quiet">{html.escape(said)}</div></td></tr>'
    )


def _amount(fen: int, head: str) -> str:
    return f'<td class="number" data-head="{head}">{yuan(fen) if fen else "–"}</td>'


def _with(sign: str, fen: int) -> str:
    return f"{'−' if sign == '-' and fen else ''}{yuan(fen)}"


def _signed(fen: int) -> str:
    return f"{'−' if fen < 0 else ''}{yuan(abs(fen))}"


def _style(place: str) -> str:
    if place:
        return f'<link rel="stylesheet" href="{place}">'
    return f"<style>\n{files('cloud_bridge.web').joinpath('static', 'report.css').read_text('utf-8')}</style>"


def _fee(fen_5: int) -> str:
    whole, part = divmod(abs(fen_5), 100_000)
    return f"{'−' if fen_5 < 0 else ''}¥{whole}.{part:05d}"
