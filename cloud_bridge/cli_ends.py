"""How commands of `wxvend bridge` end: in words on standard error, and with an exit code of a meaning."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import click

from cloud_bridge.wechat.keys import BadCredentials
from wire.settings import BadSettings

FAILED: Final = 1
BAD_INPUT: Final = 2
UNREACHED: Final = 3


@contextmanager
def in_words() -> Iterator[None]:
    """Mistakes in words, and with their exit codes."""
    from cloud_bridge.ports import StoreFailed
    from cloud_bridge.store.schema import StoreUnusable
    from cloud_bridge.web.operator import BadAsk

    try:
        yield
    except (BadSettings, BadAsk, BadCredentials) as error:
        fail(error, BAD_INPUT)
    except (StoreUnusable, StoreFailed, OSError) as error:
        fail(error, FAILED)


def end(why_not: str, done: str, *, as_json: bool) -> NoReturn:
    """It is done, or was refused."""
    if as_json:
        click.echo(json.dumps({"ok": not why_not, "why": why_not}, ensure_ascii=False))
    else:
        click.echo(f"wxvend bridge: refused: {why_not}" if why_not else done, err=bool(why_not))
    sys.exit(FAILED if why_not else 0)


def fail(why: Exception | str, code: int) -> NoReturn:
    """It could not be done."""
    click.echo(f"wxvend bridge: {why}", err=True)
    sys.exit(code)
