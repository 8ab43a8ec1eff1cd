"""Diagrams: they say what they were given, nothing runs over an edge or over other words, and a telephone can show them."""

import itertools

import numpy as np
import pandas as pd
import pytest

from zfutils.report import plot
from zfutils.report.plot.alternative_text import described

SETS = pd.DataFrame(
    [
        ("toys", "train", 5000, "the weights are learned here"),
        ("toys", "dev", 500, "every choice: when the learning\nrate falls, which checkpoint"),
        ("other toys", "test", 600, "accuracy is counted here"),
    ],
    columns=["set", "split", "images", "use"],
)
DRAWN = {
    "paths": plot.paths_diagram,
    "four layers": lambda: plot.paths_diagram(layers=4, pools=(1,)),
    "splits": lambda: plot.splits_diagram(SETS, uses={"toys": "20 classes"}),
    "transfer": plot.transfer_diagram,
}


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize("name", DRAWN)
def test_words_stay_inside_keep_apart_and_are_large_enough_for_a_telephone(name):
    figure = DRAWN[name]()
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    legend = figure.axes[0].get_legend()
    texts += legend.get_texts() if legend else []
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert min(box.x0, box.y0) >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text.get_text()
    for (one, first), (other, second) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        assert not first.overlaps(second), f"{one.get_text()!r} lies over {other.get_text()!r}"
    assert min(text.get_fontsize() for text in texts) * 5 / figure.get_figwidth() >= 9, "360 px wide, a letter has 9 px or more"
    assert figure.get_facecolor() == (1, 1, 1, 1), "on a dark page too it is dark on white"


def test_the_two_paths_mirror_each_other_and_switches_join_pools():
    said = words(plot.paths_diagram(layers=4, pools=(2, 4)))
    assert [said.count(f"layer {n}") for n in range(1, 6)] == [2, 2, 2, 2, 0]
    assert said.count("switches") == said.count("filter → rectify → pool") == sum(text.startswith("unpool") for text in said) == 2
    told = described(plot.paths_diagram(layers=4, pools=(2, 4)))
    assert "4 layers" in told and "layers 2 and 4" in told


def test_bars_are_as_long_as_splits_have_images():
    figure = plot.splits_diagram(SETS)
    lengths = np.array([bar.get_width() for bar in figure.axes[0].patches])
    np.testing.assert_allclose(lengths / lengths[0], [1, 0.1, 0.12])
    assert {"train: 5,000 images", "dev: 500 images", "test: 600 images"} <= set(words(figure))
    assert "toys, dev, 500 images: every choice: when the learning rate falls, which checkpoint" in described(figure)


def test_four_ways_differ_in_what_is_trained():
    figure = plot.transfer_diagram()
    assert [words(figure).count(f"layer {n}") for n in range(1, 8)] == [4] * 5 + [3] * 2, "an SVM may stand on any layer"
    drawn = [(bar.get_facecolor(), bar.get_hatch()) for bar in figure.axes[0].patches]
    columns = [set(drawn[:7]), set(drawn[8:13]), set(drawn[14:21]), set(drawn[22:29])]
    assert [len(column) for column in columns] == [1] * 4 and columns[0] == columns[1] and len(set().union(*columns)) == 3
    keys = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert len(keys) == 3 and "Fourth, from scratch" in described(figure)
