import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "sdk"))

from millstream.harness import Harness, cases  # noqa: E402
from stage import Plugin  # noqa: E402

Cases = cases(Plugin, HERE / "cases")


class Words(unittest.TestCase):
    def test_the_word_is_replaced_and_counted(self):
        stage = Harness(Plugin, {"word": "secret"})
        self.assertEqual(stage.push(["a secret, secret", "nothing"]), ["a ***, ***", "nothing"])
        self.assertEqual(stage.metric("{{name}}_total"), 2)

    def test_a_word_is_needed(self):
        self.assertIn("`word`", Harness.refusal(Plugin, {}))
        self.assertIn("`word`", Harness.refusal(Plugin, {"word": ""}))
