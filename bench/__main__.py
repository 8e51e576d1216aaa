"""`scripts/bench [NAME...] [--json]`: run the benchmarks one after the other and print their figures.

A goal is a count or a ratio, so it means the same on a slow and on a fast machine. Exit code 1 when one is
missed.
"""

import importlib
import json
import sys
from dataclasses import asdict
from typing import Final

from bench.figure import Figure

NAMES: Final = (
    *("vend_path", "latency", "flushes", "recovery", "round_trip", "idle", "qr_frame", "notices", "bill"),
    *("xy_poll", "xy_codec", "tech_screen", "decode_trace", "pages", "reports"),
)


def main(arguments: list[str]) -> int:
    """Run what was asked for, all without names. Returns the exit code."""
    as_json = "--json" in arguments
    chosen = [name for name in arguments if not name.startswith("-")] or list(NAMES)
    unknown = sorted(set(chosen) - set(NAMES))
    if unknown:
        sys.stderr.write(f"bench: found {', '.join(unknown)}, allowed {', '.join(NAMES)}\n")
        return 2
    figures: list[Figure] = []
    for name in chosen:
        sys.stderr.write(f"bench: {name}\n")
        figures += importlib.import_module(f"bench.{name}").figures()
    sys.stdout.write(json.dumps([asdict(each) for each in figures]) if as_json else table(figures))
    sys.stdout.write("\n")
    return 0 if all(each.met for each in figures) else 1


def table(figures: list[Figure]) -> str:
    """Columns that align, plain text."""
    head = ("figure", "ours", "beside", "ratio", "goal", "")
    rows = [head] + [
        (each.name, each.ours, each.beside, f"{each.ratio:.2f}", each.goal, "met" if each.met else "MISSED")
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
