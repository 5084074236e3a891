"""How a stage says no: `Refusal` of its settings, `Failure` of one call."""


class Refusal(Exception):
    """The settings cannot be used. The pipeline does not start; the text is shown beside the manifest's line."""

    @classmethod
    def setting(cls, path: str, why: str) -> "Refusal":
        """A refusal of one setting, named by its path as written in the manifest (`values.level`)."""
        return cls(f"setting `{path}`: {why}")


class Failure(Exception):
    """A call could not be done; the stage's `on_error` policy applies.

    For a broken invariant, not for an entry that the stage merely does not understand: those pass unchanged.
    """


def undeclared(what: str, call: str) -> Failure:
    """The failure of a stage that uses what it did not declare."""
    return Failure(f"the stage uses {what} without declaring it: its `__init__` must call `setup.{call}`")
