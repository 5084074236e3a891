"""A stage that gets every line and does nothing: the price of the crossing."""

from millstream import Batch, NoSettings, Setup, Stage


class Plugin(Stage):
    """The stage."""

    def __init__(self, settings: NoSettings, setup: Setup) -> None:
        setup.reads_lines()

    def process(self, batch: Batch, now: int) -> None:
        pass
