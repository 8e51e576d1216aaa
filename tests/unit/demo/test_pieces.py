"""The demo's small parts: the story, the phone's eye, certificates, scenarios, child processes."""

import asyncio
import datetime as dt
import ssl
from pathlib import Path

import pytest
import qrcode

from hw_sim.demo.certs import make_certificates
from hw_sim.demo.children import Child, ChildFailed
from hw_sim.demo.phone import read_code
from hw_sim.demo.scenarios import SCENARIOS
from hw_sim.demo.story import KEPT, WAITING, Fact, Story

LINK = "weixin://wxpay/bizpayurl?pr=abc"


def fact(t_ms: float) -> Fact:
    return Fact(t_ms=t_ms, who="edge", what="something")


def test_the_phone_reads_what_the_picture_shows(tmp_path: Path) -> None:
    picture = tmp_path / "screen.png"
    with picture.open("wb") as file:
        qrcode.make(LINK).save(file)
    assert read_code(picture) == LINK


def test_the_phone_sees_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert read_code(broken) == ""
    assert read_code(tmp_path / "absent.png") == ""


async def test_a_listener_hears_what_is_told_from_now_on() -> None:
    story = Story()
    story.tell(fact(1))
    listening = story.listen()
    first = asyncio.ensure_future(anext(listening))
    await asyncio.sleep(0)
    story.tell(fact(2))
    assert (await first).t_ms == 2


async def test_a_listener_that_sleeps_loses_the_oldest_and_stops_nobody() -> None:
    story = Story()
    listening = story.listen()
    first = asyncio.ensure_future(anext(listening))
    await asyncio.sleep(0)
    for t_ms in range(WAITING + 5):
        story.tell(fact(t_ms))
    assert (await first).t_ms == 5


def test_a_story_is_told_in_the_order_of_the_clocks_and_has_an_end() -> None:
    story = Story()
    for t_ms in range(KEPT + 10, 0, -1):
        story.tell(fact(t_ms))
    assert [each.t_ms for each in story.since(0)] == list(range(1, KEPT + 1))


def test_a_broker_certificate_is_believed_by_those_who_hold_the_authority(tmp_path: Path) -> None:
    make_certificates(tmp_path, clients=("vm-0001",), now=dt.datetime.now(dt.UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.crt")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    client = ssl.create_default_context(cafile=tmp_path / "ca.crt")
    client.load_cert_chain(tmp_path / "vm-0001.crt", tmp_path / "vm-0001.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (ours, theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    peer = theirs.getpeercert()
    assert peer is not None
    assert peer["subject"] == ((("commonName", "vm-0001"),),)


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    make_certificates(tmp_path, clients=("bridge",), now=dt.datetime.now(dt.UTC))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_says_how_it_has_to_end(name: str) -> None:
    scenario = SCENARIOS[name]
    assert set(scenario.ends) <= {"vended", "refunded", "closed_unpaid", "case"}
    assert scenario.words.endswith(".")
    assert scenario.pays in {"now", "never", "too_late", "first_of_two"}


async def test_a_child_that_ends_too_early_is_named_with_its_last_words(tmp_path: Path) -> None:
    child = Child("edge", "edge", "run", "--config", str(tmp_path / "no.toml"), folder=tmp_path, hear=_deaf)
    await child.start()
    with pytest.raises(ChildFailed, match="edge ended too early") as failed:
        await child.first(lambda line: False)
    assert "no.toml" in str(failed.value)
    await child.stop()


def _deaf(name: str, line: object) -> None:
    """Nobody listens."""
