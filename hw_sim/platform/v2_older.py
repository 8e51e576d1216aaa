"""Puts APIv2 together: its paths, its letters and its codes, over one platform and one key."""

from dataclasses import dataclass

from hw_sim.platform.events import Events
from hw_sim.platform.faults import Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Shop
from hw_sim.platform.v2_api import Door, V2Api
from hw_sim.platform.v2_letters import V2Letters
from hw_sim.platform.v2_scans import Scans


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What both generations share."""

    platform: Platform
    shop: Shop
    faults: Faults
    events: Events
    ids: Ids


@dataclass(frozen=True, slots=True)
class Older:
    """The older generation of the protocol. `api` leaves paths that are not its own to the other one."""

    api: V2Api
    letters: V2Letters
    scans: Scans


def older(around: Around, *, key: str, others: Door) -> Older:
    """Make it; `key` is the merchant's APIv2 key."""
    platform, shop, faults = around.platform, around.shop, around.faults
    api = V2Api(
        others=others,
        platform=platform,
        shop=shop,
        key=key,
        faults=faults,
        events=around.events,
        ids=around.ids,
    )
    scans = Scans(
        platform=platform,
        shop=shop,
        key=key,
        book=api.book,
        faults=faults,
        events=around.events,
        ids=around.ids,
    )
    return Older(api, V2Letters(key=key, faults=faults, ids=around.ids), scans)
