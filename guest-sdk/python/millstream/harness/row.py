"""An entry as tests write and read it."""

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Union

START = 1_767_225_600_000_000_000
"""When a harness starts, and the timestamp of rows that name none: 2026-01-01T00:00:00Z."""


@dataclass
class Row:
    """A whole entry: everything a stage could read or change. Equal to a str by its line alone."""

    line: str
    timestamp: int = START
    labels: Dict[str, str] = field(default_factory=dict)
    fields: Dict[str, str] = field(default_factory=dict)
    metadata: Dict[str, str] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return self.line == other
        return isinstance(other, Row) and vars(self) == vars(other)

    def copy(self) -> "Row":
        """A row of one's own."""
        return Row(self.line, self.timestamp, dict(self.labels), dict(self.fields), dict(self.metadata))


def row_of(given: Union[str, Row, Mapping[str, Any]]) -> Row:
    """A row from a line, a row, or a mapping with a row's keys."""
    if isinstance(given, str):
        return Row(given)
    return given.copy() if isinstance(given, Row) else Row(**given)
