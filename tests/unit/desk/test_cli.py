"""`wxvend bridge complaints | answer | alerts` without a daemon: what is read, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import main
from cloud_bridge.cli_desk import chosen
from cloud_bridge.store.books import open_store
from cloud_bridge.web.operator import BadAsk
from tests.unit.desk.shop import VENDED, Shop
from tests.unit.sim_platform.bench import Bench
from wire.envelope import generate, save_public

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "bridge.toml"


@pytest.fixture
def config(tmp_path: Path, key_folder: Path) -> Path:
    """The example as it is shipped, with the files that it names."""
    shutil.copytree(key_folder, tmp_path / "keys")
    path = tmp_path / "bridge.toml"
    path.write_text(EXAMPLE.read_text())
    save_public(tmp_path / "vm-0001.pub", generate().public_key())
    assert wxvend("init", path).exit_code == 0
    return path


def wxvend(command: str, config: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["bridge", command, "--config", str(config), *more])


def how(**chosen_ones: Any) -> dict[str, Any]:
    return {"words": "", "prepared": False, "complete": False, "phone": False} | chosen_ones


async def test_complaints_are_read_beside_the_daemon_with_the_next_command(
    config: Path, make_bench: Callable[..., Bench]
) -> None:
    store = open_store(f"sqlite:///{config.parent}/bridge.db", incarnation=lambda: "s" * 26, idle_s=600)
    shop = Shop(make_bench(), store)
    await shop.works()
    await shop.sold(**VENDED)
    made = shop.complains(words="没有掉下来")
    await shop.notified()
    await shop.works()
    said = wxvend("complaints", config)
    store.close()
    assert said.exit_code == 0, said.output
    for words in ("没有掉下来", "delivered", "vm-0001 lane 12 可乐", "1 open"):
        assert words in said.output
    assert f"next: wxvend bridge answer {made.complaint_id} --prepared --by YOU" in said.output
    (row,) = json.loads(wxvend("complaints", config, "--json").output)
    assert (row["complaint_id"], row["next"]) == (made.complaint_id, "send_prepared")


def test_exactly_one_thing_is_asked_for() -> None:
    assert chosen(how(words="好")) == ("answer", {"words": "好"})
    assert chosen(how(prepared=True)) == ("answer", {"words": ""})
    assert chosen(how(phone=True)) == ("phone", {})
    assert chosen(how(complete=True)) == ("complete", {})
    with pytest.raises(BadAsk, match="found nothing"):
        chosen(how())
    with pytest.raises(BadAsk, match="--text, --prepared"):
        chosen(how(words="好", prepared=True))


def test_without_a_daemon_nothing_is_answered_and_it_says_so(config: Path) -> None:
    said = wxvend("answer", config, "c1", "--prepared", "--by", "ann")
    assert said.exit_code == 1
    assert "no daemon was reached" in said.output
    long = wxvend("answer", config, "c1", "--text", "长" * 201, "--by", "ann")
    assert (long.exit_code, "allowed 200" in long.output) == (2, True)


def test_a_robot_that_cannot_be_reached_ends_the_test_with_code_1(config: Path) -> None:
    url = config.parent / "wecom.url"
    url.touch(mode=0o600)
    url.write_text("http://127.0.0.1:1/send?key=k-e-y")
    assert "no [[alerts.sinks]]" in wxvend("alerts", config).output
    sinks = '[alerts]\nsinks = [{ name = "ops", kind = "wecom", url_file = "wecom.url" }]\n\n[[machines]]'
    config.write_text(config.read_text().replace("[[machines]]", sinks, 1))
    assert "ops  wecom" in wxvend("alerts", config).output
    tried = wxvend("alerts", config, "--test")
    assert (tried.exit_code, tried.output) == (1, "ops  not taken: connection\n")
    assert "k-e-y" not in wxvend("check-config", config).output
