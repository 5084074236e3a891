"""The level of a line, and two values of a line of JSON: by Python, and by the host."""

import json
import re
from dataclasses import dataclass
from typing import Literal

from millstream import Batch, Field, Setup, Stage

LEVEL = r".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*"


class Plugin(Stage):
    """The stage."""

    @dataclass
    class Settings:
        """What to do."""

        act: Literal["own-level", "host-level", "own-json", "host-json"]

    def __init__(self, settings: Settings, setup: Setup) -> None:
        self.act = settings.act
        self.own = re.compile(LEVEL)
        self.host = setup.pattern(LEVEL)
        self.pointers = setup.pointers(level="/level", message="/message")
        if self.act.startswith("own"):
            setup.reads_lines()

    def process(self, batch: Batch, now: int) -> None:
        if self.act == "host-level":
            batch.extract(self.host)
        elif self.act == "host-json":
            batch.pluck(self.pointers)
        elif self.act == "own-level":
            found = map(self.own.match, batch.lines)
            batch.out.set_field(Field.of("level", [one["level"] if one else None for one in found]))
        else:
            documents = [json.loads(line) for line in batch.lines]
            for name in ("level", "message"):
                batch.out.set_field(Field.of(name, [document.get(name) for document in documents]))
