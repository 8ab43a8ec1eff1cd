"""Diagrams of how the paper works: the way up and down, the sets and their splits, four ways to carry a net to other pictures."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Patch, Rectangle

from zfutils.report.plot.page import GREY, Shown

_WIDTH = 4.4  # inches: on a telephone a letter of 9 points is still read
_UP, _DOWN, _SWITCH = "#1b6ca8", "#d1495b", "#8a5a00"
_PALE = {_UP: "#e3eef7", _DOWN: "#fbe6e9"}
_SPLITS = {"train": "#1b6ca8", "dev": "#edae49", "val": "#d1495b", "test": "#d1495b"}
_KEPT, _TUNED, _NEW = ("#cfe0ee", ""), ("#cfe0ee", "////"), ("#f3b2ba", "")  # colour and hatch of a layer
_STATES = {"kept": _KEPT, "tuned": _TUNED, "new": _NEW}
_MEANINGS = {
    "kept": "from pre-training, frozen",
    "tuned": "from pre-training, trained on",
    "new": "trained on the new pictures alone",
}
_SETUPS = {
    "softmax": (("kept",) * 7, "softmax", "frozen +\nsoftmax"),
    "SVM": (("kept",) * 5, "SVM", "frozen to any\nlayer + SVM"),
    "fine-tuned": (("tuned",) * 7, "softmax", "fine-\ntuned"),
    "scratch": (("new",) * 7, "softmax", "from\nscratch"),
}


def paths_diagram(*, layers: int = 5, pools: Sequence[int] = (1, 2, 5)) -> Shown:
    """Draw the convnet upwards and the deconvnet downwards, layer by layer, and the switches that join their pools.

    *Paper:* section 2.1, figure 1.

    Args:
        layers: number of convolutional layers.
        pools: those that end with a max pool.

    Returns:
        A figure with one axes.
    """
    figure, axis = _sheet(height := 0.92 * layers + 1.85)
    right, left = 3.45, 0.95
    for x, words, colour in ((right, "convnet: up", _UP), (left, "deconvnet: down", _DOWN)):
        axis.text(x, height - 0.2, words, ha="center", va="center", weight="bold", color=colour)
    for layer in range(1, layers + 1):
        middle, pooled = 0.92 * layer + 0.35, layer in pools
        up = ["filter", "rectify", *["pool"] * pooled]
        down = [*["unpool"] * pooled, "rectify", "transposed filter"]
        _box(axis, right, middle, f"layer {layer}", " → ".join(up), _UP)
        _box(axis, left, middle, f"layer {layer}", " → ".join(down[:2]) + (f"\n→ {down[2]}" if pooled else ""), _DOWN)
        _arrow(axis, (right, middle - 0.58), (right, middle - 0.34), _UP)
        _arrow(axis, (left, middle - 0.34), (left, middle - 0.58), _DOWN)
        if pooled:
            _arrow(axis, (right - 0.86, middle), (left + 0.86, middle), _SWITCH, ls="--")
            axis.text(2.2, middle + 0.05, "switches", ha="center", va="bottom", color=_SWITCH, fontsize=8)
    top = 0.92 * (layers + 1) + 0.27
    for x, words in ((right, "maps of all units"), (left, "one value is kept,\nall others are zero")):
        axis.text(x, top, words, ha="center", va="center")
    _arrow(axis, (right, top - 0.5), (right, top - 0.16), _UP)
    _arrow(axis, (left, top - 0.22), (left, top - 0.5), _DOWN)
    _arrow(axis, (right - 0.68, top), (left + 0.74, top), "#333333")
    for x, words in ((right, "image"), (left, "projection, in pixels")):
        axis.text(x, 0.5, words, ha="center", va="center", weight="bold")
    figure.words = (
        f"On the right an image goes up through {layers} layers: filter, rectify and, in layers {_listed(pools)}, pool. At the top one "
        "value of one map is kept and all others become zero. On the left it goes down through the same layers in reverse: unpool, "
        "rectify, transposed filter, until it is a projection in pixels. Dashed arrows, the switches, lead from each pool to its unpooling."
    )
    return figure


def splits_diagram(sets: pd.DataFrame, *, uses: Mapping[str, str] | None = None) -> Shown:
    """Draw the sets of pictures and what each of their splits is for; a bar is as long as its split has images.

    Args:
        sets: one row a split, columns `set` (its name), `split`, `images` (their number) and `use` (what it is for, one or two lines).
        uses: a sentence under the name of a set, by set; or none.

    Returns:
        A figure with one axes.
    """
    names, uses = list(dict.fromkeys(sets["set"])), uses or {}
    figure, axis = _sheet(height := 0.62 * len(sets) + 0.72 * len(names) + 0.1)
    longest, y = sets["images"].max(), height - 0.28
    for name in names:
        axis.text(0.12, y, name, weight="bold", va="center", fontsize=10)
        axis.text(0.12, y - 0.24, uses.get(name, ""), va="center", color=GREY, fontsize=8.5)
        y -= 0.6
        for row in sets[sets["set"] == name].itertuples():
            length = max(0.06, 1.55 * row.images / longest)
            axis.add_patch(Rectangle((0.12, y - 0.22), length, 0.16, fc=_SPLITS.get(row.split, GREY), ec="none"))
            axis.text(0.12, y + 0.08, f"{row.split}: {row.images:,} images", va="center")
            axis.text(1.85, y - 0.03, row.use, va="center", fontsize=8.5, linespacing=1.25)
            y -= 0.62
        y -= 0.12
    rows = "; ".join(f"{row.set}, {row.split}, {row.images:,} images: {_line(row.use)}" for row in sets.itertuples())
    figure.words = f"Sets of pictures and what their splits are for. {rows}."
    return figure


def transfer_diagram() -> Shown:
    """Draw four ways to carry a net to other pictures: frozen with a new softmax, with an SVM, fine-tuned, and none of it: from scratch.

    *Paper:* section 5.2; fine-tuning is not in the paper.

    Returns:
        A figure with one axes.
    """
    figure, axis = _sheet(4.7)
    for number, (layers, classifier, words) in enumerate(_SETUPS.values()):
        x = 0.12 + 1.06 * number
        for layer, state in enumerate(layers, 1):
            _bar(axis, x, 1.18 + 0.34 * (layer - 1), f"layer {layer}", state)
        top = 1.18 + 0.34 * len(layers)
        _arrow(axis, (x + 0.49, top - 0.04), (x + 0.49, top + 0.2), "#333333")
        _bar(axis, x, top + 0.22, classifier, "new")
        axis.text(x + 0.49, 4.4, words, ha="center", va="center", weight="bold", fontsize=9, linespacing=1.1)
        _arrow(axis, (x + 0.49, 0.98), (x + 0.49, 1.16), "#333333")
    axis.text(_WIDTH / 2, 0.88, "new pictures, a few of each class", ha="center", va="center")
    keys = [
        Patch(fc=colour, hatch=hatch or None, ec="#444444", lw=0.6, label=_MEANINGS[state]) for state, (colour, hatch) in _STATES.items()
    ]
    axis.legend(handles=keys, loc="lower left", bbox_to_anchor=(0.01, -0.01), fontsize=8.5, handlelength=1.6, labelspacing=0.25)
    figure.words = (
        "Four nets see a few new pictures of each class. First: all seven layers are frozen, only a softmax on top is trained. Second: the "
        "layers are frozen up to any one, and an SVM is trained on its features. Third, fine-tuned: the layers start from pre-training and "
        "are trained on. Fourth, from scratch: all layers and the softmax are trained on the new pictures alone."
    )
    return figure


def _sheet(height: float) -> tuple[Shown, Axes]:
    """A figure that is one drawing, in inches."""
    figure = Shown(figsize=(_WIDTH, height))
    figure.set_layout_engine("none")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, _WIDTH), ylim=(0, height))
    axis.set_axis_off()
    return figure, axis


def _box(axis: Axes, x: float, y: float, head: str, words: str, colour: str) -> None:
    """One layer on one of the two paths."""
    axis.add_patch(FancyBboxPatch((x - 0.83, y - 0.3), 1.66, 0.6, boxstyle="round,pad=0,rounding_size=0.06", fc=_PALE[colour], ec=colour))
    axis.text(x, y + 0.26, head, ha="center", va="top", fontsize=8.5, weight="bold", color=colour)
    axis.text(x, y - 0.09, words, ha="center", va="center", fontsize=8, linespacing=1.05)


def _bar(axis: Axes, x: float, y: float, words: str, state: str) -> None:
    """One layer of a stack."""
    colour, hatch = _STATES[state]
    axis.add_patch(Rectangle((x, y), 0.98, 0.29, fc=colour, hatch=hatch or None, ec="#444444", lw=0.6))
    behind = {"facecolor": colour, "edgecolor": "none", "pad": 1.2} if hatch else None
    axis.text(x + 0.49, y + 0.14, words, ha="center", va="center", fontsize=8.5, bbox=behind)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, *, ls: str = "-") -> None:
    """An arrow between two points."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.2, "ls": ls, "shrinkA": 0, "shrinkB": 0})


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in a sentence."""
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def _line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
