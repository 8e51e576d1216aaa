"""Where a message of version 1 travels: `wxvend/v1/{machine}/{branch}/{kind}`.

The topic is signed together with the payload, so it is the one place that says which machine and which
kind a message is for; payloads do not repeat it.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ROOT: Final = "wxvend/v1"
_MACHINE: Final = re.compile(r"[a-z0-9-]{4,32}")


class Branch(enum.StrEnum):
    """The four branches below a machine. Only `set` and `state` are ever retained."""

    UP = "up"
    DOWN = "down"
    SET = "set"
    STATE = "state"


# What the longest good message needs, with room to grow; the broker is told the same limits.
LIMIT_BYTES: Final[Mapping[Branch, int]] = MappingProxyType(
    {Branch.UP: 16 * 1024, Branch.DOWN: 4 * 1024, Branch.SET: 64 * 1024, Branch.STATE: 16 * 1024}
)


class BadTopic(ValueError):
    """A topic that is not ours, or a machine id that must not get into one."""


@dataclass(frozen=True, slots=True)
class Topic:
    """`kind` is a dotted name (`sale.paid`) or, below `state`, a path (`lane/12`)."""

    machine: str
    branch: Branch
    kind: str

    def __post_init__(self) -> None:
        check_machine(self.machine)
        if not self.kind or any(char in self.kind for char in "+#\0"):
            raise BadTopic(f"kind: found {self.kind!r}, allowed a name without + # or NUL")

    def __str__(self) -> str:
        return f"{ROOT}/{self.machine}/{self.branch}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Outside:
    """A topic of other people's programs, where they look for what we show. Never signed, never read."""

    path: str

    def __post_init__(self) -> None:
        if not self.path or self.path.startswith(ROOT) or any(char in self.path for char in "+#\0"):
            raise BadTopic(f"topic: found {self.path[:80]!r}, allowed one outside {ROOT} without + # or NUL")

    def __str__(self) -> str:
        return self.path


def limit_bytes(topic: Topic | Outside) -> int:
    """The longest payload that may travel there."""
    return LIMIT_BYTES[Branch.SET if isinstance(topic, Outside) else topic.branch]


def check_machine(machine: str) -> str:
    """Give back `machine` when it may stand in a topic and a certificate; else raise BadTopic."""
    if not _MACHINE.fullmatch(machine):
        raise BadTopic(f"machine: found {machine!r}, allowed 4 to 32 of a-z 0-9 -")
    return machine


def parse(topic: str) -> Topic:
    """Take a topic apart. Raises BadTopic for anything outside `wxvend/v1`."""
    parts = topic.removeprefix(f"{ROOT}/").split("/", 2)
    if not topic.startswith(f"{ROOT}/") or len(parts) != 3:
        raise BadTopic(f"topic: found {topic[:80]!r}, allowed {ROOT}/machine/branch/kind")
    machine, branch, kind = parts
    if branch not in set(Branch):
        raise BadTopic(f"branch: found {branch!r}, allowed {', '.join(Branch)}")
    return Topic(machine, Branch(branch), kind)


def everything(machine: str, branch: Branch) -> str:
    """The filter for one branch of one machine (`+` for all machines)."""
    return f"{ROOT}/{machine}/{branch}/#"
