"""Child processes of a run: they end with it."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

STOPPED = 130  # status of a command that was stopped
_PATIENCE = 10  # seconds that a child has for its end before it is ended
HELD = "ZFUTILS_HELD"  # in the environment of a child: the run holds the other end of its stdin for as long as it lives


def end_with_the_run() -> None:
    """In a child of `Children`: stop as by SIGTERM once the run that started it is gone, also where that was killed."""

    def watch() -> None:
        os.read(0, 1)  # a run writes nothing to the stdin of a child, so this returns when the other end is closed
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
        time.sleep(_PATIENCE)
        os._exit(STOPPED)

    threading.Thread(target=watch, daemon=True).start()


class Children:
    """Chapters and trainings in processes of their own: when the run is stopped, none is started and those that run are stopped too.

    Args:
        slots: what each of those that run at once finds in its environment beside the rest, as a GPU of its own; one more waits.
    """

    def __init__(self, slots: list[dict[str, str]]):
        self.at_once = len(slots)
        self.free: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        for slot in slots:
            self.free.put(slot)
        self.running: list[subprocess.Popen] = []
        self.stopped = False
        self.changing = threading.Lock()  # none starts while all are being stopped

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, error: type | None, *about: object) -> None:
        if error is not None:  # else all have ended, or go on beside what the block did
            self.stop()

    def run(self, command: list[str], environment: dict[str, str], *, begins: Callable[[], None] = lambda: None) -> tuple[int, str]:
        """Run one to its end when its turn comes; return its status and what it said on stderr.

        Args:
            command: what is run.
            environment: its environment, to which the slot adds its own.
            begins: called when its turn has come.
        """
        slot = self.free.get()
        try:
            if not self.stopped:
                begins()
            return self._run(command, {**environment, **slot})
        finally:
            self.free.put(slot)

    def _run(self, command: list[str], environment: dict[str, str]) -> tuple[int, str]:
        with _held_open() as stdin:
            with self.changing:
                if self.stopped:
                    return STOPPED, "stopped"
                options = {"env": {**environment, HELD: "1"}, "stdin": stdin, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
                child = subprocess.Popen(command, text=True, **options)
                self.running.append(child)
            stderr = child.communicate()[1]
        self.running.remove(child)
        return child.returncode, stderr

    def stop(self) -> None:
        """Stop all, gently at first: a chapter then ends its kernel. Not by SIGINT: children of a run in the background ignore it."""
        with self.changing:
            self.stopped = True
            children = list(self.running)
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()


@contextlib.contextmanager
def _held_open() -> Iterator[int]:
    """The reading end of a pipe into which nothing is written, and whose other end no child inherits."""
    theirs, ours = os.pipe()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)
