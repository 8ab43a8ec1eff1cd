"""Scenes: one picture of one or several toys, with all that is known about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zfutils.data.toybox import backdrop, camera, materials, studio
from zfutils.data.toybox.backdrop import Backdrop
from zfutils.data.toybox.camera import Frame, Pose
from zfutils.data.toybox.difficulty import Difficulty
from zfutils.data.toybox.draw import Draw
from zfutils.data.toybox.families import PARTS, Family
from zfutils.data.toybox.studio import Actor, Lamp, Seen
from zfutils.data.toybox.toy import Toy

_GRID, _COARSE = 40, 24  # cells along each side of the coarse look at a toy, and of the first one that only measures it
_TURNS = 20  # poses tried at most until a toy fits
FACE_ON = 12.0  # degrees: a toy turned away less than that keeps its symmetry in the picture
_RECT = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """A rendered picture.

    Attributes:
        image: uint8 (size, size, 3), RGB.
        parts: uint8 (size, size): 0 where there is no toy, else 1 + index of the part in `families.PARTS`.
        toys: uint8 (size, size): 0 where there is no toy, else 1 + its number in the scene.
        columns: ground truth, one value a column; see `collection`.
    """

    image: np.ndarray
    parts: np.ndarray
    toys: np.ndarray
    columns: dict


@dataclass(frozen=True)
class _Model:
    """An instance of a family in a pose, before it gets its position."""

    family: Family
    draw: Draw
    toy: Toy
    pose: Pose
    look: materials.Look


def portrait(family: Family, generator: np.random.Generator, size: int, difficulty: Difficulty) -> Picture:
    """Render one toy.

    Args:
        family: its class.
        generator: source of all chance; with the same one, toys of all classes get the same colours, lamp and backdrop.
        size: side of the picture, pixels.
        difficulty: ranges to draw from.
    """
    shape, pose, look, position, world = generator.spawn(5)
    share, focal = position.uniform(*difficulty.coverage), position.uniform(*difficulty.focal)
    middle = tuple(position.uniform(-difficulty.spread, difficulty.spread, 2))
    model, cells = _fitting(_model(family, shape, pose, look, difficulty, turn=0.0), pose, difficulty)
    actor = _seated(model, cells, share, focal, middle, difficulty)
    return _of_one(_picture([model], [actor], world, size, difficulty))


def turning(family: Family, generator: np.random.Generator, size: int, difficulty: Difficulty, *, angle: float) -> Picture:
    """Render one toy at some angle of a full turn around the vertical; camera, lamp and backdrop stay where they are.

    Args:
        family: its class.
        generator: source of all chance, in the same state for every angle.
        size: side of the picture, pixels.
        difficulty: ranges to draw from.
        angle: degrees.
    """
    shape, pose, look, position, world = generator.spawn(5)
    model = _model(family, shape, pose, look, difficulty, turn=angle)
    seen = camera.view(model.toy, model.pose)
    cells = camera.look(model.toy, seen, _GRID)
    first = cells if angle == 0 else camera.look(model.toy, camera.view(model.toy, replace(model.pose, yaw=model.pose.yaw - angle)), _GRID)
    zoom = min(2 * np.sqrt(position.uniform(*difficulty.coverage) / first.area), 0.9 / first.half)  # the whole bounding sphere fits
    room = camera.EDGE - zoom * first.half
    x0, y0 = position.uniform(-room, room, 2)
    actor = Actor(model.toy, model.look, seen, cells, Frame(float(zoom), float(x0), float(y0)))
    return _of_one(_picture([model], [actor], world, size, difficulty))


def group(families: Sequence[Family], generator: np.random.Generator, size: int, difficulty: Difficulty) -> Picture:
    """Render several toys that do not cover each other, each at the size it has in scenes."""
    shape, pose, look, position, world = generator.spawn(5)
    common = pose.uniform(*difficulty.elevation), pose.uniform(-1, 1) * difficulty.roll
    models, actors, taken = [], [], []
    for family in families:
        model = _model(family, shape, pose, look, difficulty, turn=0.0, camera_angles=common)
        seen = camera.view(model.toy, model.pose)
        cells = camera.look(model.toy, seen, _GRID)
        frame, rect = _free_position(cells, position, difficulty, taken)
        models.append(model)
        taken.append(rect)
        actors.append(Actor(model.toy, model.look, seen, cells, frame))
    return _picture(models, actors, world, size, difficulty)


def _model(
    family: Family,
    shape: np.random.Generator,
    pose: np.random.Generator,
    look: np.random.Generator,
    difficulty: Difficulty,
    *,
    turn: float,
    camera_angles: tuple[float, float] | None = None,
) -> _Model:
    """Draw shape, pose and surface."""
    draw = Draw(shape)
    toy = Toy(family.build(draw))
    elevation, roll = pose.uniform(*difficulty.elevation), pose.uniform(-1, 1) * difficulty.roll
    if camera_angles is not None:
        elevation, roll = camera_angles
    yaw, tilt, spin = STANCES[family.stance](pose.uniform(-1, 1, 6), elevation, difficulty)
    stand = Pose(yaw + turn, tilt, spin, elevation, roll, pose.uniform(*difficulty.distance))
    return _Model(family, draw, toy, stand, materials.look(look))


def _fitting(model: _Model, pose: np.random.Generator, difficulty: Difficulty) -> tuple[_Model, camera.Cells]:
    """Turn a toy until it is large enough at any position: only then can its position be drawn without looking at its class.

    The camera's own angles stay: they are seen in the floor, which must not tell the class either.
    """
    cells = camera.look(model.toy, camera.view(model.toy, model.pose), _COARSE)
    for _ in range(_TURNS):
        if min(camera.room(cells, camera.zoomed(cells, difficulty.least, 1.0))) >= difficulty.spread:
            break
        yaw, tilt, spin = STANCES[model.family.stance](pose.uniform(-1, 1, 6), model.pose.elevation, difficulty)
        model = replace(model, pose=replace(model.pose, yaw=yaw, tilt=tilt, spin=spin))
        cells = camera.look(model.toy, camera.view(model.toy, model.pose), _COARSE)
    return model, cells


def _seated(model: _Model, cells: camera.Cells, share: float, focal: float, middle: tuple[float, float], difficulty: Difficulty) -> Actor:
    """Put a toy at a position in the picture. The camera steps back until it has its size: zoom and position do not depend on the class."""
    distance = max(model.pose.distance * focal / _fitted_zoom(cells, share, middle, difficulty), difficulty.nearest)
    seen = camera.view(model.toy, replace(model.pose, distance=distance))
    cells = camera.look(model.toy, seen, _GRID)
    return Actor(model.toy, model.look, seen, cells, camera.placed(cells, _fitted_zoom(cells, share, middle, difficulty), middle))


def _fitted_zoom(cells: camera.Cells, share: float, middle: tuple[float, float], difficulty: Difficulty) -> float:
    """Zoom for a share of the picture, or the largest with which the toy fits around its position."""
    left, right, bottom, top = cells.box
    across, up = (camera.EDGE - abs(middle[0])) / (right - left), (camera.EDGE - abs(middle[1])) / (top - bottom)
    return min(camera.zoomed(cells, share, difficulty.reach), float(2 * min(across, up)))


def _face(chance: np.ndarray, elevation: float, difficulty: Difficulty) -> tuple[float, float, float]:
    """A toy with a face looks at the viewer, more or less."""
    return chance[0] * difficulty.face_yaw, 0.7 * elevation + chance[1] * difficulty.face_tilt, 0.3 * chance[2] * difficulty.face_tilt


def _free(chance: np.ndarray, elevation: float, difficulty: Difficulty) -> tuple[float, float, float]:
    """A toy that stands on the ground shows any side."""
    return chance[0] * 180.0, 0.0, 0.0


def _flat(chance: np.ndarray, elevation: float, difficulty: Difficulty) -> tuple[float, float, float]:
    """A flat toy mostly faces the viewer, turned any way round."""
    lean = difficulty.flat_odd_lean if (chance[3] + 1) / 2 < difficulty.flat_odd else difficulty.flat_lean
    return chance[0] * lean, elevation + chance[1] * lean, chance[2] * 180.0


def _desk(chance: np.ndarray, elevation: float, difficulty: Difficulty) -> tuple[float, float, float]:
    """A toy that lies before the viewer, raised at its far side."""
    low, high = difficulty.desk_tilt
    return chance[0] * difficulty.face_yaw, -(low + (high - low) * (chance[1] + 1) / 2), 0.0


STANCES = {"face": _face, "free": _free, "flat": _flat, "desk": _desk}


def _free_position(cells: camera.Cells, position: np.random.Generator, difficulty: Difficulty, taken: list[_RECT]) -> tuple[Frame, _RECT]:
    """A position apart from those that are taken; the toy shrinks while none is found."""
    share = position.uniform(*difficulty.scene_coverage)
    while True:
        for _ in range(40):
            zoom = camera.zoomed(cells, share, 0.25)
            right, up = camera.room(cells, zoom)
            frame = camera.placed(cells, zoom, (position.uniform(-right, right), position.uniform(-up, up)))
            rect = _rect(cells, frame)
            if all(_apart(rect, neighbour) for neighbour in taken):
                return frame, rect
        share *= 0.85


def _rect(cells: camera.Cells, frame: Frame) -> _RECT:
    left, right, bottom, top = cells.box
    return frame.zoom * left + frame.x0, frame.zoom * right + frame.x0, frame.zoom * bottom + frame.y0, frame.zoom * top + frame.y0


def _apart(first: _RECT, second: _RECT) -> bool:
    gap = 0.04
    return first[1] + gap < second[0] or second[1] + gap < first[0] or first[3] + gap < second[2] or second[3] + gap < first[2]


def _picture(models: Sequence[_Model], actors: Sequence[Actor], world: np.random.Generator, size: int, difficulty: Difficulty) -> Picture:
    """Paint all layers, from the wall to the camera's noise."""
    light = studio.lamp(world, difficulty)
    behind = backdrop.draw(world, models[0].look.first[0], size, difficulty)
    canvas = _painted_backdrop(behind, actors, light)
    toys = [studio.see(actor, light, size) for actor in actors]
    for seen in toys:
        canvas[seen.pixels] += seen.cover[:, None] * (seen.colour - canvas[seen.pixels])
    image = _developed(canvas.reshape(size, size, 3), world, difficulty)
    parts, numbers = _maps(models, toys, size)
    return Picture(image, parts, numbers, _columns(models, parts, numbers, behind))


