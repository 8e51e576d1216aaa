"""A keypad on a port of its own: keys become what a shopper wants."""

import pytest

from edge.drivers.keypad import FORGET_MS, Keypad
from edge.drivers.serial_port import Listener
from edge.ports import BusEvent, CancelPressed, KeyPressed


class Hand:
    """A clock that is moved by hand, and a port that gives nothing."""

    now = 1_000

    def now_ms(self) -> int:
        return self.now

    def wall_ms(self) -> int:
        return 0

    async def serve(self, listener: Listener) -> None:
        listener.on_opened()

    def write(self, data: bytes) -> None:
        raise AssertionError("a keypad is not written to")

    def discard_input(self) -> None:
        raise AssertionError("nothing to discard")


async def told(*pieces: bytes | int) -> list[BusEvent]:
    """What these keys say; a number lets so many milliseconds pass."""
    hand, events = Hand(), list[BusEvent]()
    keypad = Keypad(hand, hand)
    await keypad.run(events.append)
    for piece in pieces:
        if isinstance(piece, int):
            hand.now += piece
        else:
            keypad.on_data(piece)
    return events


@pytest.mark.parametrize(
    ("pieces", "events"),
    [
        ([b"12#"], [KeyPressed(lane=12)]),
        ([b"1", b"2", b"\r\n"], [KeyPressed(lane=12)]),
        ([b"12#34#"], [KeyPressed(lane=12), KeyPressed(lane=34)]),
        ([b"#"], []),
        ([b"*"], [CancelPressed()]),
        ([b"12*", b"34#"], [KeyPressed(lane=34)]),
        ([b"12", FORGET_MS + 1, b"34#"], [KeyPressed(lane=34)]),
        ([b"12", FORGET_MS, b"#"], [KeyPressed(lane=12)]),
        ([b"99999912#"], [KeyPressed(lane=9912)]),
        ([b"A\x00\xff1?2#"], [KeyPressed(lane=12)]),
    ],
)
async def test_keys_say_what_a_shopper_wants(pieces: list[bytes | int], events: list[BusEvent]) -> None:
    assert await told(*pieces) == events


async def test_a_number_that_was_begun_dies_with_the_port() -> None:
    hand, events = Hand(), list[BusEvent]()
    keypad = Keypad(hand, hand)
    await keypad.run(events.append)
    keypad.on_data(b"12")
    keypad.on_lost("gone")
    keypad.on_opened()
    keypad.on_data(b"#3#")
    assert events == [KeyPressed(lane=3)]
