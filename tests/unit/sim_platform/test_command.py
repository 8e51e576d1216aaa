"""`wxvend sim wechat` as somebody types it: what it lists, and what it refuses with which exit code."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hw_sim.cli import BAD_INPUT, FAILED, sim
from hw_sim.platform.faults import Fault


def typed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(sim, ["wechat", *map(str, arguments)])


def test_the_faults_are_listed_with_their_words() -> None:
    result = typed("--list-faults")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == list(Fault)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--key-mode", "both"), "wechat: key mode: found both, allowed certificate, rotating"),
        (("--fault", "fire"), "wechat: fault: found fire, allowed answer_wrong_signature"),
        (
            ("--fault", "lost_notice:x"),
            "wechat: fault: found lost_notice:x, allowed NAME[@KIND][:TIMES|:SHARE%][~MS]",
        ),
        (("--fault", "lost_notice:-1"), "wechat: fault: found lost_notice:-1, allowed NAME"),
        (("--refund-delay-ms", "-1"), "wechat: refund_delay_ms: found -1, allowed 0 or more"),
        (("--notify-speedup", "0"), "wechat: notify_speedup: found 0.0, allowed 1 to 10000"),
        (("--port", "70000"), "70000 is not in the range"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_any_key_is_made(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = typed("--keys", tmp_path / "keys", *arguments)
    assert (result.exit_code, words in result.output) == (BAD_INPUT, True), result.output
    assert not (tmp_path / "keys").exists()


def test_a_damaged_folder_of_keys_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    result = typed("--keys", tmp_path, "--port", "0")
    assert result.exit_code == BAD_INPUT
    assert "credentials.json: found no JSON" in result.output


def test_a_taken_port_is_a_failure(key_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = typed("--keys", key_folder, "--port", str(taken.getsockname()[1]))
    assert result.exit_code == FAILED
    assert "wechat:" in result.output


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert typed("--keys", tmp_path / "file" / "keys", "--port", "0").exit_code == FAILED
