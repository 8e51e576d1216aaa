"""Numbered reports as rows: composed by the bridge's room, written with the change that they tell of."""

from typing import Final

from edge.core.command import ReportCommand
from edge.core.model import GrantLease, RaiseAlarm, ReportClosed, ReportOutcome, RequestCode, Sale, Step
from edge.ports import Bridge, Heading, Journal, OutboxRow, Report

_NUMBERED: Final = RequestCode | GrantLease | ReportClosed | ReportOutcome | RaiseAlarm | ReportCommand


class Reports:
    """Rows for the journal's next commit. Composing one twice gives the same number."""

    def __init__(self, journal: Journal, bridge: Bridge) -> None:
        self._journal: Final = journal
        self._bridge: Final = bridge

    def of(self, decided: Step) -> tuple[OutboxRow, ...]:
        """What a step of a sale tells."""
        told = [effect for effect in decided.effects if isinstance(effect, _NUMBERED)]
        return tuple(self.row(decided.sale, effect, number) for number, effect in enumerate(told, start=1))

    def row(self, sale: Sale | None, report: Report, ahead: int = 1) -> OutboxRow:
        """One report, the `ahead`th of the next commit."""
        heading = Heading(
            session=self._journal.session,
            n=self._journal.last_n + ahead,
            row_hash=self._journal.row_hash(sale) if sale is not None else "",
        )
        return self._bridge.compose(heading, sale, report)
