"""What a stage has of kernels without a host: sets of rows, and refusals. The suite `kernels` has the rest."""

import re
import unittest
from pathlib import Path

import millstream
from millstream import NoSettings, Rows, Setup, Stage
from millstream.harness import Harness


class Rowed(unittest.TestCase):
    def test_rows_are_a_set(self):
        for count in (0, 1, 7, 8, 9, 64, 1000):
            thirds, evens = set(range(0, count, 3)), set(range(0, count, 2))
            a, b = (Rows(sum(1 << row for row in rows), count) for rows in (thirds, evens))
            self.assertEqual(list(a), sorted(thirds))
            self.assertEqual(len(b), len(evens))
            self.assertEqual(set(a | b), thirds | evens)
            self.assertEqual(set(a & b), thirds & evens)
            self.assertEqual(set(a - b), thirds - evens)
            self.assertEqual(set(~a), set(range(count)) - thirds)
            self.assertEqual([row in a for row in range(-1, count + 1)], [row in thirds for row in range(-1, count + 1)])
            self.assertEqual(set(Rows(a.to_bytes(), count)), thirds)


class Late(Stage):
    """Runs a kernel where there is no batch."""

    def __init__(self, settings: NoSettings, setup: Setup) -> None:
        setup.holds().reads_labels()
        self.pattern = setup.pattern("a$")

    def process(self, batch, now):
        self.batch = batch
        batch.out.wake_at(now + 1)

    def tick(self, out, now):
        self.batch.matches(self.pattern)


class Harnessed(unittest.TestCase):
    def test_there_is_no_batch_in_tick(self):
        stage = Harness(Late)
        stage.push(["a"])
        with self.assertRaisesRegex(AssertionError, "only while `process` runs"):
            stage.advance(1)

    def test_what_is_not_re2_is_refused(self):
        for expression in ("a(?=b)", r"(a)\1", "(?<!a)b", "(?P=x)", "("):
            with self.subTest(expression):
                stage = type("Of", (Stage,), {"__init__": lambda self, settings, setup: setup.pattern(expression) and None})
                self.assertTrue(Harness.refusal(stage))

    def test_a_dollar_is_the_end_of_the_text_and_no_line_end_before_it(self):
        class Ends(Stage):
            def __init__(self, settings: NoSettings, setup: Setup) -> None:
                self.end, self.sign = setup.pattern("a$"), setup.pattern("[$]")

            def process(self, batch, now):
                batch.drop_rows(batch.matches(self.end) | batch.matches(self.sign), "x")

        self.assertEqual(Harness(Ends).push(["a", "a\n", "b$", "b"]), ["a\n", "b"])


class Page(unittest.TestCase):
    def test_what_the_page_shows_does_what_it_says(self):
        page = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
        names = {**vars(millstream), "luhn": lambda text: text.endswith("1")}
        exec(re.findall("```python\n(.*?)```", page, re.DOTALL)[2], names)
        stage = Harness(names["Orders"])
        out = stage.push(['{"user": {"name": "kim"}}', "INFO é 4111111111111111", "WARN 4111111111111112", "DEBUG"])
        self.assertEqual(out, ['{"user": {"name": "kim"}}', "INFO é " + "*" * 16, "WARN 4111111111111112"])
        self.assertEqual([row.fields for row in out], [{"user": "kim"}, {"level": "INFO"}, {"level": "WARN"}])
        self.assertEqual(stage.dropped("debug"), 1)
