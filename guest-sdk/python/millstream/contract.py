"""The contract (`stage.wit`) as Python values: the shapes that componentize-py's bindings have.

The bindings exist only while a component is built, so natively these take their place. The names of the fields are
all that matters: the bindings read attributes, whatever the class.
"""

from dataclasses import dataclass, field
from typing import List, Optional, Protocol, Tuple

from .kernel import Column, Found, Patch


@dataclass
class TextColumn:
    """Text values laid end to end: value i is bytes[ends[i - 1]:ends[i]]."""

    bytes: bytes
    ends: List[int]


@dataclass
class Field:
    """A named column; `present` is a bit a row, empty when every row has a value."""

    name: str
    values: TextColumn
    present: bytes


@dataclass
class LabelSets:
    """Set i is the pairs ends[i - 1]..ends[i] of names and values."""

    ends: List[int]
    names: TextColumn
    values: TextColumn


@dataclass
class LogBatch:
    """A batch as it crosses: only the columns of the interest."""

    first_id: int
    rows: int
    timestamps: List[int]
    lines: TextColumn
    streams: List[int]
    labels: LabelSets
    fields: List[Field]
    metadata: List[Field]


@dataclass
class DropCount:
    """Rows dropped on purpose."""

    reason: str
    count: int


@dataclass
class LogEdit:
    """What a call changed; None and empty lists of fields mean as it was."""

    origins: Optional[List[int]] = None
    lines: Optional[TextColumn] = None
    timestamps: Optional[List[int]] = None
    streams: Optional[List[int]] = None
    labels: Optional[LabelSets] = None
    set_fields: List[Field] = field(default_factory=list)
    set_metadata: List[Field] = field(default_factory=list)
    drops: List[DropCount] = field(default_factory=list)
    held: List[int] = field(default_factory=list)
    wake_at: Optional[int] = None


class Host(Protocol):
    """What the agent gives a plugin: `host`, then `kernels`. Levels, kinds and cases are called as in `stage.wit`."""

    def log(self, level: str, message: str) -> None: ...

    def register(self, kind: str, name: str, help: str, label_names: List[str], buckets: List[float]) -> int: ...

    def add(self, metric: int, label_values: List[str], value: float) -> None: ...

    def set(self, metric: int, label_values: List[str], value: float) -> None: ...

    def pattern(self, expression: str) -> int: ...

    def pointers(self, named: List[Tuple[str, str]]) -> int: ...

    def matches(self, pattern: int, of: Column) -> bytes: ...

    def find(self, pattern: int, of: Column) -> List[Found]: ...

    def extract(self, pattern: int, of: Column, into: str) -> int: ...

    def replace(self, pattern: int, of: Column, text: str) -> int: ...

    def pluck(self, pointers: int, of: Column, into: str) -> int: ...

    def splice(self, of: Column, patches: List[Patch]) -> None: ...

    def drop_rows(self, rows: bytes, reason: str) -> None: ...

    def read(self, of: Column) -> Optional[Field]: ...
