"""Which cells of both tables a world reaches: each rule is wrapped, and decides what it always did."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from cloud_bridge.core import table as bridge_table
from edge.core import sale as edge_table

Key = tuple[Any, Any]
_NEVER: Final = frozenset({"never", "_never"})
_STAY: Final = frozenset({"stay", "_stay"})


def cells() -> dict[str, bool]:
    """Every cell by name, and whether it may be reached: the others are our own bugs."""
    return {name: rule.__name__ not in _NEVER for _, _, name, rule in _all()}


def rules() -> tuple[str, ...]:
    """Cells that do something: neither a stay, which changes nothing and asks for nothing, nor a bug."""
    return tuple(name for _, _, name, rule in _all() if rule.__name__ not in _NEVER | _STAY)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count, while this lasts, how often each cell decides."""
    counts: Counter[str] = Counter()
    before = list(_all())
    for rules, key, name, rule in before:
        rules[key] = _counting(counts, name, rule)
    try:
        yield counts
    finally:
        for rules, key, _, rule in before:
            rules[key] = rule


def _all() -> Iterator[tuple[dict[Key, Any], Key, str, Callable[..., Any]]]:
    tables: tuple[tuple[str, Any], ...] = (("edge", edge_table.RULES), ("bridge", bridge_table.RULES))
    for who, rules in tables:
        for (where, kind), rule in list(rules.items()):
            column = kind.__name__ if isinstance(kind, type) else kind.value
            yield rules, (where, kind), f"{who} {where.value} {column}", rule


def _counting(counts: Counter[str], name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    def decide(*told: Any) -> Any:
        counts[name] += 1
        return rule(*told)

    return decide
