"""`wxvend bridge check-config --echo` against the simulated platform: which file is wrong, and how."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from tests.contract.simulated import Simulated
from wire.envelope import generate, save_public

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "bridge.toml"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated(tmp_path_factory.mktemp("platform") / "keys") as simulated:
        yield simulated


@pytest.fixture
def folder(tmp_path: Path, platform: Simulated) -> Path:
    """The example with a merchant's account written out, at the simulated platform."""
    shutil.copytree(platform.keys, tmp_path / "keys")
    save_public(tmp_path / "vm-0001.pub", generate().public_key())
    known = platform.credentials()
    files = ("merchant_private_key_file", "api_v3_key_file", "merchant_certificate_file")
    account = [f'{name} = "{known[name]}"' for name in ("mchid", "appid", "merchant_serial")]
    account += [f'{name} = "keys/{known[name]}"' for name in files]
    key = f'id = "{known["platform_public_key_id"]}", file = "keys/{known["platform_public_key_file"]}"'
    account += [f"platform_public_keys = [{{ {key} }}]"]
    text = EXAMPLE.read_text().replace('credentials_file = "keys/credentials.json"', "\n".join(account))
    (tmp_path / "bridge.toml").write_text(text.replace("http://127.0.0.1:8081", platform.url))
    assert typed(tmp_path, "init").exit_code == 0
    platform.desk("keys", mode="public_key")
    platform.desk("fault", clear=True)
    return tmp_path


def typed(folder: Path, command: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["bridge", command, "--config", str(folder / "bridge.toml"), *options])


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "bridge.toml"
    text, count = re.subn(f"^{old}", new, path.read_text(), flags=re.M)
    assert count == 1, old
    path.write_text(text)


def certificates_only(folder: Path, platform: Simulated) -> None:
    change(folder, r"platform_public_keys = .*", "download_certificates = true")
    platform.desk("keys", mode="certificate")


def echoed(folder: Path, *, good: bool) -> str:
    result = typed(folder, "check-config", "--echo")
    assert result.exit_code == (0 if good else 2), result.output
    secrets = [(folder / "keys" / name).read_text() for name in ("merchant_private_key.pem", "api_v3.key")]
    lines = [line for secret in secrets for line in secret.splitlines() if "-----" not in line]
    assert not any(line in result.output for line in lines)
    return result.output


def test_an_account_that_fits_is_told_with_what_the_platform_said(folder: Path) -> None:
    said = echoed(folder, good=True)
    assert "the platform takes our signature, answered with PUB_KEY_ID_" in said
    assert re.search(r"clock: \d s (ahead of|behind) the platform's", said)


def test_with_certificates_alone_the_list_is_fetched_and_opened(folder: Path, platform: Simulated) -> None:
    certificates_only(folder, platform)
    said = echoed(folder, good=True)
    assert "api_v3_key_file: it opened the list of certificates" in said
    assert f"answered with {platform.credentials()['platform_certificate_serial']}" in said


def test_a_notification_is_asked_for(folder: Path, platform: Simulated) -> None:
    result = typed(folder, "check-config", "--echo", "--notify", "--json")
    found = json.loads(result.output)
    assert found["ok"], found
    assert any("notify_url: a notification follows" in line for line in found["findings"])
    events = {notice["event_type"] for notice in platform.desk("books")["notices"]}
    assert "SECURITY_ECHO.SUCCESS" in events


def test_a_serial_of_another_certificate_is_named(folder: Path) -> None:
    change(folder, r'merchant_serial = "[0-9A-F]{40}"', f'merchant_serial = "{"7A" * 20}"')
    change(folder, r"merchant_certificate_file = .*", "")
    said = echoed(folder, good=False)
    assert "merchant_private_key_file, merchant_serial: found 401 SIGN_ERROR" in said


def test_the_key_of_another_merchant_is_named(folder: Path) -> None:
    change(folder, r"merchant_certificate_file = .*", "")
    other = folder / "keys" / "platform_next_certificate.key"  # a good private key, but not this one
    (folder / "keys" / "merchant_private_key.pem").write_bytes(other.read_bytes())
    assert "merchant_serial: found 401 SIGN_ERROR" in echoed(folder, good=False)


def test_a_public_key_under_another_id_is_named(folder: Path) -> None:
    change(
        folder,
        r'platform_public_keys = \[\{ id = "PUB_KEY_ID_\d+"',
        'platform_public_keys = [{ id = "PUB_KEY_ID_0100"',
    )
    said = echoed(folder, good=False)
    assert "400 PARAM_ERROR" in said or "found none named PUB_KEY_ID_" in said


def test_an_api_v3_key_of_another_time_is_named(folder: Path, platform: Simulated) -> None:
    certificates_only(folder, platform)
    (folder / "keys" / "api_v3.key").write_text("x" * 32)
    assert "api_v3_key_file: found a key that does not open" in echoed(folder, good=False)


def test_a_merchant_without_certificates_is_told_what_to_do(folder: Path, platform: Simulated) -> None:
    certificates_only(folder, platform)
    platform.desk("keys", mode="public_key")
    said = echoed(folder, good=False)
    assert "platform_public_keys from the console" in said


def test_a_wrong_clock_is_said(folder: Path, platform: Simulated) -> None:
    platform.desk("fault", name="answer_date_off", only="echo", delay_ms=180_000)
    assert re.search(
        r"clock: 1(79|80|81) s behind the platform's; allowed are 60 s", echoed(folder, good=False)
    )


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("answer_unknown_serial", "found none named"),
        ("answer_wrong_signature", "found another key"),
    ],
)
def test_an_answer_that_does_not_verify_says_which_file(
    folder: Path, platform: Simulated, fault: str, words: str
) -> None:
    platform.desk("fault", name=fault, only="echo")
    assert words in echoed(folder, good=False)


def test_a_platform_that_is_not_there_is_said(folder: Path) -> None:
    change(folder, r'base_url = "http://127.0.0.1:\d+"', 'base_url = "http://127.0.0.1:9"')
    assert "echo: found connection" in echoed(folder, good=False)
