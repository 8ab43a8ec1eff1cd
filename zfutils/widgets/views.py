"""What is shown of a state, as pictures and text: calls of the library, and nothing else."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from zfutils.analysis import invariance
from zfutils.attribution import activations, occlusion, projections, receptive_field, rules, topk, units
from zfutils.attribution.receptive_field import Field
from zfutils.attribution.top_nine import display_scale
from zfutils.attribution.topk import Top
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem, unknown
from zfutils.models.crops import to_display
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pictures import Picture, photographs
from zfutils.widgets.pipeline import Check, Memory
from zfutils.widgets.scans import NINE, Scan
from zfutils.widgets.subjects import Subject

RULES = ("deconvnet", "gradient", "guided", "linear")
SWITCHES = ("right", "centred", "random")
FILLS = {"mean grey": occlusion.mean_grey, "its mean colour": occlusion.image_mean, "blur": occlusion.blur, "noise": occlusion.noise}
CHANGES = {"shift": "vertical shift, px", "scale": "scale", "turn": "rotation, degrees"}
SIDE = 336  # pixels, of a picture on the page
_WAYS = {"gradient": "norm derived"}  # the others skip the contrast norm


@dataclass(frozen=True)
class Scene:
    """What the views look at.

    Attributes:
        subject: the net.
        square: the picture, uint8 (side, side, 3).
        unit: that is looked at.
        label: the true class, -1 where it is not known.
    """

    subject: Subject
    square: np.ndarray
    unit: Unit
    label: int

    @functools.cached_property
    def cut(self) -> np.ndarray:
        """What the net sees, uint8 (size, size, 3)."""
        return self.subject.cut(self.square)

    @functools.cached_property
    def input(self) -> Tensor:
        """The same as the net takes it, (1, 3, size, size)."""
        return self.subject.input([self.cut])


class Looker:
    """Computes views; keeps what several of them need.

    Args:
        others: what a net sees of the few pictures among which winners are looked for at once, where none ship.
        told: how far the search among many photographs is, now and then.
    """

    def __init__(self, others: Callable[[Subject], np.ndarray], told: Callable[[Scan], None]):
        self.others, self.told, self.scans = others, told, {}
        self.layers, self.memory = Memory(8), Memory(64)  # features of a layer are large

    def features(self, scene: Scene) -> Tensor:
        """Activations of the unit's layer, after a ReLU, (maps, h, w) or (units,)."""
        key = ("features", scene.subject.name, scene.unit.layer, scene.cut.tobytes())
        found = self.layers.get(key, lambda: activations.of(scene.subject.net, scene.input, [scene.unit.layer])[scene.unit.layer][0])
        if found.ndim not in (1, 3):
            shape = " x ".join(map(str, found.shape))
            raise Problem(f"{scene.unit.layer} gives {shape} values a picture, neither maps nor one value a unit; choose another layer")
        units.check_map(scene.unit, len(found))
        return found.clamp(min=0)

    def field(self, scene: Scene) -> Field:
        """Receptive fields of the unit's layer."""
        key = ("field", scene.subject.name, scene.unit.layer)
        return self.memory.get(key, lambda: receptive_field.of(scene.subject.net, scene.input, scene.unit.layer))

    def top(self, scene: Scene, check: Check) -> tuple[Top, Callable[[np.ndarray], np.ndarray]]:
        """The strongest pictures of every unit of the layer, and what cuts them by their indices."""
        subject, layer = scene.subject, scene.unit.layer
        if subject.winners is not None and layer in subject.winners[0]:
            tops, sample = subject.winners
            return tops[layer], lambda indices: np.stack([subject.cut(square) for square in sample.only(indices).images])
        scan = self.scan(subject)
        if scan and scan.found:
            return scan.found[layer], lambda indices: scan.pool.cuts(subject.side, subject.cut, indices)
        cuts = self.memory.get(("others", subject.name), lambda: self.others(subject))

        def take(indices: np.ndarray) -> Tensor:
            check()
            return subject.input(cuts[indices])

        def scan() -> Top:
            found = topk.scan(subject.net, take, layers=[layer], k=min(NINE, len(cuts)), indices=np.arange(len(cuts)), batch=16)
            return found[layer]

        return self.memory.get(("top", subject.name, layer), scan), lambda indices: cuts[indices]

    def scan(self, subject: Subject) -> Scan | None:
        """The search among the photographs of this machine, begun when it is first asked for; None where there is none."""
        if subject.photographs and subject.name not in self.scans:
            pool = photographs()
            self.scans[subject.name] = pool and Scan(subject, pool, self.told)
        return self.scans.get(subject.name)

    def among(self, subject: Subject) -> str:
        """Among which pictures winners were looked for, where that is not plain: a clause or nothing."""
        scan = self.scan(subject)
        if scan is None:
            return " (of scikit-image's pictures; more with make data PROFILE=photos)" if subject.photographs else ""
        if scan.wrong:
            return f" (of scikit-image's pictures; {scan.pool.says} could not be looked through: {scan.wrong})"
        return f" (of {scan.pool.says} and scikit-image's)" if scan.found else f" ({scan.says()})"

    def alive(self, scene: Scene, check: Check) -> np.ndarray:
        """Numbers of the units of the layer that some picture makes active."""
        return np.flatnonzero(self.top(scene, check)[0].values[:, 0] > 0)


