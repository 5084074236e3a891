"""Golden cases: folders of settings, input and expected output."""

import json
import unittest
from pathlib import Path
from typing import Any, Dict, List, Type, Union

from ..stage import Stage
from .harness import Harness
from .row import START, Row


def run_case(stage: Type[Stage], folder: Union[str, Path]) -> None:
    """Runs one case; raises AssertionError where the outcome is another."""
    place = Path(folder)
    settings = (place / "settings.json").read_text("utf-8")
    expected = _lines(place / "expected.jsonl")
    first = expected[0] if expected else {}
    if "refused" in first:
        refusal = Harness.refusal(stage, settings)
        assert first["refused"] in refusal, f'refused with "{refusal}", expected "{first["refused"]}"'
        return
    harness = Harness(stage, settings)
    if "failed" in first:
        try:
            _feed(harness, _lines(place / "input.jsonl"))
        except Exception as error:
            assert first["failed"] in str(error), f'failed with "{error}", expected "{first["failed"]}"'
            return
        raise AssertionError(f'no call failed with "{first["failed"]}"')
    _compare(harness, _feed(harness, _lines(place / "input.jsonl")), expected)


def cases(stage: Type[Stage], folder: Union[str, Path]) -> Type[unittest.TestCase]:
    """A test case with one test per folder of `folder`: `Cases = cases(MyStage, "cases")` in a test module."""
    tests = {}
    for place in sorted(entry for entry in Path(folder).iterdir() if entry.is_dir()):
        tests[f"test_{place.name}"] = lambda self, place=place: run_case(stage, place)
    return type("Cases", (unittest.TestCase,), tests)


def _lines(file: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line.strip()]


def _feed(harness: Harness, steps: List[Dict[str, Any]]) -> List[Row]:
    out: List[Row] = []
    batch: List[Row] = []
    index = 0

    def end() -> None:
        if batch:
            out.extend(harness.push(batch))
            batch.clear()

    for step in steps:
        if "line" in step:
            batch.append(Row(**{"timestamp": START + index, **step}))
            index += 1
            continue
        end()
        if "now" in step:
            out.extend(harness.jump(step["now"]))
        if step.get("replay"):
            out.extend(harness.replay())
    end()
    out.extend(harness.flush())
    return out


def _compare(harness: Harness, out: List[Row], expected: List[Dict[str, Any]]) -> None:
    rows = [line for line in expected if "line" in line]
    wanted = []
    for index, row in enumerate(rows):
        as_is = out[index].timestamp if index < len(out) else START
        wanted.append(Row(**{"timestamp": as_is, **row}))
    assert out == wanted, "\n".join(["put out:", *map(repr, out), "expected:", *map(repr, wanted)])
    dropped: Dict[str, int] = next((line["dropped"] for line in expected if "dropped" in line), {})
    assert harness.drops == dropped, f"dropped {harness.drops}, expected {dropped}"
    for line in expected:
        if "metric" in line:
            value = harness.metric(line["metric"], **line.get("labels", {}))
            assert value == line["value"], f"{line['metric']} is {value}, expected {line}"
