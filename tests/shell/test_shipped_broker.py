"""The link through mosquitto exactly as we ship it: mutual TLS, and a machine that speaks for itself only."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw_sim.broker import MosquittoBroker, Shipped
from hw_sim.demo.certs import make_certificates
from tests.shell.broker import require_mosquitto
from tests.shell.test_link import End, end, until
from tests.unit.wire.samples import MACHINE
from wire.broker import Tls
from wire.topics import Branch, Topic, everything

SYSTEMD = Path(__file__).parents[2] / "systemd"
OTHER = "cafe-08"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MosquittoBroker]:
    require_mosquitto()
    make_certificates(tmp_path / "certs", clients=(MACHINE, OTHER, "bridge"), now=dt.datetime.now(dt.UTC))
    shipped = Shipped(
        conf=SYSTEMD / "mosquitto.conf", acl=SYSTEMD / "mosquitto.acl", certs=tmp_path / "certs"
    )
    broker = MosquittoBroker(tmp_path, shipped)
    broker.start()
    yield broker
    broker.stop()


def as_(folder: Path, name: str) -> Tls:
    certs = folder / "certs"
    return Tls(
        ca_file=certs / "ca.crt", certificate_file=certs / f"{name}.crt", key_file=certs / f"{name}.key"
    )


def topic(machine: str, branch: Branch) -> Topic:
    return Topic(machine, branch, "sale.query")


async def test_machine_and_bridge_meet(broker: MosquittoBroker, tmp_path: Path) -> None:
    down = everything(MACHINE, Branch.DOWN)
    async with (
        end(broker.port, MACHINE, down, tls=as_(tmp_path, MACHINE)) as machine,
        end(broker.port, "bridge", everything("+", Branch.UP), tls=as_(tmp_path, "bridge")) as bridge,
    ):
        assert (await bridge.link.publish(topic(MACHINE, Branch.DOWN), b"{}")).accepted
        machine.link.ack(await machine.next())
        assert (await machine.link.publish(topic(MACHINE, Branch.UP), b"[]")).accepted
        assert (await bridge.next()).payload == b"[]"


async def test_a_machine_neither_speaks_nor_hears_for_another(
    broker: MosquittoBroker, tmp_path: Path
) -> None:
    everybody = (everything("+", Branch.DOWN), everything("+", Branch.UP))
    async with (
        end(broker.port, OTHER, *everybody, tls=as_(tmp_path, OTHER)) as thief,
        end(broker.port, "bridge", everything("+", Branch.UP), tls=as_(tmp_path, "bridge")) as bridge,
    ):
        for there in (topic(MACHINE, Branch.UP), topic(MACHINE, Branch.DOWN), topic(OTHER, Branch.DOWN)):
            assert not (await thief.link.publish(there, b"forged")).accepted
        assert (await thief.link.publish(topic(OTHER, Branch.UP), b"its own")).accepted
        assert (await bridge.next()).payload == b"its own"
        await bridge.link.publish(topic(MACHINE, Branch.DOWN), b"for somebody else")
        await bridge.link.publish(topic(OTHER, Branch.DOWN), b"for it")
        assert (await thief.next()).payload == b"for it"


async def test_a_client_is_its_certificate_whatever_it_calls_itself(
    broker: MosquittoBroker, tmp_path: Path
) -> None:
    async with end(
        broker.port, MACHINE, everything(MACHINE, Branch.DOWN), tls=as_(tmp_path, MACHINE)
    ) as machine:
        async with end(broker.port, MACHINE, tls=as_(tmp_path, OTHER)) as thief:
            assert not (await thief.link.publish(topic(MACHINE, Branch.UP), b"{}")).accepted
        assert [up for up, _ in machine.told] == [True]  # it was not thrown off


async def test_only_the_bridge_says_what_waits_at_the_bridge(broker: MosquittoBroker, tmp_path: Path) -> None:
    cases = Topic("bridge", Branch.STATE, "cases")
    async with (
        end(broker.port, MACHINE, tls=as_(tmp_path, MACHINE)) as thief,
        end(broker.port, "bridge", everything("+", Branch.STATE), tls=as_(tmp_path, "bridge")) as bridge,
    ):
        assert not (await thief.link.publish(cases, b"{}", retain=True)).accepted
        assert (await bridge.link.publish(cases, b'{"open":1}', retain=True)).accepted
        assert (await bridge.next()).payload == b'{"open":1}'
        for machine in (MACHINE, OTHER):
            there = Topic(machine, Branch.STATE, "cases")
            assert not (await bridge.link.publish(there, b"{}", retain=True)).accepted


@pytest.mark.parametrize("what", ["no certificate", "another authority", "no TLS"])
async def test_who_cannot_prove_itself_or_is_not_our_broker_is_not_talked_to(
    broker: MosquittoBroker, tmp_path: Path, what: str
) -> None:
    make_certificates(tmp_path / "x" / "certs", clients=(MACHINE,), now=dt.datetime.now(dt.UTC))
    tls = {
        "no certificate": Tls(ca_file=tmp_path / "certs" / "ca.crt"),
        "another authority": as_(tmp_path / "x", MACHINE),
        "no TLS": None,
    }[what]
    stranger = End(broker.port, MACHINE, tls=tls)
    await until(lambda: [up for up, _ in stranger.told] == [False])
    if what == "another authority":
        assert "certificate verify failed" in stranger.link.reason
    assert not stranger.link.connected
    await stranger.close()
