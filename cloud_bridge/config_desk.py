"""The `[complaints]` and `[shipping]` tables: what is done by itself."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from cloud_bridge.wechat.plain import parted
from wire.settings import File, Pattern, Range

MINI_PROGRAM_HOST: Final = "https://api.weixin.qq.com"
_PRIVATE: Final = File(private=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintsTable:
    """Complaints are looked after with or without this table.

    `manage_address` has the platform send notifications of them to each merchant's `notify_url`: set right at
    each start, and in place of whatever was there. Without it they are found by asking each `ask_again_s`.
    """

    manage_address: bool = False
    ask_again_s: Annotated[int, Range(60, 86_400, "s")] = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingTable:
    """Reports of deliveries (self-pickup) to the platform of mini-programs, for an appid under that regime.

    Only for payments made inside such a mini-program: others never enter it, and each would be asked in vain.
    """

    app_secret_file: Annotated[Path, _PRIVATE] | None = None
    base_url: Annotated[str, Pattern(r"https?://[^/?#@\s]+", "scheme and host")] = MINI_PROGRAM_HOST
    proxy_url: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        parted(self.base_url)
