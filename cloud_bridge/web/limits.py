"""How much the bridge's HTTP face takes from anybody: sizes, numbers and times, each with its default."""

from dataclasses import dataclass
from typing import Final

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds. The platform gives up on an answer after 5 s, so `answer_s` ends before.

    `read_s` is for the head and body of a request together; `write_s` is how long a reader may leave a full
    buffer untouched; `streams` are pages that look on at the same time. `connections` leaves room for a crowd
    that says nothing beside callers that do, below the 1024 descriptors that a process usually has.
    """

    connections: int = 500
    streams: int = 64
    notices: int = 200
    head_bytes: int = 8 * 1024
    body_bytes: int = 64 * 1024
    read_s: float = 3.0
    answer_s: float = 4.5
    write_s: float = 10.0
    heartbeat_s: float = 15.0
    idle_s: int = 5
    grace_s: int = 2
