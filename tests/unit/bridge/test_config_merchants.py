"""Several merchants and the places of machines in the settings: what goes together and what does not."""

import shutil
import time
from pathlib import Path

import pytest

from cloud_bridge.config import findings, read_settings
from cloud_bridge.config_areas import counties
from cloud_bridge.core.model import Place
from hw_sim.platform.keys import open_keys
from tests.unit.bridge.test_config import EXAMPLE, change, wxvend
from wire.envelope import generate, save_public
from wire.settings import BadSettings

NORTH = """
[[merchants]]
name = "north"
credentials_file = "north/credentials.json"
base_url = "http://127.0.0.1:8081"
notify_url = "http://127.0.0.1:8080/wechat/notify"

[[machines]]"""
PLACE = 'place = { store_id = "S-1", store_name = "天河店", area_code = "440106", address = "天河路 1 号" }'


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("accounts")
    for name in ("keys", "north"):
        open_keys(folder / name, now_ms=time.time_ns() // 1_000_000)
    return folder


@pytest.fixture
def folder(tmp_path: Path, accounts: Path) -> Path:
    """The example with one more merchant, who gets the money of its machine."""
    for name in ("keys", "north"):
        shutil.copytree(accounts / name, tmp_path / name)
    (tmp_path / "bridge.toml").write_text(EXAMPLE.read_text())
    save_public(tmp_path / "vm-0001.pub", generate().public_key())
    change(tmp_path, "\n[[machines]]", NORTH)
    change(tmp_path, 'phone = "400', 'merchant = "north"\nphone = "400')
    assert wxvend("init", tmp_path).exit_code == 0
    return tmp_path


def refusal(path: Path) -> str:
    with pytest.raises(BadSettings) as refused:
        read_settings(path)
    return str(refused.value)


def test_a_machine_names_the_merchant_who_gets_its_money(folder: Path) -> None:
    settings = read_settings(folder / "bridge.toml")
    assert [shelf.merchant for shelf in settings.shelves] == ["north"]
    first, north = settings.accounts[""], settings.accounts["north"]
    assert first.merchant_private_key_file.parent.name == "keys"
    assert north.merchant_private_key_file.parent.name == "north"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('merchant = "north"', 'merchant = "south"', "merchant south; known are north"),
        ('\nname = "north"', '\nname = "North!"', "1 to 32 of a-z 0-9 -"),
        ('8080/wechat/notify"\n\n[[machines', '8080/other"\n\n[[machines', "/other and /wechat/notify"),
    ],
)
def test_merchants_that_do_not_go_together_are_named(folder: Path, old: str, new: str, words: str) -> None:
    assert words in refusal(change(folder, old, new))


def test_a_name_is_one_merchants(folder: Path) -> None:
    again = NORTH.removesuffix("[[machines]]")
    assert "name of a merchant twice" in refusal(change(folder, "\n[[machines]]", again + "\n[[machines]]"))


def test_an_account_is_one_merchants(folder: Path) -> None:
    path = change(folder, "north/credentials", "keys/credentials")
    assert "an mchid twice" in refusal(path)


def test_check_config_tells_each_merchants_keys_apart(folder: Path) -> None:
    good, lines = findings(folder / "bridge.toml", now_s=time.time())
    assert good, lines
    said = "\n".join(lines)
    assert f"wechat.merchant_private_key_file: {folder}/keys/" in said
    assert f"merchants.north.merchant_private_key_file: {folder}/north/" in said


def test_another_merchants_key_is_named_with_his_name(folder: Path) -> None:
    mine = folder / "keys" / "merchant_private_key.pem"
    (folder / "north" / "merchant_private_key.pem").write_bytes(mine.read_bytes())
    good, lines = findings(folder / "bridge.toml", now_s=time.time())
    assert not good
    assert any("merchants.north" in line and "another key" in line for line in lines)


# ---------------------------------------------------------------- places


def test_the_place_of_a_machine_goes_into_its_orders(folder: Path) -> None:
    (shelf,) = read_settings(change(folder, 'phone = "400', f'{PLACE}\nphone = "400')).shelves
    assert shelf.place == Place(
        store_id="S-1", store_name="天河店", area_code="440106", address="天河路 1 号"
    )


@pytest.mark.parametrize("code", ["510630", "440000", "44010", "4401060", "44O106", "440199", ""])
def test_what_is_no_county_is_refused_and_a_postal_code_is_hinted_at(folder: Path, code: str) -> None:
    path = change(folder, 'phone = "400', f'{PLACE.replace("440106", code)}\nphone = "400')
    said = refusal(path)
    assert "area_code: found" in said
    assert "postal code, such as 510630" in said


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("S-1", "店" * 11, "store_id"),
        ("天河店", "店" * 86, "store_name"),
        ("天河路 1 号", "路\\n1", "address"),
        (', address = "天河路 1 号"', "", "address"),
    ],
)
def test_a_place_is_whole_and_fits(folder: Path, old: str, new: str, field: str) -> None:
    path = change(folder, 'phone = "400', f'{PLACE.replace(old, new)}\nphone = "400')
    assert f"{field}: found" in refusal(path)


def test_the_list_of_counties_has_known_ones_and_no_others() -> None:
    assert {"110101", "310115", "440106", "440305", "441900", "500112", "650102"} <= counties()
    assert not {"510630", "100000", "440100", "990101"} & counties()
    assert 2_800 < len(counties()) < 3_000
