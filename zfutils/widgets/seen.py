"""Windows of a layer that one changes: the sizes that follow, and the pixels that a unit then sees (section 3, figure 3)."""

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
import pandas as pd

from zfutils.attribution import receptive_field
from zfutils.core.errors import unknown
from zfutils.models import architectures
from zfutils.models.architectures import Architecture, Windows
from zfutils.report import plot
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check
from zfutils.widgets.sliders import Sliders
from zfutils.widgets.square import Square, position

_WIDE = 560  # pixels of the chart, twice those on the page, so that its words are sharp


@dataclass(frozen=True)
class Seen:
    """A net on paper and a picture that it sees.

    Attributes:
        architecture: the net.
        picture: uint8 (side, side, 3), with the side of the net's input.
        printed: sides of the maps that the paper prints, by stage.
    """

    architecture: Architecture
    picture: np.ndarray
    printed: dict[str, int]

    def sliders(self) -> Sliders:
        """A layer and its windows; a stage, and the unit of it that lies where the picture is clicked."""
        over = Square(self.picture, label="the place of the unit", side=0.04, value=(0.5, 0.5))
        convs = [f"conv{number}" for number, _ in self.architecture.numbered]
        changed = widgets.Dropdown(description="change", options=convs)
        sizes = {
            "kernel": widgets.IntSlider(description="kernel", min=1, max=11),
            "stride": widgets.IntSlider(description="stride", min=1, max=4),
            "padding": widgets.IntSlider(description="padding", max=5),
        }
        changed.observe(lambda event: self._fit(sizes, event["new"]), "value")
        self._fit(sizes, changed.value)
        stages = [windows.stage for windows in architectures.chain(self.architecture)]
        unit = widgets.SelectionSlider(description="unit of", options=stages, value=convs[2 % len(convs)])
        controls = {"place": over, "layer": changed, **sizes, "unit": unit}
        return Sliders(self.at, title="Sizes, and what one unit sees", controls=controls, pictures=2)

    def at(self, place: tuple, layer: str, kernel: int, stride: int, padding: int, unit: str, check: Check) -> Shown:
        """The sides of all maps, and the picture with the pixels that one unit sees.

        Args:
            place: of the unit, x and y as shares of the map; empty takes the middle.
            layer: whose windows are changed.
            kernel, stride, padding: of its windows; the other layers are as the paper has them.
            unit: its stage.
            check: of the pipeline.
        """
        check()
        changed = architectures.with_windows(self.architecture, layer, kernel=kernel, stride=stride, padding=padding)
        chain = architectures.chain(changed)
        known = [windows.stage for windows in architectures.chain(self.architecture)]
        if unit not in known:
            raise unknown("stage", unit, known)
        sides = {windows.stage: windows.side for windows in chain}
        agree = sum(sides.get(stage) == side for stage, side in self.printed.items())
        pages = {f"{agree} of {len(self.printed)} sizes as printed": drawing.rendered(self._chart(sides, known), width=_WIDE)}
        if not sides.get(unit):
            return Shown({f"{unit} does not exist": self.picture} | pages, _misfits(chain))
        field = receptive_field.on_paper(changed, unit)
        at = position(place or (0.5, 0.5), sides[unit])
        caption = f"row {at[0]}, column {at[1]} of {unit} sees {field.size[0]} px; {field.beyond(at):.0%} of that lies beyond the border"
        margin = _margin(field, sides[unit])
        return Shown({caption: drawing.looked_at(self.picture, field.box(at), margin=margin)} | pages, _misfits(chain))

    def _chart(self, sides: dict[str, int], stages: list[str]):
        rows = {"input": self.architecture.image_size, **{stage: sides.get(stage, 0) for stage in stages}}
        printed = [self.printed.get(stage, np.nan) for stage in rows]
        return plot.chain(pd.DataFrame({"stage": list(rows), "side": list(rows.values()), "printed": printed}))

    def _fit(self, sizes: dict[str, widgets.IntSlider], layer: str) -> None:
        """Give the sliders the windows that the paper gives a layer."""
        conv = dict(self.architecture.numbered)[int(layer.removeprefix("conv"))]
        for name, slider in sizes.items():
            slider.value = getattr(conv, name)


def _margin(field: receptive_field.Field, side: int) -> int:
    """White around the picture, the same for all units of a stage: what the outermost see beyond the border, at most a picture's side."""
    before, after = -field.box((0, 0))[0], field.box((side - 1, side - 1))[2] - field.image[0]
    return int(np.clip(max(before, after), 4, field.image[0]))


def _misfits(chain: tuple[Windows, ...]) -> str:
    """What does not fit in some stages, in one line."""
    if not chain[-1].side:
        return f"The net ends at {chain[-1].stage}: {chain[-1].misfit()}."
    words: dict[str, list[str]] = {}
    for windows in chain:
        words.setdefault(windows.misfit(), []).append(windows.stage)
    found = [f"{', '.join(stages)}: {said}" for said, stages in words.items() if said]
    return "; ".join(found) + "." if found else "All windows fit."
