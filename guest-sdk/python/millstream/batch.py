"""A batch as a stage sees it: declared columns to read, and two ways to change them.

Entries change single rows and read back what was set; the columns show the batch as it came in; `out` takes whole
columns. Both may be used in one call for different columns, but changes of entries cannot be combined with
`out.set_origins`, which redefines what a row is. Columns are wrapped when first used: a stage that looks at nothing
pays for nothing. What entries are told is gathered in one dict per column; a column that none touched costs nothing.
"""

from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

from . import contract
from .field import Field, edited_field
from .host import attached
from .kernel import LINES, Column, Found, Patch, Pattern, Pointers, Rows
from .labels import LabelEdit, LabelSets
from .outcome import Failure, undeclared
from .output import UNCHANGED, Output
from .setup import Interest
from .text import TextColumn, edited


class Batch:
    """A batch of entries, good until the call returns."""

    __slots__ = (
        "_raw",
        "_interest",
        "_rows",
        "_out",
        "_lines",
        "_labels",
        "_fields",
        "_metadata",
        "_new_lines",
        "_new_timestamps",
        "_new_labels",
        "_new_fields",
        "_new_metadata",
        "_dropped",
    )

    def __init__(self, raw: contract.LogBatch, interest: Interest) -> None:
        self._raw = raw
        self._interest = interest
        self._rows = raw.rows
        self._out: Optional[Output] = None
        self._lines: Optional[TextColumn] = None
        self._labels: Optional[LabelSets] = None
        self._fields: Optional[Dict[str, Field]] = None
        self._metadata: Optional[Dict[str, Field]] = None
        self._new_lines: Optional[Dict[int, str]] = None
        self._new_timestamps: Optional[List[int]] = None
        self._new_labels: Optional[LabelEdit] = None
        self._new_fields: Optional[Dict[str, Dict[int, Optional[str]]]] = None
        self._new_metadata: Optional[Dict[str, Dict[int, Optional[str]]]] = None
        self._dropped: Optional[Dict[int, str]] = None

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> "Iterator[Entry]":
        """The rows, in order."""
        for row in range(self._rows):
            yield Entry(self, row)

    def __getitem__(self, row: int) -> "Entry":
        """Row `row`."""
        if not 0 <= row < self._rows:
            raise IndexError(f"row {row} of a batch of {self._rows} rows")
        return Entry(self, row)

    def id(self, row: int) -> int:
        """The id of row `row`."""
        return self._raw.first_id + row

    @property
    def out(self) -> Output:
        """Where whole columns are set."""
        if self._out is None:
            self._out = Output()
        return self._out

    @property
    def lines(self) -> TextColumn:
        """The lines as they came in."""
        if self._lines is None:
            if not self._interest.lines:
                raise undeclared("lines", "reads_lines()")
            self._lines = TextColumn(self._raw.lines.bytes, self._raw.lines.ends)
        return self._lines

    @property
    def timestamps(self) -> Sequence[int]:
        """The timestamps as they came in, nanoseconds since the epoch."""
        if not self._interest.timestamps:
            raise undeclared("timestamps", "reads_timestamps()")
        return self._raw.timestamps

    @property
    def streams(self) -> Sequence[int]:
        """Per row the index of its set in `labels`."""
        if not self._interest.labels:
            raise undeclared("streams", "reads_labels()")
        return self._raw.streams

    @property
    def labels(self) -> LabelSets:
        """The label sets."""
        if self._labels is None:
            if not self._interest.labels:
                raise undeclared("labels", "reads_labels()")
            raw = self._raw.labels
            names, values = raw.names, raw.values
            self._labels = LabelSets(raw.ends, TextColumn(names.bytes, names.ends), TextColumn(values.bytes, values.ends))
        return self._labels

    @property
    def fields(self) -> Mapping[str, Field]:
        """Every field that crossed: those declared, where some row has a value."""
        if self._fields is None:
            self._fields = _adopted(self._raw.fields)
        return self._fields

    @property
    def all_metadata(self) -> Mapping[str, Field]:
        """All structured metadata that crossed."""
        if self._metadata is None:
            self._metadata = _adopted(self._raw.metadata)
        return self._metadata

    def field(self, name: str) -> Optional[Field]:
        """The field `name`; None when no row has it."""
        field = self.fields.get(name)
        if field is None and not self._interest.has_field(name):
            raise undeclared(f"the field `{name}`", f'reads_field("{name}")')
        return field

    def metadata(self, name: str) -> Optional[Field]:
        """The structured metadata `name`; None when no row has it."""
        field = self.all_metadata.get(name)
        if field is None and not self._interest.has_metadata(name):
            raise undeclared(f"the metadata `{name}`", f'reads_metadata("{name}")')
        return field

    def relabel(self, change: Callable[[Dict[str, str]], None]) -> None:
        """Changes the labels set by set, never row by row: all rows of a stream change alike."""
        sets = [dict(labels) for labels in self.labels]
        for labels in sets:
            change(labels)
        self.out.set_labels(sets)

    def matches(self, pattern: Pattern, of: Column = LINES) -> Rows:
        """The rows in which the pattern matches. The host does this, like all down to `read`, on the column as it is then."""
        return Rows(attached().matches(pattern.handle, of), self._rows)

    def find(self, pattern: Pattern, of: Column = LINES) -> List[Found]:
        """Every match, with its text."""
        return attached().find(pattern.handle, of)

    def extract(self, pattern: Pattern, of: Column = LINES, into: str = "fields") -> int:
        """Sets the named groups of each row's first match as fields (or `metadata`); answers how many rows match."""
        return attached().extract(pattern.handle, of, into)

    def replace(self, pattern: Pattern, text: str, of: Column = LINES) -> int:
        """Puts `text` in the place of every match, `${name}` being a group; answers how many rows changed."""
        return attached().replace(pattern.handle, of, text)

    def pluck(self, pointers: Pointers, of: Column = LINES, into: str = "fields") -> int:
        """Sets what the pointers find in each row's JSON as fields (or `metadata`); answers how many rows are JSON."""
        return attached().pluck(pointers.handle, of, into)

    def splice(self, patches: Iterable[Patch], of: Column = LINES) -> None:
        """Puts texts in the place of parts of values. Patches ascend and do not overlap."""
        patches = list(patches)
        if patches:
            attached().splice(of, patches)

    def drop_rows(self, rows: Rows, reason: str) -> None:
        """Drops rows on purpose. Not together with `out.set_origins` or `entry.drop`."""
        attached().drop_rows(rows.to_bytes(), reason)

    def read(self, of: Column) -> Optional[Field]:
        """A column as it is now; None when no row has a value."""
        raw = attached().read(of)
        return None if raw is None else Field(raw.name, TextColumn(raw.values.bytes, raw.values.ends), raw.present)

    def finish(self) -> contract.LogEdit:
        """The edit of this call."""
        touched = (
            self._new_lines,
            self._new_timestamps,
            self._new_labels,
            self._new_fields,
            self._new_metadata,
            self._dropped,
        )
        if touched != (None, None, None, None, None, None):
            self._gather(self.out)
        return UNCHANGED if self._out is None else self._out.to_contract()

    def _gather(self, out: Output) -> None:
        if out.origins is not None:
            raise Failure("the stage changes single entries and sets origins in one call")
        if self._new_lines is not None:
            _once(out.lines, "lines")
            out.lines = edited(self.lines, self._new_lines)
        if self._new_timestamps is not None:
            _once(out.timestamps, "timestamps")
            out.timestamps = self._new_timestamps
        for changes, target, column in (
            (self._new_fields, out.fields, self.field),
            (self._new_metadata, out.metadata, self.metadata),
        ):
            for name, values in (changes or {}).items():
                _once(target.get(name), f"`{name}`")
                target[name] = edited_field(name, column(name), self._rows, values)
        kept: Optional[List[int]] = None
        if self._dropped is not None:
            kept = [row for row in range(self._rows) if row not in self._dropped]
            self._take_out(out, kept)
        if self._new_labels is not None:
            _once(out.labels if out.streams is None else out.streams, "labels")
            out.streams, out.labels = self._new_labels.finish(kept)

    def _take_out(self, out: Output, kept: List[int]) -> None:
        """Reduces every set column to the rows that are kept, and names them as origins."""
        out.origins = [self._raw.first_id + row for row in kept]
        if out.lines is not None:
            out.lines = out.lines.pick(kept)
        for columns in (out.fields, out.metadata):
            for name in columns:
                columns[name] = columns[name].pick(kept)
        if out.timestamps is not None:
            out.timestamps = [out.timestamps[row] for row in kept]
        if out.streams is not None:
            out.streams = [out.streams[row] for row in kept]
        for reason in (self._dropped or {}).values():
            out.count_drops(reason, 1)


