"""Figures of the transfer experiments show what they were given, with labels and limits."""

import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from zfutils.report import plot


def test_few_images_draws_the_papers_curves_and_ours_side_by_side():
    theirs = pd.DataFrame({"series": ["a", "a", "b"], "size": [1, 60, 60], "accuracy": [27.0, 74.0, 55.0], "std": [1.0, 0.3, None]})
    ours = pd.DataFrame({"method": ["x", "x", "y"], "size": [1, 6, 6], "accuracy": [20.0, 50.0, 30.0], "std": [2.0, 1.0, None]})
    paper, own = plot.few_images(ours, theirs, same="x", chance=5.0, set_name="toys").axes
    assert paper.get_ylim() == own.get_ylim() and paper.get_xlim() == own.get_xlim() and own.get_xscale() == "log"
    assert [text.get_text() for text in own.get_xticklabels()] == ["1", "6", "60"] and "std over folds" in own.get_xlabel()
    drawn = [[line.get_color() for line in axis.lines if line.get_marker() == "o"] for axis in (paper, own)]
    assert drawn[0][0] == drawn[1][0] and not {drawn[1][1]} & {*drawn[0]}, (
        "one colour for the paper's net and ours, none of theirs for another"
    )
    alone = plot.few_images(ours[ours["method"] == "y"], theirs, same="x", chance=5.0, set_name="toys").axes[1].lines[0].get_color()
    assert alone == drawn[1][1], "where the paper's net is not there, none takes its colour"
    assert own.get_title(loc="left") == "Ours, toys" and "Caltech-256" in paper.get_title(loc="left")
    assert [text.get_text() for text in own.get_legend().get_texts()] == ["x", "y"]
    curves = [line for line in own.lines if line.get_marker() == "o"]
    assert curves[0].get_xydata().tolist() == [[1, 20], [6, 50]] and own.get_ylim() == (0, 100)
    assert any(line.get_linestyle() == "--" and line.get_ydata()[0] == 5.0 for line in own.lines), "chance"
    assert all("training images" in axis.get_xlabel() and "%" in axis.get_ylabel() for axis in (paper, own))


def test_layers_tells_the_papers_lines_from_ours():
    frame = pd.DataFrame({"series": ["ours"] * 2 + ["theirs"] * 2, "layer": [1, 5, 1, 5], "accuracy": [30.0, 60.0, 44.8, 86.2]})
    frame["low"], frame["high"] = [28.0, 58.0, None, None], [32.0, 62.0, None, None]
    axis = plot.layers(frame, title="by layer").axes[0]
    assert [line.get_linestyle() for line in axis.lines] == ["-", ":"] and len({line.get_marker() for line in axis.lines}) == 2
    assert axis.lines[1].get_xydata().tolist() == [[1, 44.8], [5, 86.2]] and len(axis.collections) == 1, "a band for ours alone"
    assert axis.get_title(loc="left") == "by layer"


def test_layers_that_have_an_order_run_from_light_to_dark_and_their_bars_lie_beside_one_another():
    frame = pd.DataFrame({"series": ["few", "many", "large", "paper"], "layer": 1, "accuracy": [30.0, 40.0, 50.0, 60.0]})
    frame["low"], frame["high"] = [29.0, 39.0, 49.0, None], [31.0, 41.0, 51.0, None]
    axis = plot.layers(frame, ordered=["few", "many", "not there"]).axes[0]
    few, many, large, paper = axis.lines
    light, dark = (sum(to_rgb(line.get_color())) for line in (few, many))
    assert light > dark and to_rgb(large.get_color()) == (0, 0, 0) and len({line.get_color() for line in axis.lines}) == 4
    assert few.get_xdata()[0] < many.get_xdata()[0] and large.get_xdata()[0] == paper.get_xdata()[0] == 1
    assert [len(part.get_paths()) for part in axis.collections] == [1, 1, 1], "two bars and a band"
    assert axis.collections[1].get_segments()[0].tolist() == [[many.get_xdata()[0], 39], [many.get_xdata()[0], 41]]


