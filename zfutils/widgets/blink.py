"""Which one is wrong? Two pictures to choose from, then both blink in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from zfutils.widgets import drawing
from zfutils.widgets.panel import WIDE, Shown, small
from zfutils.widgets.pipeline import Check
from zfutils.widgets.sliders import Sliders

_OPEN, _NAMES = "not yet", ("A", "B")


@dataclass(frozen=True)
class Pair:
    """A right picture and a wrong one.

    Attributes:
        right, wrong: uint8 (h, w, 3), of one shape.
        what: is wrong, in a few words.
        image: that both tell of, stands beside them; None for none.
    """

    right: np.ndarray
    wrong: np.ndarray
    what: str
    image: np.ndarray | None = None


class Blink(anywidget.AnyWidget):
    """Two pictures in one place, which a button makes blink and another changes.

    Attributes:
        first, second: the pictures, PNG bytes, of one shape; nothing is shown while they are empty.
        captions: of each.
        seconds: that each stands while they blink.
        width: on the page, pixels; it shrinks in a narrow column.
    """

    _esm = Path(__file__).with_name("blink.js")
    first = traitlets.Bytes().tag(sync=True)
    second = traitlets.Bytes().tag(sync=True)
    captions = traitlets.List(traitlets.Unicode()).tag(sync=True)
    seconds = traitlets.Float(0.6).tag(sync=True)  # fewer than three changes a second, for those whom flicker harms
    width = traitlets.Int(WIDE).tag(sync=True)


class WhichIsWrong(Sliders):
    """Pairs in an order that the seed draws; the guess opens the answer, and the two pictures can be made to blink.

    Args:
        pairs: what is shown.
        title: of the panel.
        seed: of the order of the pairs and of the sides.

    Example:
        >>> WhichIsWrong(pairs, title="Which one is wrong?", seed=0)  # doctest: +SKIP
    """

    def __init__(self, pairs: Sequence[Pair], *, title: str, seed: int):
        generator = np.random.default_rng(seed)
        self.pairs = [pairs[n] for n in generator.permutation(len(pairs))]
        self.wrong = [_NAMES[n] for n in generator.integers(0, 2, len(pairs))]
        self.guesses: dict[int, str] = {}
        self.score, self.blink = widgets.HTML(), Blink(captions=["the right one", "the wrong one"])
        self.blink.layout.display = "none"
        pair = widgets.IntSlider(description="pair", min=1, max=len(pairs))
        guess = widgets.ToggleButtons(description="wrong is", options=[_OPEN, *_NAMES], style={"button_width": "70px"})
        pair.observe(self._turn, "value")  # before the panel sees the new pair, so that its answer is never shown with it
        guess.observe(self._guessed, "value")
        super().__init__(self._pair, title=title, controls={"pair": pair, "guess": guess}, pictures=3)
        self.children = (*self.children, self.score, self.blink)

    def answers(self) -> list[str]:
        """What is wrong in each pair, in their order, and on which side."""
        return [f"pair {n}: {side}, {pair.what}" for n, (pair, side) in enumerate(zip(self.pairs, self.wrong, strict=True), 1)]

    def _pair(self, pair: int, guess: str, check: Check) -> Shown:
        check()
        own, wrong = self.pairs[pair - 1], self.wrong[pair - 1]
        beside = {} if own.image is None else {"image": own.image}
        sides = beside | dict(zip(_NAMES, (own.wrong, own.right) if wrong == "A" else (own.right, own.wrong), strict=True))
        if guess == _OPEN:
            return Shown(sides, "Which one is wrong? Choose A or B.")
        said = "Yes" if guess == wrong else "No"
        return Shown(sides, f"{said}: {wrong} is wrong. {own.what[0].upper()}{own.what[1:]}.")

    def _turn(self, _: object) -> None:
        """Another pair: nothing is guessed of it yet."""
        self.controls["guess"].value = _OPEN

    def _guessed(self, change: object) -> None:
        """Count the first guess of each pair, and show the pair blinking once it is made."""
        self.blink.layout.display = "none" if change.new == _OPEN else ""
        if change.new == _OPEN:
            return
        number = self.controls["pair"].value
        own = self.pairs[number - 1]
        self.blink.first, self.blink.second = drawing.png(own.right), drawing.png(own.wrong)
        self.guesses.setdefault(number, change.new)
        hits = sum(self.wrong[n - 1] == said for n, said in self.guesses.items())
        self.score.value = small(f"{hits} of {len(self.guesses)} right at the first guess; <b>blink</b> shows both in one place")
