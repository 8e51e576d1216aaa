"""Any bytes at any time: the codec finds only what is there, and the session never writes what may not be."""

from functools import reduce
from operator import xor

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.model import VendOrder
from edge.drivers.xy.codec import Decoder
from edge.drivers.xy.session import Ended
from tests.unit.drivers.xy_bench import ACK, POLL, Bench, commands, frame, order

FRAMES = st.builds(frame, st.integers(0, 255), st.integers(1, 255), st.binary(max_size=40))
PIECES = st.one_of(
    FRAMES, st.binary(max_size=30), st.sampled_from([POLL, ACK, b"\xfa", b"\xfa\xfb", b"\xfa\xfb\x06"])
)
STREAMS = st.lists(PIECES, max_size=12).map(b"".join)


@given(STREAMS, st.data())
def test_a_stream_means_the_same_however_it_is_cut(stream: bytes, data: st.DataObject) -> None:
    whole = Decoder()
    expected = whole.feed(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder, found = Decoder(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[begin:end])
    assert found == expected
    byte_by_byte = Decoder()
    assert [each for byte in stream for each in byte_by_byte.feed(bytes((byte,)))] == expected
    assert (decoder.skipped_bytes, decoder.bad_checks) == (whole.skipped_bytes, whole.bad_checks)


@given(STREAMS)
def test_every_frame_that_is_found_stands_in_the_stream_with_its_check(stream: bytes) -> None:
    at = 0
    for found in Decoder().feed(stream):
        while True:
            at = stream.index(b"\xfa\xfb", at)
            raw = stream[at : at + stream[at + 3] + 5]
            if raw[2] == found.cmd and reduce(xor, raw) == 0 and (raw[4] if raw[3] else 0) == found.pack_no:
                break
            at += 1
        at += len(raw)


@given(st.binary(max_size=200).filter(lambda noise: b"\xfa\xfb" not in noise), FRAMES)
def test_noise_without_a_start_hides_no_frame(noise: bytes, whole: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise.rstrip(b"\xfa"))
    assert len(decoder.feed(whole)) == 1


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20))
def test_what_a_decoder_holds_is_less_than_one_frame(reads: list[bytes]) -> None:
    decoder = Decoder()
    for data in reads:
        decoder.feed(data)
    held = decoder.skipped_bytes
    decoder.forget()
    assert decoder.skipped_bytes - held < 260


# Mostly an ordinary day: a fuzz that only makes noise never gets as far as a motor frame.
_DAY = [*["poll"] * 8, *["drive"] * 6, *["ack"] * 3, "ask", "lost", "resync", "abandon"]
_RESULTS = ["01000c", "02000c", "03000c", "ff000c", "24000c", "02000d"]
_REPORTS = st.tuples(st.sampled_from([0x02, 0x04, 0x05, 0x11, 0x31, 0x52, 0x54]), st.binary(max_size=6))
_ORDINARY = st.tuples(st.sampled_from(_DAY), st.none())
_STEPS = st.one_of(
    _ORDINARY,
    _ORDINARY,
    st.tuples(st.sampled_from(["wait", "stall"]), st.sampled_from([1, 50, 200, 500, 1_000, 70_000])),
    st.tuples(st.just("result"), st.sampled_from(_RESULTS)),
    st.one_of(st.tuples(st.just("read"), PIECES), st.tuples(st.just("report"), _REPORTS)),
)


class Fuzz:
    """A session under any treatment, and the promises that must hold after each step."""

    def __init__(self, *, drops_repeats: bool) -> None:
        self.bench = Bench(board_drops_repeats=drops_repeats).start()
        self.orders: list[VendOrder] = []
        self.idle = True
        self.most = 5 if drops_repeats else 1

    def step(self, what: str, value: object) -> None:
        bench = self.bench
        match what, value:
            case "read", bytes(data):
                self.checked(bench.read(data, after_ms=7))
            case "report", (int(cmd), bytes(text)):
                self.checked(bench.tell(cmd, text))
            case "result", str(text):
                self.checked(bench.tell(0x04, text))
            case "poll", _:
                self.checked(bench.poll())
            case "ack", _:
                self.checked(bench.ack())
            case "drive", _ if self.idle:
                made = order(seq=len(self.orders) % 255 + 1, start_before_ms=bench.now_ms + 900)
                self.orders.append(made)
                self.idle = False
                bench.session.drive(made, bench.now_ms)
            case "ask", _ if self.idle:
                self.idle = False
                bench.session.ask(12, bench.now_ms)
            case "lost", _:
                bench.session.lost(bench.now_ms)
                bench.session.opened(bench.now_ms)
            case "resync", _ if self.idle:
                bench.session.resync(bench.now_ms)
            case "abandon", _:
                bench.session.abandon(bench.now_ms)
                self.idle = True
            case "stall", int(wait_ms):  # the loop stood still: no tick saw this time pass
                bench.now_ms += wait_ms
            case "wait", int(wait_ms):
                bench.now_ms += wait_ms
                bench.session.tick(bench.now_ms)
        bench.facts += bench.session.facts()
        self.idle = self.idle or any(isinstance(fact, Ended) for fact in bench.facts)
        if any(isinstance(fact, Ended) for fact in bench.facts):
            bench.facts.clear()

    def checked(self, written: bytes) -> None:
        for cmd, pack_no, _ in commands(written):
            if cmd == 0x06:
                assert self.orders, "a motor frame that nobody ordered"
                assert pack_no == self.orders[-1].seq
                assert self.bench.now_ms < self.orders[-1].start_before_ms
            assert cmd in (0x01, 0x06, 0x31, 0x51, 0x53)

    def sent(self) -> list[int]:
        return [pack_no for cmd, pack_no, _ in commands(self.bench.written) if cmd == 0x06]


@settings(max_examples=300)
@given(st.booleans(), st.lists(_STEPS, min_size=5, max_size=40))
def test_no_treatment_makes_a_second_motor_frame_or_one_after_the_lease(
    drops_repeats: bool, steps: list[tuple[str, object]]
) -> None:
    fuzz = Fuzz(drops_repeats=drops_repeats)
    for what, value in steps:
        fuzz.step(what, value)
    counts = {seq: fuzz.sent().count(seq) for seq in fuzz.sent()}
    assert all(count <= fuzz.most for count in counts.values())


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_the_host_speaks_only_when_a_frame_has_just_arrived(reads: list[bytes]) -> None:
    bench, frames = Bench(), 0
    for data in reads:
        reply = bench.read(data, after_ms=1)
        heard = bench.session.health().frames - frames
        frames += heard
        assert heard or not reply
