"""One unit and its strongest pictures: what it looked at beside what comes down, under every rule and scale (section 4, figure 2)."""

from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
from torch import nn

from zfutils.analysis import similarity
from zfutils.attribution import top_nine, units
from zfutils.attribution.top_nine import Winners
from zfutils.attribution.topk import Top
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem, unknown
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models.crops import Crops
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check, Memory, apart
from zfutils.widgets.sliders import Sliders
from zfutils.widgets.views import RULES, SWITCHES, drawing_of, ways

SCALES = ("layer", "map", "tile")
_OF_LAYER = 24  # maps of a layer that its scale is taken from
_SIDE, _WIDE = 224, 575  # pixels: of a tile, of the pair on the page


@dataclass(frozen=True)
class Projected:
    """A net and the strongest pictures of its maps.

    Attributes:
        net: in evaluation mode.
        prepared: the pictures.
        crops: that cut the net's input out of them.
        tops: the strongest pictures by layer.
    """

    net: nn.Module
    prepared: PreparedSet
    crops: Crops
    tops: dict[str, Top]
    kept: Memory = field(default_factory=lambda: Memory(64), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "net", apart(self.net))  # cells after this one go on with the net that was given

    def sliders(self, unit: Unit) -> Sliders:
        """Layer, map, rank, rule, switches and scale; the maps that are offered are those of the layer that some picture makes active.

        Args:
            unit: that is shown first, or the nearest one that some picture makes active.
        """
        layers = [layer for layer in self.tops if self._active(layer)]
        layer = widgets.Dropdown(description="layer", options=layers, value=unit.layer if unit.layer in layers else layers[0])
        number = widgets.SelectionSlider(description="map", options=self._active(layer.value), value=self._nearest(layer.value, unit.map))
        layer.observe(lambda event: self._fit(number, event["new"]), "value")
        controls = {
            "layer": layer,
            "map": number,
            "rank": widgets.IntSlider(1, 1, max(top.indices.shape[1] for top in self.tops.values()), description="rank"),
            "rule": widgets.Dropdown(description="rule", options=RULES),
            "switches": widgets.Dropdown(description="switches", options=SWITCHES),
            "scale": widgets.Dropdown(description="scale of", options=SCALES, value="map"),
        }
        return Sliders(self.at, title="One unit and its strongest pictures", controls=controls, wide=_WIDE)

    def at(self, layer: str, map: int, rank: int, rule: str, switches: str, scale: str, check: Check) -> Shown:
        """What a map looked at in one of its strongest pictures, beside its projection.

        Args:
            layer, map: the unit.
            rank: of the picture among the strongest, from 1.
            rule, switches: of the way down.
            scale: `layer`, `map` or `tile`: what shares one scale of display.
            check: of the pipeline.
        """
        own, usual = (self._nine(layer, map, *way, check) for way in ((rule, switches), (RULES[0], SWITCHES[0])))
        many = own.indices.shape[1]
        if not 1 <= rank <= many:
            raise Problem(f"expected a rank from 1 to {many}, the pictures that make {Unit(layer, map)} active, got {rank}; take another")
        tile, same = (found.framed(self.crops.size)[0, rank - 1] for found in (own, usual))
        white, itself = self._white(own, rank, rule, switches, scale, check), top_nine.display_scale(tile)
        projections, patches = own.tiles(self.prepared, self.crops.size, scales=np.array([white]))
        alike = similarity.cosine(tile[None], same[None])[0]
        name = self.prepared.classes[self.prepared.labels[own.indices[0, rank - 1]]]
        caption = f"{name}, activation {own.values[0, rank - 1]:.3g}"
        said = f"Left: what {Unit(layer, map)} looked at. Right: {rule}, switches {switches}"
        if (rule, switches) != (RULES[0], SWITCHES[0]):  # to itself it would always be 1
            caption, said = f"{caption}; cosine {alike:+.2f}", f"{said}; cosine to the deconvnet's, switches right"
        said += f". Grey is zero. One scale a {scale}: white is {white:.3g}; "
        said += f"on its own, this tile's would be {itself:.3g}, {itself / white:.0%}."
        pair = np.stack([patches[0, rank - 1], projections[0, rank - 1]])
        return Shown({caption: drawing.sheet(pair, columns=2, side=_SIDE)}, said)

    def _active(self, layer: str) -> list[int]:
        """Numbers of the maps that some picture makes active."""
        return np.flatnonzero(self.tops[layer].alive[:, 0]).tolist()

    def _fit(self, slider: widgets.SelectionSlider, layer: str) -> None:
        """Offer the maps of a layer; the number stays, or becomes the one that is nearest."""
        number = self._nearest(layer, slider.value)
        slider.options = self._active(layer)
        slider.value = number

    def _nearest(self, layer: str, number: int) -> int:
        """The active map of a layer whose number is nearest to another."""
        return min(self._active(layer), key=lambda active: abs(active - number))

    def _nine(self, layer: str, map: int, rule: str, switches: str, check: Check) -> Winners:
        """The strongest pictures of a map, projected; fewer than nine where fewer make it active."""
        if layer not in self.tops:
            raise unknown("layer", layer, self.tops)
        top, unit = self.tops[layer], Unit(layer, map)
        units.check_map(unit, len(top.indices))
        if not top.alive[map, 0]:
            raise Problem(f"{unit} is active in none of the pictures; take another map")
        check()
        way = {"rules": ways(rule, switches), "generator": drawing_of(switches)}

        def project() -> Winners:
            some = top.first(int(top.alive[map].sum()))
            return top_nine.of(self.net, self.prepared, self.crops.size, some, layer=layer, maps=np.array([map]), inputs=self.crops, **way)

        return self.kept.get((layer, map, rule, switches), project)

    def _white(self, own: Winners, rank: int, rule: str, switches: str, scale: str, check: Check) -> float:
        """The absolute value that becomes black or white."""
        if scale not in SCALES:
            raise unknown("scale", scale, SCALES)
        if scale == "tile":
            return top_nine.display_scale(own.projections[0, rank - 1])
        if scale == "map":
            return float(own.scales()[0])
        check()
        first, layer = self.tops[own.layer].first(1), own.layer
        maps = top_nine.draw(first, _OF_LAYER, np.random.default_rng(0))
        way = {"rules": ways(rule, switches), "generator": drawing_of(switches), "inputs": self.crops}

        def project() -> float:
            return top_nine.display_scale(
                top_nine.of(self.net, self.prepared, self.crops.size, first, layer=layer, maps=maps, **way).projections
            )

        return self.kept.get(("white", layer, rule, switches), project)
