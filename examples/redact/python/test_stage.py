import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "../../../guest-sdk/python"))

from millstream.harness import Harness, cases  # noqa: E402
from stage import Redact  # noqa: E402

Cases = cases(Redact, HERE / "cases")


class Redacting(unittest.TestCase):
    def test_an_untouched_batch_comes_back_as_it_was(self):
        stage = Harness(Redact)
        lines = ["2026-01-02 03:04:05.678", "1234 5678 9012 3456"] * 20
        self.assertEqual(stage.push(lines), lines)
        self.assertEqual(stage.metric("redacted_total", kind="card"), 0)

    def test_a_number_does_not_begin_in_one_line_and_end_in_the_next(self):
        self.assertEqual(Harness(Redact).push(["41111111", "11111111"]), ["41111111", "11111111"])


if __name__ == "__main__":
    unittest.main()
