"""The SDK as an author meets it: small stages, driven by the harness."""

import unittest

from millstream import Failure
from millstream.harness import START, Harness, Row
from millstream.harness.cross import batch_of
from millstream.instance import Instance
from tests.stages import Actor, Triples


def actor(act, *declares):
    return Harness(Actor, {"act": act, "declares": list(declares)})


class AHarness(unittest.TestCase):
    def test_held_rows_keep_their_columns_outside(self):
        stage = Harness(Triples)

        def row(line, stream):
            return Row(line, 1, {"s": stream}, {"f": line})

        self.assertEqual(stage.push([row("a", "1"), row("x", "2"), row("b", "1")]), [])
        self.assertEqual(stage.held, [0, 1, 2])
        out = stage.push([row("c", "1"), row("d", "1")])
        self.assertEqual(out, [Row("abc", 1, {"s": "1"}, {"f": "a"})])
        self.assertEqual((stage.held, stage.merged), ([1, 4], 2))
        self.assertEqual(stage.flush(), ["x", "d"])
        self.assertEqual(stage.metric("joined", kind="triple"), 3)

    def test_time_moves_only_by_advancing(self):
        stage = Harness(Triples)
        self.assertEqual(stage.push(["a"]), [])
        self.assertEqual(stage.wake_at, START + 1_000_000_000)
        self.assertEqual(stage.advance(0.999), [])
        self.assertEqual(stage.advance(0.001), ["a"])
        self.assertIsNone(stage.wake_at)

    def test_a_fresh_instance_knows_what_is_held(self):
        rows = [Row(str(i), labels={"s": str(i % 3)}) for i in range(9)]
        for cut in range(9):
            steady, replaced = Harness(Triples), Harness(Triples)
            outs = [steady.push(rows[:cut]), replaced.push(rows[:cut])]
            self.assertEqual(replaced.replay(), [])
            self.assertEqual(steady.held, replaced.held)
            outs[0] += steady.push(rows[cut:])
            outs[1] += replaced.push(rows[cut:])
            self.assertEqual(outs[0], outs[1], f"cut at {cut}")

    def test_undeclared_columns_fail_by_name(self):
        for act, says in {
            "line": "uses lines without declaring it: its `__init__` must call `setup.reads_lines()`",
            "timestamp": "`setup.reads_timestamps()`",
            "label": "`setup.reads_labels()`",
            "field": '`setup.reads_field("a")`',
            "metadata": '`setup.reads_metadata("a")`',
            "mixed": "`setup.reads_lines()`",
        }.items():
            with self.subTest(act), self.assertRaises(Failure) as failure:
                actor(act).push(["x"])
            self.assertIn(says, str(failure.exception))
        self.assertEqual(actor("field", "a").push(["x"]), ["x"])

    def test_everything_an_entry_can_change_changes(self):
        stage = actor("all", "lines", "timestamps", "labels", "fields", "metadata")

        def row(line, fields=None, metadata=None):
            return Row(line, 1, {"gone": "1", "kept": "1"}, fields or {}, {"gone": "1", **(metadata or {})})

        def changed(line, f, metadata=None):
            return Row(line + "!", 2, {"kept": "1", "l": f}, {"new": line}, {"m": "v", **(metadata or {})})

        out = stage.push([row("a", {"f": "x"}), row("drop"), row("é", metadata={"kept": "1"})])
        self.assertEqual(out, [changed("a", "x"), changed("é", "none", {"kept": "1"})])
        self.assertEqual((stage.drops, stage.merged), ({"asked": 1}, 0))

    def test_only_touched_columns_come_back(self):
        instance = Instance(Actor, '{"act": "none", "declares": ["lines"]}')
        self.assertTrue(instance.interest.lines and not instance.interest.labels)
        edit = instance.process(batch_of(0, [Row("x")], instance.interest), START)
        self.assertEqual((edit.lines, edit.origins, edit.set_fields), (None, None, []))

    def test_contradictions_fail_the_call(self):
        for act, says in {"mixed": "sets origins", "both": "both as a whole column", "fail": "no luck"}.items():
            with self.subTest(act), self.assertRaisesRegex(Failure, says):
                actor(act, "lines", "f").push(["x"])

    def test_breaches_of_the_contract_are_told(self):
        for act, says in {
            "short": "lines: 0 values for 1",
            "overcount": "1 rows counted as dropped, but only 0 vanished",
            "strangers": "origin 99 is neither of the batch nor held",
            "hold": "without `setup.holds()`",
        }.items():
            with self.subTest(act), self.assertRaises(AssertionError) as breach:
                actor(act, "lines").push(["x"])
            self.assertIn(says, str(breach.exception))
