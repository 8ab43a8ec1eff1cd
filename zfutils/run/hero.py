"""The picture on top of the README and of the site: what units of the shipped toy net take from their strongest pictures, beside those."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from zfutils.attribution import top_nine
from zfutils.attribution.topk import Top
from zfutils.attribution.units import Unit
from zfutils.core import paths
from zfutils.report import plot
from zfutils.widgets import subjects

FILE = paths.BOOK / "site" / "static" / "hero.png"
NET = "zfnet-toybox"
LAYERS = ("conv2", "conv3", "conv4", "conv5")
_TILE = 88  # side of one picture, pixels
_COLOURS = 200  # of the file; more make it larger than a repository should carry


def units(tops: dict[str, Top], labels: np.ndarray) -> dict[Unit, int]:
    """One unit a layer, with the class that is most frequent among its nine strongest pictures.

    The rule: of each layer, from the lowest up, the unit with most pictures of one class among its nine; of equals the one that fires most
    strongly; a class that was shown is not shown again.

    Args:
        tops: strongest pictures by layer, among them `LAYERS`.
        labels: of those pictures.
    """
    chosen: dict[Unit, int] = {}
    for layer in LAYERS:
        top = tops[layer]
        counts = {int(map): np.bincount(labels[top.indices[map]]) for map in top.active()}
        free = [map for map, count in counts.items() if count.argmax() not in chosen.values()]
        best = max(free, key=lambda map: (counts[map].max(), float(top.values[map, 0])))
        chosen[Unit(layer, best)] = int(counts[best].argmax())
    return chosen


def write(to: Path = FILE) -> Path:
    """Draw the picture and write it."""
    subject = subjects.load(NET)
    tops, sample = subject.winners
    columns = []
    for unit in units(tops, sample.labels):
        nine = top_nine.of(subject.net, sample, subject.size, tops[unit.layer], layer=unit.layer, maps=np.array([unit.map]))
        projections, patches = nine.tiles(sample, subject.size)
        caption = f"layer {unit.layer.removeprefix('conv')}, unit {unit.map}"
        columns.append((caption, *(_page(tiles[0]) for tiles in (patches, projections))))
    drawn = io.BytesIO()
    figure = plot.banner(columns, rows=("nine strongest patches", "the unit, brought back to pixels"))
    figure.savefig(drawn, dpi=plot.BANNER_DPI, format="png")
    to.parent.mkdir(parents=True, exist_ok=True)
    with paths.whole(to) as fresh, Image.open(drawn) as opened:
        opened.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(fresh, format="PNG", optimize=True)
    return to


def _page(tiles: np.ndarray) -> np.ndarray:
    """Nine pictures, uint8 (9, side, side, 3), brought to one size and laid out."""
    sized = np.stack([Image.fromarray(tile).resize((_TILE, _TILE), Image.Resampling.BICUBIC) for tile in tiles])
    return plot.nine_page("", sized[None], columns=1).picture


if __name__ == "__main__":
    print(write())
