"""What a stage declares while it is constructed: the columns it reads or changes, and its metrics."""

from typing import List, Sequence

from .host import attached
from .kernel import Pattern, Pointers
from .metric import Counter, Gauge, Histogram

EVERY = "*"
"""The name that stands for every field, or every metadata column."""


class Interest:
    """The columns a stage declared."""

    __slots__ = ("timestamps", "lines", "labels", "fields", "metadata", "holds")

    def __init__(self) -> None:
        self.timestamps = False
        self.lines = False
        self.labels = False
        self.fields: List[str] = []
        self.metadata: List[str] = []
        self.holds = False

    def has_field(self, name: str) -> bool:
        """Whether the field `name` was declared."""
        return name in self.fields or EVERY in self.fields

    def has_metadata(self, name: str) -> bool:
        """Whether the structured metadata `name` was declared."""
        return name in self.metadata or EVERY in self.metadata


class Setup:
    """Collects the declarations of one stage.

    What is not declared does not cross into the sandbox, which is most of a stage's speed; using it then fails the
    call with a message that names the declaration.
    """

    def __init__(self) -> None:
        self.interest = Interest()

    def reads_lines(self) -> "Setup":
        """The stage reads or changes lines."""
        self.interest.lines = True
        return self

    def reads_timestamps(self) -> "Setup":
        """The stage reads or changes timestamps."""
        self.interest.timestamps = True
        return self

    def reads_labels(self) -> "Setup":
        """The stage reads or changes labels, or tells streams apart."""
        self.interest.labels = True
        return self

    def reads_field(self, name: str) -> "Setup":
        """The stage reads or changes the field `name`, a value extracted by an earlier stage or by itself."""
        _add(self.interest.fields, name)
        return self

    def reads_every_field(self) -> "Setup":
        """The stage does not know beforehand which fields it reads or changes. All of them cross."""
        return self.reads_field(EVERY)

    def reads_metadata(self, name: str) -> "Setup":
        """The stage reads or changes the structured metadata `name`."""
        _add(self.interest.metadata, name)
        return self

    def reads_every_metadata(self) -> "Setup":
        """The stage does not know beforehand which metadata it reads or changes. All of it crosses."""
        return self.reads_metadata(EVERY)

    def holds(self) -> "Setup":
        """The stage keeps entries back across calls."""
        self.interest.holds = True
        return self

    def pattern(self, expression: str) -> Pattern:
        """Compiles a pattern that the host runs: `batch.matches`, `find`, `extract`, `replace`. Raises Refusal."""
        return Pattern(attached().pattern(expression))

    def pointers(self, **named: str) -> Pointers:
        """Compiles JSON pointers that the host follows, each under the name of the column it fills: `batch.pluck`. Raises Refusal."""
        return Pointers(attached().pointers(list(named.items())))

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        """Registers a counter."""
        return Counter(name, help, labels, ())

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        """Registers a gauge."""
        return Gauge(name, help, labels, ())

    def histogram(self, name: str, help: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
        """Registers a histogram."""
        return Histogram(name, help, labels, buckets)


def _add(names: List[str], name: str) -> None:
    if name not in names:
        names.append(name)
