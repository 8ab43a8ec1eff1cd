"""The picture on top of the README: chosen by the stated rule, and the one that the net that ships gives."""

import re

import numpy as np
import pytest
from PIL import Image

from zfutils.attribution.topk import Top
from zfutils.attribution.units import Unit
from zfutils.core import paths
from zfutils.run import hero
from zfutils.widgets import subjects


def made_up(indices: list[list[int]], values: list[float]) -> Top:
    strongest = np.array(values)[:, None] * np.ones((1, 3))
    return Top(np.array(indices), strongest.astype(np.float32), np.zeros((len(indices), 3, 2), np.int64))


def test_the_purest_unit_of_each_layer_is_shown_and_no_class_twice():
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    mixed, zeros, ones, twos, threes = [0, 3, 6], [0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]
    tops = {
        "conv2": made_up([mixed, zeros, ones], [9.0, 2.0, 1.0]),  # the strongest is not pure
        "conv3": made_up([zeros, ones, twos], [9.0, 2.0, 3.0]),  # class 0 was shown
        "conv4": made_up([twos, [3, 4, 6]], [9.0, 1.0]),
        "conv5": made_up([threes, zeros], [1.0, 5.0]),
    }
    assert hero.units(tops, labels) == {Unit("conv2", 1): 0, Unit("conv3", 2): 2, Unit("conv4", 1): 1, Unit("conv5", 0): 3}


def test_the_committed_picture_is_the_one_that_the_command_makes(tmp_path):
    with Image.open(hero.FILE) as committed, Image.open(hero.write(tmp_path / "hero.png")) as fresh:
        assert committed.size == fresh.size
        apart = np.abs(np.asarray(committed.convert("RGB"), float) - np.asarray(fresh.convert("RGB"), float))
    assert apart.mean() < 2, "other letters or roundings on another machine, but the same picture; run: python -m zfutils.run.hero"
    assert hero.FILE.stat().st_size < 300_000 and hero.FILE.is_relative_to(paths.BOOK)


@pytest.mark.parametrize(
    "page", [paths.REPOSITORY / "README.md", paths.BOOK / "site" / "templates" / "index.md"], ids=lambda page: page.name
)
def test_who_cannot_see_the_picture_is_told_its_classes(page):
    tops, sample = subjects.load(hero.NET).winners
    shown = [sample.classes[label] for unit, label in hero.units(tops, sample.labels).items() if unit.layer != "conv2"]
    told = re.search(r"Four units of the toy net[^\"\]]+", page.read_text(encoding="utf-8"))[0]
    assert "stripes, {}s, {}s and {}s".format(*shown) in told  # layer 2 shows no class, but a pattern
