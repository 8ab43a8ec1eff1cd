"""The sets of toys: which pictures there are, each made from its own source of chance.

Columns of every set, beside `file`, `split` and `label`: `instance`, `present` (JSON list of the classes that are seen), `centres`
(JSON, part to [row, column] of a pixel that shows it; in scenes class to part to pixel), `coverage` (share of the picture), `yaw`,
`pitch`, `roll` (degrees), `shape` (JSON, drawn parameters), `material`, `background`, `symmetry` (order of rotational symmetry in the
picture plane, 1 for none); `angle` (degrees) for turning toys, `control` (one toy at the size of a scene's) for scenes. Map `parts`: 0
is background, else 1 + index in `families.PARTS`; scenes have a map `toys` too, 1 + index in `present`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from zfutils.core import keys, paths
from zfutils.core.errors import Problem, unknown
from zfutils.core.profiles import Profile, ToyDraw
from zfutils.data import preparation, prepared_sets
from zfutils.data.prepared_sets import PreparedSet
from zfutils.data.toybox import difficulty, families
from zfutils.data.toybox.difficulty import DIFFICULTY

TOYS_VERSION = 1  # raised when the same seed gives other toys
WHICH = ("pretraining", "transfer", "scenes", "turning")
_FILES = dict(zip(WHICH, ("toy", "other", "scene", "turning"), strict=True))

_NAMES = [family.name for family in families.PRETRAINING]
_TRANSFER_NAMES = [family.name for family in families.TRANSFER]


def prepare(profile: Profile, *, seed: int = 0, jobs: int | None = None, chosen: tuple[str, ...] = WHICH) -> dict[str, PreparedSet]:
    """Make sets of a profile, or open those that exist.

    Args:
        profile: one with toys.
        seed: every picture depends on it and on its own number only, so `jobs` changes nothing.
        jobs: number of processes; default all cores.
        chosen: names of the sets; default all.

    Returns:
        `pretraining` (splits train, dev, val), `transfer`, `scenes` and `turning` (split all).

    Raises:
        Problem: the profile has no toys.
    """
    return {which: _prepared(profile, which, seed, jobs) for which in WHICH if which in chosen}


def path(profile: Profile, which: str, *, seed: int = 0) -> Path:
    """Folder of one set.

    Raises:
        Problem: there is no such set; the message lists those that exist.
    """
    if which not in WHICH:
        raise unknown("set of toys", which, WHICH)
    return paths.data_dir() / profile.name / f"toys-{which}-seed{seed}"


def load(profile: Profile, which: str, *, seed: int = 0) -> PreparedSet:
    """Open one set.

    Raises:
        Problem: it has not been made yet.
    """
    return prepared_sets.load(path(profile, which, seed=seed), remedy=f"make it: make data PROFILE={profile.name} SEED={seed}")


def table(draw: ToyDraw, which: str) -> pd.DataFrame:
    """What a set consists of before anything is rendered: one row a picture."""
    rows = _ROWS[which](draw)
    rows.insert(0, "file", [f"{_FILES[which]}-{number:06d}" for number in range(len(rows))])
    return rows


def render(context: dict, rows: list[dict]) -> list[dict]:
    """Render pictures of a set: the worker for `sets.build`.

    Args:
        context: `seed`, `which`, `size` and `difficulty`.
        rows: of the set's table.
    """
    from zfutils.data.toybox import renderers  # only here: what is compiled takes a while to import, and opening a set needs none of it

    with threadpool_limits(1):  # the number of threads must not change a bit
        return [_answer(renderers.RENDERERS[context["which"]], context, row) for row in rows]


def _prepared(profile: Profile, which: str, seed: int, jobs: int | None) -> PreparedSet:
    if profile.toys is None:
        raise Problem(f"expected a profile with toys, got {profile.name!r}; use PROFILE=toybox")
    rows = table(profile.toys, which)
    size = profile.prepared_size
    context = {"seed": seed, "which": which, "size": size, "difficulty": DIFFICULTY}
    return preparation.build(
        path(profile, which, seed=seed),
        rows,
        render,
        context,
        size=size,
        classes=_TRANSFER_NAMES if which == "transfer" else _NAMES,
        key=keys.digest("toys", TOYS_VERSION, which, seed, size, profile.toys, DIFFICULTY),
        maps=("parts", "toys") if which == "scenes" else ("parts",),
        jobs=jobs,
        facts={"source": "toybox", "seed": seed, "difficulty": difficulty.hash(), "parts": list(families.PARTS)},
    )


def _answer(renderer: Callable, context: dict, row: dict) -> dict:
    """Render one row, from a source of chance that depends on seed, set and number alone."""
    generator = np.random.default_rng([context["seed"], WHICH.index(context["which"]), row["instance"]])
    size, ranges = context["size"], context["difficulty"]
    picture = renderer(row, generator, size, ranges)
    answer = {"image": picture.image, "parts": picture.parts, "columns": picture.columns}
    if context["which"] == "scenes":
        answer["toys"] = picture.toys
    return answer


def _pretraining_rows(draw: ToyDraw) -> pd.DataFrame:
    """Balanced classes in every split."""
    counts = {"train": draw.train, "dev": draw.dev, "val": draw.val}
    split = [name for name, count in counts.items() for _ in range(count)]
    label = [number % len(_NAMES) for count in counts.values() for number in range(count)]
    return pd.DataFrame({"split": split, "label": label, "instance": range(len(split))})


def _transfer_rows(draw: ToyDraw) -> pd.DataFrame:
    count = draw.transfer_per_class * len(_TRANSFER_NAMES)
    return pd.DataFrame({"split": "all", "label": [number % len(_TRANSFER_NAMES) for number in range(count)], "instance": range(count)})


def _scene_rows(draw: ToyDraw) -> pd.DataFrame:
    """Scenes, then a quarter as many controls; the label is that of the first toy."""
    controls = max(1, draw.scenes // 4)
    count = draw.scenes + controls
    control = [number >= draw.scenes for number in range(count)]
    return pd.DataFrame({"split": "all", "label": [n % len(_NAMES) for n in range(count)], "instance": range(count), "control": control})


def _turning_rows(draw: ToyDraw) -> pd.DataFrame:
    """Full turns, one toy after the other; one shorter turn where there are fewer frames than one takes."""
    steps = min(DIFFICULTY.turn_steps, draw.turning)
    instances = [number // steps for number in range(draw.turning - draw.turning % steps)]
    angles = [360.0 * (number % steps) / steps for number in range(len(instances))]
    return pd.DataFrame({"split": "all", "label": [n % len(_NAMES) for n in instances], "instance": instances, "angle": angles})


_ROWS = dict(zip(WHICH, (_pretraining_rows, _transfer_rows, _scene_rows, _turning_rows), strict=True))
