"""A configured stage behind the contract's shapes: what the component exports and what the harness drives. Both run
this code and no other."""

from typing import Type

from . import contract
from .batch import Batch
from .output import UNCHANGED, Output
from .settings import parse
from .setup import Setup
from .stage import Stage


class Instance:
    """A stage, configured. What the stage raises is raised."""

    __slots__ = ("_stage", "interest")

    def __init__(self, stage: Type[Stage], settings: str) -> None:
        setup = Setup()
        self._stage = stage(parse(stage.Settings, settings), setup)
        self.interest = setup.interest

    def process(self, raw: contract.LogBatch, now: int) -> contract.LogEdit:
        """Handles a batch."""
        batch = Batch(raw, self.interest)
        self._stage.process(batch, now)
        return batch.finish()

    def tick(self, now: int) -> contract.LogEdit:
        """The time asked for has come."""
        if type(self._stage).tick is Stage.tick:
            return UNCHANGED
        out = Output()
        self._stage.tick(out, now)
        return out.to_contract()

    def flush(self, now: int) -> contract.LogEdit:
        """No more batches will come."""
        if type(self._stage).flush is Stage.flush:
            return UNCHANGED
        out = Output()
        self._stage.flush(out, now)
        return out.to_contract()
