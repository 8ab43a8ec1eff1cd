"""Nets of photographs in the explorer: they ship without pictures and winners, which are looked for on this machine, once."""

import re
import threading
import time

import numpy as np
import pytest
import torch

from tests.conftest import draw_tiny_set
from zfutils.attribution import topk
from zfutils.core import paths
from zfutils.data import prepared_sets
from zfutils.models import architectures, recipes, shipped
from zfutils.widgets import pictures, pipeline, scans, subjects
from zfutils.widgets.explorer import explore

NAME, SIDE = "zfnet-imagenet200", 56
CARD = {
    "says": "a small net",
    "recipe": "zfnet",
    "profile": "photos",
    "data": "pretraining",
    "classes": ["a", "b", "c", "d"],
    "val_wrong": 3,
    "val_n": 12,
    "val_interval": [0.1, 0.5],
}


def ship(name: str, recipe: str) -> None:
    """Ship a tiny net of photographs, without pictures and winners; some map of every layer is active."""
    paper = recipes.recipe(recipe).paper
    architecture = architectures.scaled(paper, width=1 / 12, image_size=SIDE, fc_units=16, classes=4)
    net = architectures.build(architecture, generator=torch.Generator().manual_seed(0))
    for weight in net.parameters():
        if weight.ndim > 1:
            weight.data.mul_((2 / weight[0].numel()) ** 0.5 / weight.std())
    shipped.write(name, net, architecture, np.full((64, 64, 3), 120, np.float32), card={**CARD, "recipe": recipe})


@pytest.fixture
def ships(monkeypatch, tmp_path):
    """A folder in which one tiny net of photographs ships."""
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    ship(NAME, "zfnet")


@pytest.fixture
def photographs(monkeypatch):
    """Photographs that are prepared on this machine."""
    return draw_tiny_set(paths.data_dir() / "photos" / "sharper")


@pytest.fixture
def opened(ships):
    """Opens explorers that close with the test."""
    made = []

    def build(**state):
        made.append(explore(**state))
        assert made[-1].pipeline.settle(60)
        return made[-1]

    yield build
    for one in made:
        one.pipeline.close()
        for scan in one.looker.scans.values():
            if scan:
                scan.thread.join(60)


def said(explorer) -> str:
    assert explorer.pipeline.settle(60)
    return re.sub("<[^>]*>", "", explorer.panels["nine"].said.value)


def after_the_scan(explorer) -> str:
    """What the panel says once the photographs were looked through."""
    explorer.looker.scans[NAME].thread.join(60)
    return said(explorer)


def test_a_net_of_photographs_is_offered_and_shown_with_a_photograph_first(opened):
    assert list(subjects.known())[0] == NAME and subjects.preferred("photos") == NAME
    explorer = opened(net=NAME)
    assert explorer.state.picture in pictures.bundled() and explorer.subject.photographs and explorer.subject.winners is None
    assert (explorer.subject.side, explorer.subject.size) == (64, SIDE) and explorer.subject.class_name(3) == "d"
    assert "strongest pictures (of scikit-image's pictures; more with make data PROFILE=photos)" in said(explorer)
    assert explorer.looker.scans == {NAME: None}, "nothing is prepared, so nothing is looked for"
    assert all(not panel.trouble.value for panel in explorer.panels.values())


def test_the_nine_are_those_of_the_photographs_of_this_machine(opened, photographs):
    explorer = opened(net=NAME, unit="conv2/5", picture="chelsea")
    text = after_the_scan(explorer)
    assert "strongest pictures (of 12 photographs of sharper and scikit-image's), row by row" in text
    subject = explorer.subject
    squares = [picture.at(64) for picture in pictures.bundled().values()] + list(photographs.images[photographs.indices("val")])
    inputs = subject.input([subject.cut(square) for square in squares])
    best = topk.scan(subject.net, inputs, layers=["conv2"])["conv2"].values[5]
    assert text.endswith(", ".join(f"{value:.3g}" for value in best))


def test_while_it_looks_the_panel_says_so_and_the_rest_stays_usable(opened, photographs, monkeypatch):
    going_on = threading.Event()
    look = scans.Scan._look
    monkeypatch.setattr(scans.Scan, "_look", lambda scan: going_on.wait(60) and look(scan))
    explorer = opened(net=NAME, unit="conv2/5", picture="chelsea")
    try:
        provisional = said(explorer)
        assert "looking through 12 photographs of sharper: 0%; until then, of scikit-image's pictures alone" in provisional
        explorer._told(explorer.looker.scans[NAME])
        assert "looking through 12 photographs" in explorer.panels["nine"].trouble.value
        before = bytes(explorer.panels["map"].click.data)
        explorer.controls.unit.value = 6
        assert explorer.pipeline.settle(60) and bytes(explorer.panels["map"].click.data) != before
        assert explorer.panels["change"].images.children[0].children[0].value
    finally:
        going_on.set()
    text = after_the_scan(explorer)
    assert "(of 12 photographs of sharper" in text and explorer.panels["nine"].trouble.value == ""
    explorer.controls.unit.value = 5
    assert "(of 12 photographs of sharper" in said(explorer), "what was shown meanwhile is not kept"


