"""Programs that tests of the wire ask for a second opinion."""

import os
import shutil

import pytest


@pytest.fixture
def openssl() -> str:
    found = shutil.which("openssl")
    if found is None:
        reason = "openssl is not installed; try: apt-get install openssl"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
