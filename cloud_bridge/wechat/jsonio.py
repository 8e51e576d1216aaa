"""JSON as the platform sends it: read strictly because money hangs on it, written compactly and once.

Unknown members are ignored (the platform adds some at any time); known ones must be what they should be.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeAlias

Json: TypeAlias = Mapping[str, Any]
DEEPEST: Final = 8
_ANYTHING: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")


class BadJson(ValueError):
    """Not the JSON that was expected: which member, what was found. Never a value, which may be private."""


def read(data: bytes) -> Json:
    """An object in UTF-8; no member twice, no NaN, not too deep. Raises BadJson."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except BadJson:
        raise
    except (ValueError, RecursionError) as error:
        raise BadJson(f"found {type(error).__name__}; allowed is an object in UTF-8") from None
    if not isinstance(value, dict):
        raise BadJson(f"found a {type(value).__name__}; allowed is an object")
    _check_depth(value, DEEPEST)
    return value


def write(value: Json) -> bytes:
    """Compact, in the order given, raw UTF-8: the bytes that are both signed and sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def text(value: Json, name: str, shape: re.Pattern[str] = _ANYTHING) -> str:
    """A member that must be text of a shape; without one, anything but control characters. Raises BadJson."""
    found = value.get(name)
    if not isinstance(found, str):
        raise BadJson(f"{name}: found {_kind(found)}; allowed is text")
    if not shape.fullmatch(found):
        raise BadJson(f"{name}: found other text; allowed is {shape.pattern}")
    return found


def whole(value: Json, name: str) -> int:
    """A member that must be a whole number, 0 or more; true is none. Raises BadJson."""
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1 << 53:
        raise BadJson(f"{name}: found {_kind(found)}; allowed is a whole number, 0 or more")
    return found


def thing(value: Json, name: str) -> Json:
    """A member that must be an object. Raises BadJson."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise BadJson(f"{name}: found {_kind(found)}; allowed is an object")
    return found


def _kind(found: object) -> str:
    return "nothing" if found is None else type(found).__name__


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadJson("found a member twice; allowed is once")
    return members


def _no_number(name: str) -> NoReturn:
    raise BadJson(f"found {name}; allowed is a number")


def _check_depth(value: object, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not left:
        raise BadJson(f"found more than {DEEPEST} levels")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, left - 1)