def test_a_figure_waits_until_the_photographs_were_looked_through(opened, photographs, monkeypatch):
    going_on = threading.Event()
    look = scans.Scan._look
    monkeypatch.setattr(scans.Scan, "_look", lambda scan: going_on.wait(60) and look(scan))
    explorer = opened(net=NAME, unit="conv2/5", picture="chelsea")
    assert "until then, of scikit-image's pictures alone" in said(explorer)
    forget = pipeline.Pipeline._forget
    monkeypatch.setattr(pipeline.Pipeline, "_forget", lambda own, names: time.sleep(0.5) or forget(own, names))  # a slow machine
    threading.Timer(0.5, going_on.set).start()
    assert "(of 12 photographs of sharper and scikit-image's)" in explorer.figure()._supxlabel.get_text().replace("\n", " ")


def test_a_net_with_batch_norms_is_shown_under_every_rule_and_switch(opened):
    ship("zfnet-modern-imagenet200", "zfnet-modern")
    assert subjects.preferred("photos") == NAME, "the paper's net first"
    explorer = opened(net="zfnet-modern-imagenet200", unit="conv3/2", picture="chelsea")
    seen = set()
    for name, values in {"rule": ("gradient", "guided", "linear", "deconvnet"), "switches": ("centred", "random", "right")}.items():
        for value in values:
            getattr(explorer.controls, name).value = value
            assert explorer.pipeline.settle(60) and not any(panel.trouble.value for panel in explorer.panels.values())
            seen.add(explorer.panels["projection"].images.children[0].children[0].value)
    assert len(seen) == 6


def test_what_was_found_is_kept_on_disk_and_read_the_next_time(opened, photographs, monkeypatch):
    first = after_the_scan(opened(net=NAME, unit="conv2/5", picture="chelsea"))
    assert len(list((paths.data_dir() / "explorer").glob(f"{NAME}-*.npz"))) == 1
    monkeypatch.setattr(scans.Scan, "_look", None)
    again = opened(net=NAME, unit="conv2/5", picture="chelsea")
    assert after_the_scan(again) == first and not again.looker.scans[NAME].wrong


def test_photographs_that_cannot_be_looked_through_are_told_in_one_line(opened, photographs, monkeypatch):
    def fail(scan):
        raise OSError("no room\nat all")

    monkeypatch.setattr(scans.Scan, "_look", fail)
    explorer = opened(net=NAME, unit="conv2/5", picture="chelsea")
    text = after_the_scan(explorer)
    assert "(of scikit-image's pictures; 12 photographs of sharper could not be looked through: OSError: no room at all)" in text


def test_a_closed_page_stops_looking(opened, photographs, monkeypatch):
    monkeypatch.setattr(scans, "_EVERY", 0.0)
    going_on = threading.Event()
    look = scans.Scan._look
    monkeypatch.setattr(scans.Scan, "_look", lambda scan: going_on.wait(60) and look(scan))
    explorer = opened(net=NAME, unit="conv2/5", picture="chelsea")
    explorer.pipeline.close()
    going_on.set()
    scan = explorer.looker.scans[NAME]
    scan.thread.join(60)
    assert not scan.thread.is_alive() and not scan.ended and not list((paths.data_dir() / "explorer").glob("*.npz"))


def test_few_of_many_photographs_are_taken_and_the_sharper_before_the_others(photographs, monkeypatch):
    other = draw_tiny_set(paths.data_dir() / "photos" / "pretraining")
    assert pictures.photographs().says == "12 photographs of sharper"
    monkeypatch.setattr(pictures, "MOST", 4)
    pool, own = pictures.photographs(), len(pictures.bundled())
    assert [picture.name for picture in pool.pictures[own:]] == ["sharper/60", "sharper/63", "sharper/67", "sharper/71"]
    assert np.array_equal(pool.cuts(64, lambda square: square, np.array([own + 1]))[0], photographs.images[63])
    (photographs.path / "facts.json").unlink()
    assert pictures.photographs().says == "4 photographs of pretraining"
    (other.path / "facts.json").unlink()
    assert pictures.photographs() is None


def test_another_set_gives_other_winners(opened, photographs):
    after_the_scan(opened(net=NAME, unit="conv2/5", picture="chelsea"))
    again = prepared_sets.load(photographs.path, remedy="none")
    relabelled = again.table.assign(label=again.table["label"].to_numpy()[::-1])
    relabelled.to_csv(photographs.path / "table.csv", index=False)
    (photographs.path / "facts.json").touch()
    after_the_scan(opened(net=NAME, unit="conv2/5", picture="chelsea"))
    assert len(list((paths.data_dir() / "explorer").glob(f"{NAME}-*.npz"))) == 2
