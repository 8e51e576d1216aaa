"""A daemon leaves out what a library would load for a terminal, and nobody else misses it afterwards."""

import subprocess
import sys

import pytest

from wire.lean import without


def test_inside_a_package_is_not_there_and_afterwards_it_is() -> None:
    program = (
        "import sys\nfrom wire.lean import without\nwith without('wave'):\n    try:\n        import wave\n"
        "    except ImportError:\n        print('left out')\nimport wave\nprint(wave.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["left out", "wave"]


def test_what_was_loaded_before_stays() -> None:
    with without("json"):
        import json

        assert json.loads("1") == 1
    assert sys.modules["json"] is json


def test_a_failure_inside_brings_the_package_back() -> None:
    with pytest.raises(ValueError, match="ours"), without("not_a_package_of_anybody"):
        raise ValueError("ours")
    assert "not_a_package_of_anybody" not in sys.modules


def test_a_daemon_logs_without_what_draws_on_terminals() -> None:
    program = (
        "import sys\nimport wire.service\nprint(sorted({'rich', 'attr', 'pygments'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
