"""What ships: half-precision nets with cards, samples with their truth, winners; every way in which a file can be wrong is told."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from zfutils.attribution import shipped_winners, topk
from zfutils.core import paths, shipped_files
from zfutils.core.errors import Problem
from zfutils.core.profiles import profile
from zfutils.data import registry, samples
from zfutils.models import architectures, recipes, shipped
from zfutils.models.trained import Shipped, Trained, note, of_shipped
from zfutils.run import notebooks, shipping
from zfutils.training import from_scratch, runs, train_all
from zfutils.training.trainer import PAPER_EPOCHS

SMALLEST = profile("smoke")
NAME = "zfnet-smoke"


@pytest.fixture
def weights(smoke, monkeypatch, tmp_path):
    """A folder in which the net of the smoke profile ships."""
    monkeypatch.setenv("DATA_DIR", str(smoke / "data"))
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    shipping.ship(SMALLEST, "zfnet")
    return tmp_path / "weights"


def test_a_shipped_net_is_the_trained_one_in_half_precision_with_its_mean_and_card(weights):
    trained, prepared = runs.trained(SMALLEST, "zfnet"), registry.opened(SMALLEST)
    net, card = shipped.load(NAME), shipped.card(NAME)
    for name, tensor in trained.net().state_dict().items():
        assert torch.equal(net.state_dict()[name], tensor.half().float()), name
    assert not net.training and shipped.known() == [NAME]
    assert np.array_equal(shipped.mean(NAME), prepared.mean())
    assert card["licence"] == "MIT" and card["data_digest"] == prepared.digest() and card["seed"] == 0 and card["steps"] > 0
    low, high = card["val_interval"]
    assert card["val_n"] == 40 and low <= card["val_wrong"] / 40 == card["val_error"] <= high


def test_what_batch_norms_have_gathered_ships_as_it_is(weights):
    architecture = architectures.of_profile(SMALLEST, recipes.recipe("zfnet-batch-norm").paper, 5)
    net = architectures.build(architecture, generator=torch.Generator().manual_seed(0))
    net.batch1.running_var.fill_(1e6)  # half precision ends at 65,504
    shipped.write("zfnet-batch-norm-smoke", net, architecture, np.zeros((128, 128, 3)), card={})
    assert torch.equal(shipped.load("zfnet-batch-norm-smoke").batch1.running_var, net.batch1.running_var)
    assert torch.equal(shipped.rounded(net).conv2.weight, net.conv2.weight.half().float())


def test_a_net_that_rounding_changes_is_not_shipped(weights, monkeypatch):
    monkeypatch.setattr(shipping, "MOST_LOST", -1.0)
    with pytest.raises(Problem, match="zfnet-smoke does not bear half precision .*of 40 val pictures wrong"):
        shipping.ship(SMALLEST, "zfnet")


def test_every_epoch_of_figure_4_ships_as_its_convolutional_layers(weights):
    trained = runs.trained(SMALLEST, "zfnet")
    assert shipped.epochs(NAME) == list(PAPER_EPOCHS)
    for epoch in (1, 5):
        net = shipped.checkpoint(NAME, epoch)
        assert [name for name, _ in net.named_children()][-1] == "pool5"
        assert torch.equal(net.conv3.weight, trained.checkpoint(epoch).conv3.weight.half().float())
    with pytest.raises(Problem, match="unknown epoch of zfnet-smoke 3; known: 1, 2, 5"):
        shipped.checkpoint(NAME, 3)


def test_a_sample_holds_the_pictures_and_their_truth_pixel_by_pixel(weights):
    prepared, sample = registry.opened(SMALLEST), samples.read(shipped_files.checked("smoke.sample.zip"))
    indices = np.concatenate([samples.per_class(prepared, *some) for some in shipping.PER_CLASS.items()])
    assert np.array_equal(sample.images, prepared.images[indices]) and np.array_equal(sample.map("parts"), prepared.map("parts")[indices])
    assert (
        np.array_equal(sample.labels, prepared.labels[indices])
        and sample.table["file"].tolist() == prepared.table["file"][indices].tolist()
    )
    assert np.array_equal(sample.only(np.array([3, 0])).images, prepared.images[indices[[3, 0]]])
    with pytest.raises(Problem, match="unknown map 'toys'; known: parts"):
        sample.map("toys")


def test_the_winners_that_ship_are_those_of_a_scan(weights):
    prepared, (tops, sample) = registry.opened(SMALLEST), shipped_winners.of(NAME)
    net = shipped.load(NAME)
    expected = topk.scanned(SMALLEST, net, "shipped", prepared, "val", layers=list(tops))
    assert list(tops) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    for layer, top in tops.items():
        there = top.alive
        files = np.where(there, sample.table["file"].to_numpy()[np.where(there, top.indices, 0)], "")
        assert np.array_equal(files, np.where(there, prepared.table["file"].to_numpy()[np.where(there, expected[layer].indices, 0)], "")), (
            layer
        )
        assert np.array_equal(top.positions, expected[layer].positions)
    close = np.abs(sample.images.astype(int) - np.asarray(prepared.images[prepared.table["file"].isin(sample.table["file"])])).mean()
    assert close < 6, "lossy, but the same pictures"


def test_winners_among_other_pictures_are_told(weights):
    prepared = registry.opened(SMALLEST)
    other = dataclasses.replace(
        prepared, facts={**prepared.facts, "sha256": "0" * 64}
    )  # as if another net had been shipped with other toys
    path = weights / "smoke.val.zip"
    samples.write(other, other.indices("val"), path, quality=50, maps=False)
    shipped_files.enlist(path)
    with pytest.raises(
        Problem, match="winners of zfnet-smoke are among other pictures than smoke.val.zip.*zfutils ship --net zfnet --profile smoke"
    ):
        shipped_winners.of(NAME)


def test_shipping_again_gives_the_same_bytes_and_says_that_the_net_has_not_learned(weights, capfd):
    before = {file.name: file.read_bytes() for file in weights.iterdir()}
    shipping.ship(SMALLEST, "zfnet")
    card = runs.trained(SMALLEST, "zfnet").card
    said = f"{NAME} has not learned ({card['val_wrong']} of {card['val_n']} val pictures wrong): for trying out only"
    assert (said in "".join(capfd.readouterr())) == (not card["learned"])
    assert {file.name: file.read_bytes() for file in weights.iterdir()} == before


def test_an_absent_a_damaged_and_another_net_are_told_in_one_line(weights):
    file = weights / f"{NAME}.safetensors"
    whole = file.read_bytes()
    with pytest.raises(Problem, match="unknown shipped net 'nobody'; known: zfnet-smoke"):
        shipped.load("nobody")
    file.write_bytes(whole[:-1])
    with pytest.raises(Problem, match="damaged or another file.*git checkout -- weights$"):
        shipped.load(NAME)
    file.unlink()
    with pytest.raises(Problem, match=r"no .*zfnet-smoke.safetensors, which the index lists; get it back: git checkout -- weights$"):
        shipped.load(NAME)
    file.write_bytes(whole)
    other = shipped.write("other", shipped.load(NAME), runs.trained(SMALLEST, "zfnet").architecture, shipped.mean(NAME), card={})
    other.replace(file)
    shipped_files.enlist(file)
    with pytest.raises(Problem, match="holds another net: expected zfnet-smoke, found other"):
        shipped.load(NAME)


def test_a_net_that_is_too_large_is_refused_before_anything_is_written(smoke, monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(smoke / "data"))
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(shipping, "LARGEST", 1000)
    with pytest.raises(Problem, match="zfnet-smoke takes 0 MB, at most 0 ship; take a profile with fewer units"):
        shipping.ship(SMALLEST, "zfnet")
    assert not (tmp_path / "weights").exists()


def test_nothing_ships_where_there_is_no_index(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    assert shipped.known() == []
    with pytest.raises(Problem, match="unknown shipped net 'zfnet-toybox'; known: none"):
        shipped.load("zfnet-toybox")


def test_a_broken_sample_is_told(tmp_path):
    (tmp_path / "toybox.sample.zip").write_bytes(b"PK")
    with pytest.raises(Problem, match="cannot read facts.json of the sample"):
        samples.read(tmp_path / "toybox.sample.zip")


def test_all_that_ships_is_whole_and_small_enough():
    listed = shipped_files.index()
    for file in listed:
        shipped_files.checked(file)
    sizes = {file: entry["bytes"] for file, entry in listed.items()}
    assert sum(sizes.values()) < 40_000_000 and all(sizes[f"{name}.safetensors"] <= 14_000_000 for name in shipped.known())
    on_disk = {file.name for file in paths.WEIGHTS.glob("*") if file.name != shipped_files.INDEX}
    assert on_disk == set(listed), "what lies in weights/ is listed, and the other way round"
    for name in shipped.known():
        card = shipped.card(name)
        assert {"recipe", "data", "data_sha256", "seed", "steps", "val_interval", "licence"} <= set(card) and shipped.load(name)
    assert json.dumps(listed, indent=1) + "\n" == (paths.WEIGHTS / shipped_files.INDEX).read_text(encoding="utf-8") if listed else True


@pytest.fixture
def newcomer(weights, monkeypatch, tmp_path):
    """A machine on which nothing was prepared or trained."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "empty"))
    return tmp_path / "empty"


