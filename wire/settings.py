"""Settings of both programs: TOML onto a frozen dataclass, strictly, with every mistake named at once.

A field is bool, int, float, str, an enum, Path, a dataclass, a tuple of one of these, or one of these
| None; `Annotated` adds rules (`Range`, `Pattern`, `File`, or whatever is a `Rule`). Unknown keys are
mistakes. Secrets never stand in the text, only the paths of their files, relative to the folder of the
configuration file; in such a path $CREDENTIALS_DIRECTORY is the folder that systemd names so.
"""

import dataclasses
import difflib
import enum
import math
import os
import re
import tomllib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from wire.places import Place, Places
from wire.private_file import exposed_mode

T = TypeVar("T")

_SYNTAX_PLACE: Final = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)")
_SECRET_NAME: Final = re.compile(r"(password|secret|token|key|pin)$")
_TOLD: Final = re.compile(r"(?P<name>\w+)[\w, ]*: found (?P<found>.*?); allowed (?:is |are )?(?P<allowed>.*)")
_NEXT_TOLD: Final = re.compile(r"; (?=[\w, ]+: found )")
_MISSING: Final = object()
_HANDED: Final = "$CREDENTIALS_DIRECTORY"
SET_HANDED: Final = f"{_HANDED[1:]}=FOLDER before the command; the daemon has it from systemd"


@typing.runtime_checkable
class Rule(typing.Protocol):
    """What `Annotated` may add to a type; `str` says in words what is allowed."""

    def allows(self, value: Any) -> bool:
        """Whether a value of the right type may stand here."""


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """A number from `low` to `high`, both allowed."""

    low: float
    high: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.low} to {self.high} {self.unit}".rstrip()

    def allows(self, value: float) -> bool:
        """Whether `value` lies within."""
        return self.low <= value <= self.high


@dataclasses.dataclass(frozen=True, slots=True)
class Pattern:
    """Text that `regex` matches as a whole; `words` say it to a person."""

    regex: str
    words: str

    def __str__(self) -> str:
        return self.words

    def allows(self, value: str) -> bool:
        """Whether the whole of `value` fits."""
        return re.fullmatch(self.regex, value) is not None


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """A file that exists and can be read; with `private`, by its owner only."""

    private: bool = False

    def __str__(self) -> str:
        return "a file that only its owner can read" if self.private else "a readable file"


@dataclasses.dataclass(frozen=True, slots=True)
class OneOf:
    """A table with exactly one sub-table, whose name chooses the type; one is loaded when it is chosen."""

    choices: Mapping[str, Callable[[], type[Any]]]

    def __str__(self) -> str:
        return f"exactly one table of {', '.join(self.choices)}"


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to put right. `where` is section.key; `line` and `column` count from 1 (0: none)."""

    line: int
    where: str
    found: str
    allowed: str
    hint: str = ""
    column: int = 0

    def __str__(self) -> str:
        hint = f". Try: {self.hint}" if self.hint else ""
        return f"{self.where}: found {self.found}, allowed {self.allowed}{hint}"


class BadSettings(Exception):
    """The settings cannot be used. `mistakes` has all that could be found, in the order of their lines."""

    def __init__(self, file: Path, mistakes: tuple[Mistake, ...]) -> None:
        self.file = file
        self.mistakes = mistakes
        super().__init__("\n".join(f"{file}:{_place(mistake)}: {mistake}" for mistake in mistakes))


def load(file: Path, into: type[T]) -> T:
    """Read `file`. Raises BadSettings."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        found = error.strerror if isinstance(error, OSError) else "bytes that are not UTF-8"
        mistake = Mistake(0, "file", found or "an error", "a readable TOML file", "check path and owner")
        raise BadSettings(file, (mistake,)) from error
    return read(text, into, file=file)


def read(text: str, into: type[T], *, file: Path) -> T:
    """Read the TOML `text` of `file` (for messages and relative paths). Raises BadSettings."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number or a nesting too long for the reader
        raise BadSettings(file, (_syntax_mistake(error, text),)) from error
    reader = _Reader(Places(text), file.absolute().parent)
    value = reader.table(into, table, ())
    if reader.mistakes:
        raise BadSettings(file, tuple(sorted(reader.mistakes, key=lambda mistake: mistake.line)))
    return typing.cast(T, value)


def place_of(text: str, folder: Path) -> Path:
    """Where a path leads that stands in the settings in `folder`."""
    return folder / text.replace(_HANDED, os.environ.get(_HANDED[1:]) or _HANDED)


def read_secret(file: Path) -> str:
    """Give the text of a secret's file without its last line end. Raises OSError."""
    return file.read_text("utf-8").rstrip("\r\n")


