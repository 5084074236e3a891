"""Settings from the manifest's JSON, read into a dataclass, with refusals that name the setting.

The annotations of the dataclass say what is allowed: str, bool, int, float, Duration, list[T], dict[str, T],
Optional[T], Literal["a", "b"], another dataclass. A field without a default has to be given.
"""

import dataclasses
import json
import re
import typing
from typing import Any, Dict, List, Literal, Type, TypeVar, Union

from .outcome import Refusal

T = TypeVar("T")


class Duration(int):
    """A setting like `3s` or `1m30s`, in nanoseconds."""

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Reads a Go duration; raises ValueError for anything else."""
        if text == "0":
            return cls(0)
        if not _DURATION.fullmatch(text):
            raise ValueError(text)
        total = 0
        for whole, fraction, unit in _PART.findall(text):
            size = _UNITS[unit]
            total += int(whole or 0) * size + int(fraction or 0) * size // 10 ** len(fraction)
        return cls(-total if text[0] == "-" else total)


_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_NUMBER = r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)"
_PART = re.compile(_NUMBER)
_DURATION = re.compile(rf"[+-]?(?:(?=\.?[0-9]){_NUMBER})+")


@dataclasses.dataclass
class NoSettings:
    """The settings of a stage that has none."""


def parse(kind: Type[T], text: str) -> T:
    """Reads settings; `null` and nothing mean no settings given."""
    try:
        given = json.loads(text) if text.strip() else None
    except ValueError as error:
        raise Refusal(f"the settings are no JSON: {error}") from error
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise Refusal(f"got {_called(given)}, expected a mapping of settings")
    return _read_group(kind, given, "")


def _read_group(kind: Type[T], given: Dict[str, Any], prefix: str) -> T:
    kinds = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in given:
        if name not in fields:
            expected = f"expected {_listed(list(fields))}" if fields else "there are no settings"
            raise Refusal(f"unknown setting `{prefix}{name}`: {expected}")
    values = {}
    for name, field in fields.items():
        if name in given:
            values[name] = _read(kinds[name], given[name], prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise Refusal(f"missing setting `{prefix}{name}`")
    return kind(**values)


def _read(kind: Any, value: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool) != isinstance(arguments[arguments.index(value)], bool):
            raise _mismatch(path, value, _listed([str(argument) for argument in arguments]))
        return value
    if origin is Union:
        # Only Optional[T] has one meaning in a manifest.
        inner = [argument for argument in arguments if argument is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"the setting `{path}` is declared as {kind}, which a manifest cannot tell apart")
        return None if value is None else _read(inner[0], value, path)
    if origin is list:
        if not isinstance(value, list):
            raise _mismatch(path, value, "a list")
        return [_read(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(value)]
    if origin is dict:
        return {name: _read(arguments[1], item, f"{path}.{name}") for name, item in _mapping(path, value).items()}
    if dataclasses.is_dataclass(kind):
        return _read_group(typing.cast(type, kind), _mapping(path, value), f"{path}.")
    return _read_simple(kind, value, path)


def _read_simple(kind: Any, value: Any, path: str) -> Any:
    if kind is Any:
        return value
    if kind is Duration:
        try:
            return Duration.parse(value)
        except (TypeError, ValueError):
            raise _mismatch(path, value, "a duration like 3s or 1m30s") from None
    if kind is float and type(value) is int:
        return float(value)
    if kind not in _CALLED:
        raise TypeError(f"the setting `{path}` is declared as {kind}, which settings cannot be")
    if type(value) is not kind:
        raise _mismatch(path, value, _CALLED[kind])
    return value


_CALLED = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def _mapping(path: str, value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch(path, value, "a mapping")
    return value


def _mismatch(path: str, value: Any, expected: str) -> Refusal:
    return Refusal.setting(path, f"got {_called(value)}, expected {expected}")


def _called(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {json.dumps(value, ensure_ascii=False)}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def _listed(names: List[str]) -> str:
    return ("one of " if len(names) > 1 else "") + ", ".join(f"`{name}`" for name in names)
