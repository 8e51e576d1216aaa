"""Who may do what, and to which machines: roles, actions, and the one question `may`.

Nothing is allowed that is not here. A role gives actions; a person's scope says on which machines; both
have to agree. Whoever decides about money or people proves himself twice before he may do more than look.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MOST_NAME: Final = 64


class Action(enum.StrEnum):
    """What can be done through the bridge's face. Each route names one."""

    OWN_ACCOUNT = "own_account"
    SEE_FLEET = "see_fleet"
    SEE_SALES = "see_sales"
    SEE_MONEY = "see_money"
    HANDLE_MACHINE = "handle_machine"
    REFILL = "refill"
    REFUND = "refund"
    APPROVE = "approve"
    DECIDE_CASE = "decide_case"
    FREE_VEND = "free_vend"
    EDIT_CATALOGUE = "edit_catalogue"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    MANAGE_PEOPLE = "manage_people"
    SEE_AUDIT = "see_audit"


class Role(enum.StrEnum):
    """What somebody is in the shop; he may be several of them."""

    VIEWER = "viewer"
    TECHNICIAN = "technician"
    OPERATOR = "operator"
    FINANCE = "finance"
    ADMIN = "admin"


_LOOK: Final = frozenset({Action.OWN_ACCOUNT, Action.SEE_FLEET, Action.SEE_SALES})
# Whoever decides about users and keys decides about no money: one person then cannot do both alone.
GIVES: Final[Mapping[Role, frozenset[Action]]] = MappingProxyType(
    {
        Role.VIEWER: _LOOK | {Action.SEE_MONEY},
        Role.TECHNICIAN: _LOOK | {Action.HANDLE_MACHINE, Action.REFILL, Action.ACKNOWLEDGE_ALARM},
        Role.OPERATOR: _LOOK
        | {
            Action.SEE_MONEY,
            Action.HANDLE_MACHINE,
            Action.REFILL,
            Action.REFUND,
            Action.APPROVE,
            Action.DECIDE_CASE,
            Action.FREE_VEND,
            Action.EDIT_CATALOGUE,
            Action.ACKNOWLEDGE_ALARM,
        },
        Role.FINANCE: _LOOK
        | {Action.SEE_MONEY, Action.REFUND, Action.APPROVE, Action.DECIDE_CASE, Action.SEE_AUDIT},
        Role.ADMIN: _LOOK
        | {
            Action.SEE_MONEY,
            Action.EDIT_CATALOGUE,
            Action.ACKNOWLEDGE_ALARM,
            Action.APPROVE,
            Action.MANAGE_PEOPLE,
            Action.SEE_AUDIT,
        },
    }
)
PROVEN_TWICE: Final = frozenset({Role.OPERATOR, Role.FINANCE, Role.ADMIN})
# What somebody may who should have proved himself twice and has not: enough to set that up, and to look.
_UNPROVEN: Final = _LOOK
# A program is no second pair of eyes, and no program makes people.
_NEVER_A_PROGRAM: Final = frozenset({Action.OWN_ACCOUNT, Action.APPROVE, Action.MANAGE_PEOPLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who asks. `machines` are those he may see, or all when `everywhere`; `merchants` likewise.

    `proven`: he showed a second factor, or who let him in did. `program`: a token speaks, no person. An empty
    name is nobody.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    machines: frozenset[str] = frozenset()
    merchants: frozenset[str] = frozenset()
    everywhere: bool = False
    proven: bool = False
    program: bool = False

    def sees(self, machine: str) -> bool:
        """Whether this machine is his. What belongs to no machine ("") is of whoever is everywhere."""
        return self.everywhere or (machine != "" and machine in self.machines)

    def sees_merchant(self, merchant: str) -> bool:
        """Whether this merchant's money is his to look at; the first merchant's name is empty."""
        return self.everywhere or merchant in self.merchants


NOBODY: Final = Person(name="")
# Who is there where nobody is asked: on loopback, or behind a proxy that asks by itself.
LOCAL: Final = Person(name="local", roles=frozenset(Role), everywhere=True, proven=True)


def actions(person: Person) -> frozenset[Action]:
    """Everything that he may do somewhere."""
    given = frozenset(action for role in person.roles for action in GIVES[role])
    if person.program:
        given -= _NEVER_A_PROGRAM
    elif not person.proven and person.roles & PROVEN_TWICE:
        given &= _UNPROVEN
    return given if person.name else frozenset()


def may(person: Person, action: Action, machine: str = "") -> bool:
    """Whether he may do this, and to this machine; without a machine: at all.

    What is about the whole fleet asks `person.everywhere` besides.
    """
    return action in actions(person) and (machine == "" or person.sees(machine))


def may_approve(person: Person, action: Action, by: str, machine: str = "") -> bool:
    """Whether he is the second pair of eyes for what `by` asked: another one, who might do it himself."""
    return person.name != by and may(person, Action.APPROVE, machine) and may(person, action, machine)
