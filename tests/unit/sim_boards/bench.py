"""A host with a hand on the clock: answers a board's turns as the test says."""

from dataclasses import dataclass, field

from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.xy import BoardSettings, XyBoard
from hw_sim.boards.xy_codec import ACK, POLL, Frame, Reader, frame


@dataclass(slots=True)
class Bench:
    """A board, virtual milliseconds, and every report it made that we acknowledged."""

    board: XyBoard = field(default_factory=lambda: XyBoard(Cabinet.of((11, 12)), BoardSettings(turn_ms=1000)))
    now_ms: float = 0.0
    pack: int = 0
    heard: list[Frame] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    reader: Reader = field(default_factory=Reader)

    def turn(self) -> bytes:
        """Let the board speak once; what it said."""
        while True:
            pieces = self.board.tick(self.now_ms)
            if pieces:
                self.raw += pieces
                return b"".join(pieces)
            self.now_ms = max(self.now_ms, self.board.next_ms)

    def say(self, data: bytes) -> bytes:
        """Say something in our turn; what the board answers at once."""
        pieces = self.board.hear(data, self.now_ms)
        self.raw += pieces
        return b"".join(pieces)

    def run(self, until_ms: float) -> None:
        """Acknowledge every report and leave every turn unused until then."""
        while self.now_ms < until_ms:
            for each, _ in self.reader.take(self.turn()):
                if each.command not in (0x41, 0x42):
                    self.heard.append(each)
            self.say(ACK)

    def command(self, command: int, text: bytes, *, pack: int | None = None) -> bytes:
        """Wait for a POLL and answer it with a command; what the board answers at once."""
        while self.turn() != POLL:
            self.say(ACK)
        self.pack = pack if pack is not None else self.pack + 1
        return self.say(frame(command, self.pack, text))

    def drive(self, lane: int = 12, *, pack: int | None = None) -> bytes:
        """Run a motor with the drop sensor on."""
        return self.command(0x06, b"\x01\x00" + lane.to_bytes(2, "big"), pack=pack)

    def results(self) -> list[int]:
        """The codes of all `04` so far."""
        return [each.text[0] for each in self.heard if each.command == 0x04]
