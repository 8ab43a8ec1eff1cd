"""Table 3 seed by seed: the signs that are counted are those of the table."""

import ipywidgets as widgets
import pandas as pd
import pytest

from zfutils.widgets.changes import Changes
from zfutils.widgets.sliders import Sliders


@pytest.fixture
def changes() -> Changes:
    rows = []
    for seed, values in (("first", (2.0, -3.0, 0.5)), ("second", (1.0, 4.0, None)), ("third", (None, None, None))):
        for net, value, theirs in zip("abc", values, (1.8, -0.9, -30.0), strict=True):
            ends = (None, None) if value is None else (value - 1, value + 1)
            rows.append({"net": net, "seed": seed, "change": value, "change low": ends[0], "change high": ends[1], "the paper": theirs})
    return Changes(pd.DataFrame(rows).astype({"change": float, "change low": float, "change high": float}))


def test_signs_are_counted_among_the_nets_that_are_there(changes):
    first, second = (changes.of_seed(seed, lambda: None) for seed in ("first", "second"))
    assert list(first.pictures) == ["2 of 3 signs as in the paper"] and first.text.endswith(": c.")
    assert list(second.pictures) == ["1 of 2 signs as in the paper"] and second.text.endswith(": b.")


def test_seeds_without_a_net_are_left_out_and_one_is_always_there(changes):
    assert changes.seeds() == ["first", "second"]
    assert Changes(changes.frame[changes.frame["seed"] == "third"]).seeds() == ["third"]
    assert list(changes.of_seed("third", lambda: None).pictures) == ["0 of 0 signs as in the paper"]


def test_the_row_of_seeds_is_drawn_on_one_axis(changes, monkeypatch):
    from zfutils.report import plot

    limits, signs = [], plot.signs
    monkeypatch.setattr(plot, "signs", lambda *frame, limit, **known: (limits.append(limit), signs(*frame, limit=limit, **known))[1])
    seed = widgets.ToggleButtons(description="seed", options=changes.seeds())
    made = Sliders(changes.of_seed, title="Table 3", controls={"seed": seed})
    figure = made.figure([{"seed": which} for which in changes.seeds()], columns=2)
    made.pipeline.close()
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title().replace("\n", " ") for axis in shown] == [
        "seed first: 2 of 3 signs as in the paper",
        "seed second: 1 of 2 signs as in the paper",
    ]
    assert set(limits) == {1.1 * 30}
