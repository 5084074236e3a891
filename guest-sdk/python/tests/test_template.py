"""What `plugin new --lang python` writes passes its tests, and so does what README.md shows."""

import os
import re
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
            self.passes(plugin, 4)

    def test_so_does_the_example_of_the_page(self):
        with tempfile.TemporaryDirectory() as folder:
            plugin = Path(folder)
            stage, its, _ = re.findall("```python\n(.*?)```", (SDK / "README.md").read_text("utf-8"), re.DOTALL)
            (plugin / "stage.py").write_text(stage, "utf-8")
            (plugin / "test_stage.py").write_text(its, "utf-8")
            (plugin / "cases").mkdir()
            self.passes(plugin, 1)

    def passes(self, plugin, tests):
        env = {**os.environ, "PYTHONPATH": str(SDK)}
        command = [sys.executable, "-m", "unittest"]
        run = subprocess.run(command, cwd=plugin, env=env, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(f"Ran {tests} test", run.stderr)
