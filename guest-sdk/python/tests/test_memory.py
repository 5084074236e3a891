"""A stage that runs for days keeps nothing of the batches behind it."""

import gc
import sys
import unittest

from millstream.harness import Row
from millstream.harness.cross import batch_of
from millstream.instance import Instance
from tests.stages import Actor

DECLARED = '["lines", "timestamps", "labels", "fields", "metadata"]'


class Memory(unittest.TestCase):
    def test_ten_thousand_calls_leave_nothing_behind(self):
        instance = Instance(Actor, f'{{"act": "all", "declares": {DECLARED}}}')
        rows = [Row(line, labels={"s": str(i)}, fields={"f": line}) for i, line in enumerate(["a", "drop", "é"])]

        def blocks_after(calls):
            for call in range(calls):
                instance.process(batch_of(call * 3, rows, instance.interest), 0)
            gc.collect()
            return sys.getallocatedblocks()

        before = blocks_after(100)
        grown = blocks_after(10_000) - before
        # One block kept a call would be ten thousand.
        self.assertLess(grown, 100)
