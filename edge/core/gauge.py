"""When a counter of bad things becomes a trouble that a person should hear of, and when that is over."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A counter that only grows, looked at now and then: `many` without `quiet` looks of rest are trouble."""

    many: int
    quiet: int
    total: int = 0
    recent: int = 0
    calm: int = 0
    stands: bool = False


def looked(gauge: Gauge, total: int) -> Gauge:
    """The gauge after a look at its counter."""
    new = total - gauge.total
    if new:
        recent = gauge.recent + new
        return replace(gauge, total=total, recent=recent, calm=0, stands=gauge.stands or recent >= gauge.many)
    if gauge.calm + 1 < gauge.quiet:
        return replace(gauge, calm=gauge.calm + 1)
    return replace(gauge, recent=0, calm=0, stands=False)