class _Reader:
    """Walks types and values side by side; notes a mistake and goes on."""

    def __init__(self, places: Places, folder: Path) -> None:
        self._places = places
        self._folder = folder
        self.mistakes: list[Mistake] = []

    def table(self, into: type[Any], table: Mapping[str, Any], place: Place) -> object:
        """Give the dataclass, or `_MISSING` when a mistake was noted below it."""
        before = len(self.mistakes)
        hints = typing.get_type_hints(into, include_extras=True)
        fields = {field.name: field for field in dataclasses.fields(into)}
        for name in table:
            if name not in fields:
                self._unknown(name, tuple(fields), (*place, name))
        values: dict[str, object] = {}
        for name, field in fields.items():
            if name in table:
                values[name] = self.value(hints[name], table[name], (*place, name))
            elif _required(field):
                self._note((*place, name), "nothing", _words(hints[name]))
        if len(self.mistakes) > before:
            return _MISSING
        try:
            return into(**values)
        except ValueError as error:  # a rule over several fields, told by the class itself
            return self._together(place, str(error))

    def _together(self, place: Place, words: str) -> object:
        """Note what a class says of its fields: of one of them where that is told, else of the table."""
        for told in _NEXT_TOLD.split(words):
            if field := _TOLD.fullmatch(told):
                self._note((*place, field["name"]), field["found"], field["allowed"])
            else:
                self._note(place, told, "values that go together")
        return _MISSING

    def value(self, hint: Any, value: object, place: Place) -> object:
        hint, rules = _unwrap(hint)
        if rules and isinstance(rules[0], OneOf):
            return self._chosen(rules[0], value, place)
        if _is_union(hint):
            (hint,) = (one for one in typing.get_args(hint) if one is not types.NoneType)
            return self.value(Annotated[hint, *rules] if rules else hint, value, place)
        if typing.get_origin(hint) is tuple:
            return self._items(typing.get_args(hint)[0], value, place)
        if dataclasses.is_dataclass(hint):
            if isinstance(value, dict):
                return self.table(typing.cast(type[Any], hint), value, place)
            return self._note(place, _show(value), "a table")
        return self._scalar(hint, rules, value, place)

    def _chosen(self, rule: OneOf, value: object, place: Place) -> object:
        if not isinstance(value, dict) or len(value) != 1:
            found = ", ".join(value) or "nothing" if isinstance(value, dict) else _show(value)
            return self._note(place, found, str(rule))
        ((name, table),) = value.items()
        if name not in rule.choices:
            return self._note((*place, name), "an unknown key", str(rule), _nearest(name, [*rule.choices]))
        return self.value(rule.choices[name](), table, (*place, name))

    def _items(self, hint: Any, value: object, place: Place) -> object:
        if not isinstance(value, list):
            return self._note(place, _show(value), "a list")
        return tuple(self.value(hint, item, (*place, index)) for index, item in enumerate(value))

    def _scalar(self, hint: type[Any], rules: tuple[Any, ...], value: object, place: Place) -> object:
        allowed = _words(Annotated[hint, *rules] if rules else hint)
        if issubclass(hint, enum.Enum):
            names = [str(member.value) for member in hint]
            if value not in [member.value for member in hint] or isinstance(value, bool):
                return self._note(place, _show(value), allowed, _nearest(str(value), names))
            return hint(value)
        if issubclass(hint, Path) and isinstance(value, str):
            return self._path(rules, value, place)
        if hint is float and type(value) is int:
            value = float(value)
        if type(value) is not hint or (hint is float and not math.isfinite(typing.cast(float, value))):
            return self._note(place, _show(value), allowed)
        if all(rule.allows(value) for rule in rules if isinstance(rule, Rule)):
            return value
        return self._note(place, _show(value), allowed)

    def _path(self, rules: tuple[Any, ...], value: str, place: Place) -> object:
        if not value:
            return self._note(place, _show(value), _words(Annotated[Path, *rules] if rules else Path))
        path = place_of(value, self._folder)
        for rule in rules:
            if isinstance(rule, File) and (wrong := _wrong_file(path, private=rule.private)):
                return self._note(place, f"{path} ({wrong[0]})", _words(Annotated[Path, rule]), wrong[1])
        return path

    def _unknown(self, name: str, known: tuple[str, ...], place: Place) -> None:
        hint = _nearest(name, known)
        if _SECRET_NAME.search(name) and f"{name}_file" in known:
            hint = f"{name}_file, with the path of a file that holds it"
        self._note(place, "an unknown key", ", ".join(known), hint)

    def _note(self, place: Place, found: str, allowed: str, hint: str = "") -> object:
        self.mistakes.append(Mistake(self._places.line(place), _dotted(place), found, allowed, hint))
        return _MISSING


def _unwrap(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(hint) is Annotated:
        return hint.__origin__, tuple(hint.__metadata__)
    return hint, ()


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _wrong_file(path: Path, *, private: bool) -> tuple[str, str] | None:
    """Give what is wrong with a file and what to do about it."""
    if _HANDED in str(path):
        return ("not set", SET_HANDED)
    if not path.is_file():
        return ("no such file", "check the path; it is relative to this file's folder")
    if not os.access(path, os.R_OK):
        return ("not readable", f"chown or chmod {path}")
    if private and (mode := exposed_mode(path)) is not None:
        return (f"mode {mode:04o}", f"chmod 600 {path}")
    return None


def _words(hint: Any) -> str:
    """Say what a type and its rules allow."""
    hint, rules = _unwrap(hint)
    for rule in rules:
        if isinstance(rule, Rule | File | OneOf):
            return str(rule)
    if _is_union(hint):
        return " or ".join(_words(one) for one in typing.get_args(hint) if one is not types.NoneType)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return " | ".join(str(member.value) for member in hint)
    if typing.get_origin(hint) is tuple:
        return "a list"
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path"}
    return names.get(hint, "a table")


def _show(value: object) -> str:
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)[:80]


def _nearest(name: str, names: Sequence[str]) -> str:
    return next(iter(difflib.get_close_matches(name, names, n=1)), "")


def _dotted(place: Place) -> str:
    text = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".") or "file"


def _place(mistake: Mistake) -> str:
    return f"{mistake.line}:{mistake.column}" if mistake.column else str(mistake.line or 1)


def _syntax_mistake(error: Exception, text: str) -> Mistake:
    if not isinstance(error, tomllib.TOMLDecodeError):
        return Mistake(0, "file", "a number or a nesting too long to be read", "TOML 1.0")
    match = _SYNTAX_PLACE.fullmatch(str(error))
    if match is None:  # the text ends too early
        return Mistake(max(len(text.splitlines()), 1), "syntax", str(error), "TOML 1.0")
    return Mistake(int(match["line"]), "syntax", match["what"], "TOML 1.0", column=int(match["column"]))
