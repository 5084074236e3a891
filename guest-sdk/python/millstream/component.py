"""Makes a stage the exports of a component. `build.py` writes the module that calls this; a stage never does.

Imported only while a component is built and inside it: the bindings it needs are there and nowhere else.
"""

import traceback
from typing import Any, Callable, List, Tuple, Type, Union

from componentize_py_types import Err  # type: ignore[import-not-found]
from wit_world.imports import host as imported  # type: ignore[import-not-found]
from wit_world.imports import kernels, types

from . import log
from .host import attach
from .instance import Instance
from .kernel import Column, Found
from .outcome import Failure, Refusal
from .stage import Stage

_LEVELS = {level.name.lower(): level for level in imported.Level}
_BESIDE = {beside.name.lower(): beside for beside in kernels.Beside}
_KINDS = {kind.name.lower(): kind for kind in imported.MetricKind}


class _Imports:
    """The host interface by the names of `stage.wit`."""

    add = staticmethod(imported.add)
    set = staticmethod(imported.set)

    def log(self, level: str, message: str) -> None:
        imported.log(_LEVELS[level], message)

    def register(self, kind: str, name: str, help: str, label_names: List[str], buckets: List[float]) -> int:
        return _handle(lambda: imported.register(_KINDS[kind], name, help, label_names, buckets))

    splice = staticmethod(lambda of, patches: kernels.splice(_column(of), patches))
    drop_rows = staticmethod(kernels.drop_rows)

    def pattern(self, expression: str) -> int:
        return _handle(lambda: kernels.pattern(expression))

    def pointers(self, named: List[Tuple[str, str]]) -> int:
        return _handle(lambda: kernels.pointers(named))

    def matches(self, pattern: int, of: Column) -> bytes:
        return kernels.matches(pattern, _column(of))

    def find(self, pattern: int, of: Column) -> List[Found]:
        return [Found(one.row, one.start, one.end, one.text) for one in kernels.find(pattern, _column(of))]

    def extract(self, pattern: int, of: Column, into: str) -> int:
        return kernels.extract(pattern, _column(of), _BESIDE[into])

    def replace(self, pattern: int, of: Column, text: str) -> int:
        return kernels.replace(pattern, _column(of), text)

    def pluck(self, pointers: int, of: Column, into: str) -> int:
        return kernels.pluck(pointers, _column(of), _BESIDE[into])

    def read(self, of: Column) -> Any:
        return kernels.read(_column(of))


def _column(of: Column) -> Any:
    if of.kind == "lines":
        return kernels.Column_Lines()
    return kernels.Column_Field(of.name) if of.kind == "field" else kernels.Column_Metadata(of.name)


def _handle(declare: Callable[[], int]) -> int:
    """What the host answers to a declaration; its no is the stage's refusal."""
    try:
        return int(declare())
    except Err as error:
        raise Refusal(error.value) from None


def expose(stage: Type[Stage]) -> type:
    """The class that componentize-py looks for, with the exports of the world `log-stage`.

    It makes a new object of that class for every call, so the instance is kept outside.
    """
    configured: List[Instance] = []

    def instance() -> Instance:
        if not configured:
            raise Failure("the stage was called before it was configured")
        return configured[0]

    class WitWorld:
        def configure(self, settings: str) -> Any:
            try:
                configured[:] = [Instance(stage, settings)]
            except Exception as error:
                raise Err(_told(error, Refusal)) from None
            interest = instance().interest
            return types.Interest(
                interest.timestamps, interest.lines, interest.labels, interest.fields, interest.metadata, interest.holds
            )

        def process(self, batch: Any, now: int) -> Any:
            try:
                return instance().process(batch, now)
            except Exception as error:
                raise Err(types.Failure(_told(error, Failure))) from None

        def tick(self, now: int) -> Any:
            try:
                return instance().tick(now)
            except Exception as error:
                raise Err(types.Failure(_told(error, Failure))) from None

        def flush(self, now: int) -> Any:
            try:
                return instance().flush(now)
            except Exception as error:
                raise Err(types.Failure(_told(error, Failure))) from None

    attach(_Imports())
    return WitWorld


def _told(error: BaseException, meant: Union[Type[Failure], Type[Refusal]]) -> str:
    """The text of an exception. One that the stage did not mean goes to the log with the place it came from."""
    if isinstance(error, meant):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
        log.error("".join(traceback.format_exception(error)))
    if error.__cause__ is not None:
        text += f": {error.__cause__}"
    return text
