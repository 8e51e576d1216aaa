"""Answers that a program reads: JSON in ASCII, so that no text of a machine can break out of it."""

import json
from dataclasses import asdict, is_dataclass
from typing import Final

from fastapi.responses import Response

NO_STORE: Final = {"Cache-Control": "no-store"}


def encode(value: object) -> bytes:
    """JSON of plain values and our dataclasses, on one line."""
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def answer(value: object, status: int = 200, **headers: str) -> Response:
    """A JSON answer; nobody keeps a copy of it."""
    return Response(encode(value), status, NO_STORE | headers, "application/json")


def failure(status: int, code: str, message: str, **headers: str) -> Response:
    """An answer that says no: a name for programs, and words for people."""
    return answer({"code": code, "message": message}, status, **headers)


def no_books() -> Response:
    """The answer while the books fail."""
    return failure(503, "store_failed", "the books cannot be read now. Try: again in a minute")


def _plain(value: object) -> object:
    assert is_dataclass(value), f"{type(value).__name__} is not for the outside"
    assert not isinstance(value, type)
    return asdict(value)
