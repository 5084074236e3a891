"""Label sets: what the streams of a batch are called, and label changes row by row.

A set crosses once per batch and rows point at it, so work on labels is work on a handful of sets. A row stands on a
set; changing a label moves it to another. Each step (set, name, value) is taken once and remembered.
"""

import re
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .text import TextColumn


class LabelSets:
    """The label sets of a batch: `sets[i]` maps names to values, sorted by name. Not to be changed."""

    __slots__ = ("ends", "names", "values", "_sets")

    def __init__(self, ends: List[int], names: TextColumn, values: TextColumn) -> None:
        self.ends = ends
        self.names = names
        self.values = values
        self._sets: Optional[List[Dict[str, str]]] = None

    @classmethod
    def of(cls, sets: Iterable[Mapping[str, str]]) -> "LabelSets":
        """Label sets of one's own."""
        names: List[str] = []
        values: List[str] = []
        ends: List[int] = []
        for labels in sets:
            for name in sorted(labels):
                names.append(name)
                values.append(labels[name])
            ends.append(len(names))
        return cls(ends, TextColumn.of(names), TextColumn.of(values))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Mapping[str, str]:
        """Set `index`."""
        return self._decoded()[index]

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        return iter(self._decoded())

    def _decoded(self) -> List[Dict[str, str]]:
        if self._sets is None:
            pairs = list(zip(self.names, self.values))
            self._sets = [dict(pairs[start:end]) for start, end in zip([0, *self.ends], self.ends)]
        return self._sets


class LabelEdit:
    """Changes the labels of rows; new label sets are made once per distinct change."""

    __slots__ = ("streams", "sets", "_steps")

    def __init__(self, streams: Sequence[int], labels: LabelSets) -> None:
        self.streams = list(streams)
        self.sets: List[Mapping[str, str]] = list(labels)
        self._steps: Dict[Tuple[int, str, Optional[str]], int] = {}

    def change(self, row: int, name: str, value: Optional[str]) -> None:
        """Gives row `row` a label; None removes it."""
        step = (self.streams[row], name, value)
        to = self._steps.get(step)
        if to is None:
            self._steps[step] = to = self._step(*step)
        self.streams[row] = to

    def finish(self, rows: Optional[Sequence[int]]) -> Tuple[List[int], LabelSets]:
        """The rows' sets, and those sets that a row in `rows` (all, if None) stands on."""
        standing = self.streams if rows is None else [self.streams[row] for row in rows]
        places = {old: new for new, old in enumerate(dict.fromkeys(standing))}
        return [places[old] for old in standing], LabelSets.of(self.sets[old] for old in places)

    def _step(self, start: int, name: str, value: Optional[str]) -> int:
        labels = self.sets[start]
        if labels.get(name) == value:
            return start
        changed = {other: old for other, old in labels.items() if other != name}
        if value is not None:
            changed[name] = value
        self.sets.append(changed)
        return len(self.sets) - 1


_LABEL_NAME = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


def is_label_name(name: str) -> bool:
    """Whether Prometheus and Loki accept `name` as the name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`."""
    return _LABEL_NAME.fullmatch(name) is not None