def ways(rule: str, switches: str) -> rules.Rules:
    """The rules of the way down by the names on the page.

    Raises:
        Problem: there are none of that name.
    """
    for what, got, known in (("rule", rule, RULES), ("switches", switches, SWITCHES)):
        if got not in known:
            raise unknown(what, got, known)
    return rules.NAMED[f"{rule}{', centre' if switches == 'centred' else ''}, {_WAYS.get(rule, 'norm skipped')}"]


def drawing_of(switches: str) -> torch.Generator | None:
    """What draws the switches where they are random, the same each time; else None."""
    return torch.Generator().manual_seed(0) if switches == "random" else None


def activation_map(looker: Looker, scene: Scene, at: tuple[float, float] | None, check: Check) -> Shown:
    """The unit's map over the picture, and the field of the strongest or the clicked place."""
    values = looker.features(scene)[scene.unit.map].numpy()
    size = scene.subject.size
    if values.ndim == 0:
        said = f"{scene.unit.layer}, unit {scene.unit.map}: {float(values):.3g}; it sees the whole picture"
        return Shown({"the picture": _large(scene.cut)}, said)
    row, column = _position(values, at)
    high = float(values.max())
    glow = drawing.over(_large(scene.cut), values, high=high)
    try:
        box = looker.field(scene).inside((row, column))
    except Problem:
        box, sees = None, "the net cannot be followed down to what this place sees"  # the projection says why
    if box is not None:
        glow = drawing.boxed(glow, [tuple(round(edge * len(glow) / size) for edge in box)])
        sees = f"the frame is what this place sees, {box[2] - box[0]} x {box[3] - box[1]} px"
    where = "clicked" if at is not None else "strongest"
    said = f"{scene.unit}: {values[row, column]:.3g} at row {row}, column {column} ({where}); largest {high:.3g}"
    said += "; not active in this picture" if high == 0 else f"; {sees}"
    return Shown({f"map of {values.shape[0]} x {values.shape[1]}, bright where active": glow}, said)


def projection(looker: Looker, scene: Scene, at: tuple[float, float] | None, places: int, rule: str, switches: str, check: Check) -> Shown:
    """The picture's strongest activation, a clicked one or the n strongest, brought down to pixels."""
    values = looker.features(scene)[scene.unit.map].numpy()
    if values.ndim == 0:
        positions: list[tuple[int, int] | None] = [None]
    elif at is not None:
        positions = [_position(values, at)]
    else:
        order = np.argsort(-values, axis=None, kind="stable")[:places]
        positions = [tuple(int(part) for part in np.unravel_index(flat, values.shape)) for flat in order if values.flat[flat] > 0]
    if not positions or float(values.max()) == 0 or (at is not None and positions[0] and values[positions[0]] == 0):
        where = "in this picture" if float(values.max()) == 0 else "at this place"
        return Shown(
            {f"no projection: not active {where}": np.full((SIDE, SIDE, 3), 128, np.uint8)}, "where a unit is 0 nothing comes down"
        )
    down = sum(_down(scene, position, rule, switches) for position in positions)
    shown = to_display(down, scale=display_scale(down))
    what = "the clicked place" if at is not None else "the strongest place" if len(positions) == 1 else f"{len(positions)} places, added"
    return Shown({f"projection of {what}": _large(shown)}, f"{rule}, switches {switches}; grey is zero, scaled to its own strength")


