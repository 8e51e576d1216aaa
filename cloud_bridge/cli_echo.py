"""`wxvend bridge check-config --echo`: the platform's own word on each merchant's keys."""

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

from cloud_bridge.app import SystemClock
from cloud_bridge.config import read_settings
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.echo import Echo
from cloud_bridge.wechat.key_report import KeyReport
from cloud_bridge.wechat.keys import PlatformKeys, load_keys
from cloud_bridge.wechat.settings import WechatSettings


def echoes(path: Path, *, notify: bool) -> tuple[bool, list[str]]:
    """Whether the platform agrees, and a line for each thing. Raises BadSettings, BadCredentials."""
    reports = asyncio.run(_all(read_settings(path).accounts, notify=notify))
    lines, mistakes = [], []
    for name, report in reports.items():
        where = f"merchants.{name}" if name else "wechat"
        lines += [f"{where}.{line}" for line in report.lines]
        mistakes += [f"{where}.{mistake}" for mistake in report.mistakes]
    return not mistakes, [*lines, *mistakes]


async def _all(accounts: Mapping[str, WechatSettings], *, notify: bool) -> dict[str, KeyReport]:
    return {name: await _one(account, notify=notify) for name, account in accounts.items()}


async def _one(account: WechatSettings, *, notify: bool) -> KeyReport:
    held, clock = PlatformKeys(), SystemClock()
    keys = load_keys(account, held)
    client = Client(account, keys, clock=clock, nonce=lambda: secrets.token_hex(16))
    try:
        echo = Echo(
            settings=account,
            keys=keys,
            held=held,
            client=client,
            clock=clock,
            word=secrets.token_hex(8),
            notify=notify,
        )
        return await echo.report()
    finally:
        client.close()
