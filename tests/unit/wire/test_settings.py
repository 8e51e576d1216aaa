"""Settings are read strictly: every mistake is named at once, with its line and what is allowed."""

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.settings import BadSettings, File, Mistake, Pattern, Range, load, place_of, read, read_secret


class Colour(enum.StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    lane: Annotated[int, Range(1, 99)]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    low: float = 0.0
    high: Annotated[float, Range(0, 10, "s")] = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    machine: Annotated[str, Pattern("[a-z-]{4,8}", "4 to 8 of a-z -")]
    port: Annotated[int, Range(1, 65535)] = 1883
    open_now: bool = True
    colour: Colour = Colour.RED
    window: Window = field(default_factory=Window)
    shelves: tuple[Shelf, ...] = ()
    names: tuple[str, ...] = ()
    picture: Path | None = None
    key_file: Annotated[Path, File(private=True)] | None = None
    ratio: float | None = None


HERE = Path("/etc/shop/shop.toml")
GOOD = """
machine = "cafe-x"
port = 8883
open_now = false
colour = "green"
ratio = 3
names = ["a", "b"]
picture = "p/x.png"
[window]
low = 0.5
high = 2
[[shelves]]
lane = 1
[[shelves]]
lane = 2
name = "two"
"""


def mistakes(text: str, file: Path = HERE) -> tuple[Mistake, ...]:
    with pytest.raises(BadSettings) as bad:
        read(text, Shop, file=file)
    return bad.value.mistakes


def test_good_settings_are_what_they_say() -> None:
    assert read(GOOD, Shop, file=HERE) == Shop(
        machine="cafe-x",
        port=8883,
        open_now=False,
        colour=Colour.GREEN,
        window=Window(low=0.5, high=2.0),
        shelves=(Shelf(lane=1), Shelf(lane=2, name="two")),
        names=("a", "b"),
        picture=Path("/etc/shop/p/x.png"),
        ratio=3.0,
    )


def test_a_path_is_relative_to_the_file_that_names_it_and_an_absolute_one_stays() -> None:
    shop = read('machine = "cafe-x"\npicture = "/tmp/x.png"', Shop, file=HERE)
    assert shop.picture == Path("/tmp/x.png")


def test_what_systemd_hands_over_is_found_by_the_name_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = "$CREDENTIALS_DIRECTORY/shop.key"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert place_of(named, HERE.parent) == tmp_path / "shop.key"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    (mistake,) = mistakes(f'machine = "cafe-x"\nkey_file = "{named}"\n')
    assert "not set" in mistake.found
    assert mistake.hint.startswith("CREDENTIALS_DIRECTORY=FOLDER before the command")


def test_every_mistake_is_named_at_once_in_the_order_of_the_lines() -> None:
    text = GOOD.replace('"cafe-x"', '"CAFE"').replace("8883", "70000").replace("lane = 2", 'lane = "2"')
    text = text.replace('"green"', '"gren"').replace("low = 0.5", "lov = 0.5")
    found = mistakes(text)
    assert [(each.line, each.where) for each in found] == [
        (2, "machine"),
        (3, "port"),
        (5, "colour"),
        (10, "window.lov"),
        (15, "shelves[2].lane"),
    ]
    assert [each.hint for each in found] == ["", "", "green", "low", ""]
    assert [each.allowed for each in found] == [
        "4 to 8 of a-z -",
        "1 to 65535",
        "red | green",
        "low, high",
        "1 to 99",
    ]


@pytest.mark.parametrize(
    ("line", "found", "allowed"),
    [
        ('port = "1883"', "'1883'", "1 to 65535"),
        ("port = 0", "0", "1 to 65535"),
        ("port = 1.5", "1.5", "1 to 65535"),
        ("port = true", "true", "1 to 65535"),
        ("open_now = 1", "1", "true or false"),
        ("colour = 1", "1", "red | green"),
        ("colour = true", "true", "red | green"),
        ("ratio = nan", "nan", "a number"),
        ("ratio = inf", "inf", "a number"),
        ('ratio = "1"', "'1'", "a number"),
        ("names = 7", "7", "a list"),
        ("names = [7]", "7", "text"),
        ("names = {}", "a table", "a list"),
        ("window = 7", "7", "a table"),
        ("window = []", "a list", "a table"),
        ('picture = ""', "''", "a path"),
        ("picture = 7", "7", "a path"),
        ("shelves = [{}]", "nothing", "1 to 99"),
        ("window = {low = 2.0}", "low 2.0 is above high 1.0", "values that go together"),
        ("window = {high = 11}", "11.0", "0 to 10 s"),
        ("sort = 1979-05-27", "an unknown key", None),
    ],
)
def test_a_wrong_value_is_shown_with_what_is_allowed(line: str, found: str, allowed: str | None) -> None:
    (mistake,) = mistakes(f'machine = "cafe-x"\n{line}\n')
    assert (mistake.line, mistake.found) == (2, found)
    assert allowed is None or mistake.allowed == allowed


def test_what_is_missing_is_named() -> None:
    (mistake,) = mistakes("port = 1\n")
    assert str(mistake) == "machine: found nothing, allowed 4 to 8 of a-z -"


def test_a_secret_in_the_text_is_sent_to_a_file_and_not_shown() -> None:
    (mistake,) = mistakes('machine = "cafe-x"\nkey = "S3cret"\n')
    assert mistake.hint == "key_file, with the path of a file that holds it"
    assert "S3cret" not in str(mistake)


def test_a_syntax_mistake_has_its_line_and_column() -> None:
    (mistake,) = mistakes('machine = "cafe-x"\nport == 1\n')
    assert (mistake.line, mistake.column, mistake.where) == (2, 7, "syntax")
    (cut,) = mistakes('machine = "cafe-x"\nnames = [')
    assert (cut.line, cut.where) == (2, "syntax")


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000 + "]" * 5000], ids=["number", "nesting"])
def test_what_is_too_long_for_the_reader_is_a_mistake_like_any_other(value: str) -> None:
    (mistake,) = mistakes(f'machine = "cafe-x"\nport = {value}\n')
    assert str(mistake) == "file: found a number or a nesting too long to be read, allowed TOML 1.0"


