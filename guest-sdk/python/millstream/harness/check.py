"""The contract, as the host enforces it on every edit."""

from typing import Dict, List

from .. import contract
from ..setup import Interest
from .row import Row


class Given:
    """What the stage was given: the rows of the call, and those it held."""

    def __init__(
        self, first: int, rows: int, known: Dict[int, Row], sets: List[Dict[str, str]], interest: Interest
    ) -> None:
        self.batch = range(first, first + rows)
        self.known = known
        self.sets = sets
        self.interest = interest

    def origins(self, edit: contract.LogEdit) -> List[int]:
        """The id each output row stems from."""
        return list(self.batch) if edit.origins is None else edit.origins

    def staying(self, edit: contract.LogEdit) -> int:
        """How many of the known rows live on, as output or held."""
        return len({*self.origins(edit), *edit.held})


def check(given: Given, edit: contract.LogEdit) -> None:
    """Raises AssertionError for the first violation."""
    origins = given.origins(edit)
    _check_rows(given, edit, origins)
    _check_labels(given, edit, origins)
    _check_columns(edit, len(origins))
    vanished = len(given.known) - given.staying(edit)
    dropped = sum(drop.count for drop in edit.drops)
    _hold(dropped <= vanished, f"{dropped} rows counted as dropped, but only {vanished} vanished")


def _hold(is_so: bool, violation: str) -> None:
    if not is_so:
        raise AssertionError(f"the stage broke the contract: {violation}")


def _check_rows(given: Given, edit: contract.LogEdit, origins: List[int]) -> None:
    for id in origins:
        _hold(id in given.known, f"origin {id} is neither of the batch nor held")
    for id in edit.held:
        _hold(id in given.known, f"row {id} is held, but neither of the batch nor held before")
    _hold(all(a < b for a, b in zip(edit.held, edit.held[1:])), f"held rows do not ascend: {edit.held}")
    _hold(not edit.held or given.interest.holds, "rows are held without `setup.holds()`")
    for id in set(origins) & set(edit.held):
        _hold(False, f"row {id} is put out and held at once, so a replay would repeat it")


def _check_labels(given: Given, edit: contract.LogEdit, origins: List[int]) -> None:
    old = any(id not in given.batch for id in origins)
    sets = len(given.sets)
    if edit.labels is not None:
        sets = len(edit.labels.ends)
        _check_sets(edit.labels)
    elif old:
        _hold(edit.streams is None, "streams without labels, though a held row is put out")
    if edit.streams is not None:
        _check_length("streams", len(edit.streams), len(origins))
        for stream in edit.streams:
            _hold(0 <= stream < sets, f"stream {stream} of {sets} label sets")
    elif edit.labels is not None:
        one_by_one = not old and sets == len(given.sets)
        _hold(one_by_one, "labels without streams have to replace the batch's label sets one by one")


def _check_sets(labels: contract.LabelSets) -> None:
    count = labels.ends[-1] if labels.ends else 0
    names = _check_text("label names", labels.names, count)
    _check_text("label values", labels.values, count)
    for start, end in zip([0, *labels.ends], labels.ends):
        _hold(start <= end, "the label sets do not fit together")
        of_set = names[start:end]
        ascend = all(a < b for a, b in zip(of_set, of_set[1:]))
        _hold(ascend, f"the names of a label set are not sorted and unique: {of_set}")


def _check_columns(edit: contract.LogEdit, rows: int) -> None:
    if edit.lines is not None:
        _check_text("lines", edit.lines, rows)
    if edit.timestamps is not None:
        _check_length("timestamps", len(edit.timestamps), rows)
    for fields in (edit.set_fields, edit.set_metadata):
        names = [field.name for field in fields]
        for field in fields:
            _hold(names.count(field.name) == 1, f"`{field.name}` is set twice")
            _check_text(field.name, field.values, rows)
            if field.present:
                _check_length(f"the bitmap of {field.name}", len(field.present), (rows + 7) // 8)


def _check_text(name: str, column: contract.TextColumn, rows: int) -> List[bytes]:
    _check_length(name, len(column.ends), rows)
    last = column.ends[-1] if column.ends else 0
    _hold(last == len(column.bytes), f"{name}: the last end is not the length")
    values = []
    for start, end in zip([0, *column.ends], column.ends):
        _hold(start <= end, f"{name}: the ends do not ascend")
        values.append(column.bytes[start:end])
        try:
            values[-1].decode()
        except UnicodeDecodeError:
            _hold(False, f"{name}: a value is not UTF-8")
    return values


def _check_length(name: str, is_length: int, rows: int) -> None:
    _hold(is_length == rows, f"{name}: {is_length} values for {rows}")
