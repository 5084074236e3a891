"""Stages the tests drive."""

from dataclasses import dataclass, field
from typing import List

from millstream import Batch, Block, Failure, Field, Hold, NoSettings, Output, Setup, Stage


class Triples(Stage):
    """Joins three entries of a stream into one; lets go after a second."""

    def __init__(self, settings: NoSettings, setup: Setup) -> None:
        setup.reads_lines().reads_labels().holds()
        self.joined = setup.counter("joined", "Blocks let go", ["kind"])
        self.hold: Hold[str] = Hold()

    def release(self, blocks: List[Block[str]], out: Output) -> None:
        out.set_lines([block.value for block in blocks])
        out.set_origins([block.ids[0] for block in blocks])
        self.joined.add(len(blocks), kind="triple")
        self.hold.report(out)

    def process(self, batch: Batch, now: int) -> None:
        self.hold.begin(batch)
        done = []
        for row, (stream, line) in enumerate(zip(batch.streams, batch.lines)):
            place = self.hold.place(stream)
            block = self.hold.get(place)
            if block is None:
                self.hold.put(place, Block([batch.id(row)], line, deadline=now + 1_000_000_000))
                continue
            block.ids.append(batch.id(row))
            block.value += line
            if len(block.ids) == 3:
                self.hold.take(place)
                done.append(block)
        self.release(done, batch.out)

    def tick(self, out: Output, now: int) -> None:
        self.release(self.hold.take_due(now), out)

    def flush(self, out: Output, now: int) -> None:
        self.release(self.hold.take_all(), out)


class Actor(Stage):
    """Does what its settings say, to every row."""

    @dataclass
    class Settings:
        act: str
        declares: List[str] = field(default_factory=list)

    def __init__(self, settings: Settings, setup: Setup) -> None:
        self.act = settings.act
        for column in settings.declares:
            if column in ("lines", "timestamps", "labels"):
                getattr(setup, f"reads_{column}")()
            elif column == "fields":
                setup.reads_every_field()
            elif column == "metadata":
                setup.reads_every_metadata()
            else:
                setup.reads_field(column)

    def process(self, batch: Batch, now: int) -> None:
        for entry in batch:
            self.to_entry(entry)
        if self.act == "mixed":
            batch.out.set_origins(entry.id for entry in batch)
        elif self.act == "short":
            batch.out.set_lines([])
        elif self.act == "overcount":
            batch.out.count_drops("x", 1)
        elif self.act == "strangers":
            batch.out.set_origins([99])
        elif self.act == "hold":
            batch.out.hold([0])
        elif self.act == "both":
            batch.out.set_field(Field.of("f", ["v"] * len(batch)))
            batch[0].set_field("f", "w")
        elif self.act == "fail":
            raise Failure("no luck")

    def to_entry(self, entry) -> None:
        if self.act in ("line", "timestamp"):
            getattr(entry, self.act)
        elif self.act in ("label", "field", "metadata"):
            getattr(entry, self.act)("a")
        elif self.act == "mixed":
            entry.line = "x"
        elif self.act == "all":
            entry.set_field("new", entry.line)
            entry.line += "!"
            entry.timestamp += 1
            entry.set_label("l", entry.field("f") or "none")
            entry.remove_label("gone")
            entry.unset_field("f")
            entry.set_metadata("m", "v")
            entry.unset_metadata("gone")
            if entry.line == "drop!":
                entry.drop("asked")
                entry.drop("asked again")
