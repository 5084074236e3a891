"""Entries a stage keeps back, one block per stream.

Streams are known by their labels, because the indices of a batch mean nothing in the next one. `begin` resolves them
once per batch, so a row costs an index. The hold knows every kept id, so it can tell the host exactly what is held
and when to wake the stage: a stage that forgot an id would lose an entry in a crash.
"""

from dataclasses import dataclass
from typing import Callable, Dict, Generic, List, Optional, Tuple, TypeVar

from .batch import Batch
from .output import Output

T = TypeVar("T")

Place = Tuple[Tuple[str, str], ...]
"""Where a stream's block lies."""


@dataclass
class Block(Generic[T]):
    """What is kept back of one stream."""

    ids: List[int]
    """The ids of the rows kept back, ascending."""
    value: T
    """What the stage made of the rows so far."""
    deadline: Optional[int] = None
    """When the block is due, if ever."""


class Hold(Generic[T]):
    """The blocks of all streams. Needs `setup.holds()` and `setup.reads_labels()`."""

    def __init__(self) -> None:
        self._blocks: Dict[Place, Block[T]] = {}
        self._streams: List[Place] = []

    def begin(self, batch: Batch) -> None:
        """Finds the places of the batch's streams; first thing in `process`."""
        self._streams = [tuple(labels.items()) for labels in batch.labels]

    def place(self, stream: int) -> Place:
        """The place of a stream of the batch last begun."""
        return self._streams[stream]

    def get(self, place: Place) -> Optional[Block[T]]:
        """The block at `place`."""
        return self._blocks.get(place)

    def put(self, place: Place, block: Block[T]) -> None:
        """Puts a block at `place`."""
        self._blocks[place] = block

    def take(self, place: Place) -> Optional[Block[T]]:
        """Takes the block at `place` out."""
        return self._blocks.pop(place, None)

    def take_due(self, now: int) -> List[Block[T]]:
        """Takes out every block whose deadline has come, in the order of their first ids."""
        return self._take_if(lambda block: block.deadline is not None and block.deadline <= now)

    def take_all(self) -> List[Block[T]]:
        """Takes out every block, in the order of their first ids."""
        return self._take_if(lambda block: True)

    def report(self, out: Output) -> None:
        """Tells the host what is held and when the next block is due; last thing in every call."""
        blocks = self._blocks.values()
        out.hold(sorted(id for block in blocks for id in block.ids))
        out.wake_at(min((block.deadline for block in blocks if block.deadline is not None), default=None))

    def _take_if(self, wanted: Callable[[Block[T]], bool]) -> List[Block[T]]:
        taken = [place for place, block in self._blocks.items() if wanted(block)]
        return sorted((self._blocks.pop(place) for place in taken), key=lambda block: block.ids[0])
