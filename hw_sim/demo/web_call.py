"""The demo's calls to the programs it started, over loopback. One exchange a call, no state."""

import asyncio
import http
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

TIMEOUT_S: Final = 10.0


class CallFailed(Exception):
    """A program on this computer did not answer as it should: which address, and what came instead."""


class Refused(CallFailed):
    """A program understood the wish and said no: `text` is why, for people."""

    def __init__(self, words: str, text: str) -> None:
        super().__init__(words)
        self.text = text


async def get(url: str) -> Any:
    """The JSON at `url`. Raises CallFailed."""
    return await asyncio.to_thread(_exchange, urllib.request.Request(url))  # noqa: S310 - loopback only


async def post(url: str, body: Mapping[str, object]) -> Any:
    """Send JSON, give back JSON. Raises CallFailed, Refused."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
    return await asyncio.to_thread(_exchange, request)


def _exchange(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        words = error.read(1000).decode("utf-8", "replace")
        said = f"{request.full_url}: {error.code} {words}"
        if error.code == http.HTTPStatus.CONFLICT:
            raise Refused(said, str(json.loads(words)["error"])) from error
        raise CallFailed(said) from error
    except (OSError, ValueError) as error:
        raise CallFailed(f"{request.full_url}: {error}") from error