def nine(looker: Looker, scene: Scene, rule: str, switches: str, check: Check) -> Shown:
    """The unit's nine strongest pictures: patches and projections (figure 2)."""
    top, cut = looker.top(scene, check)
    units.check_map(scene.unit, len(top.indices))
    there = top.alive[scene.unit.map]
    if not there.any():
        return Shown({}, f"{scene.unit} is active in none of the pictures{looker.among(scene.subject)}")
    cuts, positions = cut(top.indices[scene.unit.map][there]), top.positions[scene.unit.map][there]
    flat = scene.subject.net.get_submodule(scene.unit.layer).__class__ is nn.Linear
    boxes = [looker.field(scene).box(() if flat else tuple(position)) for position in positions.tolist()]
    down = _each_down(scene, cuts, None if flat else positions, rule, switches, check)
    scale = display_scale(down)
    projected = np.stack([_window(image, box, 128) for image, box in zip(to_display(down, scale=scale), boxes, strict=True)])
    patches = np.stack([_window(image, box, 128) for image, box in zip(cuts, boxes, strict=True)])
    strengths = ", ".join(f"{value:.3g}" for value in top.values[scene.unit.map][there])
    pages = {name: drawing.sheet(tiles, columns=3, side=108) for name, tiles in (("patches", patches), ("projections", projected))}
    return Shown(pages, f"{scene.unit}: the {int(there.sum())} strongest pictures{looker.among(scene.subject)}, row by row: {strengths}")


def occluded(looker: Looker, scene: Scene, label: int, size: float, stride: float, fill: str, check: Check) -> Shown:
    """What a square that hides a part does to the unit and to a class (figure 7).

    Args:
        looker, scene, check: as everywhere.
        label: the class; -1 takes the most probable one.
        size, stride: shares of the picture's side.
        fill: a name in `FILLS`.
    """
    side = scene.subject.size
    if fill not in FILLS:
        raise unknown("fill", fill, FILLS)
    with given_up(scene.subject.net, check):
        found = occlusion.sweep(
            scene.subject.net,
            scene.input[0],
            layer=scene.unit.layer,
            map=scene.unit.map,
            size=max(1, round(size * side)),
            stride=max(1, round(stride * side)),
            fill=FILLS[fill],
            batch=16,
        )
    label = int(found.base_probabilities.argmax()) if label < 0 else label
    if label >= len(found.base_probabilities):
        raise Problem(f"expected a class from 0 to {len(found.base_probabilities) - 1}, got {label}; choose another")
    name, p = scene.subject.class_name(label), found.probabilities[..., label]
    pages = {
        "the unit, dark where hiding hurts it": drawing.heat(
            found.activity, low=0, high=max(found.base_activity, float(found.activity.max()))
        ),
        f"P({name}), dark where hiding hurts it": drawing.heat(p, low=0, high=max(float(found.base_probabilities[label]), float(p.max()))),
    }
    worst = np.unravel_index(p.argmin(), p.shape)
    said = f"{found}. Unit {found.base_activity:.3g} unhidden, {found.activity.min():.3g} at worst; "
    said += f"P({name}) {found.base_probabilities[label]:.2f} unhidden, {p.min():.2f} at worst (square at row {found.tops[worst[0]]}, "
    said += f"column {found.lefts[worst[1]]})"
    return Shown({name: drawing.enlarged(page, 300) for name, page in pages.items()}, said)


