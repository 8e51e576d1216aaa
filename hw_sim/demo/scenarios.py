"""What can go wrong in a demo, in words and as switches of the simulators; and how each has to end."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scripted sale.

    `board` and `platform` name faults that the simulators switch on before the selection. `pays` says what
    the shopper does with the code: `now`, `never`, `too_late` (as the order is being closed, after the
    machine's promise ended) or `first_of_two` (after choosing again). `ends` are the allowed results.
    """

    words: str
    ends: tuple[str, ...]
    pieces: int
    board: str = ""
    platform: str = ""
    pays: str = "now"


SCENARIOS: Final = MappingProxyType(
    {
        "": Scenario(words="Everything works.", ends=("vended",), pieces=1),
        "jam": Scenario(
            words="The motor turns and the spiral jams. The board reports it; the money goes back.",
            ends=("refunded",),
            pieces=0,
            board="jam",
        ),
        "no-drop": Scenario(
            words="The motor turns, the drop sensor sees nothing fall. The money goes back.",
            ends=("refunded",),
            pieces=0,
            board="no_drop",
        ),
        "double-notice": Scenario(
            words="The platform notifies the payment twice. One product, no refund.",
            ends=("vended",),
            pieces=1,
            platform="double_notice",
        ),
        "lost-notice": Scenario(
            words="The platform's notification never arrives. The bridge asks; the product drops.",
            ends=("vended",),
            pieces=1,
            platform="lost_notice",
        ),
        "late-payment": Scenario(
            words="The shopper pays after the machine's promise ended. Nothing drops; the money goes back.",
            ends=("refunded",),
            pieces=0,
            pays="too_late",
        ),
        "abandoned": Scenario(
            words="The shopper walks away. The order is closed at the platform, so nobody can pay it later.",
            ends=("closed_unpaid",),
            pieces=0,
            pays="never",
        ),
        "reselect": Scenario(
            words="The shopper chooses again and pays the first code. A product or the money, never both.",
            ends=("refunded", "vended"),
            pieces=0,
            pays="first_of_two",
        ),
    }
)
