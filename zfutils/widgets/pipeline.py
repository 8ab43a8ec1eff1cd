"""The pattern of every slider: state → compute (kept, given up when stale) → draw."""

import contextvars
import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from torch import nn

from zfutils.core.errors import Problem

BUSY = 0.3  # seconds after which a view says that it is computing
_ONE_AT_A_TIME = threading.Lock()  # nets carry hooks while they are looked at, so two computations must not meet in one

Check = Callable[[], None]


class Stale(Exception):
    """Raised inside a computation whose answer nobody waits for any more."""


class Memory:
    """Keeps the latest answers of slow functions.

    Args:
        most: answers that are kept.
    """

    def __init__(self, most: int):
        self.most, self.kept = most, OrderedDict()

    def get(self, key: Hashable, make: Callable[[], object]) -> object:
        """The answer for a key, made where it is not kept."""
        if key not in self.kept:
            self.kept[key] = make()
        self.kept.move_to_end(key)
        while len(self.kept) > self.most:
            self.kept.popitem(last=False)
        return self.kept[key]

    def forget(self, which: Callable[[Hashable], bool]) -> None:
        """Drop the answers of some keys."""
        for key in [key for key in self.kept if which(key)]:
            del self.kept[key]

    def __contains__(self, key: Hashable) -> bool:
        return key in self.kept


def apart(net: nn.Module) -> nn.Module:
    """The same net with the same weights in memory, but modules of its own.

    Sliders compute in a thread while the cells of a page go on: hooks of the one must not meet those of the other.
    """
    return copy.deepcopy(net, {id(weights): weights for weights in (*net.parameters(), *net.buffers())})


@dataclass(frozen=True)
class View:
    """One thing that is shown of a state.

    Attributes:
        name: of the view.
        needs: fields of the state on which it depends; it is computed anew when one of them changes.
        nothing: the answer that is drawn where there is none.
        compute: gives the answer for a state. It calls its second argument now and then, which raises `Stale` once the state is an old one.
        draw: shows an answer.
        say: shows one line beside it, or none where it is empty: that it is busy, or what is wrong.
    """

    name: str
    needs: tuple[str, ...]
    nothing: object
    compute: Callable[[object, Check], object]
    draw: Callable[[object], None]
    say: Callable[[str], None]

    def key(self, state: object) -> tuple:
        """What its answer depends on."""
        return (self.name, *(getattr(state, field) for field in self.needs))


class Pipeline:
    """Shows views of the latest state, computed in a thread of its own.

    A request replaces the one that waits, and the one that is being computed is given up at its next check: none is ever queued.

    Args:
        views: in the order in which they are computed; the quick ones first.
        kept: answers that are kept.
    """

    def __init__(self, views: list[View], *, kept: int = 128):
        self.views, self.memory, self.drawn = views, Memory(kept), {}
        self.changed, self.waiting, self.at_work, self.closed = threading.Condition(), None, False, False
        self.latest, self.outdated = None, set()
        context = contextvars.copy_context()  # a kernel finds the cell that an answer belongs to by it
        threading.Thread(target=context.run, args=(self._serve,), daemon=True).start()

    def request(self, state: object) -> None:
        """Show a state as soon as possible; returns at once."""
        with self.changed:
            self.waiting = self.latest = state
            self.changed.notify_all()

    def renew(self, name: str) -> None:
        """Compute a view of the latest state again: what it depends on beside the state has changed."""
        with self.changed:
            self.outdated.add(name)
            self.waiting = self.latest
            self.changed.notify_all()

    def answer(self, view: View, state: object) -> object | None:
        """The answer of one view, computed here and now; None where there is none."""
        try:
            with _ONE_AT_A_TIME:
                return self.memory.get(view.key(state), lambda: view.compute(state, lambda: None))
        except Problem:
            return None

    def settle(self, timeout: float = 60.0) -> bool:
        """Wait until everything is drawn; whether that was so in time."""
        with self.changed:
            return self.changed.wait_for(lambda: self.waiting is None and not self.at_work, timeout)

    def close(self) -> None:
        """End the thread."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _serve(self) -> None:
        while True:
            with self.changed:
                self.at_work = False
                self.changed.notify_all()
                self.changed.wait_for(lambda: self.waiting is not None or self.closed)
                if self.closed:
                    return
                state, self.waiting, self.at_work = self.waiting, None, True
                outdated, self.outdated = self.outdated, set()
            self._forget(outdated)
            for view in self.views:
                if self.waiting is not None or self.closed:
                    break  # a newer state is there: what is left of this one is never seen
                self._show(view, state)

    def _forget(self, names: set[str]) -> None:
        """Drop what is kept of some views."""
        if names:
            with _ONE_AT_A_TIME:
                self.memory.forget(lambda key: key[0] in names)
            for name in names:
                self.drawn.pop(name, None)

    def _check(self) -> None:
        if self.waiting is not None or self.closed:
            raise Stale

    def _show(self, view: View, state: object) -> None:
        """Bring one view up to date."""
        key = view.key(state)
        if self.drawn.get(view.name) == key:
            return
        busy = threading.Timer(BUSY, view.say, ["computing …"])
        busy.daemon = True
        busy.start()
        said = ""
        try:
            with _ONE_AT_A_TIME:
                answer = self.memory.get(key, lambda: view.compute(state, self._check))
            view.draw(answer)
            self.drawn[view.name] = key
        except Stale:
            said = "…"
        except Problem as problem:
            said = f"⚠ {problem}"
        except Exception as error:  # an odd net or picture must not end the thread; what happened is told
            said = f"⚠ {type(error).__name__}: {' '.join(str(error).split()) or 'no reason given'}; choose another net, layer or picture"
        finally:
            busy.cancel()
        busy.join()
        if said.startswith("⚠"):
            view.draw(view.nothing)
            self.drawn[view.name] = key
        view.say(said)
