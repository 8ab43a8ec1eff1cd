"""The one kind of error that a user can mend: a line that says what was expected, what was found and the remedy."""

from collections.abc import Iterable


class Problem(ValueError):
    """Bad input or a missing file. Its message is one line and ends with the remedy; the command line prints it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows below a cell: the line alone, as the command line does."""
        return [f"{type(self).__name__}: {self}"]


def unknown(what: str, got: object, known: Iterable[str]) -> Problem:
    """Build the error for a wrong name.

    Args:
        what: kind of the name, e.g. `"profile"`.
        got: what was asked for.
        known: the names that exist; they are listed in the message.

    Returns:
        A `Problem` to raise, e.g. `unknown profile 'x'; known: smoke, toybox`.
    """
    return Problem(f"unknown {what} {got!r}; known: {', '.join(known)}")
