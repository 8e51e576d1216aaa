"""Leaving out what a library would load and a daemon never uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(package: str) -> Iterator[None]:
    """Inside, `package` cannot be imported; whoever has loaded it already keeps it."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # how the import system is told "not here"
    try:
        yield
    finally:
        del sys.modules[package]
