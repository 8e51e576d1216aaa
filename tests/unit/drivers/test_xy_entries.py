"""The XY board's service menu and its rarer frames: golden bytes, every entry, every length, every cut."""

import pytest

from edge.drivers.xy import layout
from edge.drivers.xy.codec import Decoder
from edge.drivers.xy.entries import ANSWER, ENTRIES, FRAMES, READ, REQUEST, SET, request, told
from edge.ports import LaneReported
from edge.tech.decode import Frames
from edge.tech.shapes import SHAPES
from tests.unit.drivers.xy_bench import Bench, frame

# Every worked example of the document that speaks of the menu or of a frame beside it.
GOLDEN = [
    ("FA FB 12 07 03 00 0C 00 00 01 90 8A", "Price", {"sel": 12, "price": 400}),
    ("FA FB 16 02 04 05 14", "PollInterval", {"interval": 5}),
    ("FA FB 27 06 05 05 00 00 01 5E 7F", "MoneyCollected", {"mode": 5, "amount": 350, "hidden": "0 bytes"}),
    ("FA FB 70 06 08 38 01 01 00 0C 4B", "MenuAsked", {"entry": "selection test", "mode": 1, "sel": 12}),
    ("FA FB 71 04 35 38 01 00 78", "MenuAnswer", {"entry": "selection test", "r": "0 ok"}),
    ("FA FB 71 06 37 36 00 00 EE 00 99", "MenuAnswer", {"st": 0, "temp": -18, "code": "0 ok"}),
    ("FA FB 70 05 09 47 00 00 0C 36", "MenuAsked", {"entry": "sales of a selection", "sel": 12}),
    ("FA FB 71 0B 36 47 00 00 00 00 2A 00 00 39 6C 75", "MenuAnswer", {"count": 42, "amount": 14700}),
    ("FA FB 71 08 38 33 00 02 00 0C 00 17 6A", "MenuAnswer", {"count": 2, "motor": [12, 23]}),
]


def decoded(raw: bytes, *, size: int) -> list[tuple[str, dict[str, object]]]:
    frames = Frames(SHAPES["xy"])
    found = [each for at in range(0, len(raw), size) for each in frames.feed(raw[at : at + size])]
    return [(each.name, dict(each.fields)) for each in [*found, *frames.end()] if each.valid]


@pytest.mark.parametrize(("golden", "name", "fields"), GOLDEN)
def test_an_example_of_the_document_is_read_by_name_whole_in_pieces_and_glued(
    golden: str, name: str, fields: dict[str, object]
) -> None:
    raw = bytes.fromhex(golden)
    for found in (decoded(raw, size=99), decoded(raw, size=1)):
        ((told_name, told_fields),) = found
        assert told_name == name
        assert told_fields.items() >= {**fields, "pack_no": raw[4]}.items()
    assert [each for each, _ in decoded(b"\xfa" + raw + raw, size=99)] == [name, name]


@pytest.mark.parametrize(
    ("made", "golden"),
    [
        (request(0x38, SET, mode=1, sel=12), "FA FB 70 06 08 38 01 01 00 0C 4B"),
        (request(0x47, READ, sel=12), "FA FB 70 05 09 47 00 00 0C 36"),
    ],
)
def test_a_request_of_the_menu_is_what_the_document_prints(made: bytes, golden: str) -> None:
    raw = bytes.fromhex(golden)
    assert frame(0x70, raw[4], made) == raw


@pytest.mark.parametrize(
    ("kind", "operation", "values", "text"),
    [
        (0x28, SET, {"cab": 0, "mode": 2, "target": -18}, "28 01 00 02 EE"),
        (0x09, SET, {"time": "20261125040000"}, "09 01 20 26 11 25 04 00 00"),
        (0x08, SET, {"id": "0000012345"}, "08 01 30 30 30 30 30 31 32 33 34 35"),
        (0x24, SET, {"layer": 100, "v": 1}, "24 01 64 01"),
        (0x54, SET, {"cab": 0, "layer": 3}, "54 01 00 03"),
        (0x57, SET, {"part": 2, "action": 1, "cab": 0}, "57 01 02 01 00"),
        (0x32, READ, {}, "32 00"),
        (0x8B, SET, {"cab": 1, "ch": 4, "weight": 250}, "8B 01 01 04 00 FA"),
        (0x06, SET, {"cab": 0, "ms": 2200}, "06 01 00 08 98"),
    ],
)
def test_an_entry_is_asked_with_its_fields_in_their_order(
    kind: int, operation: int, values: dict[str, int | str], text: str
) -> None:
    assert request(kind, operation, **values) == bytes.fromhex(text)
    read = told(REQUEST, bytes.fromhex(text))
    assert read is not None
    assert read[1].items() >= values.items()


@pytest.mark.parametrize(
    ("kind", "operation", "values", "said"),
    [
        (0x03, SET, {"cab": 0, "ad": 19}, "ad: found 19, allowed 20 to 250"),
        (0x06, SET, {"cab": 0, "ms": 2201}, "ms: found 2201, allowed 1200 to 2200"),
        (0x28, SET, {"cab": 0, "mode": 1, "target": 200}, "target: found 200, allowed -128 to 127"),
        (0x08, SET, {"id": "short"}, "id: found 'short', allowed 10 ASCII characters"),
        (0x09, SET, {"time": "2026"}, "time: found '2026', allowed 14 hex digits"),
        (0x47, READ, {}, "sel: found None, allowed a number"),
        (0x47, READ, {"sel": 12, "lane": 3}, "lane: allowed ['sel']"),
    ],
)
def test_a_request_that_the_board_could_not_take_is_refused_by_field(
    kind: int, operation: int, values: dict[str, int | str], said: str
) -> None:
    with pytest.raises(ValueError, match="allowed") as refused:
        request(kind, operation, **values)
    assert str(refused.value) == said


