"""The technician's screen, for gloves and for SSH at 80 by 24: lanes as a grid, live trace, large buttons.

The one file that knows textual. It draws what the desk says and calls what the desk does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, DataTable, Label, Static

from edge.drivers.serial_port import Transport
from edge.tech.choice import PortTaken
from edge.tech.desk import Cell, Desk
from edge.tech.visit import NoAnswer, Refused
from edge.tech.watch import Seen, Wanted

LOOKS_PER_S: Final = 10
COLUMNS: Final = 3
ROUTINE: Final = frozenset({"poll", "ack", "acknowledged"})
CELL: Final = 16
TONES: Final = {"go": "#3CCB84", "wait": "#F0B04A", "stop": "#FF8A80", "info": "#7FB6F5"}
QUIET: Final = "#9DB0A7"
_BUTTONS: Final = (
    ("scan", "Scan lanes (s)"),
    ("turn", "Test vend (v)"),
    ("temperature", "Temperature (t)"),
    ("faults", "Faults (f)"),
    ("record", "Record (r)"),
)
_CSS: Final = """
Screen { background: #101413; color: #EAF1ED; }
#machine { height: 1; background: #1A201E; padding: 0 1; }
#top { height: 15; }
#lanes { width: 1fr; background: #101413; }
#keys { width: 24; }
#keys Button { width: 100%; height: 3; }
#said { height: 1; background: #1A201E; padding: 0 1; }
#trace { height: 1fr; padding: 0 1; }
Ask { align: center middle; }
#ask { width: 60; height: auto; border: heavy #F0B04A; background: #1A201E; padding: 1 2; }
#ask Horizontal { height: 3; margin-top: 1; }
#ask Button { width: 1fr; }
"""


class Ask(ModalScreen[bool]):
    """Whether a motor may really turn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Turn"),
        Binding("n,escape", "answer(False)", "Leave"),
    ]

    def __init__(self, lane: int) -> None:
        super().__init__()
        self._lane: Final = lane

    def compose(self) -> ComposeResult:
        """A question, and two large answers; the one that moves nothing has the focus."""
        with Vertical(id="ask"):
            yield Label(f"Lane {self._lane}: its motor turns once, and a product may fall.")
            yield Label("Keep hands out of the machine.")
            with Horizontal():
                yield Button("Leave it (n)", id="no")
                yield Button("Turn (y)", id="yes", variant="warning")

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Either button."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Either key."""
        self.dismiss(yes)


