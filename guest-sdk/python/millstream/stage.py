"""What a plugin's author implements."""

from typing import Any, ClassVar

from .batch import Batch
from .output import Output
from .settings import NoSettings
from .setup import Setup


class Stage:
    """A stage of a pipeline. One instance serves one place in one pipeline, one call at a time."""

    Settings: ClassVar[type] = NoSettings
    """A dataclass: the settings as written in the manifest. Any other is refused by name."""

    def __init__(self, settings: Any, setup: Setup) -> None:
        """Checks the settings (raises Refusal), declares every column read or changed, registers metrics."""

    def process(self, batch: Batch, now: int) -> None:
        """Handles a batch. What is not changed stays as it is. `now` is nanoseconds since the epoch."""
        raise NotImplementedError

    def tick(self, out: Output, now: int) -> None:
        """The time asked for with `out.wake_at` has come. Output rows stem from held rows only."""

    def flush(self, out: Output, now: int) -> None:
        """No more batches will come: a stage that holds entries lets go of all of them here."""
