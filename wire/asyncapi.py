"""The description of all messages for other people's tools: an AsyncAPI 3.0 document, made from the types.

It is written from the bridge's side: it receives what machines say and sends what they are told. Limits that
a schema cannot say (which name, how long, how often) stand in the descriptions and in `wire/messages.py`.
"""

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from wire.codec import KINDS, schemas
from wire.envelope import KEY_ID, SIGNATURE
from wire.messages import Presence
from wire.topics import LIMIT_BYTES, ROOT, Branch

_INTEGER: Final = {"type": "integer"}
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "integer", "enum": [0, 1]}
_MAYBE: Final = {"type": ["integer", "null"]}
_MAYBE_FLAG: Final = {"enum": [0, 1, None]}
_COUNTS: Final = "Numbers by name; a name appears with its first count."

# What stands retained and unsigned for dashboards: topic below `state/`, what it says, its members.
STATES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = MappingProxyType(
    {
        "health": (
            "Whether it sells; `reason` is why not, by its name in codes.md, or empty.",
            {
                "selling": _FLAG,
                "reason": _TEXT,
                "catalogue_version": _INTEGER,
                "lanes": _INTEGER,
                "codes": _INTEGER,
            },
        ),
        "climate": (
            "Degrees Celsius and the door; null where the board cannot tell.",
            {"temperature_c": _MAYBE, "door_open": _MAYBE_FLAG},
        ),
        "lane/{lane}": (
            "A lane: product, price in fen, pieces where the board counts them, and why it does not sell.",
            {
                "lane": _INTEGER,
                "product": _TEXT,
                "product_en": _TEXT,
                "price_fen": _INTEGER,
                "stock": _MAYBE,
                "capacity": _MAYBE,
                "failures": _INTEGER,
                "reason": _TEXT,
                "fault": _TEXT,
                "code": _TEXT,
            },
        ),
        "sales": (f"How the sales of this start ended. {_COUNTS}", {}),
        "bus": (f"Frames, bad check bytes, repeats, polls, slowest answer in ms. {_COUNTS}", {}),
        "link": (f"Messages refused, by reason. {_COUNTS}", {}),
        "audit": (
            "The newest day that is over, with its EVA-DTS file, or the first of its `parts`.",
            {
                "day": {"type": "string", "format": "date"},
                "value_fen": _INTEGER,
                "count": _INTEGER,
                "day_value_fen": _INTEGER,
                "day_count": _INTEGER,
                "dts_bytes": _INTEGER,
                "parts": _INTEGER,
                "dts": _TEXT,
            },
        ),
        "audit_part/{part}": (
            "A further part of the file of `day`, from 2 on; left over where `audit` says another day.",
            {
                "day": {"type": "string", "format": "date"},
                "part": _INTEGER,
                "dts": _TEXT,
            },
        ),
    }
)
BRIDGE_STATES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = MappingProxyType(
    {
        "cases": (
            "What waits for a person: how many, what was paid for them in fen, and the oldest.",
            {
                "open": _INTEGER,
                "paid_fen": _INTEGER,
                "oldest_wall_ms": _INTEGER,
                "oldest_sale_id": _TEXT,
                "oldest_machine": _TEXT,
                "oldest_reason": _TEXT,
                "advice": _TEXT,
            },
        ),
        "alarm/{machine}/{name}/{lane}": (
            "An alarm: `raised` 1 while it stands. Lane 0 is the whole machine, machine `bridge` the bridge.",
            {
                "raised": _FLAG,
                "machine": _TEXT,
                "name": _TEXT,
                "lane": _INTEGER,
                "text": _TEXT,
                "since_wall_ms": _INTEGER,
            },
        ),
    }
)
_BRANCHES: Final = {
    Branch.UP: ("receive", "said by a machine, signed by it; repeated until it is acknowledged"),
    Branch.DOWN: ("send", "said to a machine, signed by the bridge; never retained, forgotten when stale"),
    Branch.SET: (
        "send",
        "what a machine shall be, signed by the bridge; retained, the newest version counts",
    ),
    Branch.STATE: ("receive", "shown to everyone, unsigned, retained: to look at, never to decide from"),
}
_PARAMETERS: Final = {
    "machine": "4 to 32 of a-z 0-9 -",
    "part": "From 2 on.",
    "lane": "A lane of the machine; 0 where the whole machine is meant.",
    "name": "An alarm by its name, see codes.md and alerts.md.",
}
_CHINESE_TOO: Final = "Text is UTF-8; names of products are Chinese (`_zh`, `product`) and English."


