"""Own pictures: nets of few pictures start from one that ships, and say so; frozen, fine-tuned and from random weights side by side."""

import dataclasses

import numpy as np
import pytest
import torch

from zfutils.core import paths, profiles
from zfutils.data import registry
from zfutils.models import architectures, recipes, shipped
from zfutils.training import from_scratch, runs
from zfutils.transfer import own_pictures

OWN = profiles.Profile("own", "tests", "toybox", 56, 1 / 16, 16, 10, batch=16, scratch_from=1000)


@pytest.fixture
def pictures(tiny_set, tmp_path, monkeypatch):
    """The tiny set stands for own pictures, and a net of other classes ships that has the sizes of the profile."""
    monkeypatch.setattr(registry, "opened", lambda profile, which="pretraining", *, seed=0, folder=None: tiny_set)
    monkeypatch.setattr(registry, "is_prepared", lambda profile, which="pretraining", *, seed=0: True)
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    architecture = architectures.of_profile(OWN, recipes.recipe("zfnet").paper, 7)
    net = architectures.build(architecture, generator=torch.Generator().manual_seed(5))
    shipped.write("zfnet-imagenet200", net, architecture, tiny_set.mean(), card={})
    return tiny_set


def settings(pictures, profile=OWN, name="zfnet"):
    return runs.settings_of(profile, recipes.recipe(name), pictures)


def test_a_net_of_few_pictures_starts_from_the_one_that_ships(pictures):
    found = settings(pictures)
    assert found.start == shipped.digest("zfnet-imagenet200") and found.start.startswith("zfnet-imagenet200@")
    assert found.learning_rate == pytest.approx(0.1 * OWN.learning_rate) and found.epochs == 2
    runs.train(OWN, "zfnet")
    first, start = runs.trained(OWN, "zfnet").checkpoint(0).state_dict(), shipped.load("zfnet-imagenet200").state_dict()
    assert all(torch.equal(first[name], start[name]) for name in first if not name.startswith("fc8"))
    assert first["fc8.weight"].shape == (4, 16)
    assert own_pictures.start_of(OWN) == "zfnet-imagenet200"
    assert settings(pictures, name="zfnet-unclipped").start == found.start, "built like the net that it follows"


def test_many_pictures_other_sizes_and_other_recipes_start_from_random_weights(pictures):
    many, larger = dataclasses.replace(OWN, scratch_from=48), dataclasses.replace(OWN, fc_units=32)
    assert [settings(pictures, profile).start for profile in (many, larger)] == ["", ""]
    assert settings(pictures, name=own_pictures.SCRATCH).start == settings(pictures, name="zfnet-2048").start == ""
    assert settings(pictures, many).learning_rate == OWN.learning_rate and settings(pictures, many).epochs == OWN.epochs
    assert all(profile.scratch_from == 0 for name, profile in profiles.PROFILES.items() if name != "folder")


def test_a_net_from_random_weights_takes_no_cuts_of_one_that_was_fine_tuned(pictures):
    runs.train(OWN, "zfnet")
    assert settings(pictures, name="zfnet-2048").lr_drops is None and settings(pictures, name="zfnet-2048").epochs == OWN.epochs
    assert settings(pictures, name="zfnet-scratch").lr_drops is None
    many = dataclasses.replace(OWN, scratch_from=48)
    runs.train(many, "zfnet")
    assert settings(pictures, many, "zfnet-2048").lr_drops == tuple(runs.trained(many, "zfnet").card["lr_drops"])


def test_nets_with_other_starts_are_not_compared(pictures):
    runs.train(OWN, "zfnet")
    runs.train(OWN, "zfnet-2048")
    assert (
        runs.starts_apart(OWN, ("zfnet", "zfnet-2048"))
        == "zfnet was fine-tuned from a net that ships, zfnet-2048 trained from random weights"
    )
    assert runs.starts_apart(OWN, ("zfnet",)) == runs.starts_apart(OWN, ("zfnet-2048", "alexnet")) == "", "what is not there has no start"


def test_nets_that_both_start_from_their_like_are_compared(pictures):
    architecture = architectures.of_profile(OWN, recipes.recipe("alexnet").paper, 5)
    net = architectures.build(architecture, generator=torch.Generator().manual_seed(7))
    shipped.write("alexnet-imagenet200", net, architecture, pictures.mean(), card={})
    for name in ("zfnet", "alexnet"):
        runs.train(OWN, name)
    assert settings(pictures, name="alexnet").start == shipped.digest("alexnet-imagenet200")
    assert settings(pictures, name="alexnet").lr_drops == tuple(runs.trained(OWN, "zfnet").card["lr_drops"])
    assert runs.starts_apart(OWN, ("zfnet", "alexnet")) == ""


def test_another_net_that_ships_makes_another_net(pictures):
    before = settings(pictures)
    architecture = shipped.architecture("zfnet-imagenet200")
    other = architectures.build(architecture, generator=torch.Generator().manual_seed(6))
    shipped.write("zfnet-imagenet200", other, architecture, pictures.mean(), card={})
    assert runs.folder_of(OWN, before, pictures) != runs.folder_of(OWN, settings(pictures), pictures)


def test_three_ways_are_compared_on_the_same_val_pictures(pictures, monkeypatch):
    runs.train(OWN, "zfnet")
    found = own_pictures.compared(OWN, pictures).set_index("way")
    assert list(found.index) == ["frozen, new softmax", "fine-tuned", "from random weights"]
    assert (found["n"] == 12).all() and (found["wrong"] == (12 * found["error"]).round()).all()
    assert ((found["low"] <= found["error"]) & (found["error"] <= found["high"])).all()
    assert found["steps"].tolist() == [0, 6, 30]
    monkeypatch.setattr(from_scratch, "only_trained", lambda: True)
    monkeypatch.setattr(runs, "is_trained", lambda profile, name, *, seed=0: name != own_pictures.SCRATCH)
    assert list(own_pictures.compared(OWN, pictures)["way"]) == ["frozen, new softmax", "fine-tuned"]


def test_a_frozen_net_sees_pictures_less_its_own_mean(pictures, monkeypatch):
    seen = []
    real = own_pictures.crops.Crops
    monkeypatch.setattr(own_pictures.crops, "Crops", lambda *given, **options: seen.append(options["mean"]) or real(*given, **options))
    found = own_pictures.probed("zfnet-imagenet200", pictures)
    assert np.array_equal(seen[0], shipped.mean("zfnet-imagenet200")) and found.shape == (12,) and set(found) <= {0, 1, 2, 3}