class TechScreen(App[None]):
    """Its return code is 1 when the port could not be had or kept. `folder`: where traces are recorded."""

    CSS = _CSS
    ENABLE_COMMAND_PALETTE = False
    TITLE = "wxvend tech"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "press('scan')", "Scan"),
        Binding("v", "press('turn')", "Test vend"),
        Binding("t", "press('temperature')", "Temperature"),
        Binding("f", "press('faults')", "Faults"),
        Binding("r", "press('record')", "Record"),
        Binding("p", "hide_polls", "Polls"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(
        self, settings: Any, *, config: Path | None, folder: Path, port: Transport | None = None
    ) -> None:
        super().__init__()
        self.desk: Final = Desk(settings, config=config, told=self.say)
        self.why = ""
        self._folder: Final = folder
        self._port: Final = port
        self._shown: list[Cell] = []
        self._wanted = Wanted()

    def compose(self) -> ComposeResult:
        """One line of the machine, lanes and buttons, one line of words, the trace."""
        yield Static(id="machine")
        with Horizontal(id="top"):
            yield DataTable(id="lanes", show_header=False, cursor_type="cell", zebra_stripes=False)
            with Vertical(id="keys"):
                for name, words in _BUTTONS:
                    yield Button(words, id=name)
        yield Static("arrows choose a lane, p leaves out polls, q ends", id="said", markup=False)
        yield Static(id="trace", markup=False)

    def on_mount(self) -> None:
        """Open the port, and look ten times a second at what there is."""
        self.query_one("#lanes", DataTable).focus()
        self._work()
        self.set_interval(1 / LOOKS_PER_S, self.look)

    @work
    async def _work(self) -> None:
        try:
            async with self.desk.open(self._port):
                await asyncio.Event().wait()
        except (PortTaken, Refused) as error:
            self.why = str(error)
            self.exit(return_code=1)

    # ------------------------------------------------------------ what is shown

    def say(self, words: str) -> None:
        """One line to the person."""
        self.query_one("#said", Static).update(words)

    def look(self) -> None:
        """Draw what the desk knows now."""
        counters = self.desk.watch.counters
        recording = f"  ● {self.desk.recording.name}" if self.desk.recording is not None else ""
        self.query_one("#machine", Static).update(
            Text(
                f"{self.desk.line}  {counters.frames} frames  {counters.bad_checks} bad{recording}",
                no_wrap=True,
            )
        )
        trace = self.query_one("#trace", Static)
        rows = max(1, trace.size.height)
        seen = [each for each in self.desk.newest if self._wanted.shows(each)]
        trace.update(Text("\n").join(_traced(seen[-rows:])))
        cells = self.desk.cells()
        if cells != self._shown:
            self._shown = cells
            self._draw(cells)

    def _draw(self, cells: list[Cell]) -> None:
        table = self.query_one("#lanes", DataTable)
        at = table.cursor_coordinate
        table.clear(columns=True)
        for _ in range(COLUMNS):
            table.add_column("", width=CELL)
        for first in range(0, len(cells), COLUMNS):
            table.add_row(*_padded(cells[first : first + COLUMNS]))
        table.cursor_coordinate = at

    # ------------------------------------------------------------ what is done

    def action_press(self, name: str) -> None:
        """A key is its button."""
        self._begin(name)

    def action_hide_polls(self) -> None:
        """Leave out of the trace what only keeps a line awake, or show it; it is counted all the same."""
        hidden = frozenset() if self._wanted.hidden else ROUTINE
        self._wanted = Wanted(hidden=hidden)
        self.say("polls are left out; p shows them" if hidden else "polls are shown; p leaves them out")

    @on(Button.Pressed, "#keys Button")
    def pressed(self, event: Button.Pressed) -> None:
        """A button is the desk's function of its name."""
        assert event.button.id is not None
        self._begin(event.button.id)

    def _begin(self, name: str) -> None:
        if isinstance(self.screen, Ask):
            return
        if name == "turn":
            self._turn()
        elif name == "record":
            self._record()
        else:
            self._do(name, getattr(self.desk, name))

    @work
    async def _turn(self) -> None:
        lane = self._chosen()
        if lane is None:
            self.say("choose a lane first; scan finds them")
        elif await self.push_screen_wait(Ask(lane)):
            self._do("test vend", lambda: self.desk.turn(lane))
        else:
            self.say(f"lane {lane}: left alone")

    @work
    async def _do(self, name: str, work_of: Callable[[], Awaitable[str]]) -> None:
        self.say(f"{name} …")
        try:
            self.say(f"{name}: {await work_of()}")
        except (NoAnswer, Refused, TimeoutError) as error:
            self.say(f"■ {error or 'took too long; look into the machine'}")

    def _record(self) -> None:
        if self.desk.recording is not None:
            file = self.desk.recording
            self.desk.stop_recording()
            self.say(f"recorded. Read it with: wxvend tech replay {file.name}")
            return
        try:
            self.say(f"recording to {self.desk.record(self._folder).name}; r ends it")
        except OSError as error:
            self.say(f"■ {self._folder}: {error.strerror}")

    def _chosen(self) -> int | None:
        at = self.query_one("#lanes", DataTable).cursor_coordinate
        place = at.row * COLUMNS + at.column
        return self._shown[place].lane if place < len(self._shown) else None


def _padded(cells: list[Cell]) -> list[Text]:
    shown = [
        Text.assemble((f"{cell.mark} {cell.lane:>4} ", TONES[cell.tone]), (cell.words[: CELL - 7], QUIET))
        for cell in cells
    ]
    return [*shown, *[Text("")] * (COLUMNS - len(shown))]


def _traced(seen: Iterable[Seen]) -> Iterable[Text]:
    """A frame a line: time, side, turn-round, name, bytes."""
    for each in seen:
        frame = each.frame
        turn = "" if each.turn_ms is None else f"+{each.turn_ms}"
        name = frame.name if frame.valid else frame.reason
        tone = QUIET if frame.valid else TONES["stop"]
        line = Text(f"{each.at_ms / 1000:>9.3f} {each.direction} {turn:>5}  ", QUIET)
        line.append(f"{name[:20]:<20} ", "#EAF1ED" if frame.valid else tone)
        line.append(frame.raw.hex(" "), tone)
        line.no_wrap = True
        line.truncate(78, overflow="ellipsis")
        yield line
