"""The service units as systemd reads them: no complaint, and a sandbox that leaves little to take."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli import BAD_INPUT, FAILED, START_ANEW

UNITS = sorted((Path(__file__).parents[2] / "systemd").glob("*.service"))
EXPOSURE_LIMIT = 2.0


@pytest.fixture
def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        reason = "systemd-analyze is not installed; try: apt-get install systemd"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_systemd_has_nothing_to_complain_about(unit: Path, systemd_analyze: str, tmp_path: Path) -> None:
    # The program lives in /opt only on a machine; everything else is read as it is shipped.
    program = str(Path(sys.executable).with_name("wxvend"))
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/wxvend/bin/wxvend", program))
    done = subprocess.run([systemd_analyze, "verify", "--man=no", copy], capture_output=True, text=True)
    about_it = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, about_it) == (0, []), done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_the_sandbox_leaves_little_to_take(unit: Path, systemd_analyze: str) -> None:
    command = [systemd_analyze, "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE_LIMIT


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_a_daemon_is_watched_and_always_comes_back(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert {"Type=notify", "Restart=always", "StartLimitIntervalSec=0"} <= set(lines)
    assert any(line.startswith("WatchdogSec=") for line in lines)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_the_install_walk_names_every_place_of_the_unit(unit: Path) -> None:
    text, walk = unit.read_text(), (UNITS[0].parents[1] / "docs" / "operate.md").read_text()
    keys = re.findall(r"^LoadCredential=(\S+):/etc/wxvend/keys/(\S+)$", text, re.M)
    assert all(name == file for name, file in keys)  # the settings are the same for a person and the daemon
    folders = [f"/var/lib/{name}/" for name in re.findall(r"^StateDirectory=(\S+)$", text, re.M)]
    folders += [f"/run/{name}/" for name in re.findall(r"^RuntimeDirectory=(\S+)$", text, re.M)]
    (settings,) = re.findall(r"^ExecStart=.* --config (\S+)$", text, re.M)
    for place in [settings, *folders, *(name for name, _ in keys)]:
        assert place in walk
        assert place in "\n".join(line for line in text.splitlines() if line.startswith(("#", "LoadC")))


def test_the_wish_for_a_new_start_is_the_only_end_that_starts_the_computer_anew() -> None:
    (unit,) = (unit for unit in UNITS if "edge" in unit.name)
    lines = unit.read_text().splitlines()
    assert f"RestartPreventExitStatus={START_ANEW}" in lines
    (after,) = [line for line in lines if line.startswith("ExecStopPost=+")]
    assert f'[ "$EXIT_STATUS" != {START_ANEW} ]' in after
    assert after.endswith("systemctl --no-block reboot'")
    assert not any(
        line.startswith("FailureAction") for line in lines
    )  # follows each failure, restarted or not


@pytest.mark.parametrize(
    ("code", "asked"), [("0", ""), ("1", ""), ("2", ""), (str(START_ANEW), "--no-block reboot")]
)
def test_only_that_one_exit_code_starts_the_computer_anew(code: str, asked: str, tmp_path: Path) -> None:
    (unit,) = (unit for unit in UNITS if "edge" in unit.name)
    (line,) = [each for each in unit.read_text().splitlines() if each.startswith("ExecStopPost=+")]
    systemctl = tmp_path / "systemctl"
    systemctl.write_text('#!/bin/sh\necho "$@"\n')
    systemctl.chmod(0o755)
    command = shlex.split(line.removeprefix("ExecStopPost=+"))
    environment = {"EXIT_STATUS": code, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == asked
    assert START_ANEW not in (0, FAILED, BAD_INPUT)
