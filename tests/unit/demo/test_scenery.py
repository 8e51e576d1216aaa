"""The demo's settings are good to the programs' own readers, on both brokers, with keys that fit."""

from pathlib import Path

import pytest

from cloud_bridge import config as bridge
from edge import config as edge
from hw_sim.demo.scenery import (
    MACHINE,
    Scenery,
    Terms,
    bridge_settings,
    edge_settings,
    make_broker_files,
    make_keys,
)
from hw_sim.demo.script import TERMS
from hw_sim.demo.shelf import SHELF

SHIPPED = Path(__file__).parents[3] / "systemd"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("demo")
    make_keys(made)
    make_broker_files(made, SHIPPED / "mosquitto.acl")
    return made


def scenery(folder: Path, *, tls: bool) -> Scenery:
    return Scenery(folder=folder, broker_port=1883, bridge_port=8080, platform_port=8081, tls=tls)


@pytest.mark.parametrize("tls", [False, True], ids=["embedded", "mosquitto"])
@pytest.mark.parametrize("terms", [TERMS, Terms()], ids=["script", "page"])
def test_machine_and_bridge_find_no_mistake_in_their_settings(folder: Path, tls: bool, terms: Terms) -> None:
    written = scenery(folder, tls=tls)
    for name, text in (
        ("edge.toml", edge_settings(written, terms)),
        ("bridge.toml", bridge_settings(written, terms)),
    ):
        (folder / name).write_text(text)
    good, lines = edge.findings(folder / "edge.toml")
    assert good, lines
    good, lines = bridge.findings(folder / "bridge.toml", now_s=1.8e9)
    assert good, lines
    settings = bridge.read_settings(folder / "bridge.toml")
    assert [(lane.lane, lane.name_zh) for lane in settings.machines[0].lanes] == [
        (goods.lane, goods.name_zh) for goods in SHELF
    ]
    assert (settings.mqtt.tls is not None) == tls


@pytest.mark.parametrize("terms", [TERMS, Terms()], ids=["script", "page"])
def test_a_shopper_has_time_to_pay_and_the_last_one_still_gets_the_goods(folder: Path, terms: Terms) -> None:
    (folder / "bridge.toml").write_text(bridge_settings(scenery(folder, tls=False), terms))
    timings = bridge.read_settings(folder / "bridge.toml").timings
    assert timings.lease_min_s <= terms.lease_s <= timings.lease_max_s
    assert timings.order_min_s < timings.window_s(terms.lease_s) < terms.lease_s - terms.grace_s


def test_the_shipped_access_rules_are_used_as_they_are_with_one_more_reader(folder: Path) -> None:
    rules = make_broker_files(folder, SHIPPED / "mosquitto.acl").read_text()
    shipped = (SHIPPED / "mosquitto.acl").read_text()
    assert rules.startswith(shipped)
    added = [line for line in rules.removeprefix(shipped).splitlines() if line and not line.startswith("#")]
    assert added == ["user onlooker", "topic read wxvend/v1/#"]


def test_each_who_connects_has_a_certificate_and_secrets_are_their_owners(folder: Path) -> None:
    made = {path.name for path in (folder / "certs").iterdir()}
    assert {f"{name}.crt" for name in ("ca", "server", MACHINE, "bridge", "onlooker")} <= made
    secrets = [*folder.glob("*.key"), *(folder / "certs").glob("*.key"), *(folder / "merchant").iterdir()]
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}
