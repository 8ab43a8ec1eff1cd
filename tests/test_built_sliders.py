"""Sliders of chapters 1 and 2: what they show is what the library says, and they leave a row of states."""

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
import torch

from zfutils.analysis import signals
from zfutils.attribution import receptive_field
from zfutils.core.errors import Problem
from zfutils.models import architectures, checkpoints
from zfutils.models.architectures import ZFNET
from zfutils.models.local_response_norm import LocalResponseNorm
from zfutils.models.trained import Trained
from zfutils.training import descent
from zfutils.widgets import drawing
from zfutils.widgets.descents import Descents
from zfutils.widgets.epochs import SCALES, Epochs
from zfutils.widgets.normed import Normed
from zfutils.widgets.seen import Seen
from zfutils.widgets.starts import Starts

PRINTED = {"conv1": 110, "pool1": 55, "conv2": 26, "pool2": 13, "conv3": 13, "conv4": 13, "conv5": 13, "pool5": 6}
PICTURE = np.random.default_rng(0).integers(60, 200, (224, 224, 3)).astype(np.uint8)
SMALL = architectures.scaled(ZFNET, width=1 / 16, image_size=112, fc_units=16, classes=4)


def never() -> None:
    """Nobody waits for anything else."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    """Three checkpoints of a training of 70 steps whose filters grow, and its log."""
    folder = tmp_path_factory.mktemp("zfnet")
    for epoch, std in ((0, 0.01), (10, 0.02), (40, 0.05)):
        net = architectures.build(architectures.with_std(SMALL, std), generator=torch.Generator().manual_seed(epoch))
        checkpoints.save(net, SMALL, folder / "checkpoints" / f"epoch-{epoch:02d}.safetensors", card={})
    checkpoints.save(net, SMALL, folder / "net.safetensors", card={"steps": 70})
    log = pd.DataFrame({"epoch": [1, 2, 3], "step": [20, 40, 70], "train_loss": [3.0, 2.0, 1.0], "dev_loss": [3.1, 2.4, 2.0]})
    log = log.assign(dev_wrong=[30, 20, 10], dev_n=40, learning_rate=0.01, largest_rms_over_radius_first_layer=[0.2, 0.4, 0.6])
    log.to_csv(folder / "log.csv", index=False)
    return Trained(folder)


@pytest.fixture
def seen():
    return Seen(ZFNET, PICTURE, PRINTED)


@pytest.fixture
def normed():
    features = torch.relu(40 * torch.randn(9, 5, 5, generator=torch.Generator().manual_seed(0)))
    features[:, 1, 3] = torch.arange(9.0) * 50
    features[:, 4, 0] = 0
    return Normed(features, PICTURE)


@pytest.fixture
def starts():
    return Starts(SMALL, 60 * torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1)), 0)


@pytest.fixture
def epochs(trained):
    return Epochs({"zfnet": trained}, batch=8)


def test_the_papers_windows_give_the_printed_sizes(seen):
    shown = seen.at((0.5, 0.5), "conv1", 7, 2, 1, "conv3", never)
    captions = list(shown.pictures)
    assert captions == ["row 6, column 6 of conv3 sees 75 px; 0% of that lies beyond the border", "8 of 8 sizes as printed"]
    assert shown.text == "conv1: 1 px at the border in no window; pool1, pool2: the last window hangs over by 1 px."
    other = seen.at((0.5, 0.5), "conv1", 7, 2, 0, "conv3", never)
    assert list(other.pictures)[1] == "1 of 8 sizes as printed", "only the six of pool5 is met"
    assert seen.at((), "conv1", 7, 2, 1, "conv3", never).pictures.keys() == shown.pictures.keys()


def test_what_a_unit_in_the_corner_sees_lies_partly_beyond_the_border(seen):
    field = receptive_field.on_paper(ZFNET, "conv5")
    caption, _ = seen.at((0.0, 0.0), "conv1", 7, 2, 1, "conv5", never).pictures
    assert caption == f"row 0, column 0 of conv5 sees 139 px; {field.beyond((0, 0)):.0%} of that lies beyond the border"
    assert field.beyond((0, 0)) > 0.4


def test_windows_that_do_not_fit_are_told_and_the_rest_stays(seen):
    shown = seen.at((0.5, 0.5), "conv5", 11, 4, 0, "conv4", never)
    assert len(shown.pictures) == 2 and shown.text == "The net ends at pool5: no window of 3 fits into 1 + 2 x 0 px."
    gone = Seen(architectures.with_windows(ZFNET, "conv2", kernel=11, stride=8, padding=0), PICTURE, PRINTED)
    told = gone.at((0.5, 0.5), "conv3", 11, 1, 0, "conv3", never)
    assert (
        next(iter(told.pictures)) == "conv3 does not exist"
        and told.text == "The net ends at conv3: no window of 11 fits into 3 + 2 x 0 px."
    )
    with pytest.raises(Problem, match="unknown stage 'fc6'"):
        seen.at((0.5, 0.5), "conv1", 7, 2, 1, "fc6", never)


def test_a_chosen_layer_brings_its_windows(seen, closing):
    made = closing(seen.sliders())
    made.controls["layer"].value = "conv2"
    assert [made.controls[name].value for name in ("kernel", "stride", "padding")] == [5, 2, 0]
    assert made.pipeline.settle(20) and made.panel.trouble.value == ""
    assert all(control.description for control in made.controls.values())


def test_a_window_is_seen_bright_and_striped_beyond_the_border():
    picture = np.full((20, 20, 3), 100, np.uint8)
    page = drawing.looked_at(picture, (-14, 4, 10, 18), margin=16)
    assert page.shape == (52, 52, 3)
    assert (page[22, 27] == 100).all() and (page[32, 27] == 208).all() and (page[45, 45] == 255).all()
    assert set(page[9, 23:31].ravel().tolist()) == {120, 225}


def test_the_norm_of_a_place_is_that_of_the_library(normed):
    assert normed.strongest() == (0.7, 0.3) and normed.quietest() == (0.1, 0.9)
    values = normed.features[:, 1, 3].reshape(1, 9, 1, 1)
    norm = LocalResponseNorm(9, window=3, k=1.0, alpha=1e-3, beta=0.5)
    shown = normed.at((), 1.0, 1e-3, 3, 0.5, never)
    assert list(shown.pictures) == [f"row 1, column 3: the strongest, map 8, 400 → {float(norm(values)[0, 8]):.3g}"]
    factor = norm.factor(values).flatten()
    assert shown.text.endswith(f"keeps 1.00 of itself; map {int(factor.argmin())}, pressed down most, keeps {float(factor.min()):.2f}.")
    assert normed.at(normed.quietest(), 2.0, 1e-4, 5, 0.75, never).text.endswith("keeps 0.59.")
    with pytest.raises(Problem, match="odd number of neighbouring maps"):
        normed.at((), 2.0, 1e-4, 4, 0.75, never)


def test_signals_are_those_of_a_net_with_such_weights(starts):
    net = architectures.build(architectures.with_std(SMALL, 0.02), generator=torch.Generator().manual_seed(0)).eval()
    logits = signals.sizes(net, starts.images)["fc8"]
    shown = starts.at(0.02, "±128", never)
    assert list(shown.pictures) == [f"the signal {signals.fate(logits)}: {logits:.2g} at the logits"]
    words = {
        name: starts.at(*state, never) for name, state in {"less": (0.004, "±128"), "more": (0.08, "±128"), "small": (0.004, "±1")}.items()
    }
    assert [next(iter(words[name].pictures)).split(":")[0] for name in ("less", "more")] == ["the signal dies", "the signal explodes"]
    assert len({shown.text for shown in words.values()}) == 3
    with pytest.raises(Problem, match="above 0"):
        starts.at(0.0, "±128", never)
    with pytest.raises(Problem, match="unknown range '±7'; known: ±128, ±1"):
        starts.at(0.01, "±7", never)


def test_a_descent_says_what_the_library_says():
    valley = Descents()
    for rate, momentum in ((0.02, 0.0), (0.07, 0.0), (0.1, 0.0)):
        said = descent.verdict(np.array(valley.curvatures), rate=rate, momentum=momentum)
        shown = valley.at(rate, momentum, never)
        assert shown.text == f"It {said}." and next(iter(shown.pictures)).startswith(said.split(":")[0])
    with pytest.raises(Problem, match="a momentum in"):
        valley.at(0.1, 1.0, never)


def test_filters_are_those_of_the_epoch_and_the_cursor_stands_at_its_step(epochs, trained):
    early, late = (epochs.at("zfnet", epoch, SCALES[0], never) for epoch in (10, 40))
    loudest = float(trained.checkpoint(40).conv1.weight.detach().abs().max())
    assert list(early.pictures) == list(late.pictures) == [f"zfnet, 6 filters, black and white are ±{loudest:.3g}"]
    (dim,), (bright,) = early.pictures.values(), late.pictures.values()
    assert dim.std() < bright.std()
    own = epochs.at("zfnet", 10, SCALES[1], never)
    assert f"±{float(trained.checkpoint(10).conv1.weight.detach().abs().max()):.3g}" in next(iter(own.pictures))
    assert early.text == "Step 10: no full epoch has passed."
    assert late.text == "Step 40: 20 of 40 dev pictures wrong; the largest filter of layer 1 has 0.40 of the radius of clipping; rate 0.01."
    assert "the cursor at 80" in early.svg and "the cursor at 320" in late.svg
    with pytest.raises(Problem, match="unknown epoch 3; known: 0, 10, 40, 70"):
        epochs.at("zfnet", 3, SCALES[0], never)
    with pytest.raises(Problem, match="unknown net 'x'"):
        epochs.at("x", 0, SCALES[0], never)


def test_the_epochs_are_those_that_were_kept_of_a_net_from_the_first_weights_to_the_trained_net(trained, tmp_path, closing):
    (tmp_path / "log.csv").write_bytes((trained.folder / "log.csv").read_bytes())
    (tmp_path / "net.safetensors").write_bytes(trained.file.read_bytes())
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "epoch-00.safetensors").write_bytes((trained.folder / "checkpoints" / "epoch-00.safetensors").read_bytes())
    made = closing(Epochs({"zfnet": trained, "alexnet": Trained(tmp_path)}, batch=8).sliders())
    assert made.controls["epoch"].options == (0, 10, 40, 70) and made.controls["epoch"].value == 70
    made.controls["epoch"].value = 10
    made.controls["net"].value = "alexnet"  # of which no weights were kept between
    assert made.controls["epoch"].options == (0, 70) and made.controls["epoch"].value == 0, "the nearest"


def test_the_last_epoch_is_the_trained_net(epochs, trained):
    shown = epochs.at("zfnet", 70, SCALES[1], never)
    assert f"±{float(trained.net().conv1.weight.detach().abs().max()):.3g}" in next(iter(shown.pictures))
    assert shown.text.startswith("Step 70: 10 of 40 dev pictures wrong")


def test_a_net_that_clips_nothing_has_no_filter_against_a_radius(trained, tmp_path):
    trained.log.drop(columns="largest_rms_over_radius_first_layer").to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "net.safetensors").write_bytes(trained.file.read_bytes())
    shown = Epochs({"alexnet": Trained(tmp_path)}, batch=8).at("alexnet", 70, SCALES[1], never)
    assert shown.text == "Step 70: 10 of 40 dev pictures wrong; rate 0.01."


def test_no_filter_is_left_out_of_an_uneven_last_row(trained, monkeypatch):
    wide = np.ones((50, 3, 7, 7), np.float32)
    made = Epochs({"zfnet": trained}, batch=8)
    monkeypatch.setattr(Epochs, "_filters", lambda self, net, epoch: wide)
    (page,) = made.at("zfnet", 0, SCALES[0], never).pictures.values()
    assert page.shape == (5 * (6 * 7 + 4) - 4, 12 * (6 * 7 + 4) - 4, 3)


@pytest.mark.parametrize("which", ["seen", "normed", "starts", "descents", "epochs"])
def test_every_slider_answers_and_leaves_a_row_of_states(which, request, closing):
    looked = Descents() if which == "descents" else request.getfixturevalue(which)
    made = closing(looked.sliders())
    moves = {
        "seen": {"padding": 0, "unit": "conv5", "place": (0.0, 1.0)},
        "normed": {"alpha": 1e-3, "window": 1, "k": 4.0},
        "starts": {"std": 0.05, "inputs": "±1"},
        "descents": {"rate": 0.1, "momentum": 0.9},
        "epochs": {"epoch": 10, "scale": SCALES[1]},
    }[which]
    for name, value in moves.items():
        before = drawn(made)
        made.controls[name].value = value
        assert drawn(made) != before, name
        assert isinstance(made.controls[name], widgets.ValueWidget) or made.controls[name].description
    figure = made.figure([{}, {name: made.controls[name].value for name in moves}])
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == (4 if which == "seen" else 2) and all(axis.get_title() for axis in shown)


def drawn(made) -> list[bytes]:
    """The pictures on a panel, with its chart."""
    assert made.pipeline.settle(30) and made.panel.trouble.value == ""
    return [box.children[0].value for box in made.panel.images.children if box is not made.panel.chart]
