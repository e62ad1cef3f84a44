"""The errors fairrec raises on purpose.

Every message says what was seen, what was expected and what to do next, so that a
message alone is enough to go on. `exit_code` is what the command line ends with.
"""

from __future__ import annotations


class FairrecError(Exception):
    """Base of every error that fairrec raises on purpose."""

    exit_code = 3

    def __init__(self, seen: str, *, expected: str = "", do: str = "") -> None:
        self.seen = seen
        self.expected = expected
        self.do = do
        parts = [seen]
        if expected:
            parts.append(f"Expected: {expected}")
        if do:
            parts.append(f"What to do: {do}")
        super().__init__("\n".join(parts))


class WrongUse(FairrecError, ValueError):
    """The caller asked for something that cannot be done (arguments, configuration)."""

    exit_code = 4


class BadData(FairrecError, ValueError):
    """A file or a table does not hold what it should."""

    exit_code = 4


class ModelUnavailable(FairrecError):
    """A model, a back-end or an optional dependency cannot be loaded."""

    exit_code = 3


class BackendFailed(FairrecError):
    """A back-end gave no answer to one request, though it was tried again; others are unharmed.

    Recommenders turn it into the outcome ERROR of that request, which is asked again by the next
    run; it is never read as an answer.
    """

    exit_code = 3


class RunBroken(FairrecError):
    """A run stopped before it was complete; what was recorded is kept."""

    exit_code = 3
