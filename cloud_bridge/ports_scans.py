"""Order requests: the platform asks for an order after a scan of a code that names no order yet."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A verified request. `token` is what the code named, `merchant` by whose keys it is signed, by name.
    The rest is only good for the answer.

    Each request is a new intention: the same person may scan twice, and two people one code.
    """

    token: str
    payer: str = field(repr=False)
    strong: bool = False
    merchant: str = ""


class OrderRequests(Protocol):
    """The order interface: the codes it answers to, and its words with the platform."""

    def code(self, token: str, made_s: int, *, merchant: str = "") -> str:
        """What a code for `token` holds: 1 to 32 letters, digits, `-`, `_`. Raises ValueError.

        `made_s` is Unix seconds; a code does not expire by itself. ValueError also for a merchant that takes
        no order requests.
        """

    def read(self, body: bytes) -> OrderRequest:
        """Verify and read a request. Raises ports.NoticeRejected."""

    def granted(self, request: OrderRequest, ticket: str) -> bytes:
        """The answer that lets the payer pay; `ticket` is that of the order which was placed for it."""

    def refused(self, request: OrderRequest, words: str) -> bytes:
        """The answer that shows the payer why not; `words` are cut to 128 bytes."""

    def rejected(self) -> bytes:
        """The answer to what was not believed: unsigned, and it says nothing of why."""
