"""Debian's Chromium, or a reason why not; where everything has to run, its absence is a failure."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser of its own."""
    path = f"{os.environ.get('PATH', '')}:/usr/bin"
    chromium = shutil.which("chromium", path=path) or shutil.which("chromium-browser", path=path)
    if chromium is None:
        why = "chromium is not installed; try: apt-get install chromium"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()