def _painted_backdrop(behind: Backdrop, actors: Sequence[Actor], light: Lamp) -> np.ndarray:
    """Wall, floor with shadows, and clutter: linear colours (size * size, 3)."""
    canvas = behind.wall.reshape(-1, 3).copy()
    floor = np.zeros(len(canvas), np.float32)
    if behind.floor is not None:
        floor = studio.lay_floor(canvas, behind, actors[0], light)
    for thing in behind.clutter:
        studio.put_clutter(canvas, thing, light)
    if behind.floor is not None:
        for actor in actors:
            studio.cast_shadow(canvas, floor, actor, light)
    return canvas


def _developed(canvas: np.ndarray, world: np.random.Generator, difficulty: Difficulty) -> np.ndarray:
    """Linear light to bytes, with the camera's noise."""
    grain = world.normal(size=canvas.shape).astype(np.float32) * np.float32(world.uniform(*difficulty.grain))
    shown = np.sqrt(np.clip(canvas, 0, 1.4)) + grain
    return np.clip(np.rint(shown * 255), 0, 255).astype(np.uint8)


def _of_one(picture: Picture) -> Picture:
    """The ground truth of a picture of one toy: its parts need no class before them."""
    (pixels,) = json.loads(picture.columns["centres"]).values()
    return replace(picture, columns={**picture.columns, "centres": json.dumps(pixels)})


