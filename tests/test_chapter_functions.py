"""Functions that stand in chapters alone, on hand-worked numbers."""

import ast
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from zfutils.core import paths
from zfutils.paper import claims
from zfutils.stats.seeds import Estimate


def from_chapter(chapter: str, *functions: str, **names: object) -> SimpleNamespace:
    """Functions of a chapter, in a space that has nothing else but some names."""
    tree = ast.parse((paths.BOOK / f"{chapter}.py").read_text(encoding="utf-8"))
    wanted = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in functions]
    assert [node.name for node in wanted] == list(functions), "they are called otherwise, or stand in another order"
    space = dict(names)
    exec(compile(ast.Module(wanted, []), chapter, "exec"), space)
    return SimpleNamespace(**{name: space[name] for name in functions})


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, float("nan"), 3)


def test_depth_needs_both_rises_and_no_single_removal_that_helps():
    rise, loss, open_ = estimate(0.3, 0.1, 0.5), estimate(-0.3, -0.5, -0.1), estimate(0.0, -0.1, 0.1)
    asked = []

    def combined(names, weights):
        asked.append(dict(zip(names, weights, strict=True)))
        return rise

    chapter = from_chapter(
        "03_ablation",
        "depth_parts",
        "part_statuses",
        combined=combined,
        claims=claims,
        seeds=SimpleNamespace(Estimate=Estimate),
        REMOVALS=("low", "high", "both"),
    )
    assert len(chapter.depth_parts()) == 4
    assert asked[-1] == {"both": 1, "low": -1, "high": -1, "alexnet": 1}, "beyond the sum of what each costs: both + base - low - high"
    assert asked[:3] == [{"both": 1, "alexnet": -1}, {"low": 1, "alexnet": -1}, {"high": 1, "alexnet": -1}]
    told = lambda *parts: claims.all_of(chapter.part_statuses(list(parts)))  # noqa: E731
    assert told(rise, rise, open_, rise) == claims.AGREES
    assert told(rise, rise, loss, rise) == told(loss, rise, rise, rise) == claims.DIFFERS
    assert told(open_, rise, rise, rise) == claims.UNDECIDED


def test_a_change_of_a_net_at_chance_is_left_out():
    regimes = {"learned": SimpleNamespace(began=120), "never": SimpleNamespace(began=None)}
    chapter = from_chapter("12_further", "at_chance", REGIMES=regimes)
    assert chapter.at_chance("learned", "never") and not chapter.at_chance("learned", "not there")


def test_a_hump_is_a_peak_above_what_lies_before_it():
    energies = [4.0, 2.0, 1.0, 3.0, 1.0, 0.5, 0.45, 0.47, 0.4]
    table = pd.DataFrame({"net": "a", "energy": np.array(energies) / 100})
    chapter = from_chapter("05_development", "humps", SPECTRUM=table, STRIDES={"a": 16}, np=np)
    assert chapter.humps("a") == "`a` has humps at 0.05 (3.0% of the power; its grid's frequency)", (
        "4 steps make the frequency, 3 is next to it; .47 is no tenth above .45"
    )
    falling = from_chapter("05_development", "humps", SPECTRUM=table.assign(energy=range(9, 0, -1)), STRIDES={"a": 16}, np=np)
    assert falling.humps("a") == "`a` has no hump"


def test_the_way_up_is_split_at_layer_2():
    chapter = from_chapter("10_transfer", "first_step", pd=pd)
    said = chapter.first_step(pd.Series([40.0, 52.0, 51.0, 50.0, 55.0], index=[1, 2, 3, 4, 5]))
    assert "+12.0 points, from 2 to 5 +3.0" in said and said.endswith("hang on the first step.")
    assert chapter.first_step(pd.Series([40.0, 42.0, 51.0, 50.0, 55.0], index=[1, 2, 3, 4, 5])).endswith("hang on the later ones.")


@pytest.mark.parametrize("least, gives_way", [(0.2, True), (0.5, False)])
def test_an_image_yields_when_a_square_takes_it_below_half(least, gives_way):
    swept = SimpleNamespace(probabilities=np.array([[[0.1, 0.9], [0.9, least]]]), base_probabilities=np.array([0.1, 0.9]))
    asked = []
    chapter = from_chapter(
        "07_occlusion",
        "yields",
        top_nine=SimpleNamespace(centre_crops=lambda prepared, size, indices, device: torch.zeros(1, 3, size, size)),
        occlusion=SimpleNamespace(sweep=lambda net, image, **sizes: asked.append(sizes) or swept),
        PICTURES=SimpleNamespace(labels=np.array([1])),
        NET=None,
        SIZE=112,
        DEVICE=None,
        np=np,
    )
    assert chapter.yields(0) is gives_way and asked == [{"size": 28, "stride": 14, "layer": None}]
