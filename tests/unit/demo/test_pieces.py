"""The demo's small parts: the story, the phone's eye, certificates, scenarios, child processes."""

import asyncio
import datetime as dt
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import qrcode

from hw_sim.boards.xy_faults import FAULTS
from hw_sim.demo.certs import make_certificates
from hw_sim.demo.children import Child, ChildFailed, Line
from hw_sim.demo.eye import Eye
from hw_sim.demo.follow import follow
from hw_sim.demo.phone import read_code
from hw_sim.demo.scenarios import SCENARIOS, Mishap, Pays
from hw_sim.demo.story import KEPT, Fact, Story
from hw_sim.platform.faults import Fault

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
    assert (scenario.pays is Pays.NEVER) == (scenario.ends == ("closed_unpaid",))


def test_each_mishap_has_a_scenario_in_which_the_code_is_paid_at_once() -> None:
    struck = [scenario for scenario in SCENARIOS.values() if scenario.mishap is not None]
    assert [scenario.mishap for scenario in struck] == list(Mishap)
    assert {scenario.pays for scenario in struck} == {Pays.NOW}


def test_what_the_page_can_switch_on_is_known_to_the_simulator_that_has_to_do_it() -> None:
    for scenario in SCENARIOS.values():
        assert scenario.board in {"", *FAULTS}
        assert scenario.platform in {"", *Fault}
        assert not scenario.switch or scenario.board or scenario.platform


async def test_the_eye_waits_for_another_code_than_the_last(tmp_path: Path) -> None:
    eye = Eye(tmp_path / "screen.png")
    assert not await eye.look()
    show(tmp_path, LINK)
    assert await eye.new_code(5) == LINK
    assert not await eye.look()
    waiting = asyncio.ensure_future(eye.new_code(5))
    show(tmp_path, LINK + "d")
    assert await waiting == LINK + "d"
    assert eye.drawn_ms == pytest.approx((tmp_path / "screen.png").stat().st_mtime_ns / 1e6)


async def test_an_eye_that_sees_no_code_says_so(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match=r"screen: found no new code in 0\.1 s"):
        await Eye(tmp_path / "screen.png").new_code(0.1)


def show(folder: Path, text: str) -> None:
    """As the machine does it: the whole picture at once."""
    with (folder / "new.png").open("wb") as file:
        qrcode.make(text).save(file)
    (folder / "new.png").replace(folder / "screen.png")


# ---------------------------------------------------------------- child processes

ECHO = """
import sys, json
print(json.dumps({"event": "ready"}), flush=True)
print("no json", flush=True)
for line in sys.stdin:
    print(json.dumps({"event": "said"} | json.loads(line)), flush=True)
"""


def child(folder: Path, program: str, hear: Callable[[str, Line], None] = lambda name, line: None) -> Child:
    return Child("echo", sys.executable, "-c", program, folder=folder, hear=hear)


async def test_a_child_is_heard_told_and_stopped(tmp_path: Path) -> None:
    heard: list[tuple[str, Line]] = []
    echo = child(tmp_path, ECHO, lambda name, line: heard.append((name, line)))
    await echo.start()
    assert await echo.first(lambda line: line["event"] == "ready") == {"event": "ready"}
    assert await echo.ask({"n": 1}, "said") == {"event": "said", "n": 1}
    assert await echo.first(lambda line: line["event"] == "ready") == {"event": "ready"}
    await echo.stop()
    assert heard == [("echo", {"event": "ready"}), ("echo", {"event": "said", "n": 1})]
    assert "no json" in (tmp_path / "echo.log").read_text()


async def test_a_child_that_ends_too_early_is_named_with_its_last_words(tmp_path: Path) -> None:
    dying = child(tmp_path, "import sys; sys.exit('no such board')")
    await dying.start()
    with pytest.raises(ChildFailed, match="echo ended too early") as failed:
        await dying.first(lambda line: False)
    assert "no such board" in str(failed.value)
    assert "exit code 1" in str(await dying.ended())


async def test_an_end_that_was_asked_for_is_no_failure(tmp_path: Path) -> None:
    for end in (Child.stop, Child.kill):
        echo = child(tmp_path, ECHO)
        await echo.start()
        await echo.first(lambda line: line["event"] == "ready")
        await end(echo)
        assert await echo.ended() is None


async def test_a_dead_child_can_still_be_stopped(tmp_path: Path) -> None:
    dying = child(tmp_path, "pass")
    await dying.start()
    assert "exit code 0" in str(await dying.ended())
    await dying.stop()


async def test_a_child_that_does_not_answer_is_named(tmp_path: Path) -> None:
    echo = child(tmp_path, ECHO)
    await echo.start()
    with pytest.raises(ChildFailed, match=r"echo did not answer within 0\.1 s"):
        await echo.next(lambda line: False, timeout_s=0.1)
    await echo.stop()


async def test_a_stream_of_events_is_followed_again_after_it_broke_off() -> None:
    parts = [b'event: fact\ndata: {"n": 1}\n\n: alive\n\n', b'event: fact\ndata: {"n": 2}\n\n']

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert request.startswith(b"GET /events HTTP/1.0\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + parts.pop(0))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        following = follow(server.sockets[0].getsockname()[1], "/events")
        async with asyncio.timeout(5):
            assert [await anext(following) for _ in range(2)] == [("fact", {"n": 1}), ("fact", {"n": 2})]
        await following.aclose()
