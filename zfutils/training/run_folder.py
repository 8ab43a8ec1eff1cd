"""The folder of a training run: written by one process at a time, and not tried again once the run has diverged."""

from collections.abc import Callable
from pathlib import Path

from zfutils.core import locks, paths
from zfutils.training.trainer import Diverged

_STOPPED = "stopped.txt"  # why a run diverged


def fill(folder: Path, last: str, train: Callable[[], None]) -> None:
    """Train into a folder; do nothing where that is done, also by a process that was at it when this one came.

    Args:
        folder: of the run.
        last: the file that is written last.
        train: trains and writes.

    Raises:
        Diverged: the loss is not finite, now or when it was tried before.
    """
    if (folder / last).exists():
        return
    with locks.alone(folder):
        if why := stopped(folder):  # the same run would end the same way
            raise Diverged(why)
        if not (folder / last).exists():
            _run(folder, train)


def _run(folder: Path, train: Callable[[], None]) -> None:
    """Train; why a run diverged is kept beside its state."""
    try:
        train()
    except Diverged as diverged:
        with paths.whole(folder / _STOPPED) as fresh:
            fresh.write_text(str(diverged), encoding="utf-8")
        raise


def stopped(folder: Path) -> str:
    """Why the run of a folder diverged; empty where it did not."""
    file = folder / _STOPPED
    return file.read_text(encoding="utf-8") if file.exists() else ""


def clear(folder: Path) -> None:
    """Let the next run start anew."""
    with locks.alone(folder):
        for file in ("net.safetensors", "state.pt", _STOPPED):
            (folder / file).unlink(missing_ok=True)
