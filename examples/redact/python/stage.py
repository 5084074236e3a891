"""Masks card and resident-registration numbers in lines, and counts what it masked.

Both kinds have at least thirteen digits with nothing but spaces and hyphens between them. `bytes.translate` turns
every digit to 0 and takes spaces and hyphens out at the speed of C, so whether a stretch of lines can hold a number
is one search; only the lines that can are looked at with regexes.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Iterator, Tuple

from millstream import Batch, Refusal, Setup, Stage, TextColumn

ZEROS = bytes.maketrans(b"123456789", b"000000000")
THIRTEEN = b"0" * 13
STRETCH = 16

CANDIDATE = re.compile("[0-9](?:[ -]?[0-9]){12}")
RUN = re.compile("[0-9]+")
RESIDENT = re.compile("[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])-[1-8][0-9]{6}(?![0-9])")
# No more groups than a card has digits: a line that is nothing but numbers must not cost its square.
GROUPS = re.compile("[0-9]+(?:[ -][0-9]+){0,18}")
LAST_GROUP = re.compile("[ -][0-9]+$")


class Redact(Stage):
    """The stage."""

    @dataclass
    class Settings:
        """The settings, as a manifest gives them. An unknown one is refused by its name."""

        cards: bool = True
        resident_numbers: bool = True
        mask: str = "*"

    def __init__(self, settings: Settings, setup: Setup) -> None:
        if not settings.cards and not settings.resident_numbers:
            raise Refusal.setting("cards", "is false and so is `resident_numbers`: there is nothing to mask")
        if len(settings.mask) != 1:
            raise Refusal.setting("mask", "must be exactly one character")
        self.settings = settings
        setup.reads_lines()
        self.redacted = setup.counter("redacted_total", "Numbers masked.", ["kind"])

    def process(self, batch: Batch, now: int) -> None:
        found: Counter[str] = Counter()
        for row in suspects(batch.lines):
            entry = batch[row]
            masked = self.masked(entry.line, found)
            if masked != entry.line:
                entry.line = masked
        for kind, count in found.items():
            self.redacted.add(count, kind=kind)

    def masked(self, line: str, found: "Counter[str]") -> str:
        """The line without its numbers; counts them in `found`."""
        pieces = []
        done = 0
        candidate = CANDIDATE.search(line)
        while candidate:
            start = candidate.start()
            end = RUN.match(line, start).end()
            for kind, mask in (("resident", self.resident), ("card", self.card)):
                length, text = mask(line, start)
                if length:
                    pieces += line[done:start], text
                    done = end = start + length
                    found[kind] += 1
                    break
            candidate = CANDIDATE.search(line, end)
        return "".join([*pieces, line[done:]])

    def resident(self, line: str, start: int) -> Tuple[int, str]:
        """The length of the resident number that starts at `start`, 0 for none, and what stands in for it."""
        hyphen = line[start + 6 : start + 7] == "-"
        if not hyphen or not self.settings.resident_numbers or not RESIDENT.match(line, start):
            return 0, ""
        return 14, line[start : start + 8] + self.settings.mask * 6

    def card(self, line: str, start: int) -> Tuple[int, str]:
        """Likewise a card: the longest run of whole groups with 13 to 19 digits that passes Luhn."""
        groups = GROUPS.match(line, start) if self.settings.cards else None
        text = groups.group() if groups else ""
        while len(text) >= 13:
            digits = text.replace(" ", "").replace("-", "")
            if len(digits) < 13:
                return 0, ""
            if len(digits) <= 19 and passes_luhn(digits):
                return len(text), RUN.sub(self.masking(len(digits) - 4), text)
            last = LAST_GROUP.search(text)
            text = text[: last.start()] if last else ""
        return 0, ""

    def masking(self, count: int):
        """Replaces the digits of group after group by the mask, `count` of them in all."""

        def replace(group: "re.Match[str]") -> str:
            nonlocal count
            masked = min(count, len(group.group()))
            count -= masked
            return self.settings.mask * masked + group.group()[masked:]

        return replace


def suspects(lines: TextColumn) -> Iterator[int]:
    """The rows that may hold a number."""
    data, ends = lines.bytes, lines.ends
    for first in range(0, len(ends), STRETCH):
        stretch = range(first, min(first + STRETCH, len(ends)))
        start = ends[first - 1] if first else 0
        if THIRTEEN not in data[start : ends[stretch[-1]]].translate(ZEROS, b" -"):
            continue
        for row in stretch:
            if THIRTEEN in data[start : ends[row]].translate(ZEROS, b" -"):
                yield row
            start = ends[row]


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before."""
    doubled = sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(digit)] for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[::-2]))) % 10 == 0