def document() -> dict[str, Any]:
    """The whole of it, in the order that a reader wants."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    components = schemas()
    for branch, kinds in KINDS.items():
        for kind, shape in kinds.items():
            _add(branch, kind, _described(shape), channels=channels, operations=operations)
            messages[_key(branch, kind)] = _message(shape.__name__, branch, kind)
    _add(Branch.STATE, "presence", _described(Presence), channels=channels, operations=operations)
    messages["state.presence"] = _message(Presence.__name__, Branch.STATE, "presence")
    for owner, states in (("{machine}", STATES), ("bridge", BRIDGE_STATES)):
        for kind, (words, members) in states.items():
            _add(Branch.STATE, kind, words, channels=channels, operations=operations, owner=owner)
            name = f"State.{kind.partition('/')[0]}"
            components[name] = _flat(words, members)
            messages[_key(Branch.STATE, kind)] = _message(name, Branch.STATE, kind)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "wxvend",
            "version": "1",
            "description": (
                "What vending machines and their bridge say to each other over MQTT 5, quality of service 1. "
                f"Amounts are fen of CNY, times Unix milliseconds. {_CHINESE_TOO} A published message never "
                "changes; it may gain members, and readers ignore those they do not know. "
                f"Payloads are at most {LIMIT_BYTES[Branch.UP]} bytes below up/ and state/, "
                f"{LIMIT_BYTES[Branch.DOWN]} below down/, {LIMIT_BYTES[Branch.SET]} below set/."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "messageTraits": {"signed": _signed()},
            "schemas": components,
        },
    }


def _add(
    branch: Branch,
    kind: str,
    words: str,
    *,
    channels: dict[str, Any],
    operations: dict[str, Any],
    owner: str = "{machine}",
) -> None:
    key = _key(branch, kind)
    address = f"{ROOT}/{owner}/{branch}/{kind}"
    action, about = _BRANCHES[branch]
    if owner == "bridge":
        action = "send"
    channel = {
        "address": address,
        "description": f"{words}\n\nThis is {about}.",
        "messages": {key: {"$ref": f"#/components/messages/{key}"}},
    }
    names = [name for name in _PARAMETERS if f"{{{name}}}" in address]
    if names:
        channel["parameters"] = {name: {"description": _PARAMETERS[name]} for name in names}
    channels[key] = channel
    retained = branch in (Branch.SET, Branch.STATE)
    operations[f"{action}.{key}"] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{key}"},
        "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}},
    }


def _message(schema: str, branch: Branch, kind: str) -> dict[str, Any]:
    told = {"name": kind, "title": f"{branch}/{kind}", "payload": {"$ref": f"#/components/schemas/{schema}"}}
    signed = {} if branch is Branch.STATE else {"traits": [{"$ref": "#/components/messageTraits/signed"}]}
    return told | signed


def _signed() -> dict[str, Any]:
    """MQTT 5 user properties; see `wire/envelope.py` for what exactly is signed."""
    return {
        "headers": {
            "type": "object",
            "description": (
                "MQTT 5 user properties. The signature is Ed25519 over domain, topic and the exact payload "
                "bytes, with a zero byte between them; the domain is wxvend/v1/ and the branch."
            ),
            "required": [KEY_ID, SIGNATURE],
            "properties": {
                KEY_ID: {"type": "string", "description": "Which key signed."},
                SIGNATURE: {"type": "string", "description": "Standard base64 of 64 bytes."},
            },
        }
    }


def _flat(words: str, members: Mapping[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "object", "description": words}
    if members:
        return shape | {"required": list(members), "properties": {k: dict(v) for k, v in members.items()}}
    return shape | {"additionalProperties": _INTEGER}


def _key(branch: Branch, kind: str) -> str:
    """A name that every reader of the format takes: letters, digits, dots."""
    return f"{branch}.{kind.partition('/')[0]}"


def _described(shape: type) -> str:
    return inspect.cleandoc(shape.__doc__ or "")
