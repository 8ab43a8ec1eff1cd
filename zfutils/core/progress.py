"""One progress display for long work: a bar on a terminal, one line at the start and the end elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


def say(text: str) -> None:
    """Print one line of progress to stderr; nothing inside a notebook, because a page is no log."""
    if not _in_notebook():
        sys.stderr.write(f"{text}\n")  # in one piece: lines of threads must not run into each other
        sys.stderr.flush()


@contextmanager
def bar(*, total: int, text: str, unit: str = "it", done: int = 0) -> Iterator[tqdm]:
    """Show how far a piece of work is.

    On a terminal this is a moving bar. In a log or an executed notebook a bar would leave one line a tick, so there it is one
    line when the work starts and one, with the seconds, when it ends.

    Args:
        total: steps in all.
        text: what is being done.
        unit: the name of one step.
        done: steps that an earlier run had finished.

    Yields:
        An object with `update(n)` and `set_postfix_str(text)`.
    """
    quiet = not sys.stderr.isatty()
    start = time.monotonic()
    if quiet:
        say(f"{text}: {total - done} {unit}")
    with tqdm(total=total, initial=done, desc=text, unit=unit, disable=quiet, dynamic_ncols=True, leave=False) as shown:
        yield shown
    say(f"{text}: done in {time.monotonic() - start:.1f} s")


def each(items: Iterable, *, total: int, text: str, unit: str = "it") -> Iterator:
    """Go through `items` under a `bar`."""
    with bar(total=total, text=text, unit=unit) as shown:
        for item in items:
            yield item
            shown.update(1)


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
