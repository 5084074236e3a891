"""What the host does on whole columns for a stage: patterns and JSON pointers, run natively.

A stage compiles them in `__init__` (`setup.pattern`, `setup.pointers`) and runs them in `process` (`batch.extract`, …). No row of
the column crosses into the sandbox unless it is asked for, so the column needs no declaration.
"""

from dataclasses import dataclass
from typing import Iterator, Union


@dataclass(frozen=True)
class Column:
    """Which column: `LINES`, `Column.field(name)`, `Column.metadata(name)`."""

    kind: str
    name: str = ""

    @staticmethod
    def field(name: str) -> "Column":
        """The field of that name."""
        return Column("field", name)

    @staticmethod
    def metadata(name: str) -> "Column":
        """The structured metadata of that name."""
        return Column("metadata", name)


LINES = Column("lines")
"""The lines."""


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern: RE2, as the bundled stages have it."""

    handle: int


@dataclass(frozen=True)
class Pointers:
    """Compiled JSON pointers."""

    handle: int


@dataclass(frozen=True)
class Found:
    """A match: the bytes `start:end` of row `row`, which are `text`. In a text that is ASCII these are characters."""

    row: int
    start: int
    end: int
    text: str

    def put(self, text: str) -> "Patch":
        """`text` in its place."""
        return Patch(self.row, self.start, self.end, text)


@dataclass(frozen=True)
class Patch:
    """A text to put in the place of the bytes `start:end` of row `row`."""

    row: int
    start: int
    end: int
    text: str


class Rows:
    """Some rows of a batch. Iterates over them; `in`, `len`, `|`, `&`, `-` and `~` work as on sets."""

    __slots__ = ("bits", "count")

    def __init__(self, bits: Union[bytes, int], count: int) -> None:
        """`bits`: row i at bit i % 8 of byte i // 8. `count`: how many rows the batch has."""
        self.bits = bits if isinstance(bits, int) else int.from_bytes(bits, "little")
        self.count = count

    def __contains__(self, row: int) -> bool:
        return 0 <= row < self.count and bool(self.bits >> row & 1)

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __iter__(self) -> Iterator[int]:
        # Over bytes: shifting the whole number for every row would take time in proportion to the square of the rows.
        for place, byte in enumerate(self.to_bytes()):
            while byte:
                low = byte & -byte
                yield place * 8 + low.bit_length() - 1
                byte ^= low

    def __or__(self, other: "Rows") -> "Rows":
        return Rows(self.bits | other.bits, self.count)

    def __and__(self, other: "Rows") -> "Rows":
        return Rows(self.bits & other.bits, self.count)

    def __sub__(self, other: "Rows") -> "Rows":
        return Rows(self.bits & ~other.bits, self.count)

    def __invert__(self) -> "Rows":
        return Rows(~self.bits & ((1 << self.count) - 1), self.count)

    def to_bytes(self) -> bytes:
        """The bits as they cross."""
        return self.bits.to_bytes((self.count + 7) // 8, "little")
