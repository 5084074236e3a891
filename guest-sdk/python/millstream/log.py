"""To the agent's own log, with the stage's name; rate-limited."""

from .host import attached


def trace(message: str) -> None:
    """For whoever looks into one call."""
    attached().log("trace", message)


def debug(message: str) -> None:
    """For whoever mends the stage."""
    attached().log("debug", message)


def info(message: str) -> None:
    """For whoever runs the agent."""
    attached().log("info", message)


def warn(message: str) -> None:
    """Something that somebody should look at."""
    attached().log("warn", message)


def error(message: str) -> None:
    """Something that went wrong."""
    attached().log("error", message)
