"""Columns: bytes and text, rows that change."""

import random
import unittest

from millstream import Field, LabelSets, TextColumn
from millstream.field import edited_field
from millstream.text import edited

SAMPLES = ["", "a", "no card", "é", "주민번호", "😀 4111", "\ufeffmark", "\0"]


class Columns(unittest.TestCase):
    def test_a_column_gives_back_what_it_was_made_of(self):
        for values in (SAMPLES, ["a", "", "bc"], []):
            column = TextColumn.of(values)
            self.assertEqual(list(column), values)
            self.assertEqual([column[row] for row in range(len(values))], values)
            self.assertEqual(column.text, "".join(values))
        self.assertRaises(IndexError, lambda: column[0])
        self.assertRaises(IndexError, lambda: TextColumn.of(["a"])[-1])

    def test_an_edited_column_is_the_one_written_anew(self):
        for seed in range(500):
            rng = random.Random(seed)
            values = rng.choices(SAMPLES[: rng.choice([3, 8])], k=rng.randrange(12))
            original = TextColumn.of(values)
            changes = {row: rng.choice(SAMPLES) for row in range(len(values)) if rng.random() < 0.4}
            made = edited(original, dict(sorted(changes.items(), key=lambda _: rng.random())))
            expected = [changes.get(row, value) for row, value in enumerate(values)]
            self.assertEqual(list(made), expected, f"seed {seed}")
            self.assertEqual((made.bytes, made.ends), (TextColumn.of(expected).bytes, TextColumn.of(expected).ends))
            self.assertEqual(list(original), values, f"seed {seed}")

    def test_an_edited_field_keeps_the_rows_that_were_not_touched(self):
        for seed in range(500):
            rng = random.Random(seed)
            values = [rng.choice(["v", "", None]) for _ in range(1 + rng.randrange(20))]
            original = Field.of("f", values) if rng.random() < 0.7 else None
            if original is None:
                values = [None] * len(values)
            changes = {row: rng.choice(["w", None]) for row in range(len(values)) if rng.random() < 0.4}
            made = edited_field("f", original, len(values), changes)
            expected = [changes.get(row, value) for row, value in enumerate(values)]
            self.assertEqual(list(made), expected, f"seed {seed}")
            kept = [row for row in range(len(values)) if rng.random() < 0.5]
            self.assertEqual(list(made.pick(kept)), [expected[row] for row in kept], f"seed {seed}")

    def test_a_bitmap_is_left_out_when_every_row_has_a_value(self):
        self.assertEqual(Field.of("f", ["a"] * 9).present, b"")
        self.assertEqual(Field.of("f", ["a", None] + ["a"] * 7).present, b"\xfd\x01")

    def test_label_sets_are_sorted(self):
        sets = LabelSets.of([{"b": "2", "a": "1"}, {}, {"\U0001f600": "x", "\uffff": "y"}])
        self.assertEqual([list(labels.items()) for labels in sets][:2], [[("a", "1"), ("b", "2")], []])
        self.assertEqual(list(sets[2]), ["\uffff", "\U0001f600"])

    def test_a_lone_surrogate_is_no_character(self):
        self.assertEqual(list(TextColumn.of(["\ud83d", "a"])), ["?", "a"])
