"""Sliders of a chapter: they answer while they are moved, tell what is wrong, and leave a row of states."""

import ipywidgets as widgets
import numpy as np
import pytest

from zfutils.core.errors import Problem
from zfutils.widgets.panel import Shown
from zfutils.widgets.sliders import Sliders


def work(grey: int, name: str, check) -> Shown:
    """A grey picture."""
    check()
    if grey > 200:
        raise Problem(f"expected a grey up to 200, got {grey}; take a darker one")
    return Shown({name: np.full((8, 8, 3), grey, np.uint8)}, f"grey {grey}")


@pytest.fixture
def moved():
    controls = {"grey": widgets.IntSlider(description="grey", max=255), "name": widgets.Text(value="a", description="name")}
    made = Sliders(work, title="Grey", controls=controls)
    yield made
    made.pipeline.close()


def picture(moved: Sliders) -> bytes:
    assert moved.pipeline.settle(20)
    return moved.panel.images.children[0].children[0].value


def test_a_moved_control_shows_something_else_and_a_problem_is_told(moved):
    before = picture(moved)
    moved.controls["grey"].value = 90
    assert picture(moved) != before and "grey 90" in moved.panel.said.value and moved.panel.trouble.value == ""
    moved.controls["grey"].value = 250
    assert moved.pipeline.settle(20) and "take a darker one" in moved.panel.trouble.value
    moved.controls["grey"].value = 10
    assert picture(moved) and moved.panel.trouble.value == ""


def test_the_figure_is_a_row_of_states_and_leaves_the_controls(moved):
    figure = moved.figure([{"grey": 10}, {"grey": 20, "name": "b"}])
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown] == ["grey 10: a", "grey 20, name b: b"]
    assert [int(axis.images[0].get_array().max()) for axis in shown] == [10, 20] and moved.controls["grey"].value == 0
    assert figure.states == {"grey 10": [0], "grey 20, name b": [1]}, "a page without a kernel steps through them"


def test_states_may_have_names_and_the_figure_a_title_of_its_own(moved):
    figure = moved.figure([{"grey": 10}, {"grey": 20}], names=("dark", "less dark"), title="Two greys")
    assert [axis.get_title() for axis in figure.axes if axis.images] == ["dark: a", "less dark: a"]
    assert figure.states == {"dark": [0], "less dark": [1]} and figure.get_suptitle() == "Two greys"
