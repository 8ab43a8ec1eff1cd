"""Locks: one process at a time writes a folder or a file."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from zfutils.core import progress


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only process that writes `path`; where another is at work on it, say so in one line and wait.

    What the other has made is there afterwards, so look again inside. Under torchrun the first process holds the lock for all.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))  # of the system, so that it ends with the process that holds it
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        progress.say(f"{path.name}: another process is making it; waiting for that")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