def test_by_class_draws_a_point_a_class_and_method_in_the_order_given():
    frame = pd.DataFrame({"class": ["cat", "dog"] * 2, "method": ["one"] * 2 + ["two"] * 2, "value": [10.0, 20.0, 30.0, 40.0]})
    axis = plot.by_class(frame, ["dog", "cat"], xlabel="average precision, %").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["dog", "cat"]
    points = sorted(tuple(point) for group in axis.collections for point in group.get_offsets().tolist())
    assert points == [pytest.approx(pair) for pair in [(10, 1), (20, 0), (30, 1), (40, 0)]]
    assert axis.get_xlabel() == "average precision, %"


def test_signs_are_arrow_heads_and_what_is_undecided_a_ring():
    frame = pd.DataFrame(
        {"net": list("abcd"), "change": [3.0, -40.0, 0.2, None], "low": [1.0, -50.0, -1.0, None], "high": [4.0, -30.0, 1.4, None], "p": 2.0}
    )
    known = {"value": "change", "ends": ("low", "high"), "row": "net", "printed": "p", "xlabel": "points"}
    axis = plot.signs(frame, **known, limit=60.0).axes[0]
    drawn = {line.get_label(): (line.get_marker(), line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axis.lines[1:]}
    assert drawn["higher"] == (">", [3.0], [0]) and drawn["lower"] == ("<", [-40.0], [1]) and drawn["undecided"] == ("o", [0.2], [2])
    assert drawn["the paper"][1:] == ([2.0] * 4, [0, 1, 2, 3]), "what is missing still has the paper's"
    assert axis.get_xlim() == (-60, 60) and [label.get_text() for label in axis.get_yticklabels()] == list("abcd")


def test_what_depends_on_the_number_of_classes_is_drawn_with_doublings_of_one_width():
    frame = pd.DataFrame(
        {"series": ["a"] * 2 + ["b"], "classes": [20, 10, 10], "value": [3.0, 1.0, 2.0], "low": [2.0, 0, 1], "high": [4.0, 2, 3]}
    )
    axis = plot.by_count(frame, ylabel="points", marks={"nothing": 0.0}, title="adds").axes[0]
    assert axis.lines[0].get_xydata().tolist() == [[10, 1], [20, 3]], "from few to many"
    assert axis.get_xscale() == "log" and [label.get_text() for label in axis.get_xticklabels()] == ["10", "20"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b", "nothing"]
    segment = axis.collections[0].get_segments()[0]
    assert segment[:, 1].tolist() == [0, 2], "the interval of the net of ten classes"
    assert plot.by_count(frame.iloc[:0], ylabel="points").axes[0].get_legend() is None, "no net is there"
    renamed = frame.rename(columns={"classes": "size"})
    axis = plot.by_count(renamed, x="size", xlabel="images", ylabel="points", ordered=True).axes[0]
    ends = [line.get_xdata()[0] for line in axis.lines]
    assert ends[0] < 10 < ends[1] and ends[0] * ends[1] == pytest.approx(100), "moved as far to the left as to the right"
    assert sum(to_rgb(axis.lines[0].get_color())) > sum(to_rgb(axis.lines[1].get_color())) and axis.get_xlabel() == "images"


def test_panels_share_their_scale_and_each_has_the_lines_of_its_own():
    frame = pd.DataFrame({"world": ["toys", "toys", "photos"], "layer": [1, 2, 1], "accuracy": [10.0, 30.0, 20.0], "net": ["x", "x", "y"]})
    words = {"xlabel": "layer", "ylabel": "accuracy, %"}
    figure = plot.by_panel(frame, panel="world", x="layer", y="accuracy", hue="net", level=5.0, title="worlds", **words)
    toys, photos = figure.axes
    assert (toys.get_title(loc="left"), photos.get_title(loc="left")) == ("toys", "photos") and toys.get_ylim() == photos.get_ylim()
    drawn = [{line.get_label(): line for line in axis.lines} for axis in (toys, photos)]
    assert drawn[0]["x"].get_xydata().tolist() == [[1, 10], [2, 30]] and len(drawn[0]["y"].get_xydata()) == 0
    assert drawn[1]["y"].get_xydata().tolist() == [[1, 20]] and len(drawn[1]["x"].get_xydata()) == 0
    assert {line.get_ydata()[0] for line in (toys.lines[-1], photos.lines[-1])} == {5.0}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["x", "y", "a guess"], "a net that is in one panel only, too"
    assert not toys.texts and not photos.texts, "no caption lies on a line"
    assert drawn[0]["y"].get_color() == drawn[1]["y"].get_color() != drawn[1]["x"].get_color(), "one colour for one net"
