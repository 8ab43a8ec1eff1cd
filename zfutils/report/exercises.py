"""Checks of a reader's own answers: one line that says where she stands, whatever her code did."""

from collections.abc import Iterator
from contextlib import contextmanager

RIGHT, OPEN, WRONG = "Right.", "Your turn", "Not yet"


@contextmanager
def check(*answers: object) -> Iterator[None]:
    """Run the assertions of a check cell and print one line: right, not answered yet, or what is not right yet.

    The check stands before the folded solution, so it tries what the reader wrote, and a run of all cells goes on where she wrote nothing.

    Args:
        answers: values that an exercise asks for; `...` stands for one, or for an entry of a tuple, that is not given yet. Functions need
            not be listed: the unfilled ones raise NotImplementedError.

    >>> with check():
    ...     assert 1 + 1 == 2, "count again"
    Right.
    """
    try:
        yield
    except NotImplementedError as unfilled:
        print(f"{OPEN}: {unfilled}")
    except Exception as problem:  # whatever a reader's code raises is an answer to her, not an end of the run
        said = str(problem) if isinstance(problem, AssertionError) else f"{type(problem).__name__}: {problem}"
        line = (said.splitlines() or ["try again"])[0]
        print(
            f"{OPEN}: replace `...` by your answer."
            if any(entry is ... for answer in answers for entry in (answer if isinstance(answer, tuple) else (answer,)))
            else f"{WRONG}: {line}"
        )
    else:
        print(RIGHT)
