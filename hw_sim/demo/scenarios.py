"""What can go wrong in a demo, in words and as switches of the simulators; and how each has to end."""

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

LONGEST_S: Final = 30


class Pays(enum.Enum):
    """What the shopper does with the code. A late payment was begun while the order could still be paid."""

    NOW = enum.auto()
    NEVER = enum.auto()
    TOO_LATE = enum.auto()  # it completes after the machine's promise ended
    FIRST_OF_TWO = enum.auto()  # it completes after another product was chosen


class Mishap(enum.Enum):
    """What strikes while the shopper pays, or between the payment and the end of the sale."""

    POWER_CUT = enum.auto()
    POWER_CUT_AFTER_DROP = enum.auto()
    BROKER_RESTART = enum.auto()
    OFFLINE = enum.auto()
    BRIDGE_CRASH = enum.auto()
    JOURNAL_LOST = enum.auto()
    BLIND_SENSOR = enum.auto()
    REPLAY = enum.auto()


# Those in which a key is pressed while somebody pays.
KEYED: Final = frozenset({"reselect"})
CUT_OFF: Final = frozenset({Mishap.OFFLINE, Mishap.JOURNAL_LOST})  # those that pull the machine's cable


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scripted sale.

    `board` and `platform` name faults that the simulators switch on before the selection. `pays` says what
    the shopper does with the code, `mishap` what strikes when it is paid at once. `ends` are the allowed
    results, `pieces` how many fall (None: one when it vended, else none), `notices` how often the platform
    tells of the payment. With `doubted` money goes back only after doubt was recorded; `differs` is the one
    thing in which the witnesses may disagree. `longest_s` is how long all of it may take. `switch` is what
    the page calls it, if it can be switched on there.
    """

    words: str
    ends: tuple[str, ...]
    pieces: int | None = None
    notices: int = 1
    board: str = ""
    platform: str = ""
    pays: Pays = Pays.NOW
    mishap: Mishap | None = None
    doubted: bool = False
    differs: str = ""
    longest_s: int = LONGEST_S
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
        "power-cut": Scenario(
            words="The machine's computer loses its power while the motor turns; the board goes on. No motor "
            "starts twice: what the board still repeats decides, else doubt is recorded, and the money goes "
            "back.",
            ends=("vended", "refunded"),
            pieces=1,
            mishap=Mishap.POWER_CUT,
            doubted=True,
            longest_s=45,
        ),
        "power-cut-after-drop": Scenario(
            words="The whole machine loses its power when the piece fell and the board has not yet said so. "
            "Nobody can know: doubt is recorded, then the money goes back.",
            ends=("refunded",),
            pieces=1,
            board="late_result",  # so that the power is gone before the board can speak
            mishap=Mishap.POWER_CUT_AFTER_DROP,
            doubted=True,
            longest_s=45,
        ),
        "broker-restart": Scenario(
            words="The broker dies right after the payment, forgets everything and starts again. The product "
            "drops when both sides are back in time, else the money goes back.",
            ends=("vended", "refunded"),
            mishap=Mishap.BROKER_RESTART,
        ),
        "offline-after-payment": Scenario(
            words="The machine loses its network as the shopper pays, until its promise is over. Nothing "
            "drops; when it is back and says so, the money goes back.",
            ends=("refunded",),
            mishap=Mishap.OFFLINE,
        ),
        "bridge-crash": Scenario(
            words="The bridge is killed while the motor turns, and starts again. The machine repeats what "
            "became of it until the bridge has written it down.",
            ends=("vended",),
            mishap=Mishap.BRIDGE_CRASH,
        ),
        "journal-lost": Scenario(
            words="The machine's journal is deleted while a paid sale waits. Its new one proves nothing: "
            "doubt is recorded, the money goes back, and nothing is sold until a person confirms it.",
            ends=("refunded",),
            mishap=Mishap.JOURNAL_LOST,
            doubted=True,
            differs="an order at the platform for a sale that the machine never opened",
        ),
        "blind-sensor": Scenario(
            words="Pieces fall and the drop sensor sees none of them. The money goes back, twice in a row; "
            "then the lane's brake takes it out of sale.",
            ends=("refunded",),
            pieces=2,
            notices=2,
            board="blind_sensor",
            mishap=Mishap.BLIND_SENSOR,
            differs="the machine wrote 0 deliveries, but 2 pieces fell",
        ),
        "replay-attack": Scenario(
            words="Somebody with all rights at the broker sends the machine's authorisation again, as it was "
            "and altered for the next sale. Nothing moves; what is forged is refused and counted.",
            ends=("vended",),
            mishap=Mishap.REPLAY,
        ),
    }
)