def test_what_the_menu_does_not_have_is_not_asked_for() -> None:
    for kind, operation in ((0x05, READ), (0x47, SET), (0x0A, READ), (0x47, 2)):
        with pytest.raises(KeyError):
            request(kind, operation)


def test_the_menu_has_every_type_of_the_document_and_no_type_between_9_and_10() -> None:
    tens = {16 * ten + one for ten in range(1, 8) for one in range(10)}
    documented = {*range(1, 10), *tens, 0x8A, 0x8B} - {0x73, 0x74, 0x75, 0x76, 0x77, 0x79}
    assert set(ENTRIES) == documented
    assert all(entry.read or entry.set for entry in ENTRIES.values())


@pytest.mark.parametrize(
    ("command", "text", "name", "fields"),
    [
        (0x03, "000c", "Buy", {"sel": 12}),
        (0x13, "03f305", "Stock", {"sel": 1011, "stock": 5}),
        (0x17, "", "FillAllKey", {}),
        (0x26, "000001f400000064", "ChangeReturned", {"notes": 500, "coins": 100}),
        (0x29, "0101313233", "CardRead", {"cabinet": 1, "reader": 1, "hidden": "3 bytes"}),
        (0x62, "0100000a28", "CardBalance", {"status": 1, "balance": 2600}),
        (0x66, "020001", "Microwaves", {"count": 2, "state": [0, 1]}),
        (0x67, "0021", "Activity", {"flag": 0, "state": "21"}),
        (
            0x81,
            "02000102010000",
            "Doors",
            {
                "n": 2,
                "each": [
                    {"cabinet": 0, "left": 1, "right": 2},
                    {"cabinet": 1, "left": 0, "right": 0},
                ],
            },
        ),
        (
            0x83,
            "010001000c0000fa",
            "Weights",
            {"cabinet": 1, "door": 0, "n": 1, "each": [{"sel": 12, "status": 0, "weight": 250}]},
        ),
        (0x84, "01001e", "Unlock", {"cabinet": 1, "door": 0, "seconds": 30}),
        (
            0x87,
            "000101000c00010200030400050600fa0102",
            "Scales",
            {
                "status": 0,
                "cabinet": 1,
                "n": 1,
                "each": [
                    {
                        "sel": 12,
                        "raw": 258,
                        "zero": 772,
                        "cal": 1286,
                        "weight": 250,
                        "hw": 1,
                        "sw": 2,
                    }
                ],
            },
        ),
        (ANSWER, "0a000102", "MenuAnswer", {"kind": "0A", "operation": 0, "text": "0102"}),
        (ANSWER, "3200010010010017", "MenuAnswer", {"jams": 1, "jam": [16], "belts": 1, "belt": [23]}),
        (ANSWER, "36000000", "MenuAnswer", {"st": 0, "temp": 0}),  # a field short
        (ANSWER, "10000205", "MenuAnswer", {"n": 2, "more": "05"}),  # a byte long
        (REQUEST, "3001313233343536", "MenuAsked", {"hidden": "6 bytes"}),  # a password
    ],
)
def test_a_frame_is_read_as_far_as_its_length_goes(
    command: int, text: str, name: str, fields: dict[str, object]
) -> None:
    found = told(command, bytes.fromhex(text))
    assert found is not None
    assert found[0] == name
    assert found[1].items() >= fields.items()


@pytest.mark.parametrize("command", [REQUEST, ANSWER, *FRAMES])
def test_no_length_of_a_text_breaks_a_reader(command: int) -> None:
    for kind in ENTRIES if command in (REQUEST, ANSWER) else (0xFF,):
        whole = bytes((kind, 1, *(0xFF,) * 40))
        for length in range(len(whole)):
            told(command, whole[:length])


def test_a_start_inside_a_text_is_text_whatever_the_cut() -> None:
    inside = frame(0x71, 5, bytes.fromhex("0800") + b"\xfa\xfb\x41\x00\x40ABCDE")
    for size in (1, 2, 7, 99):
        ((name, fields),) = decoded(inside, size=size)
        assert (name, fields["id"]) == ("MenuAnswer", "A@ABCDE")
    decoder = Decoder()
    assert len([each for byte in inside + inside for each in decoder.feed(bytes((byte,)))]) == 2


def test_a_card_number_is_not_told_by_decode_either() -> None:
    ((_, fields),) = decoded(frame(0x21, 1, bytes.fromhex("030000012c") + b"6222020200"), size=99)
    assert fields["card"] == "10 bytes"


def test_a_line_of_ours_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed"):
        layout.fields("Nonsense")


def test_a_stock_or_capacity_that_is_told_alone_keeps_what_the_lane_said_before() -> None:
    bench = Bench().start()
    bench.facts.clear()
    bench.tell(0x13, "000c02")
    bench.tell(0x14, "000c0a")
    bench.tell(0x13, "006305")  # a lane that never reported itself
    bench.tell(0x13, "0000")  # too short
    assert bench.facts == [
        LaneReported(lane=12, stock=2, capacity=8),
        LaneReported(lane=12, stock=2, capacity=10),
    ]
    known = bench.session.baseline(12)
    assert known is not None
    assert known.stock == 2
