"""Write a Millstream stage in Python. README.md beside this folder is the one page an author needs."""

from . import log
from .batch import Batch, Entry
from .field import Field
from .hold import Block, Hold, Place
from .kernel import LINES, Column, Found, Patch, Pattern, Pointers, Rows
from .labels import LabelSets, is_label_name
from .metric import Counter, Gauge, Histogram
from .outcome import Failure, Refusal
from .output import Output
from .settings import Duration, NoSettings
from .setup import Setup
from .stage import Stage
from .text import TextColumn

__all__ = [
    "Batch",
    "Block",
    "Column",
    "Counter",
    "Duration",
    "Entry",
    "Failure",
    "Field",
    "Found",
    "Gauge",
    "Histogram",
    "Hold",
    "LINES",
    "LabelSets",
    "NoSettings",
    "Output",
    "Patch",
    "Pattern",
    "Place",
    "Pointers",
    "Refusal",
    "Rows",
    "Setup",
    "Stage",
    "TextColumn",
    "is_label_name",
    "log",
]
