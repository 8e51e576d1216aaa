"""Cost of an XY frame: our decoder, which checks, types and counts, beside a hand-tuned find-and-slice one.

The stream is what a machine says in a busy minute: mostly POLLs and ACKs, reports in between. Both get the
same reads, one frame a read as the line gives them, and both take the check byte seriously.
"""

import time
from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import Final

from bench.figure import Figure
from edge.drivers.xy.codec import Decoder
from hw_sim.boards.xy_codec import ACK, POLL, frame

ROUNDS: Final = 60
_STATUS: Final = bytes.fromhex("000102000501000000000000 0bb83030303030313233343505aaaaaaaaaaaaaa")
_MINUTE: Final = (
    *(POLL,) * 20,
    *(ACK,) * 6,
    *(frame(0x11, 30 + lane, bytes.fromhex("000c0000015e050803e900")) for lane in range(8)),
    *(frame(0x04, 50 + code, bytes((code, 0, 12))) for code in (1, 2)),
    frame(0x05, 60, b"\x00\x17"),
    frame(0x52, 61, _STATUS),
    frame(0x02, 62, b"\x01\x00\x0c"),
)
_READS: Final = _MINUTE * 20


def figures() -> list[Figure]:
    """One row: the best of several rounds, the two turn about."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(_timed_us(_ours))
        bare.append(_timed_us(_find_and_slice))
    mine, other = min(ours), min(bare)
    return [
        Figure(
            name="XY codec, a frame",
            ours=f"{mine:.2f} us",
            beside=f"{other:.2f} us, find and slice",
            ratio=mine / other,
            goal="at most 3x",
            met=mine <= 3 * other,
        )
    ]


def _timed_us(parse: Callable[[], int]) -> float:
    began = time.perf_counter()
    found = parse()
    took_s = time.perf_counter() - began
    assert found == len(_READS)
    return 1e6 * took_s / found


def _ours() -> int:
    decoder = Decoder()
    return sum(len(decoder.feed(read)) for read in _READS)


def _find_and_slice() -> int:
    """What one writes by hand for speed: one buffer, find, slice, check, a tuple."""
    held, found = b"", 0
    for read in _READS:
        held += read
        while (at := held.find(b"\xfa\xfb")) >= 0 and len(held) >= at + 4:
            end = at + held[at + 3] + 5
            if len(held) < end:
                break
            raw = held[at:end]
            if reduce(xor, raw):
                held = held[at + 1 :]
                continue
            held = held[end:]
            _one = (raw[2], raw[4] if raw[3] else 0, raw[5:-1])
            found += 1
    return found
