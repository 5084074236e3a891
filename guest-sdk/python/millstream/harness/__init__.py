"""Runs a stage natively by the host's rules, for its author's tests.

Only declared columns cross, held rows keep their columns outside the stage, ticks come when asked for, and time moves
only when told. Every answer is checked as the host would check it. `Harness.replay` replaces the stage by a fresh one
and feeds it the held entries, as the host does after a trap or a reload: a stage whose output depends on more than
that is wrong.
"""

from .cases import cases, run_case
from .harness import Harness
from .row import START, Row

__all__ = ["START", "Harness", "Row", "cases", "run_case"]
