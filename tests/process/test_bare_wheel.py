"""`wxvend` without the packages of an extra: a command says which extra brings them, and breaks nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = Path(__file__).parents[2] / "docs" / "examples" / "edge.toml"


def wxvend_without(package: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command in a Python that finds no such package."""
    code = f"import sys; sys.modules[{package!r}] = None; from cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60)


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("fastapi", ("bridge", "run"), "bridge"),
        ("sqlalchemy", ("bridge", "run"), "bridge"),
        ("zxingcpp", ("sim", "phone", __file__), "sim"),
        ("starlette", ("sim", "wechat"), "sim"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    package: str, arguments: tuple[str, ...], extra: str, tmp_path: Path
) -> None:
    told = wxvend_without(package, *arguments, folder=tmp_path)
    words = f"Error: {arguments[0]}: found no package {package}. Try: pip install 'wxvend[{extra}]'\n"
    assert (told.returncode, told.stderr) == (1, words)


def test_the_machine_needs_no_extra(tmp_path: Path) -> None:
    shutil.copy(SETTINGS, tmp_path)
    for package in ("fastapi", "sqlalchemy", "starlette", "uvicorn", "alembic", "iotcore", "zxingcpp"):
        told = wxvend_without(package, "edge", "init", folder=tmp_path)
        assert (told.returncode, told.stderr) == (0, "")