def test_where_nothing_was_trained_the_net_that_ships_stands_in(newcomer, smoke, monkeypatch):
    net, pictures = runs.trained(SMALLEST, "zfnet"), registry.at_hand(SMALLEST)
    assert isinstance(net, Shipped) and net.name == NAME and net.folder.is_relative_to(newcomer)
    assert torch.equal(net.net().fc8.weight, shipped.load(NAME).fc8.weight) and net.epochs == PAPER_EPOCHS
    assert isinstance(pictures, samples.Sample) and sorted(set(pictures.table["split"])) == ["train", "val"]
    assert note([net], pictures).startswith(f"*Shown with what ships: `{NAME}` and the {len(pictures.table)} pictures that ship")
    with pytest.raises(Problem, match="no picture of the split dev ships with the book; make the whole set: make data PROFILE=smoke"):
        pictures.indices("dev")
    with pytest.raises(Problem, match="alexnet is not trained in profile smoke; run: make train NET=alexnet PROFILE=smoke"):
        runs.trained(SMALLEST, "alexnet")
    with pytest.raises(Problem, match="zfnet is not trained .* SEED=7"):
        runs.trained(SMALLEST, "zfnet", seed=7)
    monkeypatch.setenv("DATA_DIR", str(smoke / "data"))
    own = runs.trained(SMALLEST, "zfnet")
    assert type(own) is Trained and note([own], registry.at_hand(SMALLEST)) == "Shown with nets and pictures of this machine."
    pd.testing.assert_frame_equal(own.log, net.log, check_dtype=False, rtol=1e-4)
    assert torch.equal(own.checkpoint(0).conv1.weight, net.checkpoint(0).conv1.weight), "the first weights follow from the seed"


