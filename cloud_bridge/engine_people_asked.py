"""What somebody at this computer asks about people, as the operator's door and the command hand it over.

A password never comes this far: who asks hands over what is kept of it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from cloud_bridge.core.logins import Scope
from cloud_bridge.core.people import Role
from cloud_bridge.engine_people_acts import (
    By,
    Given,
    Managed,
    added,
    changed,
    let_in,
    put_out,
    token_made,
    token_revoked,
    with_password,
    without_totp,
)

ACTS: Final = ("add", "passwd", "totp", "roles", "disable", "enable", "token", "revoke")
MOST_WHY: Final = 200
# Whoever stands here says himself who he is; the audit does not let that pass for a login.
HERE: Final = " (at the bridge)"


def managed_of(asked: Mapping[str, str], merchant_of: Mapping[str, str], wall_ms: int) -> Managed:
    """The act that is asked for. Raises ValueError for what asks for nothing that we know."""
    name, kept = asked["name"], asked["kept"]
    if len(asked["why"]) > MOST_WHY or not asked["why"].isprintable():
        raise ValueError(f"why: found {asked['why'][:20]!r}, allowed {MOST_WHY} characters on one line")
    by = By(name=f"{asked['by']}{HERE}", wall_ms=wall_ms, why=asked["why"])
    match asked["act"]:
        case "add":
            return added(name, _given(asked, merchant_of), kept, by)
        case "roles":
            return changed(name, _given(asked, merchant_of), by)
        case "token":
            return token_made(name, kept, _given(asked, merchant_of), by)
        case "passwd":
            return with_password(name, kept, by)
        case "totp":
            return without_totp(name, by)
        case "disable":
            return put_out(name, by.name, by.why, wall_ms)
        case "enable":
            return let_in(name, by)
        case "revoke":
            return token_revoked(name, by)
        case _:
            raise ValueError(f"act: found {asked['act'][:20]!r}, allowed {', '.join(ACTS)}")


def scope_words(scope: Scope) -> str:
    """Rights as `managed_of` reads them."""
    return json.dumps(
        {
            "roles": sorted(scope.roles),
            "machines": sorted(scope.machines),
            "merchants": sorted(scope.merchants),
            "everywhere": scope.everywhere,
        }
    )


def roles_of(names: "list[str] | tuple[str, ...]") -> frozenset[Role]:
    """Roles by their names. Raises ValueError for one that is none."""
    if unknown := sorted(set(names) - set(Role)):
        raise ValueError(f"roles: found {unknown[0][:20]!r}, allowed {', '.join(Role)}")
    return frozenset(Role(name) for name in names)


def _given(asked: Mapping[str, str], merchant_of: Mapping[str, str]) -> Given:
    try:
        told: Any = json.loads(asked["scope"])
        scope = Scope(
            roles=roles_of([str(each) for each in told["roles"]]),
            machines=frozenset(str(each) for each in told["machines"]),
            merchants=frozenset(str(each) for each in told["merchants"]),
            everywhere=told["everywhere"] is True,
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError("scope: found no rights, allowed roles, machines, merchants, everywhere") from error
    return Given(scope=scope, merchant_of=merchant_of)