def test_the_message_is_what_an_editor_jumps_to() -> None:
    with pytest.raises(BadSettings) as bad:
        read('machine = "cafe-x"\nport = 0\nratio = "x"', Shop, file=HERE)
    assert str(bad.value).splitlines() == [
        "/etc/shop/shop.toml:2: port: found 0, allowed 1 to 65535",
        "/etc/shop/shop.toml:3: ratio: found 'x', allowed a number",
    ]


def test_a_file_that_is_needed_must_be_there_and_private(tmp_path: Path) -> None:
    file, key = tmp_path / "shop.toml", tmp_path / "shop.key"
    text = 'machine = "cafe-x"\nkey_file = "shop.key"\n'
    (missing,) = mistakes(text, file)
    assert "no such file" in missing.found
    key.write_text("k")
    key.chmod(0o644)
    (open_to_all,) = mistakes(text, file)
    assert (open_to_all.line, open_to_all.hint) == (2, f"chmod 600 {key}")
    key.chmod(0o600)
    assert read(text, Shop, file=file).key_file == key


def test_a_settings_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="No such file or directory, allowed a readable TOML file"):
        load(tmp_path / "none.toml", Shop)
    bad = tmp_path / "latin.toml"
    bad.write_bytes(b'machine = "caf\xe9"')
    with pytest.raises(BadSettings, match="bytes that are not UTF-8"):
        load(bad, Shop)
    with pytest.raises(BadSettings):
        load(tmp_path, Shop)


def test_a_secret_is_its_file_without_the_line_end(tmp_path: Path) -> None:
    for content in ("s3 cret", "s3 cret\n", "s3 cret\r\n"):
        (tmp_path / "s").write_text(content)
        assert read_secret(tmp_path / "s") == "s3 cret"


@given(st.text(max_size=200))
def test_any_text_is_settings_or_named_mistakes(text: str) -> None:
    found: tuple[Mistake, ...] = ()
    try:
        read(text, Shop, file=HERE)
    except BadSettings as bad:
        found = bad.mistakes
    assert found  # a machine's name does not come about by chance
    assert all(mistake.line >= 1 for mistake in found)


@given(
    st.dictionaries(
        st.sampled_from(["machine", "port", "window", "shelves", "names", "key_file", "ratio", "else"]),
        st.sampled_from(
            ["1", "-1", '"x"', "[]", "[1]", "{}", "true", "1.5", "[[]]", "{low = []}", "12:00:00"]
        ),
    )
)
def test_any_values_are_settings_or_named_mistakes(values: dict[str, str]) -> None:
    text = "\n".join(f"{name} = {value}" for name, value in values.items())
    with pytest.raises(BadSettings) as bad:  # no machine here has a good name
        read(text, Shop, file=HERE)
    assert len({mistake.where for mistake in bad.value.mistakes}) == len(bad.value.mistakes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    name: str
    number: str

    def __post_init__(self) -> None:
        raise ValueError("name: found 'a;b'; allowed is text; number: found 7; allowed are 8 digits; no luck")


def test_what_a_class_says_of_its_fields_stands_at_the_field() -> None:
    with pytest.raises(BadSettings) as bad:
        read('name = "a;b"\nnumber = "7"', Account, file=HERE)
    assert str(bad.value).splitlines() == [
        "/etc/shop/shop.toml:1: name: found 'a;b', allowed text",
        "/etc/shop/shop.toml:2: number: found 7, allowed 8 digits; no luck",
    ]
