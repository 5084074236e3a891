"""The kernels of the host, on rows of a harness.

Python's `re` stands in for RE2: of what both know it means the same, `$` and `\\z` apart, which are taken care of. What RE2 does not have
(look-around, back-references) is refused here, too. `millstream plugin test` runs the cases in the agent's own.
"""

import json
import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from .. import contract
from ..field import Field
from ..kernel import Column, Found, Patch, Rows
from ..outcome import Refusal
from .row import Row

_NOT_RE2 = ("(?=", "(?!", "(?<=", "(?<!", "(?P=", "(?>", "(?#")
_GROUP = re.compile(r"\$(?:\$|\{(\w+)\}|(\d+))")


class Kernels:
    """Compiled kernels, and the rows of the call at hand."""

    def __init__(self) -> None:
        self._patterns: List["re.Pattern[str]"] = []
        self._pointers: List[List[Tuple[str, str]]] = []
        self._rows: Optional[List[Row]] = None
        self._dropped: Dict[int, str] = {}

    def begin(self, rows: List[Row]) -> None:
        """Hands over the rows of a call to `process`."""
        self._rows = [row.copy() for row in rows]
        self._dropped = {}

    def end(self) -> Tuple[List[Row], Dict[int, str]]:
        """Takes back the rows as kernels left them, and which of them are dropped."""
        rows, self._rows = self._at_hand(), None
        return rows, self._dropped

    def pattern(self, expression: str) -> int:
        try:
            self._patterns.append(re.compile(_python(expression), re.ASCII))
        except re.error as error:
            raise Refusal(f"{error} in `{expression}`") from None
        return len(self._patterns) - 1

    def pointers(self, named: List[Tuple[str, str]]) -> int:
        for _, pointer in named:
            if not pointer.startswith("/"):
                raise Refusal(f"`{pointer}` is no JSON pointer: it begins with `/`")
        self._pointers.append(named)
        return len(self._pointers) - 1

    def matches(self, pattern: int, of: Column) -> bytes:
        bits = 0
        for row, text in self._texts(of):
            if self._patterns[pattern].search(text):
                bits |= 1 << row
        return Rows(bits, len(self._at_hand())).to_bytes()

    def find(self, pattern: int, of: Column) -> List[Found]:
        return [
            Found(row, *(len(text[:at].encode()) for at in found.span()), found.group())
            for row, text in self._texts(of)
            for found in self._patterns[pattern].finditer(text)
        ]

    def extract(self, pattern: int, of: Column, into: str) -> int:
        found = [(row, self._patterns[pattern].search(text)) for row, text in self._texts(of)]
        matches = [(row, match) for row, match in found if match]
        for row, match in matches:
            getattr(self._at_hand()[row], into).update({k: v or "" for k, v in match.groupdict().items()})
        return len(matches)

    def replace(self, pattern: int, of: Column, text: str) -> int:
        def group(of_match: "re.Match[str]") -> Callable[["re.Match[str]"], str]:
            def value(reference: "re.Match[str]") -> str:
                name = reference[1] or reference[2]
                if name is None:
                    return "$"
                try:
                    return of_match[int(name) if name.isdigit() else name] or ""
                except IndexError:
                    return ""

            return value

        return self._rewrite(of, lambda old, _: self._patterns[pattern].sub(lambda m: _GROUP.sub(group(m), text), old))

    def pluck(self, pointers: int, of: Column, into: str) -> int:
        count = 0
        for row, text in self._texts(of):
            try:
                document = json.loads(text)
            except ValueError:
                continue
            count += 1
            for name, pointer in self._pointers[pointers]:
                value = _follow(document, pointer)
                if value is not None:
                    getattr(self._at_hand()[row], into)[name] = value
        return count

    def splice(self, of: Column, patches: List[Patch]) -> None:
        order = [(patch.row, patch.start, patch.end) for patch in patches]
        for before, after in zip(order, order[1:]):
            assert (before[0], before[2]) <= after[:2], f"the patch {after} is not behind {before}"

        def patched(old: str, row: int) -> str:
            data = old.encode()
            for patch in reversed([patch for patch in patches if patch.row == row]):
                assert patch.start <= patch.end <= len(data), f"the patch {patch} does not fit `{old}`"
                data = data[: patch.start] + patch.text.encode() + data[patch.end :]
            return data.decode()

        self._rewrite(of, patched)

    def drop_rows(self, rows: bytes, reason: str) -> None:
        assert len(rows) == (len(self._at_hand()) + 7) // 8, "the bits do not fit the batch"
        for row in Rows(rows, len(self._at_hand())):
            if row < len(self._at_hand()):
                self._dropped.setdefault(row, reason)

    def read(self, of: Column) -> Optional[contract.Field]:
        values: List[Optional[str]] = [None] * len(self._at_hand())
        for row, text in self._texts(of):
            values[row] = text
        if not any(value is not None for value in values):
            return None
        field = Field.of(of.name, values)
        return contract.Field(field.name, contract.TextColumn(field.values.bytes, field.values.ends), field.present)

    def _at_hand(self) -> List[Row]:
        assert self._rows is not None, "kernels: there is a batch only while `process` runs"
        return self._rows

    def _texts(self, of: Column) -> List[Tuple[int, str]]:
        """The rows that have a value, with it."""
        rows = enumerate(self._at_hand())
        if of.kind == "lines":
            return [(row, entry.line) for row, entry in rows]
        beside = "fields" if of.kind == "field" else "metadata"
        return [(row, getattr(entry, beside)[of.name]) for row, entry in rows if of.name in getattr(entry, beside)]

    def _rewrite(self, of: Column, change: Callable[[str, int], str]) -> int:
        changed = 0
        for row, old in self._texts(of):
            new = change(old, row)
            changed += new != old
            entry = self._at_hand()[row]
            if of.kind == "lines":
                entry.line = new
            else:
                (entry.fields if of.kind == "field" else entry.metadata)[of.name] = new
        return changed


def _python(expression: str) -> str:
    """An RE2 expression as `re` has it."""
    out = []
    place, inside = 0, False
    while place < len(expression):
        character = expression[place]
        if character == "\\":
            character = expression[place : place + 2]
        elif not inside and expression.startswith(_NOT_RE2, place):
            character = ""
        if character == "" or character[1:].isdecimal():
            raise Refusal(f"`{expression[place:]}` is not RE2: it has no look-around and no back-references")
        place += len(character)
        inside = character != "]" and (inside or character == "[")
        out.append(r"\Z" if character == r"\z" or (character == "$" and not inside) else character)
    return "".join(out)


def _follow(value: Any, pointer: str) -> Optional[str]:
    for step in pointer[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(key)] if key.isdecimal() and int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
