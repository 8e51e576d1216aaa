"""The world's lines and keys: a board that rests loses nothing, who starts anew hears what is retained."""

import random
from itertools import pairwise

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.xy import BoardSettings, XyBoard
from hw_sim.world.broker import Broker, Line, Packet, Weather, wanted
from hw_sim.world.bus import REST_MS, Bus, Port, Speech
from hw_sim.world.keys import ed25519_key, rsa_key
from hw_sim.world.loop import Host, WorldLoop

POLL, ACK = bytes.fromhex("fafb410040"), bytes.fromhex("fafb420043")


class Driver:
    """Acknowledges everything, and remembers what came when."""

    def __init__(self, loop: WorldLoop, bus: Bus) -> None:
        self.loop, self.host = loop, Host("driver")
        self.heard: list[tuple[float, bytes]] = []
        self.port: Port = bus.plug(self.host)
        loop.spawn(self.host, self.port.serve(self), "port")

    def on_opened(self) -> None:
        pass

    def on_data(self, data: bytes) -> None:
        self.heard.append((self.loop.time(), data))
        self.port.write(ACK)

    def on_lost(self, why: str) -> None:
        raise AssertionError(why)

    def gaps_s(self) -> list[float]:
        times = [at_s for at_s, data in self.heard if data == POLL]
        return [round(after - before, 2) for before, after in pairwise(times)]


def line(poll_ms: int = 1000) -> tuple[WorldLoop, XyBoard, Bus]:
    loop = WorldLoop(random.Random(1).randrange)
    board = XyBoard(Cabinet.of((11, 12)), BoardSettings(poll_ms=poll_ms, traced=False))
    return (
        loop,
        board,
        Bus(
            loop,
            board,
            random.Random(1),
            speech=Speech(poll_ms=poll_ms),
            told=lambda what, lane: None,
            step=lambda name: None,
        ),
    )


@pytest.mark.parametrize(("poll_ms", "rest_s"), [(1000, 2.0), (200, 2.4)])
def test_a_board_leaves_turns_out_and_is_never_silent_for_long(poll_ms: int, rest_s: float) -> None:
    loop, _, bus = line(poll_ms)
    driver = Driver(loop, bus)
    loop.run_until(60)
    gaps_s = driver.gaps_s()
    assert gaps_s[0] == pytest.approx(poll_ms / 1000, abs=0.05)
    assert gaps_s[-1] == pytest.approx(rest_s, abs=0.05)
    assert max(gaps_s) <= REST_MS / 1000


def test_a_key_ends_the_rest_with_the_next_turn_of_the_old_step() -> None:
    loop, board, bus = line(200)
    driver = Driver(loop, bus)
    loop.run_until(60)
    last_s = driver.heard[-1][0]
    board.key(11)
    bus.awake()
    loop.run_until(61)
    at_s, data = next(each for each in driver.heard if each[0] > last_s)
    assert data[2] == 0x05
    assert 60 < at_s < 60.21
    assert (at_s - last_s) % 0.2 == pytest.approx(0.0, abs=0.01)


def test_no_board_rests_while_its_driver_wants_something() -> None:
    loop, _, bus = line()
    driver = Driver(loop, bus)
    with bus.wanted():
        loop.run_until(60)
    assert max(driver.gaps_s()) == pytest.approx(1.0, abs=0.05)


def test_no_board_rests_on_a_noisy_line() -> None:
    loop, _, bus = line()
    driver = Driver(loop, bus)
    bus.noise.flip = 1e-9
    loop.run_until(60)
    assert max(driver.gaps_s()) == pytest.approx(1.0, abs=0.05)


def test_bytes_that_are_held_back_come_late_and_in_order() -> None:
    loop, board, bus = line(200)
    driver = Driver(loop, bus)
    bus.noise.late = 0.5
    loop.run_until(60)
    assert max(driver.gaps_s()) > 0.5
    times = [at_s for at_s, _ in driver.heard]
    assert times == sorted(times)
    heard = list[bytes]()

    def hear(data: bytes, now_ms: float) -> list[bytes]:
        heard.append(data)
        return []

    board.hear = hear  # type: ignore[method-assign]
    written = [bytes((number,)) * 3 for number in range(50)]
    for data in written:
        driver.port.write(data)
    loop.run_until(loop.time() + 60)
    assert [data for data in heard if data in written] == written


def test_a_board_that_nobody_listens_to_waits_and_speaks_to_the_next_daemon() -> None:
    loop, _, bus = line()
    first = Driver(loop, bus)
    loop.run_until(20)
    loop.cut(first.host)
    loop.run_until(3600)
    second = Driver(loop, bus)
    loop.run_until(3602)
    assert second.heard[0][1] == POLL


def test_a_client_that_starts_anew_hears_what_stands_retained_and_one_that_resumes_does_not() -> None:
    loop, heard = WorldLoop(random.Random(1).randrange), list[str]()
    broker = Broker(loop, Weather(), random.Random(1), reachable=lambda name: True, heard=lambda packet: None)

    def connect(*, resume: bool) -> Line:
        it = Line(
            broker, "vm", Host("vm"), arrive=lambda mid, got: heard.append(got.topic), lost=lambda why: None
        )
        assert broker.connect(it, ("set/#",), None, resume=resume)
        return it

    first = connect(resume=False)
    broker.publish(first, Packet(topic="set/catalogue", payload=b"1", retain=True), lambda code: None)
    loop.run_until(1)
    for resume, times in ((True, 1), (False, 2)):
        for mid in range(1, 10):
            broker.acknowledge(first, mid)
        loop.run_until(loop.time() + 1)
        first = connect(resume=resume)
        loop.run_until(loop.time() + 1)
        assert heard.count("set/catalogue") == times


def test_filters_of_a_client_take_what_mqtt_says_they_take() -> None:
    assert wanted(("a/+/c", "b/#"), "a/x/c")
    assert wanted(("a/+/c", "b/#"), "b/x/y")
    assert not wanted(("a/+/c", "b/#"), "a/x/d")


def test_a_key_of_a_world_is_believed_for_its_own_bytes_alone() -> None:
    one, other = ed25519_key(b"1" * 32), ed25519_key(b"2" * 32)
    good = one.sign(b"said")
    one.public_key().verify(good, b"said")
    for key, signature, data in ((one, good, b"sait"), (other, good, b"said"), (one, good[:-1], b"said")):
        with pytest.raises(InvalidSignature):
            key.public_key().verify(signature, data)


def test_the_same_name_is_the_same_merchants_key() -> None:
    how = PKCS1v15(), SHA256()
    assert rsa_key("a").sign(b"x", *how) == rsa_key("a").sign(b"x", *how) != rsa_key("b").sign(b"x", *how)
