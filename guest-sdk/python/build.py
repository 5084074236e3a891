#!/usr/bin/env python3
"""Makes a component of a stage: python3 sdk/build.py stage:Plugin -o build/NAME.wasm

componentize-py runs the stage's module once, together with CPython, and keeps the memory as it is then: importing
costs nothing at the start of the agent. WASI is replaced by traps, so the component imports nothing but
`millstream:stage`; the clock, files and randomness are not there, whatever Python's standard library offers.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "0.25.1"
SDK = Path(__file__).resolve().parent

ENTRY = """\
from {module} import {name} as _stage
from millstream.component import expose

WitWorld = expose(_stage)
"""


def tool() -> str:
    """componentize-py: on PATH, beside this interpreter, or from a checkout's tool chains (.ci/guests/python.sh)."""
    tools = Path(os.environ.get("MILLSTREAM_TOOLS") or SDK.parent.parent / "target" / "tools")
    for place in (Path(sys.executable).parent, tools / "bin"):
        if (place / "componentize-py").exists():
            return str(place / "componentize-py")
    found = shutil.which("componentize-py")
    if found is None:
        sys.exit(f"build: componentize-py is not installed. Run: pip install componentize-py=={VERSION}")
    return found


def main() -> None:
    """Builds what the command line says."""
    parser = argparse.ArgumentParser(description="Makes a component of a stage.")
    parser.add_argument("stage", metavar="MODULE:CLASS", help="the stage, as Python would import it from here")
    parser.add_argument("-o", dest="output", required=True, metavar="FILE", help="the component")
    arguments = parser.parse_args()
    module, _, name = arguments.stage.partition(":")
    wit = os.environ.get("MILLSTREAM_WIT") or SDK / "wit"
    output = Path(arguments.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "millstream_entry.py").write_text(ENTRY.format(module=module, name=name or "Plugin"))
        command = [tool(), "--quiet", "--wit-path", str(wit), "--world", "log-stage", "componentize", "--stub-wasi"]
        for place in (folder, ".", str(SDK)):
            command += ["--python-path", place]
        result = subprocess.run([*command, "millstream_entry", "--output", str(output)], check=False)
    if result.returncode != 0:
        sys.exit(f"build: componentize-py failed with exit code {result.returncode}")


if __name__ == "__main__":
    main()
