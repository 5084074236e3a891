"""Rows to columns, as they cross into the sandbox, and an edit back onto rows."""

from typing import Dict, List

from .. import contract
from ..field import Field
from ..labels import LabelSets
from ..setup import EVERY, Interest
from ..text import TextColumn
from .check import Given
from .row import Row


def distinct_labels(rows: List[Row]) -> List[Dict[str, str]]:
    """The label sets of rows in the order of their first appearance."""
    sets: List[Dict[str, str]] = []
    for row in rows:
        if row.labels not in sets:
            sets.append(row.labels)
    return sets


def batch_of(first_id: int, rows: List[Row], interest: Interest) -> contract.LogBatch:
    """Only the columns of the interest."""
    sets = distinct_labels(rows) if interest.labels else []
    return contract.LogBatch(
        first_id,
        len(rows),
        [row.timestamp for row in rows] if interest.timestamps else [],
        _text(TextColumn.of([row.line for row in rows] if interest.lines else [])),
        [sets.index(row.labels) for row in rows] if interest.labels else [],
        _labels(LabelSets.of(sets)),
        _columns([row.fields for row in rows], interest.fields),
        _columns([row.metadata for row in rows], interest.metadata),
    )


def applied(given: Given, edit: contract.LogEdit) -> List[Row]:
    """The rows an edit, already checked, puts out."""
    lines = list(TextColumn(edit.lines.bytes, edit.lines.ends)) if edit.lines is not None else None
    labels = sets_of(edit.labels) if edit.labels is not None else None
    out = []
    for index, id in enumerate(given.origins(edit)):
        row = given.known[id].copy()
        stream = given.sets.index(row.labels) if row.labels in given.sets else 0
        if edit.streams is not None:
            stream = edit.streams[index]
            row.labels = dict(given.sets[stream]) if labels is None else row.labels
        if labels is not None:
            row.labels = labels[stream]
        if lines is not None:
            row.line = lines[index]
        if edit.timestamps is not None:
            row.timestamp = edit.timestamps[index]
        for fields, target in ((edit.set_fields, row.fields), (edit.set_metadata, row.metadata)):
            for raw in fields:
                value = Field(raw.name, TextColumn(raw.values.bytes, raw.values.ends), raw.present)[index]
                target.pop(raw.name, None)
                if value is not None:
                    target[raw.name] = value
        out.append(row)
    return out


def sets_of(raw: contract.LabelSets) -> List[Dict[str, str]]:
    """Label sets as dicts."""
    names, values = TextColumn(raw.names.bytes, raw.names.ends), TextColumn(raw.values.bytes, raw.values.ends)
    return [dict(labels) for labels in LabelSets(raw.ends, names, values)]


def _columns(rows: List[Dict[str, str]], names: List[str]) -> List[contract.Field]:
    there = sorted({name for row in rows for name in row if name in names or EVERY in names})
    made = [Field.of(name, [row.get(name) for row in rows]) for name in there]
    return [contract.Field(field.name, _text(field.values), field.present) for field in made]


def _text(column: TextColumn) -> contract.TextColumn:
    return contract.TextColumn(column.bytes, column.ends)


def _labels(sets: LabelSets) -> contract.LabelSets:
    return contract.LabelSets(sets.ends, _text(sets.names), _text(sets.values))
