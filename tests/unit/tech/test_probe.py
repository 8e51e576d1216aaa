"""Probing a port: every bus is found by the least that finds it, and nothing anywhere moves or changes."""

import asyncio
import fcntl
import json
import os
from pathlib import Path

import pytest

from edge.drivers.serial_port import Listener, Transport
from edge.tech.choice import PortTaken
from edge.tech.probe import LISTENS, QUESTIONS, Answer, probe
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import MODELS, Wanted, make_board
from hw_sim.world.loop import WorldLoop
from tests.unit.drivers.line import Wire
from tests.unit.tech.test_visit import machine, tech

BAUD = {"xy": 57_600, "adh814": 38_400, "mdb-qibixx": 115_200}
SPEAKS = {"xy", "junpeng"}
SHUT = {"mdb-waferstar"}  # an adapter that says nothing before its machine does


class Deaf:
    """A port at a speed at which nobody is understood."""

    def __init__(self, noise: bytes = b"") -> None:
        self.noise = noise
        self.written: list[bytes] = []

    async def serve(self, listener: Listener) -> None:
        listener.on_opened()
        if self.noise:
            listener.on_data(self.noise)
        await asyncio.Event().wait()

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def discard_input(self) -> None:
        pass


def probed(bus: str, *, fault: str = "") -> tuple[Answer, Wire]:
    loop = WorldLoop(lambda _: 0)
    board = make_board(bus, Cabinet.of((1, 11, 12)), Wanted())
    if fault:
        board.faults.set(fault)
    wire = Wire(loop, board)

    def port(baud: int) -> Transport:
        return wire if baud == BAUD.get(bus, 9_600) else Deaf()

    task = loop.spawn(loop.nature, probe(port), "probe")
    for _ in range(40):
        loop.run_until(loop.time() + 1)
    answer = task.result()
    assert isinstance(answer, Answer)
    assert board.cabinet.motor_starts == 0
    return answer, wire


@pytest.mark.parametrize("bus", sorted(set(MODELS) - SHUT))
def test_every_board_is_known_by_what_it_says_or_answers(bus: str) -> None:
    answer, wire = probed(bus)
    assert answer.bus == bus, answer
    assert (answer.asked == 0, wire.written == []) == (bus in SPEAKS, bus in SPEAKS)


@pytest.mark.parametrize("bus", sorted(set(MODELS) - SHUT - SPEAKS))
def test_the_echo_of_our_own_question_is_nobody(bus: str) -> None:
    loop = WorldLoop(lambda _: 0)

    class Mirror(Deaf):
        async def serve(self, listener: Listener) -> None:
            self.listener = listener
            await super().serve(listener)

        def write(self, data: bytes) -> None:
            self.listener.on_data(data)

    task = loop.spawn(loop.nature, probe(lambda _: Mirror()), "probe")
    loop.run_until(60)
    assert task.result() == Answer(bus="", how="nobody speaks, nobody answers", asked=len(QUESTIONS))


def test_a_silent_adapter_is_not_guessed_at() -> None:
    assert probed("mdb-waferstar")[0].bus == ""


def test_where_somebody_unknown_talks_nothing_is_sent() -> None:
    loop = WorldLoop(lambda _: 0)
    ports: list[Deaf] = []

    def port(baud: int) -> Transport:
        ports.append(Deaf(b"\x55\xaa\x12\x00"))
        return ports[-1]

    task = loop.spawn(loop.nature, probe(port), "probe")
    loop.run_until(60)
    assert task.result() == Answer(bus="", how="16 bytes of nobody known: nothing was sent", asked=0)
    assert [each.written for each in ports] == [[] for _ in LISTENS]


def test_a_port_that_goes_away_is_told() -> None:
    loop = WorldLoop(lambda _: 0)

    class Gone(Deaf):
        async def serve(self, listener: Listener) -> None:
            listener.on_lost("unplugged")

    task = loop.spawn(loop.nature, probe(lambda _: Gone()), "probe")
    loop.run_until(10)
    with pytest.raises(PortTaken, match="unplugged"):
        task.result()


@pytest.mark.parametrize("bus", sorted(MODELS))
def test_no_question_moves_or_changes_any_board_of_any_bus(bus: str) -> None:
    board = make_board(bus, Cabinet.of((1, 11, 12)), Wanted())
    before = repr(board.cabinet)
    for number, question in enumerate(QUESTIONS * 2):
        board.hear(question.frame, 2_000.0 * number)
        board.tick(2_000.0 * number + 1_900)
    assert repr(board.cabinet) == before
    assert [event for event in board.events if event.what in ("motor", "dropped", "power")] == []


def test_each_question_stands_in_the_docs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "diagnose.md").read_text()
    for question in QUESTIONS:
        told = question.frame.decode().strip() if question.bus == "mdb-qibixx" else _short(question.frame)
        assert f"| `{question.bus}` | {question.baud} | `{told}` |" in text


def _short(frame: bytes) -> str:
    """Hex as the docs have it, many zeros as two dots."""
    return frame.hex(" ").upper().replace(" 00" * 16, " ..")


def test_a_port_is_probed_by_command_and_one_in_use_is_left_alone() -> None:
    with machine() as board:
        told = tech("ports", "--probe", "--port", board.path, "--json")
        held = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(held, fcntl.LOCK_EX)
        taken = tech("ports", "--probe", "--port", board.path)
        os.close(held)
    assert (told.exit_code, json.loads(told.output)["bus"]) == (0, "xy")
    assert (taken.exit_code, "no bus known: port" in taken.output, "in use" in taken.output) == (
        1,
        True,
        True,
    )
