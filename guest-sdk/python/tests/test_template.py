"""What `plugin new --lang python` writes passes its tests."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent


class Template(unittest.TestCase):
    def test_it_passes_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            plugin = Path(folder) / "words"
            shutil.copytree(SDK / "template", plugin)
            for file in plugin.rglob("*"):
                if file.is_file():
                    file.write_text(file.read_text("utf-8").replace("{{name}}", "words"), "utf-8")
            (plugin / "sdk").symlink_to(SDK)
            run = subprocess.run([sys.executable, "-m", "unittest"], cwd=plugin, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn("Ran 4 tests", run.stderr)
