"""The `[home_assistant]` table: whether machines introduce themselves to other people's tools."""

from dataclasses import dataclass
from typing import Annotated

from wire.settings import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeAssistantTable:
    """With a `discovery_prefix` (Home Assistant's own is `homeassistant`) each machine is introduced there.

    The bridge needs the right to write `{prefix}/device/+/config`. Nothing can be pressed there.
    """

    discovery_prefix: Annotated[str, Pattern("|[A-Za-z0-9_-]{1,40}", "a topic's first word")] = ""