class Entry:
    """One entry. What is set on it is what it reads from then on; it takes effect when the call returns."""

    __slots__ = ("_batch", "row")

    def __init__(self, batch: Batch, row: int) -> None:
        self._batch = batch
        self.row = row

    @property
    def id(self) -> int:
        """The row's id: unique at this stage, ascending."""
        return self._batch.id(self.row)

    @property
    def line(self) -> str:
        """The text. Needs `setup.reads_lines()`."""
        # Without a call that can be spared: this is the hottest line of most stages.
        batch, row = self._batch, self.row
        changed = batch._new_lines
        if changed is not None and row in changed:
            return changed[row]
        column = batch._lines
        if column is None:
            column = batch.lines
        text = column._text
        if text:
            ends = column.ends
            return text[ends[row - 1] if row else 0 : ends[row]]
        return column[row]

    @line.setter
    def line(self, line: str) -> None:
        if not isinstance(line, str):
            raise TypeError(f"a line must be a str, got {type(line).__name__}")
        batch = self._batch
        if batch._new_lines is None:
            batch.lines  # declared?
            batch._new_lines = {}
        batch._new_lines[self.row] = line

    @property
    def timestamp(self) -> int:
        """Nanoseconds since the epoch. Needs `setup.reads_timestamps()`."""
        changed = self._batch._new_timestamps
        return (self._batch.timestamps if changed is None else changed)[self.row]

    @timestamp.setter
    def timestamp(self, timestamp: int) -> None:
        if not isinstance(timestamp, int):
            raise TypeError(f"a timestamp must be an int of nanoseconds, got {type(timestamp).__name__}")
        batch = self._batch
        if batch._new_timestamps is None:
            batch._new_timestamps = list(batch.timestamps)
        batch._new_timestamps[self.row] = timestamp

    def labels(self) -> Mapping[str, str]:
        """All labels. Needs `setup.reads_labels()`."""
        edit = self._batch._new_labels
        if edit is not None:
            return edit.sets[edit.streams[self.row]]
        return self._batch.labels[self._batch.streams[self.row]]

    def label(self, name: str) -> Optional[str]:
        """The label `name`, or None. Needs `setup.reads_labels()`."""
        return self.labels().get(name)

    def set_label(self, name: str, value: str) -> None:
        """Sets a label. Needs `setup.reads_labels()`. Cheap where values repeat."""
        if not isinstance(value, str):
            raise TypeError(f"the label `{name}` must be a str, got {type(value).__name__}")
        edit = self._batch._new_labels
        if edit is None:
            edit = self._label_edit()
        edit.change(self.row, name, value)

    def remove_label(self, name: str) -> None:
        """Removes a label. Needs `setup.reads_labels()`."""
        self._label_edit().change(self.row, name, None)

    def _label_edit(self) -> LabelEdit:
        batch = self._batch
        if batch._new_labels is None:
            batch._new_labels = LabelEdit(batch.streams, batch.labels)
        return batch._new_labels

    def field(self, name: str) -> Optional[str]:
        """The field `name`, or None. Needs `setup.reads_field(name)`."""
        return _value(self._batch._new_fields, self._batch.field, name, self.row)

    def set_field(self, name: str, value: str) -> None:
        """Sets a field. Needs `setup.reads_field(name)`: the other rows keep theirs."""
        self._change_field(name, _text(f"the field `{name}`", value))

    def unset_field(self, name: str) -> None:
        """Takes a field's value away. Needs `setup.reads_field(name)`."""
        self._change_field(name, None)

    def _change_field(self, name: str, value: Optional[str]) -> None:
        batch = self._batch
        batch.field(name)
        if batch._new_fields is None:
            batch._new_fields = {}
        batch._new_fields.setdefault(name, {})[self.row] = value

    def metadata(self, name: str) -> Optional[str]:
        """The structured metadata `name`, or None. Needs `setup.reads_metadata(name)`."""
        return _value(self._batch._new_metadata, self._batch.metadata, name, self.row)

    def set_metadata(self, name: str, value: str) -> None:
        """Sets structured metadata. Needs `setup.reads_metadata(name)`."""
        self._change_metadata(name, _text(f"the metadata `{name}`", value))

    def unset_metadata(self, name: str) -> None:
        """Removes structured metadata. Needs `setup.reads_metadata(name)`."""
        self._change_metadata(name, None)

    def _change_metadata(self, name: str, value: Optional[str]) -> None:
        batch = self._batch
        batch.metadata(name)
        if batch._new_metadata is None:
            batch._new_metadata = {}
        batch._new_metadata.setdefault(name, {})[self.row] = value

    def drop(self, reason: str) -> None:
        """Drops the entry on purpose, counted under `reason`. Dropping it again changes nothing."""
        batch = self._batch
        if batch._dropped is None:
            batch._dropped = {}
        batch._dropped.setdefault(self.row, reason)


def _value(
    changes: Optional[Dict[str, Dict[int, Optional[str]]]],
    column: Callable[[str], Optional[Field]],
    name: str,
    row: int,
) -> Optional[str]:
    if changes is not None and row in changes.get(name, ()):
        return changes[name][row]
    field = column(name)
    return None if field is None else field[row]


def _text(what: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, got {type(value).__name__}")
    return value


def _once(column: object, what: str) -> None:
    if column is not None:
        raise Failure(f"the stage sets {what} both as a whole column and on single entries")


def _adopted(raw: List[contract.Field]) -> Dict[str, Field]:
    return {
        field.name: Field(field.name, TextColumn(field.values.bytes, field.values.ends), field.present) for field in raw
    }