def _maps(models: Sequence[_Model], toys: Sequence[Seen], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Part and toy of every pixel."""
    parts, numbers = np.zeros(size * size, np.uint8), np.zeros(size * size, np.uint8)
    for number, (model, seen) in enumerate(zip(models, toys, strict=True), 1):
        whole = seen.cover == 1
        codes = np.array([1 + PARTS.index(shape.part) for shape in model.toy.shapes], np.uint8)
        parts[seen.pixels[whole]] = codes[seen.shape[whole]]
        numbers[seen.pixels[whole]] = number
    return parts.reshape(size, size), numbers.reshape(size, size)


def _columns(models: Sequence[_Model], parts: np.ndarray, numbers: np.ndarray, behind: Backdrop) -> dict:
    """Ground truth of the first toy; the parts of all."""
    first = models[0]
    pixels = {model.family.name: centres(parts * (numbers == number)) for number, model in enumerate(models, 1)}
    return {
        "present": json.dumps(list(pixels)),
        "centres": json.dumps(pixels),
        "coverage": round(float((numbers > 0).mean()), 5),
        "yaw": round((first.pose.yaw + 180) % 360 - 180, 2),
        "pitch": round(first.pose.elevation - first.pose.tilt, 2),
        "roll": round((first.pose.roll + first.pose.spin + 180) % 360 - 180, 2),
        "shape": json.dumps(first.draw.shape),
        "material": first.look.main.name,
        "background": f"{behind.name}{' floor' if behind.floor is not None else ''}",
        "symmetry": _symmetry(first),
    }


def _symmetry(model: _Model) -> int:
    """Order of rotational symmetry in the picture plane."""
    order = model.draw.shape[model.family.symmetry] if model.family.symmetry else 1
    face_on = abs(model.pose.yaw) <= FACE_ON and abs(model.pose.elevation - model.pose.tilt) <= FACE_ON
    return int(order) if face_on else 1


def centres(parts: np.ndarray) -> dict[str, list[int]]:
    """The pixel of each part that is nearest to the part's mean: row and column of a pixel that shows it.

    Args:
        parts: uint8 (size, size), a map of parts.
    """
    nearest_pixels = {}
    for code in np.unique(parts[parts > 0]):
        pixels = np.argwhere(parts == code)
        nearest = ((pixels - pixels.mean(0)) ** 2).sum(1).argmin()
        nearest_pixels[PARTS[code - 1]] = [int(number) for number in pixels[nearest]]
    return nearest_pixels
