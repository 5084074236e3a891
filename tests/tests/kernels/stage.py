"""Runs the kernel that its settings name. The suite `kernels` runs its like in every language on the same cases."""

from dataclasses import dataclass
from typing import Literal

from millstream import Batch, Column, Setup, Stage


class Plugin(Stage):
    """The stage."""

    @dataclass
    class Settings:
        """What to do."""

        act: Literal["extract", "beside", "replace", "mask", "drop", "keep", "pluck", "sum"]

    def __init__(self, settings: Settings, setup: Setup) -> None:
        self.act = settings.act
        self.pair = setup.pattern("(?P<key>[a-z]+)=(?P<value>[0-9]*)")
        self.number = setup.pattern("(?P<n>[0-9]{2,})$|[0-9]{4}")
        self.debug = setup.pattern(r"^(DEBUG|TRACE)\b")
        self.user = setup.pointers(level="/level", user="/user/name", tags="/user/tags", first="/user/tags/0")
        self.counter = setup.counter("kernels_total", "What kernels answered.")

    def process(self, batch: Batch, now: int) -> None:
        text, rows = Column.field("text"), None
        if self.act == "extract":
            self.counter.add(batch.extract(self.pair))
        elif self.act == "beside":
            self.counter.add(batch.extract(self.pair, of=text, into="metadata"))
        elif self.act == "replace":
            self.counter.add(batch.replace(self.number, "<${n}$1$$>"))
        elif self.act == "mask":
            found = [one for one in batch.find(self.number) if int(one.text) % 2 == 0]
            batch.splice(one.put("é" * len(one.text)) for one in found)
            self.counter.add(len(found))
        elif self.act == "drop":
            rows = batch.matches(self.debug)
            self.counter.add(len(rows))
            batch.drop_rows(rows, "debug")
        elif self.act == "keep":
            batch.drop_rows(~batch.matches(self.debug), "other")
        elif self.act == "pluck":
            self.counter.add(batch.pluck(self.user))
        elif self.act == "sum":
            batch.replace(self.pair, "x=1", of=text)
            batch.extract(self.pair, of=text)
            values = batch.read(Column.field("value"))
            self.counter.add(sum(int(value or 0) for value in values or []))
            assert batch.read(Column.metadata("nowhere")) is None
