"""Handles of metrics that a stage registered.

Every call crosses to the host, so a stage adds up within a batch and reports once.
"""

from typing import Dict, List, Sequence

from .host import attached


class _Metric:
    __slots__ = ("name", "_names", "_handle")
    kind = ""

    def __init__(self, name: str, help: str, labels: Sequence[str], buckets: Sequence[float]) -> None:
        self.name = name
        self._names = list(labels)
        self._handle = attached().register(self.kind, name, help, self._names, list(buckets))

    def _values(self, labels: Dict[str, str]) -> List[str]:
        if labels.keys() != set(self._names):
            raise TypeError(f"the metric `{self.name}` has the labels {self._names}, got {list(labels)}")
        return [labels[name] for name in self._names]


class Counter(_Metric):
    """A value that only grows."""

    __slots__ = ()
    kind = "counter"

    def add(self, value: float, **labels: str) -> None:
        """Adds `value`, which is not negative, to the series with these labels."""
        attached().add(self._handle, self._values(labels), value)


class Gauge(_Metric):
    """A value that goes up and down."""

    __slots__ = ()
    kind = "gauge"

    def set(self, value: float, **labels: str) -> None:
        """Sets the series with these labels."""
        attached().set(self._handle, self._values(labels), value)

    def add(self, value: float, **labels: str) -> None:
        """Adds `value` to the series with these labels."""
        attached().add(self._handle, self._values(labels), value)


class Histogram(_Metric):
    """Values counted by size."""

    __slots__ = ()
    kind = "histogram"

    def observe(self, value: float, **labels: str) -> None:
        """Counts `value` in the series with these labels."""
        attached().add(self._handle, self._values(labels), value)
