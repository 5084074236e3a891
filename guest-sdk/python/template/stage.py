"""The stage `{{name}}`: replaces a word in every line by `***`, and counts how often."""

from dataclasses import dataclass

from millstream import Batch, Refusal, Setup, Stage


class Plugin(Stage):
    """The stage."""

    @dataclass
    class Settings:
        """The settings, as a manifest gives them. An unknown one is refused by its name."""

        word: str

    def __init__(self, settings: Settings, setup: Setup) -> None:
        if not settings.word:
            raise Refusal.setting("word", "must not be empty")
        self.word = settings.word
        # Only what is declared crosses into the sandbox.
        setup.reads_lines()
        self.replaced = setup.counter("{{name}}_total", "Words replaced.")

    def process(self, batch: Batch, now: int) -> None:
        replaced = 0
        for entry in batch:
            line = entry.line
            found = line.count(self.word)
            if found:
                entry.line = line.replace(self.word, "***")
                replaced += found
        if replaced:
            self.replaced.add(replaced)
