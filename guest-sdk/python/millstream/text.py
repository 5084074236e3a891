"""Text values laid end to end, and the rewriting of some of them.

Bytes are UTF-8, so a place in a str is a place in the bytes only where every character is ASCII. Such a column is
decoded once and sliced; another is sliced first and decoded value by value.
"""

from itertools import accumulate
from typing import Iterable, Iterator, List, Optional, Sequence


class TextColumn:
    """A column of texts: value i is `bytes[ends[i - 1]:ends[i]]`. Not to be changed; build a new one."""

    __slots__ = ("bytes", "ends", "_text")

    def __init__(self, bytes: bytes, ends: List[int]) -> None:
        self.bytes = bytes
        self.ends = ends
        self._text: Optional[str] = None

    @classmethod
    def of(cls, values: Iterable[str]) -> "TextColumn":
        """A column of these values."""
        texts = values if isinstance(values, list) else list(values)
        joined = "".join(texts)
        if joined.isascii():
            return cls(joined.encode(), list(accumulate(map(len, texts))))
        # A lone surrogate is no character and has no UTF-8.
        encoded = [text.encode("utf-8", "replace") for text in texts]
        return cls(b"".join(encoded), list(accumulate(map(len, encoded))))

    @classmethod
    def blank(cls, rows: int) -> "TextColumn":
        """A column of empty values."""
        return cls(b"", [0] * rows)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> str:
        """Value `row`."""
        end = self.ends[row]
        start = self.ends[row - 1] if row else 0
        if row < 0:
            raise IndexError(f"row {row} of a column of {len(self.ends)} rows")
        text = self._text
        if text is None:
            text = self._decode()
        return text[start:end] if text else self.bytes[start:end].decode()

    def __iter__(self) -> Iterator[str]:
        text = self._decode()
        start = 0
        if text:
            for end in self.ends:
                yield text[start:end]
                start = end
        else:
            data = self.bytes
            for end in self.ends:
                yield data[start:end].decode()
                start = end

    @property
    def is_ascii(self) -> bool:
        """Whether every character is one byte."""
        return self.bytes.isascii()

    @property
    def text(self) -> str:
        """All values end to end."""
        return self._decode() or self.bytes.decode()

    def pick(self, rows: Sequence[int]) -> "TextColumn":
        """Only these rows."""
        ends, data = self.ends, self.bytes
        pieces = [data[ends[row - 1] if row else 0 : ends[row]] for row in rows]
        return TextColumn(b"".join(pieces), list(accumulate(map(len, pieces))))

    def _decode(self) -> str:
        """The whole column, or "" when a place in it is no place in the bytes."""
        if self._text is None:
            self._text = self.bytes.decode("ascii") if self.bytes.isascii() else ""
        return self._text


def edited(original: TextColumn, changes: "dict[int, str]") -> TextColumn:
    """A new version of a column that differs in some rows: untouched stretches are copied in one piece."""
    rows = sorted(changes)
    if len(rows) == len(original):
        return TextColumn.of([changes[row] for row in rows])
    old, data = original.ends, original.bytes
    pieces: List[bytes] = []
    ends: List[int] = old
    start = grown = 0
    done = 0
    for row in rows:
        made = changes[row].encode("utf-8", "replace")
        before = old[row - 1] if row else 0
        if before > start:
            pieces.append(data[start:before])
        pieces.append(made)
        start = old[row]
        growth = len(made) - (start - before)
        if growth:
            if ends is old:
                ends = old[:]
            if grown:
                ends[done:row] = [end + grown for end in old[done:row]]
            grown += growth
            done = row
    pieces.append(data[start:])
    if grown:
        ends[done:] = [end + grown for end in old[done:]]
    return TextColumn(b"".join(pieces), ends)
