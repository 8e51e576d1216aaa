"""The little that this room asks of a logger, so that a program or a simulation brings its own."""

from typing import Protocol


class Log(Protocol):
    """One line `area.fact key=value` per call. `wire/service.py` makes one from structlog."""

    def info(self, event: str, /, **fields: object) -> object:
        """Something that changed and that an operator may want to know."""

    def warning(self, event: str, /, **fields: object) -> object:
        """Something that should not happen and was dealt with."""
