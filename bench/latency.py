"""What a shopper waits for: paid until the motor's frame, and nothing fell until his money is asked back.

Everything counts: the platform's own notification, TLS and broker, flushes, the board's turn to be spoken to.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.figure import Figure
from bench.shop import Shop, logged_s, play
from hw_sim.demo.shelf import SHELF

SALES: Final = 60
FALLS_SHORT: Final = len(SHELF)  # once a lane: a lane that failed twice is out of sale
_MOTOR: Final = "06"


def figures() -> list[Figure]:
    """Two rows. The bounds are of the lifecycle of a sale, in seconds of this computer."""
    with TemporaryDirectory() as folder:
        frames_ms, refunds_ms = play(Path(folder), _sell)
    return [
        _row("payment accepted to motor frame, p99", _p99(frames_ms), frames_ms, 1_000),
        _row("not dispensed to refund asked for, slowest", max(refunds_ms), refunds_ms, 5_000),
    ]


def _row(name: str, found_ms: float, all_ms: list[float], most_ms: int) -> Figure:
    return Figure(
        name=name,
        ours=f"{found_ms:.0f} ms",
        beside=f"median {_middle(all_ms):.0f} ms of {len(all_ms)}",
        ratio=found_ms / most_ms,
        goal=f"at most {most_ms} ms",
        met=found_ms <= most_ms,
    )


async def _sell(shop: Shop) -> tuple[list[float], list[float]]:
    frames = [await _paid_to_frame(shop) for _ in range(SALES)]
    shop.stage.refill()
    refunds = [await _outcome_to_refund(shop) for _ in range(FALLS_SHORT)]
    return frames, refunds


async def _paid_to_frame(shop: Shop) -> float:
    await shop.stage.pay(await shop.choose())
    await shop.delivered()
    paid = await shop.says("wechat", "http", fact="payment.made")
    return _motor_frame_ms(shop.lines) - float(paid["t_ms"])


async def _outcome_to_refund(shop: Shop) -> float:
    shop.stage.break_board("no_drop")
    await shop.stage.pay(await shop.choose())
    asked = await shop.says("wechat", "http", fact="call.answered", operation="refund")
    outcome = await shop.says("edge", "sale.not_delivered")
    return float(asked["t_ms"]) - 1000 * logged_s(outcome)


def _motor_frame_ms(lines: list[tuple[str, dict[str, Any]]]) -> float:
    for who, line in lines:
        heard = who == "board" and line.get("event") == "frame" and line.get("dir") == "to_board"
        if heard and str(line["hex"])[4:6] == _MOTOR:
            return float(line["t_ms"])
    raise LookupError("no motor frame")


def _p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.99 * len(values)))]


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
