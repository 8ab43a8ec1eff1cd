"""Winners of a net whose own do not ship: looked for once among the photographs of this machine, beside all else, and kept on disk."""

import contextvars
import hashlib
import threading
import time
from collections.abc import Callable

import numpy as np
from torch import Tensor

from zfutils.attribution import topk
from zfutils.attribution.topk import Top
from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.models import checkpoints
from zfutils.widgets.pictures import Pool
from zfutils.widgets.pipeline import Stale, apart
from zfutils.widgets.subjects import Subject

NINE = 9
_BATCH = 32
_EVERY = 1.0  # seconds between two words on how far it is
_ONE_AT_A_TIME = threading.Lock()


class Scan:
    """Looks for the winners of every unit of a net in a thread of its own; what an earlier one found is read.

    Args:
        subject: the net.
        pool: pictures among which they are looked for.
        told: called now and then, and at the end; it raises `Stale` once nobody waits any more.

    Attributes:
        found: the winners by layer, None until they are there.
        seen: pictures so far.
        wrong: why there are none, one line.
    """

    def __init__(self, subject: Subject, pool: Pool, told: Callable[["Scan"], None]):
        self.subject, self.pool, self.told = subject, pool, told
        self.found: dict[str, Top] | None = None
        self.seen, self.wrong = 0, ""
        context = contextvars.copy_context()  # a kernel finds the cell that an answer belongs to by it
        self.thread = threading.Thread(target=context.run, args=(self._run,), daemon=True)
        self.thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.found is not None or bool(self.wrong)

    def says(self) -> str:
        """How far it is, one line."""
        return f"looking through {self.pool.says}: {self.seen / len(self.pool.pictures):.0%}; until then, of scikit-image's pictures alone"

    def _run(self) -> None:
        try:
            with _ONE_AT_A_TIME:
                self.found = topk.kept(paths.data_dir() / "explorer", self.subject.name.replace("/", "-"), self._about(), self._look)
        except Stale:
            return
        except Problem as problem:
            self.wrong = str(problem)
        except Exception as error:  # an odd disk or picture must not leave the page waiting; what happened is told
            self.wrong = f"{type(error).__name__}: {' '.join(str(error).split())}"
        try:
            self.told(self)
        except Stale:
            return

    def _about(self) -> tuple:
        """What the winners depend on: the weights, how a picture becomes input, and the pictures."""
        side = self.subject.size
        black = self.subject.input([np.zeros((side, side, 3), np.uint8)]).numpy()
        white = self.subject.input([np.full((side, side, 3), 255, np.uint8)]).numpy()
        scaling = hashlib.sha256(black.tobytes() + white.tobytes()).hexdigest()
        return checkpoints.digest(self.subject.net), scaling, self.subject.side, NINE, list(self.subject.layers), *self.pool.key

    def _look(self) -> dict[str, Top]:
        """The scan itself, on modules of its own: the page goes on with the net."""
        net, last = apart(self.subject.net), time.monotonic()

        def take(indices: np.ndarray) -> Tensor:
            nonlocal last
            if time.monotonic() - last > _EVERY:
                last = time.monotonic()
                self.told(self)
            self.seen += len(indices)
            return self.subject.input(self.pool.cuts(self.subject.side, self.subject.cut, indices))

        layers, indices = list(self.subject.layers), np.arange(len(self.pool.pictures))
        return topk.scan(net, take, layers=layers, k=NINE, indices=indices, batch=_BATCH)
