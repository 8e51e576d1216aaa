"""A message on its way in: as the broker gave it, as its signature proved it, and why it may be refused."""

import enum
from dataclasses import dataclass, field

from wire.topics import Topic, parse


class Refusal(enum.StrEnum):
    """Why a message was not taken. Counted by these names."""

    BAD_TOPIC = "bad_topic"  # not a signed branch of ours
    FOREIGN = "foreign"  # for another machine, or spoken by one that has no say here
    RETAINED = "retained"
    OVERSIZE = "oversize"
    TOO_MANY = "too_many"  # faster than this end is willing to read
    UNSIGNED = "unsigned"
    TWO_SIGNATURES = "two_signatures"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KIND = "unknown_kind"
    BAD_MESSAGE = "bad_message"


class Refused(Exception):
    """A message was not taken; `reason` says why, and nothing of its content."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A message as the broker gave it: nothing in it is believed yet.

    `mid`, `qos` and `connection` are for the acknowledgement: packet numbers are only good on the
    connection that carried them.
    """

    topic: str
    payload: bytes = field(repr=False)
    retained: bool = False
    user_properties: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    mid: int = 0
    qos: int = 1
    connection: int = 0

    @property
    def machine(self) -> str:
        """The machine its topic names. Raises BadTopic; never does once a gate has taken the message."""
        return parse(self.topic).machine


@dataclass(frozen=True, slots=True)
class Verified:
    """Bytes that the holder of a known key said about this topic."""

    topic: Topic
    payload: bytes = field(repr=False)