def test_a_run_that_takes_what_ships_trains_only_what_does_not(newcomer, rendered, capsys):
    shutil.copytree(rendered, paths.data_dir())
    nets = train_all.make(SMALLEST, ["zfnet"], ["zfnet-wide"], jobs=1, only_trained=True)
    assert list(nets) == ["zfnet"] and isinstance(nets["zfnet"], Shipped) and not runs.is_trained(SMALLEST, "zfnet")
    assert f"zfnet: taken from what ships, {NAME}" in capsys.readouterr().err
    assert type(train_all.make(SMALLEST, ["zfnet"], jobs=1)["zfnet"]) is Trained, "a plain run trains on the spot"


def test_where_nets_ship_one_that_follows_takes_the_cuts_of_the_one_that_ships(newcomer, rendered):
    shutil.copytree(rendered, paths.data_dir())
    ships = dataclasses.replace(SMALLEST, ships=True)
    nets = train_all.make(ships, ["zfnet", "alexnet"], jobs=1, only_trained=True)
    assert isinstance(nets["zfnet"], Shipped) and type(nets["alexnet"]) is Trained and not runs.is_trained(ships, "zfnet")
    assert nets["alexnet"].card["settings"]["lr_drops"] == shipped.card(NAME)["lr_drops"] and runs.state(ships, "alexnet") == "trained"
    longer = dataclasses.replace(ships, epochs=3)
    assert not runs.is_trained(longer, "alexnet") and runs.state(longer, "alexnet") == "missing", "steps of another run say nothing"
    runs.train(longer, "alexnet")
    assert runs.is_trained(longer, "zfnet"), "the one that is followed was trained here"


def test_the_readme_says_how_much_the_nets_of_photographs_err():
    text = (paths.REPOSITORY / "README.md").read_text(encoding="utf-8")
    for name in ("zfnet-imagenet200", "alexnet-imagenet200", "zfnet-modern-imagenet200"):
        assert f"{100 * shipped.card(name)['val_error']:.1f} %" in text and f"`{name}`" in text


def test_a_run_that_takes_what_is_there_trains_nothing_from_scratch(newcomer, monkeypatch):
    for name, value in from_scratch.ONLY_TRAINED.items():
        monkeypatch.setenv(name, value)
    prepared = registry.at_hand(SMALLEST)
    with pytest.raises(from_scratch.NotTrained, match="run without TRAINED=1"):
        from_scratch.train(SMALLEST, prepared, prepared.mean(), np.arange(8), np.arange(8, 12), rate=0.0025, seed=0)


def test_what_chapters_ask_of_a_card_stands_in_the_card_of_every_net_that_ships():
    asked = {key for source in notebooks.sources() for key in re.findall(r"card\[\"(\w+)\"\]", source.read_text(encoding="utf-8"))}
    assert "val_wrong" in asked
    lacking = {name: asked - set(shipped.card(name)) for name in shipped.known()}
    assert not any(lacking.values()), "nets may ship without it: ask with .get"


def test_a_page_names_the_command_that_trains_nets_of_ones_own():
    toys, photographs = (of_shipped(data, "zfnet") for data in ("toybox", "photos"))
    assert note([toys], None).endswith("; `make reproduce` makes your own.*")
    assert note([photographs], None).endswith("; `make reproduce PROFILE=photos RETRAIN=1` makes your own.*")
