"""The host's side as the SDK calls it: the imports in the sandbox, a recorder in tests, nobody otherwise.

One component holds one stage and calls never overlap, so who is called can be one variable.
"""

from typing import Any, List

from .contract import Host


class Nobody:
    """Hears nothing, and has no batch to work on."""

    def log(self, level: str, message: str) -> None:
        pass

    def register(self, kind: str, name: str, help: str, label_names: List[str], buckets: List[float]) -> int:
        return 0

    def add(self, metric: int, label_values: List[str], value: float) -> None:
        pass

    def set(self, metric: int, label_values: List[str], value: float) -> None:
        pass

    def __getattr__(self, kernel: str) -> Any:
        raise RuntimeError(f"`{kernel}` needs a host: the agent, or a Harness")


_host: Host = Nobody()  # type: ignore[assignment]


def attach(host: Host) -> Host:
    """Makes `host` the one that is called; answers the one before."""
    global _host
    before, _host = _host, host
    return before


def attached() -> Host:
    """The one that is called."""
    return _host
