"""Figures of probing from outside: what was given is what is drawn, where it belongs."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zfutils.report import plot

NAMES = ["dog", "cat", "bear", "car", "bus", "duck", "fish", "cup", "key", "star"]


def probed(label: str, classes: np.ndarray) -> plot.Probed:
    generator = np.random.default_rng(len(label))
    pixels = generator.integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)
    activity, probability = generator.random((2, *classes.shape))
    return plot.Probed(label, pixels[0], (3, 6, 5), 40 * activity, 7, pixels[1:], ["own", "b", "c", "d"], probability, classes, NAMES)


def boxes(axes) -> list:
    return [axis.get_window_extent() for axis in axes]


def test_figure_7_draws_five_panels_a_row_from_what_it_is_given():
    rows = [probed("dog", np.array([[0, 0, 1], [0, 3, 1]])), probed("fish", np.full((2, 3), 6))]
    figure = plot.occlusion(rows, title="Figure 7")
    assert len(figure.axes) == 20
    for row, axes in zip(rows, (figure.axes[:10], figure.axes[10:]), strict=True):
        image, activity, probability, classes, *projections = (axes[n] for n in (0, 1, 2, 3, 4, 5, 6, 7))
        assert image.get_title(loc="left") == f"(a) {row.label}" and np.array_equal(image.images[0].get_array(), row.image)
        square = image.patches[0]
        assert (square.get_x(), square.get_y(), square.get_width()) == (5.5, 2.5, 5)
        assert np.array_equal(activity.images[0].get_array(), row.activity) and activity.get_xlabel() == "map 7"
        assert np.array_equal(probability.images[0].get_array(), row.probability) and probability.images[0].get_clim() == (
            0,
            row.probability.max(),
        )
        assert [axis.get_xlabel() for axis in projections] == list(row.captions)
        assert [axis.spines["top"].get_visible() for axis in projections] == [True, False, False, False]
        assert all(np.array_equal(axis.images[0].get_array(), pixels) for axis, pixels in zip(projections, row.projections, strict=True))
        assert len(np.unique(classes.images[0].get_array())) == len(np.unique(row.classes))
    assert [text.get_text() for text in figure.axes[3].get_legend().get_texts()] == ["dog 3", "cat 2", "car 1"]
    assert [text.get_text() for text in figure.axes[13].get_legend().get_texts()] == ["fish 6"]


def test_panels_of_figure_7_are_of_one_size_and_nothing_overlaps_or_leaves_the_page():
    figure = plot.occlusion([probed("dog", np.arange(36).reshape(6, 6) % 10)] * 2, title="Figure 7")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    large = boxes(figure.axes[:4] + figure.axes[10:14])
    assert np.ptp([box.width for box in large]) < 0.01 and np.ptp([box.height for box in large]) < 0.01
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes(figure.axes), 2))
    for axis in figure.axes:
        box = axis.get_tightbbox(canvas.get_renderer())
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, axis.get_title(loc="left")


def test_a_legend_counts_every_position_and_no_two_classes_share_a_colour():
    classes = np.repeat(np.arange(10), np.arange(10, 0, -1))[:, None]
    axis = plot.occlusion([probed("dog", classes)]).axes[3]
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert texts[0] == "dog 10" and texts[-1] == "4 more classes 10" and sum(int(text.split()[-1]) for text in texts) == classes.size
    assert len({tuple(colour) for colour in axis.images[0].cmap(np.arange(10))}) == 10


def test_decoded_maps_are_drawn_from_0_to_1_with_their_classes():
    activity, probability = np.random.default_rng(0).random((2, 3, 3))
    classes = np.array([[0, 0, 0], [0, 7, 7], [0, 0, 2]])
    figure = plot.decoded({"dog": (activity, probability, classes), "car": (probability, activity, classes)}, NAMES, title="theirs")
    assert len(figure.axes) == 10 and figure.axes[5].get_title(loc="left") == "car: (b) relative activity"
    assert np.array_equal(figure.axes[0].images[0].get_array(), activity) and figure.axes[0].images[0].get_clim() == (0, 1)
    assert np.array_equal(figure.axes[1].images[0].get_array(), probability)
    assert [text.get_text() for text in figure.axes[2].get_legend().get_texts()] == ["dog 6", "cup 2", "bear 1"]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes(figure.axes), 2))


def test_heat_maps_share_one_scale_from_0_and_one_bar():
    low, high = np.full((3, 3), 0.1), np.full((3, 3), 0.4)
    figure = plot.heat_maps({"low": low, "high": high}, title="two")
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["low", "high", ""] and figure.get_suptitle() == "two"
    assert [axis.images[0].get_clim() for axis in figure.axes[:2]] == [(0, 0.4)] * 2
    assert np.array_equal(figure.axes[0].images[0].get_array(), low)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes(figure.axes), 2))
    assert plot.heat_maps({"none": np.zeros((2, 2))}).axes[0].images[0].get_clim()[1] > 0, "a map of zeros has a scale, too"


def frame() -> pd.DataFrame:
    some = [
        {"transformation": kind, "amount": amount, "image": image, "far": place + amount}
        for kind in ("shift", "scale")
        for place, image in enumerate(("dog", "cat", "band low", "band high", "median"))
        for amount in (0.0, 1.0, 2.0)
    ]
    return pd.DataFrame(some)


def test_figure_5_draws_a_line_an_image_the_band_and_the_median():
    sheets = {kind: {"0": np.zeros((2, 8, 8, 3), np.uint8), "2": np.full((2, 8, 8, 3), 9, np.uint8)} for kind in ("shift", "scale")}
    figure = plot.curves(frame(), [("far", "distance")], sheets)
    sheet, panel, _, other = figure.axes
    assert [line.get_ydata().tolist() for line in panel.lines if len(line.get_ydata())][:3] == [[0, 1, 2], [1, 2, 3], [4, 5, 6]]
    band = panel.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (2, 5) and panel.get_xlabel() == "shift" and other.get_ylabel() == "distance"
    named = [text.get_text() for text in panel.get_legend().get_texts()]
    assert named[:2] == ["dog", "cat"] and "10th to 90th" in named[2] and "median" in named[3] and other.get_legend() is None
    assert [label.get_text() for label in sheet.get_yticklabels()] == ["0", "2"]
    marks, lines = [line.get_color() for line in sheet.lines], [line.get_color() for line in panel.lines[:2]]
    assert marks == lines  # the colour above an image is that of its line
    shown = sheet.images[0].get_array()
    assert shown[0, 0, 0] == 0 and shown[9, 0, 0] == 9 and shown[8, 0, 0] == 255


@pytest.mark.parametrize("side", [8, 112])
def test_figure_8_lays_pictures_out_under_their_heads(side):
    pictures = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * np.ones((1, 1, side, side, 3), np.uint8)
    axis = plot.columns(pictures, ["as it is", "nose", "random"], title="Figure 8").axes[0]
    shown, pitch = axis.images[0].get_array(), side + max(1, side // 28)
    assert [[int(shown[row * pitch, column * pitch, 0]) for column in range(3)] for row in range(2)] == [[0, 1, 2], [3, 4, 5]]
    assert shown[0, side, 0] == 255 and [label.get_text() for label in axis.get_xticklabels()] == ["as it is", "nose", "random"]


def test_a_figure_may_be_saved_and_then_shown_again(tmp_path):
    figure = plot.occlusion([probed("dog", np.array([[0, 0, 1], [0, 3, 1]]))])
    figure.savefig(tmp_path / "once.png")
    assert figure._repr_png_() == figure._repr_png_(), "warnings are errors here"


def test_heads_of_figure_7_stand_above_the_first_row_and_its_square_is_seen_on_white_and_on_black():
    row = probed("dog", np.array([[0, 0, 1], [0, 3, 1]]))
    figure = plot.occlusion([row, row], heads=("a map", "down again", "P(dog)", "who wins"))
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles[:5] == ["(a) dog", "(b) a map", "(d) P(dog)", "(e) who wins", "(c) down again"]
    assert [title for title in titles[5:] if title] == ["(a) dog"]
    edges = [patch.get_edgecolor()[:3] for patch in figure.axes[0].patches]
    assert edges == [(0, 0, 0), (1, 1, 1)] and len({patch.get_bbox().bounds for patch in figure.axes[0].patches}) == 1
