"""What a report's cells say in the reader's language. Implements `report_files.TableWords`."""

from typing import Final

from cloud_bridge.core.report_tables import Column, Table
from cloud_bridge.web.saying import cause_in, said
from cloud_bridge.web.words import table as words_of

_GROUPS: Final = {"way": "way", "place": "place", "debit": "account", "credit": "account"}


class ReportWords:
    """One language."""

    def __init__(self, language: str) -> None:
        self._language: Final = language
        self._words: Final = words_of(language)

    def title(self, table: Table) -> str:
        """Of the report."""
        return self._words[f"report.{table.report}"]

    def head(self, column: Column) -> str:
        """Of a column."""
        return self._words[f"column.{column.name}"]

    def cell(self, column: Column, words: str) -> str:
        """What a cell says."""
        if column.name in _GROUPS:
            return self._words.get(f"{_GROUPS[column.name]}.{words}", words)
        if column.name == "reason":
            return cause_in(words, self._language) if words else ""
        return said(words, self._language) if column.name == "why" else words

    @property
    def sum(self) -> str:
        """Of the last row."""
        return self._words["sum"]
