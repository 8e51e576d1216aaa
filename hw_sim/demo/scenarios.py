"""What can go wrong in a demo, in words and as switches of the simulators; and how each has to end."""

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


class Pays(enum.Enum):
    """What the shopper does with the code. A late payment was begun while the order could still be paid."""

    NOW = enum.auto()
    NEVER = enum.auto()
    TOO_LATE = enum.auto()  # it completes after the machine's promise ended
    FIRST_OF_TWO = enum.auto()  # it completes after another product was chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scripted sale.

    `board` and `platform` name faults that the simulators switch on before the selection. `pays` says what
    the shopper does with the code. `ends` are the allowed results, `notices` how often the platform tells of
    the payment, `switch` what the page calls it, if it can be switched on there.
    """

    words: str
    ends: tuple[str, ...]
    notices: int = 1
    board: str = ""
    platform: str = ""
    pays: Pays = Pays.NOW
    switch: str = ""


SCENARIOS: Final = MappingProxyType(
    {
        "": Scenario(words="Everything works.", ends=("vended",)),
        "jam": Scenario(
            words="The motor turns and the spiral jams. The board reports it; the money goes back.",
            ends=("refunded",),
            board="jam",
            switch="jam the spiral",
        ),
        "no-drop": Scenario(
            words="The motor turns, the drop sensor sees nothing fall. The money goes back.",
            ends=("refunded",),
            board="no_drop",
            switch="let nothing fall",
        ),
        "double-notice": Scenario(
            words="The platform notifies the payment twice. One product, no refund.",
            ends=("vended",),
            notices=2,
            platform="double_notice",
            switch="notify twice",
        ),
        "lost-notice": Scenario(
            words="The platform's notification never arrives. The bridge asks; the product drops.",
            ends=("vended",),
            notices=0,
            platform="lost_notice",
            switch="lose the notification",
        ),
        "late-payment": Scenario(
            words="The shopper pays after the machine's promise ended. Nothing drops; the money goes back.",
            ends=("refunded",),
            pays=Pays.TOO_LATE,
        ),
        "abandoned": Scenario(
            words="The shopper walks away. The order is closed at the platform, so nobody can pay it later.",
            ends=("closed_unpaid",),
            notices=0,
            pays=Pays.NEVER,
        ),
        "reselect": Scenario(
            words="The shopper chooses again and pays the first code. A product or the money, never both.",
            ends=("refunded", "vended"),
            pays=Pays.FIRST_OF_TWO,
        ),
    }
)
