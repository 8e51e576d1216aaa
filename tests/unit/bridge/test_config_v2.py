"""The settings of APIv2: a key beside those of APIv3, or a merchant who has no others."""

import re
import shutil
import time
from pathlib import Path

import pytest

from cloud_bridge.app_merchants import Merchants
from cloud_bridge.config import findings, read_settings
from cloud_bridge.wechat.generations import BothPlatforms
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.v2_account import SignType
from cloud_bridge.wechat.v2_platform import V2Platform
from hw_sim.platform.keys import open_api_v2_key, open_keys
from wire.envelope import generate, save_private, save_public
from wire.settings import BadSettings

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "bridge.toml"
NOW_S = time.time()
CREDENTIALS = 'credentials_file = "keys/credentials.json"'
KEY = 'api_v2_key_file = "keys/api_v2.key"\n'
ALONE = """generation = "v2"
mchid = "1900000001"
appid = "wx0123456789abcdef"
api_v2_key_file = "keys/api_v2.key"
merchant_certificate_file = "keys/merchant_certificate.pem"
merchant_private_key_file = "keys/merchant_private_key.pem"
"""


class Clock:
    """Stands still."""

    def now_ms(self) -> int:
        return 0

    def wall_ms(self) -> int:
        return round(NOW_S * 1000)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a merchant gets from the console, made by the simulated platform."""
    folder = tmp_path_factory.mktemp("account")
    open_keys(folder / "keys", now_ms=round(NOW_S * 1000))
    open_api_v2_key(folder / "keys")
    save_private(folder / "bridge.key", generate())
    save_public(folder / "vm-0001.pub", generate().public_key())
    return folder


@pytest.fixture
def folder(tmp_path: Path, made: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "bridge"))


def settled(folder: Path, account: str) -> Path:
    """The example with this account in place of the shipped one."""
    path = folder / "bridge.toml"
    path.write_text(EXAMPLE.read_text().replace(CREDENTIALS, account, 1))
    return path


def wrong(folder: Path, account: str) -> str:
    with pytest.raises(BadSettings) as refused:
        read_settings(settled(folder, account))
    return str(refused.value)


def test_without_a_key_nobody_speaks_it(folder: Path) -> None:
    settings = read_settings(settled(folder, CREDENTIALS))
    assert settings.older_accounts == {}
    with Merchants(settings.accounts, settings.older_accounts, clock=Clock()) as merchants:
        assert isinstance(merchants.platforms[""], WechatPlatform)
        with pytest.raises(ValueError, match="allowed is one with an api_v2_key_file"):
            merchants.requests.code("vm-0001_12", 0)


def test_beside_apiv3_a_key_is_enough_for_order_requests(folder: Path) -> None:
    account = f'{CREDENTIALS}\n{KEY}order_url = "http://127.0.0.1:8080/wechat/orders"\n'
    settings = read_settings(settled(folder, account))
    older = settings.older_accounts[""]
    assert (older.mchid, older.sign_type, older.certificate) == (
        settings.accounts[""].mchid,
        SignType.HMAC_SHA256,
        None,
    )
    with Merchants(settings.accounts, settings.older_accounts, clock=Clock()) as merchants:
        assert isinstance(merchants.platforms[""], BothPlatforms)
        assert f"mch_id={older.mchid}&product_id=vm-0001_12" in merchants.requests.code("vm-0001_12", 0)
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert good
    assert any(
        re.fullmatch(r"wechat\.api_v2_key_file: .*: 32 characters; signs calls.*", line) for line in lines
    )


def test_a_merchant_of_apiv2_alone_needs_no_keys_of_apiv3(folder: Path) -> None:
    settings = read_settings(settled(folder, f'{ALONE}v2_sign_type = "MD5"\n'))
    assert settings.accounts == {}
    older = settings.older_accounts[""]
    assert older.sign_type is SignType.MD5
    assert older.certificate is not None
    with Merchants(settings.accounts, settings.older_accounts, clock=Clock()) as merchants:
        assert isinstance(merchants.platforms[""], V2Platform)
        assert merchants.keepers(say=lambda *_: None, clock=Clock(), log=None) == ()  # type: ignore[arg-type]
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert good, lines
    assert any("shown for refunds by APIv2" in line for line in lines)


@pytest.mark.parametrize("missing", ["mchid", "appid", "api_v2_key_file", "merchant_certificate_file"])
def test_alone_it_needs_a_certificate_for_refunds_and_all_the_rest(folder: Path, missing: str) -> None:
    account = re.sub(f"(?m)^{missing} = .*\n", "", ALONE)
    assert f"generation v2 without {missing}" in wrong(folder, account)


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (f'{CREDENTIALS}\norder_url = "http://127.0.0.1:8080/o"\n', "order_url without api_v2_key_file"),
        (
            f'{CREDENTIALS}\n{KEY}order_url = "http://127.0.0.1:8080/wechat/notify"\n',
            "order_url with the path of notify_url",
        ),
        (f'{CREDENTIALS}\n{KEY}v2_sign_type = "SHA1"\n', "v2_sign_type"),
        (f'{CREDENTIALS}\ngeneration = "v4"\n', "generation"),
    ],
)
def test_what_does_not_go_together_is_named(folder: Path, account: str, words: str) -> None:
    assert words in wrong(folder, account)


def test_a_key_that_is_none_is_named_and_never_quoted(folder: Path) -> None:
    secret = "x" * 31 + "!"
    (folder / "keys" / "api_v2.key").write_text(secret)
    settled(folder, f"{CREDENTIALS}\n{KEY}")
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert not good
    (line,) = [line for line in lines if "the APIv2 key, not the one of APIv3" in line]
    assert "found 32 bytes; allowed are exactly 32 letters and digits" in line
    assert all(secret not in each for each in lines)


def test_files_that_are_missing_are_named(folder: Path) -> None:
    for name in ("merchant_certificate.pem", "api_v2.key"):
        path = settled(folder, ALONE)
        (folder / "keys" / name).unlink()
        good, lines = findings(path, now_s=NOW_S)
        assert not good
        assert any(name in line for line in lines), lines


def test_the_key_of_another_certificate_is_named(folder: Path) -> None:
    shutil.copy(folder / "keys" / "platform_certificate.key", folder / "keys" / "merchant_private_key.pem")
    settled(folder, ALONE)
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S)
    assert not good
    assert any(
        "found the key of another certificate than merchant_certificate_file" in each for each in lines
    )


def test_a_certificate_that_has_ended_is_a_mistake(folder: Path) -> None:
    settled(folder, ALONE)
    good, lines = findings(folder / "bridge.toml", now_s=NOW_S + 40 * 365 * 86_400)
    assert not good
    assert any("merchant_certificate_file" in each and "covers today" in each for each in lines)
