"""Which one is wrong? Two pictures to choose from, then both blink in one place."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from zfutils.widgets import drawing
from zfutils.widgets.panel import WIDE, Shown, small
from zfutils.widgets.pipeline import Check
from zfutils.widgets.sliders import Sliders

SECONDS = 0.6  # that each picture stands; fewer than three changes a second, for those whom flicker harms
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


class Blink(widgets.VBox):
    """Two pictures in one place, changed by the browser; stopped and stepped by the buttons of the player and by keyboard.

    Args:
        captions: of the first and of the second.
    """

    def __init__(self, captions: tuple[str, str]):
        layout = widgets.Layout(width=f"{WIDE}px", max_width="100%")
        self.images = [widgets.Image(format="png", layout=layout) for _ in captions]
        boxes = [widgets.VBox([image, widgets.HTML(small(said))]) for image, said in zip(self.images, captions, strict=True)]
        self.stack = widgets.Stack(boxes, selected_index=0)
        self.player = widgets.Play(min=0, max=1, interval=round(1000 * SECONDS), repeat=True, description="blink")
        widgets.jslink((self.player, "value"), (self.stack, "selected_index"))
        super().__init__([self.player, self.stack])

    def show(self, first: np.ndarray, second: np.ndarray) -> None:
        """Put two pictures, uint8 (h, w, 3), in the place of those that are there."""
        for image, picture in zip(self.images, (first, second), strict=True):
            image.value = drawing.png(picture)


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
        self.score, self.blink = widgets.HTML(), Blink(("the right one", "the wrong one"))
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
        self.blink.show(self.pairs[number - 1].right, self.pairs[number - 1].wrong)
        self.guesses.setdefault(number, change.new)
        hits = sum(self.wrong[n - 1] == said for n, said in self.guesses.items())
        self.score.value = small(f"{hits} of {len(self.guesses)} right at the first guess; press play to see both in one place")
