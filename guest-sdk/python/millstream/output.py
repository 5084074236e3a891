"""What a call gives back, column by column.

The columns are those of the output rows: the batch's rows in order, or, after `origins` is set, one row per origin.
What is not set is inherited: from the row itself, or from its origin.
"""

from typing import Dict, Iterable, List, Mapping, Optional, Union

from . import contract
from .field import Field
from .labels import LabelSets
from .text import TextColumn


class Output:
    """The whole-column side of an edit. Setting a column needs no declaration."""

    __slots__ = ("origins", "lines", "timestamps", "streams", "labels", "fields", "metadata", "drops", "held", "wake")

    def __init__(self) -> None:
        self.origins: Optional[List[int]] = None
        self.lines: Optional[TextColumn] = None
        self.timestamps: Optional[List[int]] = None
        self.streams: Optional[List[int]] = None
        self.labels: Optional[LabelSets] = None
        self.fields: Dict[str, Field] = {}
        self.metadata: Dict[str, Field] = {}
        self.drops: Dict[str, int] = {}
        self.held: List[int] = []
        self.wake: Optional[int] = None

    def set_origins(self, ids: Iterable[int]) -> None:
        """Output row i inherits every unset column from the row with id `ids[i]`: of this batch, or held."""
        self.origins = list(ids)

    def set_lines(self, lines: Union[TextColumn, Iterable[str]]) -> None:
        """The lines."""
        self.lines = lines if isinstance(lines, TextColumn) else TextColumn.of(lines)

    def set_timestamps(self, timestamps: Iterable[int]) -> None:
        """The timestamps, nanoseconds since the epoch."""
        self.timestamps = list(timestamps)

    def set_streams(self, streams: Iterable[int]) -> None:
        """Per row the index of its label set: in those of `set_labels`, else in the batch's."""
        self.streams = list(streams)

    def set_labels(self, labels: Union[LabelSets, Iterable[Mapping[str, str]]]) -> None:
        """New label sets. Without `set_streams`, set i replaces the batch's set i."""
        self.labels = labels if isinstance(labels, LabelSets) else LabelSets.of(labels)

    def set_field(self, field: Field) -> None:
        """Replaces the whole field of that name; a row without a value has none afterwards."""
        self.fields[field.name] = field

    def set_metadata(self, field: Field) -> None:
        """Replaces the whole structured metadata of that name."""
        self.metadata[field.name] = field

    def count_drops(self, reason: str, count: int) -> None:
        """Counts rows as dropped on purpose. Rows that vanish uncounted were merged into others."""
        self.drops[reason] = self.drops.get(reason, 0) + count

    def hold(self, ids: Iterable[int]) -> None:
        """The ids of every row the stage keeps back, ascending. Each call says it anew."""
        self.held = list(ids)

    def wake_at(self, time: Optional[int]) -> None:
        """Asks for a `tick` at that time; each call says it anew."""
        self.wake = time

    def to_contract(self) -> contract.LogEdit:
        """The edit as it crosses."""
        # A text column, a field and the label sets have the contract's shape already.
        return contract.LogEdit(
            self.origins,
            self.lines,  # type: ignore[arg-type]
            self.timestamps,
            self.streams,
            self.labels,  # type: ignore[arg-type]
            list(self.fields.values()),  # type: ignore[arg-type]
            list(self.metadata.values()),  # type: ignore[arg-type]
            [contract.DropCount(reason, count) for reason, count in self.drops.items()],
            self.held,
            self.wake,
        )


UNCHANGED = Output().to_contract()
"""The answer of a call that changed nothing: the same object every time."""
