"""A scripted XY board for tests: writes frames from the document's layout, not with the driver's codec."""

from functools import reduce
from operator import xor
from pathlib import Path

from edge.core.model import Baseline, Outcome, VendOrder
from edge.drivers.xy.messages import MenuAnswer
from edge.drivers.xy.session import Ended, Fact, Session
from edge.drivers.xy.settings import XySettings

POLL = bytes.fromhex("fafb410040")
ACK = bytes.fromhex("fafb420043")
STATUS_TEXT = bytes.fromhex("000102000501 00000000 00000bb8 30303030303132333435 05aaaaaaaaaaaaaa")
MOVING = (0x03, 0x05, 0x06)


def frame(cmd: int, pack_no: int, text: bytes = b"") -> bytes:
    """One frame of the bus."""
    body = bytes((0xFA, 0xFB, cmd, 1 + len(text), pack_no)) + text
    return body + bytes((reduce(xor, body),))


def commands(written: bytes) -> list[tuple[int, int, bytes]]:
    """What the host wrote, without ACKs: opcode, PackNo, text."""
    found = []
    while written:
        assert written[:2] == b"\xfa\xfb", written.hex()
        one, written = written[: written[3] + 5], written[written[3] + 5 :]
        assert reduce(xor, one) == 0, one.hex()
        if one[2] != 0x42:
            found.append((one[2], one[4], one[5:-1]))
    return found


def order(*, lane: int = 12, seq: int = 77, start_before_ms: int = 10**9, sale_id: str = "S1") -> VendOrder:
    """An order with a lease that does not end."""
    return VendOrder(
        sale_id=sale_id, lane=lane, seq=seq, baseline=Baseline(stock=5), start_before_ms=start_before_ms
    )


class Bench:
    """A session, a clock that is moved by hand, and a board that polls it."""

    def __init__(self, **settings: object) -> None:
        self.session = Session(XySettings(port=Path("/dev/null"), **settings))  # type: ignore[arg-type]
        self.now_ms = 1_000
        self.facts: list[Fact] = []
        self.written = b""
        self._pack_no = 0
        self.session.opened(self.now_ms)

    def read(self, data: bytes, *, after_ms: int = 200) -> bytes:
        """Bytes arrive; what the host answers."""
        self.now_ms += after_ms
        reply = self.session.receive(data, self.now_ms)
        self.written += reply
        self.facts += self.session.facts()
        return reply

    def poll(self, *, after_ms: int = 200) -> bytes:
        return self.read(POLL, after_ms=after_ms)

    def ack(self) -> bytes:
        return self.read(ACK, after_ms=2)

    def tell(self, cmd: int, text: bytes | str = b"") -> bytes:
        """The board reports something new."""
        self._pack_no = self._pack_no % 255 + 1
        return self.read(frame(cmd, self._pack_no, bytes.fromhex(text) if isinstance(text, str) else text))

    def wait(self, seconds: float, *, polling: bool = True) -> None:
        """Time passes; the board goes on polling, or is silent."""
        until_ms = self.now_ms + int(1000 * seconds)
        while self.now_ms < until_ms:
            if polling:
                assert commands(self.poll(after_ms=min(200, until_ms - self.now_ms))) == []
            else:
                self.now_ms += min(100, until_ms - self.now_ms)
            self.session.tick(self.now_ms)
            self.facts += self.session.facts()

    def start(self) -> "Bench":
        """Through the start-up: `31`, one lane, `51`."""
        assert commands(self.poll())[0][0] == 0x31
        return self.start_from_ack()

    def start_from_ack(self) -> "Bench":
        """The rest of the start-up, once `31` was written."""
        self.ack()
        self.tell(0x11, "000c0000015e050803e900")
        self.poll()
        assert commands(self.poll())[0][0] == 0x51
        self.ack()
        self.tell(0x52, STATUS_TEXT)
        return self

    def drive(self, **fields: object) -> None:
        """Ask for a vend; nothing is written yet."""
        self.session.drive(order(**fields), self.now_ms)  # type: ignore[arg-type]
        self.facts += self.session.facts()

    def driven(self, **fields: object) -> "Bench":
        """Ask for a vend, let the board take the `06` and acknowledge it."""
        self.drive(**fields)
        assert [cmd for cmd, _, _ in commands(self.poll())] == [0x06]
        self.ack()
        return self

    def results(self) -> list[str | Outcome | MenuAnswer]:
        """How operations ended."""
        return [fact.result for fact in self.facts if isinstance(fact, Ended)]

    def moved(self) -> int:
        """How many frames that can move something were written."""
        return sum(cmd in MOVING for cmd, _, _ in commands(self.written))
