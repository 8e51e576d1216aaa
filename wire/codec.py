"""Messages to JSON bytes and back. Strict on the way in: what a reader could misread is refused.

Decoding takes bytes that `wire/envelope.py` has already verified, so an error here is a mistake of the
other side's program, not an attack; it still never quotes a string value, because one may be a QR link.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

from wire.catalogue import check_settings
from wire.messages import DOWN_KINDS, SET_KINDS, UP_KINDS, BadMessage, Message, Presence
from wire.topics import LIMIT_BYTES, Branch, Topic

T = TypeVar("T")

MAX_DEPTH: Final = 8
# Whole numbers up to here mean the same in every JSON reader (RFC 8259 §6).
MAX_INT: Final = 2**53 - 1

_TOO_DEEP: Final = f"payload: found more than {MAX_DEPTH} levels, allowed {MAX_DEPTH}"

KINDS: Final[Mapping[Branch, Mapping[str, type[Message]]]] = MappingProxyType(
    {Branch.UP: UP_KINDS, Branch.DOWN: DOWN_KINDS, Branch.SET: SET_KINDS}
)
_PLACE: Final = {
    kind_type: (branch, kind) for branch, kinds in KINDS.items() for kind, kind_type in kinds.items()
}
_MISSING: Final = re.compile(r"Object missing required field `(?P<field>\w+)`(?: - at `\$\.?(?P<path>.*)`)?")
_PLACED: Final = re.compile(r" - at `\$\.(?P<path>[^`]+)`$")
_WRONG_TYPE: Final = re.compile(
    r"Expected `(?P<allowed>[^`]+)`, got `(?P<found>[^`]+)`(?: - at `\$\.?(?P<path>.*)`)?"
)


class UnknownKind(BadMessage):
    """A kind that this version does not know on this branch."""


def encode(message: Message | Presence) -> bytes:
    """Give compact JSON in the order of the dataclass's fields, UTF-8. None is a member that is left out."""
    return msgspec.json.encode(_plain(message))


def _plain(value: Any) -> Any:
    """Values as JSON knows them, without the members that are None, at any level."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not is_dataclass(value):
        return value
    members = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {name: _plain(member) for name, member in members if member is not None}


def address(machine: str, message: Message) -> Topic:
    """Give the topic on which `message` travels to or from `machine`. Raises BadTopic for a bad id."""
    branch, kind = _PLACE[type(message)]
    return Topic(machine, branch, kind)


def decode(topic: Topic, payload: bytes) -> Message:
    """Read the message that `topic` announces from `payload`.

    Members this version does not know are ignored; in a catalogue they are mistakes. Raises UnknownKind for a
    kind it does not know, and BadMessage (field, what was found, what is allowed) for: too many bytes, not
    JSON, a member twice, more than `MAX_DEPTH` levels, a fraction, NaN, a number beyond `MAX_INT`, a NUL
    character, a wrong type or value.
    """
    kinds = KINDS.get(topic.branch, {})
    if topic.kind not in kinds:
        allowed = ", ".join(kinds) or "no message at all"
        raise UnknownKind(f"kind: found {topic.kind[:48]!r} below {topic.branch}/, allowed {allowed}")
    limit = LIMIT_BYTES[topic.branch]
    if len(payload) > limit:
        raise BadMessage(f"payload: found {len(payload)} bytes, allowed {limit} below {topic.branch}/")
    value = _check_shape(payload)
    if topic.branch is Branch.SET and isinstance(value, dict):
        check_settings(value)
    return _typed(kinds[topic.kind], payload)


def decode_presence(payload: bytes) -> Presence:
    """Read what stands retained below `state/presence`. It is unsigned: for a page, not for a decision.

    Raises BadMessage.
    """
    if len(payload) > LIMIT_BYTES[Branch.STATE]:
        raise BadMessage(f"payload: found {len(payload)} bytes, allowed {LIMIT_BYTES[Branch.STATE]}")
    _check_shape(payload)
    return _typed(Presence, payload)


def schemas() -> dict[str, Any]:
    """The JSON Schema of every kind and of what it holds, by the name of its class; descriptions are ours."""
    kinds = [*_PLACE, Presence]
    return msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")[1]


def _check_shape(payload: bytes) -> object:
    """Refuse what the typed reader would let pass: it keeps the last of two members and takes any number."""
    try:
        value = json.loads(payload.decode("utf-8"), object_pairs_hook=_members)
    except BadMessage:
        raise
    except RecursionError:
        raise BadMessage(_TOO_DEEP) from None
    except ValueError as error:
        # `from None`: the cause would carry the whole payload into a traceback.
        raise BadMessage(f"payload: found {type(error).__name__}, allowed one JSON object in UTF-8") from None
    level: list[tuple[str, Any]] = [("payload", value)]
    for _ in range(MAX_DEPTH + 1):
        for name, item in level:
            _check_scalar(name, item)
        deepest, level = level, [child for name, item in level for child in _children(name, item)]
    if any(isinstance(item, dict | list) for _, item in deepest):
        raise BadMessage(_TOO_DEEP)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise BadMessage(f"{name[:48]!r}: found twice, allowed once")
        members[name] = value
    return members


def _children(name: str, value: object) -> list[tuple[str, Any]]:
    match value:
        case dict():
            return list(value.items())
        case list():
            return [(name, item) for item in value]
    return []


def _check_scalar(name: str, value: object) -> None:
    match value:
        case bool():
            pass
        case float():
            raise BadMessage(f"{name[:48]!r}: found a fraction, allowed a whole number")
        case int() if abs(value) > MAX_INT:
            raise BadMessage(f"{name[:48]!r}: found a number beyond {MAX_INT}, allowed up to {MAX_INT}")
        case str() if "\0" in value:
            raise BadMessage(f"{name[:48]!r}: found a NUL character, allowed text without it")


def _typed(kind: type[T], payload: bytes) -> T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except msgspec.ValidationError as error:
        raise BadMessage(_explain(error)) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadMessage(f"payload: found {type(error).__name__}, allowed one JSON object in UTF-8") from None


def _explain(error: msgspec.ValidationError) -> str:
    """Put the library's words into ours: field, found, allowed."""
    text = str(error)
    if isinstance(error.__cause__, BadMessage):
        place = _PLACED.search(text)
        return f"{place['path']}.{error.__cause__}" if place else str(error.__cause__)
    if missing := _MISSING.fullmatch(text):
        path = ".".join(filter(None, (missing["path"], missing["field"])))
        return f"{path}: found nothing, allowed a value"
    if wrong := _WRONG_TYPE.fullmatch(text):
        return f"{wrong['path'] or 'payload'}: found {wrong['found']}, allowed {wrong['allowed']}"
    return f"payload: found {type(error).__name__}, allowed a message of this kind"
