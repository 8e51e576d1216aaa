"""What a scripted sale comes to: one JSON object for programs, a story for people. Pure."""

from collections import Counter
from typing import Any, Final

from hw_sim.demo.books import Books
from hw_sim.demo.scenarios import Scenario
from hw_sim.demo.script import Ending

_DOUBT, _BACK = "in doubt: ", "goes back: "  # the bridge's words in its timeline
_REFUSED: Final = "wire.refused"
_RESULTS: Final = {"vended": "vended", "refunded": "refunded", "closed": "closed_unpaid", "case": "case"}
# name -> from which mark (or "began": the key) to which mark; the first of each counts
_TIMINGS: Final = {
    "selection_to_order": ("began", "mqtt.sale.requested"),
    "payment_to_notification": ("payment.made", "notice.sent"),
    "payment_to_motor_frame": ("payment.made", "motor_frame"),
    "notification_to_authorisation": ("notice.sent", "mqtt.sale.paid"),
    "notification_to_motor_frame": ("notice.sent", "motor_frame"),
    "intent_to_motor_frame": ("sale.intent", "motor_frame"),
    "motor_frame_to_drop": ("motor_frame", "dropped"),
}


def report(name: str, scenario: Scenario, ending: Ending) -> dict[str, Any]:
    """The object that `--json` prints. `ok` is what the exit code says."""
    books = ending.books
    sale_id = _the_sale(books)
    sale = books.bridge.get(sale_id)
    result = _RESULTS.get(sale.state, "unfinished") if sale else "unfinished"
    wrong = [*ending.wrong, *_broken(scenario, ending, result)]
    return {
        "ok": not wrong,
        "fault": name or None,
        "result": result,
        "doubt": _doubt(ending) or None,
        "paid_fen": sum(order.paid_fen for order in books.platform.values()),
        "refunded_fen": sum(order.refunded_fen for order in books.platform.values()),
        "motor_starts": _starts(ending),
        "pieces_dropped": books.pieces_dropped,
        "sale_id": sale_id,
        "out_trade_no": sale_id if sale_id in books.platform else None,
        "agreed": not (ending.wrong or ending.differs),
        "disagreements": wrong,
        "allowed_differences": ending.differs,
        "messages_refused": _refused(ending),
        "lane": {name: ending.lane.get(name) for name in ("failures", "reason")},
        "sales": [_row(books, each) for each in books.platform],
        "timings_ms": _timings(ending),
        "timeline": [
            {"t_ms": round(fact.t_ms - ending.began_ms, 1), "who": fact.who, "what": fact.what}
            | ({"detail": fact.detail} if fact.detail else {})
            for fact in ending.facts
        ],
    }


def as_story(told: dict[str, Any], scenario: Scenario) -> list[str]:
    """The same for people: what should happen, what did, and whether all agree."""
    lines = [scenario.words, ""]
    lines += [f"{fact['t_ms'] / 1000:8.3f} s  {fact['who']:<8} {fact['what']}" for fact in told["timeline"]]
    paid, back = told["paid_fen"] / 100, told["refunded_fen"] / 100
    table = {
        "result": told["result"],
        "money": f"¥{paid:.2f} paid, ¥{back:.2f} refunded",
        "pieces": f"{told['pieces_dropped']} in the tray",
        "sale": told["sale_id"],
    }
    refused, lane = told["messages_refused"], told["lane"]
    if told["doubt"]:
        table["doubt"] = f"{told['doubt']}, on record before the money went back"
    if refused:
        table["refused"] = ", ".join(f"{count} x {reason}" for reason, count in refused.items())
    if lane["failures"]:
        table["lane brake"] = f"{lane['failures']} failures in a row, {lane['reason'] or 'still for sale'}"
    table |= {name: f"{took:.0f} ms" for name, took in told["timings_ms"].items() if took is not None}
    lines += ["", *(f"{name.replace('_', ' '):<32}{value}" for name, value in table.items())]
    return [*lines, *([] if told["ok"] else ["", *told["disagreements"]]), "", _verdict(told)]


def _broken(scenario: Scenario, ending: Ending, result: str) -> list[str]:
    """What is not as the scenario has it, although the witnesses may agree on it."""
    books, starts, found = ending.books, _starts(ending), []
    if result not in scenario.ends:
        found.append(f"ended {result}, allowed {' or '.join(scenario.ends)}")
    pieces = (result == "vended") if scenario.pieces is None else scenario.pieces
    if result != "case" and books.pieces_dropped != pieces:
        found.append(f"ended {result}, and {books.pieces_dropped} pieces fell")
    payments = sum(order.paid_fen > 0 for order in books.platform.values())
    if starts > payments:
        found.append(f"{starts} motor starts for {payments} payments")
    if scenario.doubted and result == "refunded" and not _doubt(ending):
        found.append("refunded, and no doubt was on record before")
    return found


def _starts(ending: Ending) -> int:
    return sum(fact.mark == "motor.turns" for fact in ending.facts)


def _the_sale(books: Books) -> str:
    """The one that was paid; when none was, the first."""
    paid = [number for number, order in books.platform.items() if order.paid_fen]
    return next(iter([*paid, *books.platform, *books.journal]), "")


def _row(books: Books, sale_id: str) -> dict[str, Any]:
    order, sale = books.platform[sale_id], books.bridge.get(sale_id)
    return {
        "sale_id": sale_id,
        "machine": books.journal.get(sale_id),
        "bridge": sale.state if sale else None,
        "platform": order.state,
        "paid_fen": order.paid_fen,
        "refunded_fen": order.refunded_fen,
    }


def _doubt(ending: Ending) -> str:
    """The cause of the doubt that the bridge wrote down before it decided to give money back."""
    for fact in ending.facts:
        if fact.who == "bridge" and _BACK in fact.what:
            break
        if fact.who == "bridge" and fact.what.startswith(_DOUBT):
            return fact.what.removeprefix(_DOUBT)
    return ""


def _refused(ending: Ending) -> dict[str, int]:
    """What the machine did not believe, by reason."""
    return dict(Counter(fact.what.rpartition(" ")[2] for fact in ending.facts if fact.mark == _REFUSED))


def _timings(ending: Ending) -> dict[str, float | None]:
    """Milliseconds; None where one end did not happen in this scenario."""
    marks = {"began": ending.began_ms}
    for fact in ending.facts:
        marks.setdefault(fact.mark, fact.t_ms)
    timings: dict[str, float | None] = {"selection_to_code": round(ending.seen_ms - ending.began_ms, 1)}
    for name, (first, second) in _TIMINGS.items():
        both = first in marks and second in marks
        timings[name] = round(marks[second] - marks[first], 1) if both else None
    return timings


def _verdict(told: dict[str, Any]) -> str:
    if told["ok"] and told["allowed_differences"]:
        return f"All is as it has to be. This the scenario allows: {'; '.join(told['allowed_differences'])}."
    if told["ok"]:
        return "Machine, bridge, platform and board agree."
    return "Something is wrong; see above."