def changed(looker: Looker, scene: Scene, change: str, amount: float, check: Check) -> Shown:
    """Distances of two layers and the top five classes while the picture is shifted, scaled or turned (figure 5)."""
    subject = scene.subject
    if change not in CHANGES:
        raise unknown("change", change, CHANGES)
    move, amounts = invariance.amounts(subject.size)[CHANGES[change]]

    def measure() -> invariance.Curves:
        with given_up(subject.net, check):
            return invariance.curves(subject.net, scene.input, np.array([max(scene.label, 0)]), move, amounts, layers=subject.ends)

    found = looker.memory.get(("curves", subject.name, change, scene.cut.tobytes()), measure)
    lines = {layer: values[:, 0] / max(float(values.max()), 1e-9) for layer, values in found.distances.items()}
    amount = float(np.clip(amount, amounts.min(), amounts.max()))
    with torch.no_grad():
        moved = move(torch.cat([scene.input, _as_ramp(scene.cut)]), amount)
        before, after = (subject.net(x).float().softmax(1)[0].numpy() for x in (scene.input, moved[:1]))
    svg = drawing.curves(amounts, lines, cursor=amount, label=CHANGES[change], ylabel="distance / its largest")
    svg += drawing.class_bars(before, after, [subject.class_name(label) for label in range(len(after))])
    picture = np.rint(np.moveaxis(moved[1].numpy(), 0, -1) + 128).clip(0, 255).astype(np.uint8)
    said = f"{CHANGES[change]}: {amount:g}. Curves: distance from the picture as it was, each layer divided by its largest. "
    said += "Bars: the five most probable classes; the mark is the share before"
    return Shown({f"{change} by {amount:g}": _large(picture)}, said, svg=svg)


@contextmanager
def given_up(net: nn.Module, check: Check) -> Iterator[None]:
    """Ask before each pass of a net whether anybody still waits for the answer."""
    hook = net.register_forward_pre_hook(lambda *_: check())
    try:
        yield
    finally:
        hook.remove()


def _as_ramp(cut: np.ndarray) -> Tensor:
    """A picture as a float tensor around zero, so that what comes in at its border is grey: (1, 3, h, w)."""
    return torch.from_numpy(cut.astype(np.float32) - 128).permute(2, 0, 1)[None]


def _position(values: np.ndarray, at: tuple[float, float] | None) -> tuple[int, int]:
    """Row and column of a clicked place, x and y in [0, 1), or of the maximum, the first of several."""
    if at is None:
        return tuple(int(part) for part in np.unravel_index(values.argmax(), values.shape))
    return tuple(int(np.clip(share * side, 0, side - 1)) for share, side in zip(at[::-1], values.shape, strict=True))


def _down(scene: Scene, position: tuple[int, int] | None, rule: str, switches: str) -> np.ndarray:
    """One projection, (3, size, size)."""
    return _each_down(scene, scene.cut[None], None if position is None else np.array([position]), rule, switches, lambda: None)[0]


def _each_down(scene: Scene, cuts: np.ndarray, places: np.ndarray | None, rule: str, switches: str, check: Check) -> np.ndarray:
    """The projections of one place in each of some pictures, (n, 3, size, size)."""
    inputs, way = scene.subject.input(cuts), ways(rule, switches)
    with given_up(scene.subject.net, check):
        maps = torch.full((len(cuts),), scene.unit.map)
        chosen = None if places is None else torch.from_numpy(places)
        where = {"layer": scene.unit.layer, "maps": maps, "positions": chosen}
        return projections.whole(scene.subject.net, inputs, **where, rules=way, generator=drawing_of(switches)).numpy()


def _window(image: np.ndarray, box: tuple[int, int, int, int], grey: int) -> np.ndarray:
    """A part of a picture that may reach beyond it; a part larger than the picture is the picture."""
    top, left, bottom, right = box
    height, width = image.shape[:2]
    if bottom - top >= height or right - left >= width:
        return image
    found = np.full((bottom - top, right - left, 3), grey, np.uint8)
    y, x, end, far = max(top, 0), max(left, 0), min(bottom, height), min(right, width)
    found[y - top : end - top, x - left : far - left] = image[y:end, x:far]
    return found


def _large(picture: np.ndarray) -> np.ndarray:
    return drawing.resized(picture, SIDE)


def scene(subject: Subject, picture: Picture, unit: Unit) -> Scene:
    """What the views look at, for a net, a picture and a unit."""
    return Scene(subject, picture.at(subject.side), unit, picture.label)
