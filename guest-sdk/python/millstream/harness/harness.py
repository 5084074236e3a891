"""One stage in one place, and what a host would keep beside it."""

import dataclasses
import json
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Type, TypeVar, Union

from .. import contract
from ..host import attach
from ..instance import Instance
from ..stage import Stage
from .check import Given, check
from .cross import applied, batch_of, distinct_labels
from .kernels import Kernels
from .row import START, Row, row_of

T = TypeVar("T")


class Recorder(Kernels):
    """What a stage told the host, and the kernels it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: List[Tuple[str, str]] = []
        self.metrics: Dict[str, Tuple[int, List[str]]] = {}
        self.series: Dict[Tuple[int, Tuple[str, ...]], float] = {}

    def log(self, level: str, message: str) -> None:
        self.messages.append((level, message))

    def register(self, kind: str, name: str, help: str, label_names: List[str], buckets: List[float]) -> int:
        return self.metrics.setdefault(name, (len(self.metrics), label_names))[0]

    def add(self, metric: int, label_values: List[str], value: float) -> None:
        key = (metric, tuple(label_values))
        self.series[key] = self.series.get(key, 0.0) + value

    def set(self, metric: int, label_values: List[str], value: float) -> None:
        self.series[metric, tuple(label_values)] = value


class Harness:
    """Drives a stage by the host's rules. Every answer is checked; a violation raises AssertionError."""

    def __init__(self, stage: Type[Stage], settings: Union[str, Dict[str, Any]] = "{}") -> None:
        """A configured stage; raises what its `__init__` raises. Settings are a dict or JSON."""
        self._kind = stage
        self._settings = settings if isinstance(settings, str) else json.dumps(settings)
        self._recorder = Recorder()
        self._next_id = 0
        self._held: Dict[int, Row] = {}
        self.now = START
        """What time it is."""
        self.wake_at: Optional[int] = None
        """When the stage wants to be called."""
        self.drops: Dict[str, int] = {}
        """How many rows were dropped on purpose, by reason."""
        self.merged = 0
        """How many rows vanished uncounted: merged into others."""
        self._instance = self._fresh()

    @classmethod
    def refusal(cls, stage: Type[Stage], settings: Union[str, Dict[str, Any]] = "{}") -> str:
        """Why the stage refuses these settings."""
        try:
            cls(stage, settings)
        except Exception as error:
            return str(error)
        raise AssertionError(f"the stage accepted {settings}")

    def push(self, rows: Iterable[Union[str, Row, Dict[str, Any]]]) -> List[Row]:
        """Sends one batch through the stage and answers what came out.

        Raises what the stage raises; then nothing has changed.
        """
        given = [row_of(row) for row in rows]
        first = self._next_id
        self._next_id += len(given)
        return self._batch(first, given)

    def advance(self, seconds: float) -> List[Row]:
        """Lets time pass. The stage is called whenever it asked for that."""
        until = self.now + round(seconds * 1e9)
        out: List[Row] = []
        while self.wake_at is not None and self.wake_at <= until:
            due = self.wake_at
            self.now = max(self.now, due)
            edit = self._recorded(lambda: self._instance.tick(self.now))
            assert edit.wake_at != due, f"the stage asks to be woken at {due} for ever"
            out.extend(self._settle(0, [], edit))
        self.now = until
        return out

    def jump(self, now: int) -> List[Row]:
        """Sets the clock, and calls the stage once if it asked for that."""
        self.now = now
        if self.wake_at is None or self.wake_at > now:
            return []
        return self._settle(0, [], self._recorded(lambda: self._instance.tick(now)))

    def flush(self) -> List[Row]:
        """No more batches: the stage has to let go of everything."""
        out = self._settle(0, [], self._recorded(lambda: self._instance.flush(self.now)))
        assert not self._held, f"after flush the stage still holds {self.held}"
        return out

    def replay(self) -> List[Row]:
        """Replaces the stage by a fresh one and feeds it the held entries.

        Answers what came out, which is nothing for a stage that decides by what it holds.
        """
        self._instance = self._fresh()
        self.wake_at = None
        stretches: List[Tuple[int, List[Row]]] = []
        for id, row in self._held.items():
            if stretches and stretches[-1][0] + len(stretches[-1][1]) == id:
                stretches[-1][1].append(row)
            else:
                stretches.append((id, [row]))
        self._held = {}
        return [row for first, rows in stretches for row in self._batch(first, rows)]

    @property
    def held(self) -> List[int]:
        """The ids of the rows the stage holds."""
        return list(self._held)

    def dropped(self, reason: str) -> int:
        """How many rows were dropped on purpose for `reason`."""
        return self.drops.get(reason, 0)

    @property
    def messages(self) -> List[Tuple[str, str]]:
        """What the stage logged so far: level and message."""
        return self._recorder.messages

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric's series; a histogram's is the sum of its observations."""
        if name not in self._recorder.metrics:
            raise AssertionError(f"no metric `{name}` was registered, but {list(self._recorder.metrics)}")
        handle, names = self._recorder.metrics[name]
        return self._recorder.series.get((handle, tuple(labels[name] for name in names)), 0.0)

    def _fresh(self) -> Instance:
        return self._recorded(lambda: Instance(self._kind, self._settings))

    def _batch(self, first: int, rows: List[Row]) -> List[Row]:
        batch = batch_of(first, rows, self._instance.interest)
        self._recorder.begin(rows)
        edit = self._recorded(lambda: self._instance.process(batch, self.now))
        derived, dropped = self._recorder.end()
        return self._settle(first, rows, _without(first, len(rows), dropped, edit), derived)

    def _recorded(self, call: Callable[[], T]) -> T:
        before = attach(self._recorder)
        try:
            return call()
        finally:
            attach(before)

    def _settle(
        self, first: int, rows: List[Row], edit: contract.LogEdit, derived: Sequence[Row] = ()
    ) -> List[Row]:
        """Checks an edit, applies it to the rows as kernels left them (`derived`), and keeps the books."""
        known = {**self._held, **dict(enumerate(rows, first))}
        given = Given(first, len(rows), known, distinct_labels(rows), self._instance.interest)
        check(given, edit)
        given.known = {**known, **dict(enumerate(derived, first))}
        out = applied(given, edit)
        self.merged += len(known) - given.staying(edit) - sum(drop.count for drop in edit.drops)
        for drop in edit.drops:
            self.drops[drop.reason] = self.dropped(drop.reason) + drop.count
        self._held = {id: known[id] for id in edit.held}
        self.wake_at = edit.wake_at
        return out


def _without(first: int, rows: int, dropped: Dict[int, str], edit: contract.LogEdit) -> contract.LogEdit:
    """The edit with the rows that `drop_rows` took out."""
    if not dropped:
        return edit
    assert edit.origins is None, "the stage broke the contract: origins are set although `drop_rows` was called"
    origins = [first + row for row in range(rows) if row not in dropped]
    reasons = [contract.DropCount(reason, 1) for reason in dropped.values()]
    return dataclasses.replace(edit, origins=origins, drops=[*edit.drops, *reasons])
