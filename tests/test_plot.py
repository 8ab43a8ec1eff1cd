"""Figures: what was given is what is drawn."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from skimage import color

from zfutils.data.toybox import families
from zfutils.report import plot
from zfutils.report.plot import page


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_learning_curves_show_the_numbers_the_cuts_and_chance():
    frame = pd.DataFrame({"net": "zfnet", "split": ["train"] * 3, "visits": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "error": [0.9, 0.5, 0.2]})
    figure = plot.learning_curves(frame, {"zfnet": [2]}, chance=0.95)
    loss, error = figure.axes
    assert loss.lines[0].get_ydata().tolist() == [3.0, 2.0, 1.0] and error.lines[0].get_ydata().tolist() == [0.9, 0.5, 0.2]
    assert loss.get_yscale() == "log" and error.get_ylim()[0] == 0 and error.get_ylim()[1] > 1
    assert loss.lines[1].get_xdata()[0] == 2 and error.lines[-1].get_ydata()[0] == 0.95
    assert loss.get_xlabel() == "images seen"


def test_counts_of_images_are_written_in_full_and_do_not_meet():
    visits = np.arange(1, 21) * 94_906
    frame = pd.DataFrame(
        {"net": "zfnet", "split": "train", "visits": visits, "loss": np.linspace(5, 3, 20), "error": np.linspace(1, 0.7, 20)}
    )
    curves = plot.learning_curves(frame, {"zfnet": []}, chance=0.995)
    figures = [curves, plot.lines(frame, x="visits", y="loss", hue="net", xlabel="images seen", ylabel="loss")]
    for axis in (axis for figure in figures for axis in figure.axes):
        axis.figure.canvas.draw()
        low, high = axis.get_xlim()
        shown = [label for label in axis.get_xticklabels() if low <= label.get_position()[0] <= high]
        boxes = [label.get_window_extent() for label in shown]
        assert {"1,000,000", "1,200,000"} & {label.get_text() for label in shown}
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    error = curves.axes[1]
    guess = next(text for text in error.texts if text.get_text() == "a guess").get_window_extent()
    assert not guess.overlaps(error.title.get_window_extent()) and not guess.overlaps(error._left_title.get_window_extent())


# Of light in linear red, green and blue, what eyes without one kind of cones see (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN = {
    "all cones": np.eye(3),
    "without red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "without green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "without blue": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}


@pytest.mark.parametrize("eyes", SEEN)
def test_lines_of_one_figure_have_colours_that_every_eye_tells_apart(eyes):
    with plt.style.context(page.STYLE):
        colours = np.array([to_rgb(colour) for colour in plt.rcParams["axes.prop_cycle"].by_key()["color"]])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    light = np.clip(linear @ SEEN[eyes].T, 0, 1)
    lab = color.rgb2lab(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))
    apart = {pair: float(color.deltaE_ciede2000(*lab[list(pair)])) for pair in itertools.combinations(range(len(colours)), 2)}
    assert len(colours) == 6 and min(apart.values()) > 12, apart  # of some 2.3 a difference is just seen, side by side


def test_the_legend_of_lines_lies_beside_them():
    frame = pd.DataFrame(
        {"layer": [1, 2] * 2, "value": [1.0, 0.9, 0.8, 0.7], "what": ["right eye"] * 2 + ["same places, other classes"] * 2}
    )
    figure = plot.lines(frame, x="layer", y="value", hue="what", xlabel="layer", ylabel="share", marks={"chance": 1.0})
    figure.draw_without_rendering()
    legend, panel = figure.axes[0].get_legend().get_window_extent(), figure.axes[0].get_window_extent()
    assert panel.x1 <= legend.x0 and legend.x1 <= figure.bbox.x1
    told = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert told == ["right eye", "same places, other classes", "chance"] and not figure.axes[0].texts, "no caption lies on a line"


def test_a_line_may_go_over_names():
    frame = pd.DataFrame({"layer": ["conv1", "conv2"], "value": [1.0, 2.0], "what": "class"})
    axis = plot.lines(frame, x="layer", y="value", hue="what", xlabel="", ylabel="share").axes[0]
    axis.figure.canvas.draw()
    assert [label.get_text() for label in axis.get_xticklabels()] == ["conv1", "conv2"]


def test_pictures_stand_in_order_with_their_captions():
    shown = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((3, 4, 4), np.uint8)
    figure = plot.pictures(shown, ["a", "b", "c"], columns=2)
    assert [axis.get_title() for axis in figure.axes[:3]] == ["a", "b", "c"]
    assert [int(axis.images[0].get_array()[0, 0]) for axis in figure.axes[:3]] == [0, 1, 2] and not figure.axes[3].images
    assert figure.axes[0].images[0].get_clim() == (0, 255)


@pytest.mark.parametrize(("title", "captions", "columns"), [("", (), 4), ("Four", ("one", "two\nlines", "x", "y"), 4), ("", "abcd", 2)])
def test_a_grid_of_pictures_leaves_no_strip_empty_below_above_or_between(title, captions, columns):
    figure = plot.pictures(np.zeros((4, 40, 40), np.uint8), list(captions), columns=columns, title=title)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    page = np.asarray(canvas.buffer_rgba())[..., :3].min(axis=(1, 2)) == 255  # white lines of pixels
    widest = max(len(list(run)) for white, run in itertools.groupby(page) if white)
    assert widest <= 0.16 * figure.dpi, "inches"


def test_filters_are_laid_out_row_by_row_between_white_lines():
    filters = np.zeros((5, 7, 7, 3), np.uint8)
    filters[3] = 200
    page = plot.filters({"net": filters}, columns=3).axes[0].images[0].get_array()
    assert page.shape == (2 * 48 + 4, 3 * 48 + 4, 3)
    assert (page[4 + 48 : 48 + 48, 4:48] == 200).all() and (page[:4] == 255).all() and (page[4:48, 4:48] == 0).all()


def test_the_drawing_of_a_net_names_every_stage_with_computed_and_printed_size():
    stages = pd.DataFrame(
        [
            {"stage": "input", "side": 8, "maps": 3, "text": "", "printed": "3 x 8 x 8"},
            {"stage": "fc6", "side": 1, "maps": 10, "text": "ReLU", "printed": "10"},
        ]
    )
    words = [text.get_text() for text in plot.architecture({"a net": stages}).axes[0].texts]
    assert words == ["input", "3 x 8 x 8", "3 x 8 x 8", "", "fc6", "10", "10", "ReLU"]


def test_a_sheet_has_one_row_a_class_and_white_where_pictures_lack():
    rows = {"cat": np.zeros((2, 4, 4, 3), np.uint8), "dog": np.full((3, 4, 4, 3), 9, np.uint8), "owl": np.zeros((1, 4, 4, 3), np.uint8)}
    left, right = plot.sheet(rows, columns=3).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["cat", "dog"]
    page = left.images[0].get_array()
    assert page.shape == (16, 24, 3) and (page[:4, 16:] == 255).all() and (page[8:12, 16:20] == 9).all()
    assert right.images[0].get_array().shape == (8, 24, 3)


def test_the_palette_gives_every_part_its_own_colour():
    count = len(families.PARTS)
    colours = plot.palette(count)
    assert len({tuple(colour) for colour in colours}) == 1 + count and colours.dtype == np.uint8


def test_bars_lines_spectra_and_crops_draw_what_they_are_given():
    frame = pd.DataFrame({"layer": ["a", "b"], "size": [1.0, 3.0]})
    axis = plot.bars(frame, x="size", y="layer", labels=["one", "three"], xlabel="pixels").axes[0]
    assert [patch.get_width() for patch in axis.patches] == [1.0, 3.0] and [text.get_text() for text in axis.texts] == [" one", " three"]
    waves = pd.DataFrame({"net": ["x", "x"], "frequency": [0.0, 0.5], "energy": [0.3, 0.7]})
    axis = plot.spectra(waves, (0.1, 0.2)).axes[0]
    assert axis.lines[0].get_ydata().tolist() == [0.3, 0.7] and [text.get_text() for text in axis.texts] == ["low", "middle", "high"]
    both = pd.concat([waves, waves.assign(net="y")])
    axis = plot.spectra(both, (0.1, 0.2), dashed=["y"]).axes[0]
    assert [line.get_linestyle() for line in axis.lines[:2]] == ["-", "--"], "what lies below the second is seen"
    drawn = {log: plot.lines(waves, x="frequency", y="energy", hue="net", xlabel="f", ylabel="e", log=log).axes[0] for log in (False, True)}
    assert [axis.get_yscale() for axis in drawn.values()] == ["linear", "log"]
    assert [line.get_linestyle() for line in axis.get_legend().get_lines()] == ["-", "--"]
    cut = np.zeros((10, 4, 4, 3), np.uint8)
    corners = [(0, 0, False)] * 5 + [(0, 0, True)] * 5
    figure = plot.crops(np.zeros((5, 5, 3), np.uint8), corners, 4, cut)
    assert [axis.get_title(loc="left") for axis in figure.axes][:3] == ["0", "1", "2"] and figure.axes[5].get_title(
        loc="left"
    ) == "5 mirrored"


def test_the_number_of_a_map_stands_in_the_corner_of_its_square():
    tiles = np.zeros((3, 9, 48, 48, 3), np.uint8)
    page = plot.nine_page("three maps", tiles, columns=2, numbers=[7, 120, 3])
    left, below = page.picture.shape[1] - 146, page.picture.shape[0] - 146  # a square has nine tiles and thin lines between
    assert page.numbers == (("7", 0, 0), ("120", left, 0), ("3", 0, below))
    assert (page.picture[below - 1, 0] == 255).all() and (page.picture[below, 0] == 0).all()
    axis = plot.pages([[page]]).axes[0]
    assert [words.get_text() for words in axis.texts] == ["7", "120", "3"]
    assert plot.nine_page("without", tiles, columns=2).numbers == ()


def test_a_nine_page_lays_each_map_out_as_three_by_three_in_order():
    tiles = np.arange(2 * 9, dtype=np.uint8).reshape(2, 9, 1, 1, 1).repeat(48, 2).repeat(48, 3).repeat(3, 4)
    page = plot.nine_page("two maps", tiles, columns=2).picture
    block = 3 * 48 + 2
    gap = page.shape[1] - 2 * block
    assert page.shape[0] == block and gap > 1 and (page[:, block : block + gap] == 255).all()
    for number in range(9):
        row, column = divmod(number, 3)
        assert (page[row * 49 : row * 49 + 48, column * 49 : column * 49 + 48] == number).all()
        assert (page[row * 49, block + gap + column * 49] == 9 + number).all()
    assert (page[48, :block] == 255).all(), "a thin white line lies between the tiles"


def test_pages_keep_their_captions_columns_and_proportions():
    strip = plot.strip_page("layer 1", np.zeros((2, 8, 48, 48, 3), np.uint8), [str(n) for n in range(8)])
    wide = plot.Page("wide", np.zeros((10, 40, 3), np.uint8))
    figure = plot.pages([[strip, wide], [wide]], title="Figure 4")
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["layer 1", "wide", "wide"]
    assert [text.get_text() for text in figure.axes[0].texts] == [str(n) for n in range(8)]
    assert strip.picture.shape[0] == 2 * 48 + 2 and figure.axes[0].get_images()[0].get_array().shape == strip.picture.shape


def test_the_two_paths_and_the_switches_name_every_stage():
    stages = [(f"stage {n}", np.zeros((4, 4, 3), np.uint8)) for n in range(4)]
    steps = {"up": ("filter", "rectify", "pool"), "down": ("un-pool", "rectify", "transpose")}
    figure = plot.two_paths(stages, stages, steps, title="Figure 1")
    said = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert sorted(said) == sorted(["switches", *steps["up"], *steps["down"]])
    assert [axis.get_title() for axis in figure.axes][::2] == [f"stage {n}" for n in range(4)]  # the deconvnet downwards
    assert [axis.get_title() for axis in figure.axes][1::2] == [f"stage {n}" for n in (3, 2, 1, 0)]
    values, places = np.arange(16.0).reshape(4, 4), np.array([[[1, 1], [1, 3]], [[3, 1], [3, 3]]])
    numbers = plot.switches(values, values[1::2, 1::2], places, np.ones((2, 2)), np.zeros((4, 4)))
    assert [len(axis.patches) for axis in numbers.axes] == [4, 0, 0, 4]
    assert numbers.axes[0].texts[5].get_text() == "5" and numbers.axes[3].texts[0].get_text() == "0"


def test_the_way_up_and_down_keeps_one_value():
    values, picture = np.arange(1.0, 10).reshape(3, 3), np.zeros((8, 8, 3), np.uint8)
    captions = {name: name for name in ("image", "map", "seed", "projection")}
    figure = plot.both_ways(picture, values, (1, 2), picture, steps={"up": "abc", "down": "def"}, captions=captions)
    shown = {axis.get_title() or axis.get_xlabel(): axis.images[0] for axis in figure.axes[1:]}
    assert set(shown) == set(captions) and (shown["map"].get_array() == values).all()
    kept = shown["seed"].get_array()
    assert kept[1, 2] == 6 and kept.sum() == 6 and shown["seed"].get_clim() == (0, 9)
    assert {"a", "b", "c", "d", "e", "f", "switches"} <= {text.get_text() for text in figure.axes[0].texts}


def test_the_square_is_filled_where_it_lies():
    image, fill = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 9, np.uint8)
    figure = plot.hidden(image, (2, 4, 3), np.array([[0.5, 0.1]]), name="owl", unhidden=0.8, fill=fill)
    shown = figure.axes[0].images[0].get_array()
    assert (shown[2:5, 4:7] == 9).all() and shown.sum() == 9 * 9 * 3 and image.sum() == 0
    assert figure.axes[1].images[0].get_clim() == (0, 0.8) and "owl" in figure.axes[1].get_title("left")
