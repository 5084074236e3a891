"""A named column beside the line: values extracted by earlier stages, or Loki structured metadata.

Not every row has a value. The bitmap of those that have stays empty as long as all have, which is the usual case.
"""

from typing import Dict, Iterable, Iterator, List, Optional, Sequence

from .text import TextColumn, edited


class Field:
    """A named column; a row has a value or has none. Not to be changed; build a new one."""

    __slots__ = ("name", "values", "present")

    def __init__(self, name: str, values: TextColumn, present: bytes = b"") -> None:
        self.name = name
        self.values = values
        self.present = present

    @classmethod
    def of(cls, name: str, values: Iterable[Optional[str]]) -> "Field":
        """A column of these values; None is a row without one."""
        given = list(values)
        return cls(name, TextColumn.of([value or "" for value in given]), _bitmap(value is not None for value in given))

    def __len__(self) -> int:
        return len(self.values)

    def has(self, row: int) -> bool:
        """Whether row `row` has a value."""
        return not self.present or bool(self.present[row >> 3] >> (row & 7) & 1)

    def __getitem__(self, row: int) -> Optional[str]:
        """The value of row `row`, or None."""
        return self.values[row] if self.has(row) else None

    def __iter__(self) -> Iterator[Optional[str]]:
        if not self.present:
            return iter(self.values)
        return (value if self.has(row) else None for row, value in enumerate(self.values))

    def pick(self, rows: Sequence[int]) -> "Field":
        """Only these rows."""
        present = _bitmap(map(self.has, rows)) if self.present else b""
        return Field(self.name, self.values.pick(rows), present)


def edited_field(name: str, original: Optional[Field], rows: int, changes: Dict[int, Optional[str]]) -> Field:
    """A new version of a field that differs in some rows; the others keep what they had."""
    values = original.values if original else TextColumn.blank(rows)
    has: List[bool] = [original.has(row) for row in range(rows)] if original else [False] * rows
    for row, value in changes.items():
        has[row] = value is not None
    return Field(name, edited(values, {row: value or "" for row, value in changes.items()}), _bitmap(has))


def _bitmap(has: Iterable[bool]) -> bytes:
    flags = list(has)
    if all(flags):
        return b""
    bits = bytearray((len(flags) + 7) >> 3)
    for row, flag in enumerate(flags):
        if flag:
            bits[row >> 3] |= 1 << (row & 7)
    return bytes(bits)
