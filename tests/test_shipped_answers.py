"""Answers that ship: they stand for a net in the table of errors, and say nothing of pictures that the net was not asked about."""

import dataclasses
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from zfutils.analysis import error_rates, regime
from zfutils.core import paths, profiles, shipped_files
from zfutils.core.errors import Problem
from zfutils.data import registry, samples
from zfutils.models import architectures, cached_predictions, crops, recipes, shipped, shipped_answers
from zfutils.models.crops import CENTRE
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import Trained, note
from zfutils.run import chapters, notebooks, runner, shipping
from zfutils.run.command_line import main
from zfutils.training import runs, train_all

TINY = profiles.Profile("tiny", "tests", "toybox", 56, 1 / 16, 16, 2, batch=16)
ROW = "alexnet-without-7"
LOOKED_AT = "zfnet-unclipped"


@pytest.fixture
def pictures(tiny_set, monkeypatch, tmp_path):
    """The tiny set stands in for the pictures of the profile; what ships lies in a folder of the test."""
    monkeypatch.setattr(registry, "opened", lambda profile, which="pretraining", *, seed=0, folder=None: tiny_set)
    monkeypatch.setattr(registry, "is_prepared", lambda profile, which="pretraining", *, seed=0: True)
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    return tiny_set


@pytest.fixture
def trained(pictures) -> Trained:
    """A row of table 3, trained, with its answers among what ships."""
    runs.train(TINY, ROW)
    shipping.ship_answers(TINY, ROW)
    return runs.trained(TINY, ROW)


def forget(trained: Trained) -> None:
    """As on another machine: the net itself is not there."""
    shutil.rmtree(trained.folder)


def test_what_ships_answers_as_the_net_does(trained, pictures):
    net = shipped_answers.of("tiny", ROW, pictures)
    val, drawn = pictures.indices("val"), regime.training_images(pictures, seed=0)
    for indices, which in ((val, crops.TEN), (val, (CENTRE,)), (drawn, (CENTRE,))):
        assert error_rates.counted_of(net, pictures, indices, crops=which) == error_rates.counted_of(
            trained, pictures, indices, crops=which
        )
        for top in (1, 2, 5):
            own = cached_predictions.wrong(trained, pictures, indices, crops=which, top=top)
            assert np.array_equal(cached_predictions.wrong(net, pictures, indices, crops=which, top=top), own)
    assert {key: net.card[key] for key in ("lr_drops", "steps", "val_wrong", "val_n", "settings")} == {
        key: trained.card[key] for key in ("lr_drops", "steps", "val_wrong", "val_n", "settings")
    }
    pd.testing.assert_frame_equal(net.log, trained.log, check_dtype=False, atol=1e-6)
    assert net.file.stat().st_size < 15_000 and shipped.known() == []


def test_the_first_layer_of_a_net_that_is_looked_at_comes_along_in_half_precision(pictures):
    runs.train(TINY, LOOKED_AT)
    shipping.ship_answers(TINY, LOOKED_AT)
    trained = runs.trained(TINY, LOOKED_AT)
    net, own = shipped_answers.of("tiny", LOOKED_AT, pictures), trained.net()
    layer = net.first_layer()
    assert net.architecture == trained.architecture and [name for name, _ in layer.named_children()] == ["conv1"] and not layer.training
    for part in ("weight", "bias"):
        assert torch.equal(getattr(layer.conv1, part), getattr(own.conv1, part).half().float())


def test_of_a_net_that_only_fills_a_row_no_layer_comes_along(trained, pictures):
    net = shipped_answers.of("tiny", ROW, pictures)
    assert net.architecture == trained.architecture
    with pytest.raises(Problem, match="its weights do not; train it: make train NET=alexnet-without-7 PROFILE=tiny"):
        net.first_layer()
    with pytest.raises(Problem, match="only the answers of tables 2 and 3 ship"):
        net.log_loss(pictures, pictures.indices("train")[:3], crops=(CENTRE,))


def test_where_a_net_would_be_trained_answers_do(trained, pictures, capsys):
    forget(trained)
    nets = train_all.make(TINY, ["zfnet"], [ROW], only_trained=True)
    assert isinstance(nets[ROW], Answered) and not runs.is_trained(TINY, ROW)
    assert f"{ROW}: taken from what ships, the answers of {ROW}-tiny; with RETRAIN=1 it is trained here" in capsys.readouterr().err


def test_rows_and_regimes_are_those_of_the_net(trained, pictures):
    def measured():
        rows = error_rates.of_seeds(TINY, ROW, pictures, pictures.indices("val"), which=crops.TEN, seed=0)
        found = regime.of_seeds(TINY, {ROW: ""}, pictures, seed=0)[ROW]
        found = dataclasses.replace(found, fall=round(found.fall, 5))  # of losses that ship with six digits
        return rows.tolist(), found, runs.starts_apart(TINY, [ROW])

    before, seconds = measured(), round(trained.card["seconds"])
    forget(trained)
    assert isinstance(runs.answered(TINY, ROW), Answered) and measured() == before
    assert runs.state(TINY, ROW) == "answers ship" and not runs.is_there(TINY, ROW)
    assert error_rates.missing(TINY, [ROW], answers=True) == {} and error_rates.missing(TINY, [ROW]) == {ROW: f"of {ROW} only answers ship"}
    line = train_all.table(TINY, [ROW]).set_index("net").loc[ROW]
    assert line["state"] == "answers ship" and line["val_error"] == trained_error(pictures) and line["seconds"] == seconds


def test_seconds_are_whole_where_no_net_was_trained_here(trained):
    seconds = trained.card["seconds"]
    shutil.rmtree(trained.folder.parent)
    table = train_all.table(TINY, [ROW]).set_index("net")
    assert (table.loc["zfnet", "state"], table.loc[ROW, "seconds"]) == ("missing", round(seconds)) and seconds != round(seconds)


def trained_error(pictures) -> float:
    """Share of val pictures that the answers that ship call wrong, one crop."""
    return shipped_answers.of("tiny", ROW, pictures).wrong(pictures, pictures.indices("val"), crops=(CENTRE,)).mean()


def test_a_net_that_was_trained_here_comes_before_answers(trained):
    assert type(runs.answered(TINY, ROW)) is Trained
    assert runs.answered(TINY, "alexnet-2048") is None


def test_pictures_that_it_was_not_asked_about_are_told_with_the_remedy(trained, pictures):
    net = shipped_answers.of("tiny", ROW, pictures)
    train = "make train NET=alexnet-without-7 PROFILE=tiny"
    said = f"of alexnet-without-7-tiny only the answers of tables 2 and 3 ship, its weights do not; train it: {train}"
    for indices, which, top in (
        (pictures.indices("val")[1:], (CENTRE,), 1),
        (pictures.indices("val"), (0,), 1),
        (pictures.indices("val"), (CENTRE,), 3),
    ):
        with pytest.raises(Problem, match=re.escape(said)):
            net.wrong(pictures, indices, crops=which, top=top)


def test_answers_to_other_pictures_and_of_other_runs_are_none(trained, pictures):
    assert shipped_answers.of("tiny", ROW, pictures, seed=1) is None
    assert shipped_answers.of("tiny", ROW, pictures.restricted([0, 1])) is None
    assert shipped_answers.of("other", ROW, pictures) is None
    copies = dataclasses.replace(pictures, facts={**pictures.facts, "sha256": "0" * 64})
    assert shipped_answers.of("tiny", ROW, copies), "the same pictures in other copies"


def test_answers_of_a_net_whose_rate_fell_elsewhere_than_that_of_the_base_at_hand_are_none(trained, monkeypatch):
    forget(trained)
    found = runs.answered(TINY, ROW)
    monkeypatch.setattr(Answered, "card", {**found.card, "lr_drops": [*found.card["lr_drops"], 10**6]})
    assert runs.answered(TINY, ROW) is None and runs.state(TINY, ROW) == "missing"


def test_answers_of_a_net_that_follows_none_ask_for_no_base(pictures):
    runs.train(TINY, "zfnet")
    shipping.ship_answers(TINY, "zfnet")
    forget(runs.trained(TINY, "zfnet"))
    assert isinstance(runs.answered(TINY, "zfnet"), Answered)


def test_of_toys_that_were_rendered_otherwise_answers_are_none(trained, pictures):
    again = dataclasses.replace(pictures, facts={**pictures.facts, "source": "toybox", "key": "another version of the toys"})
    assert shipped_answers.of("tiny", ROW, again) is None


@pytest.fixture
def two(pictures, monkeypatch) -> list[Trained]:
    """Two trained nets whose probabilities are averaged, with the answers of each and of both among what ships."""
    monkeypatch.setattr(recipes, "TOGETHER", {"both": ("zfnet", "zfnet-2")})
    for name in ("zfnet", "zfnet-2"):
        runs.train(TINY, name)
    files = shipping.ship_answers(TINY, "both")
    assert files == [f"{name}-tiny{shipped_answers.ANSWERS}" for name in ("zfnet", "zfnet-2", "both")]
    return [runs.trained(TINY, name) for name in ("zfnet", "zfnet-2")]


def test_several_nets_answer_together_as_their_averaged_probabilities_do(two, pictures):
    val = pictures.indices("val")
    expected = {}
    for which in (crops.TEN, (CENTRE,)):
        each = [cached_predictions.of(net, pictures, val, crops=which) for net in two]
        expected[which] = error_rates.counted(np.mean(each, axis=0), pictures.labels[val])
    assert error_rates.answered_together(TINY, "both") is None, "who has the nets averages these"
    for net in two:
        forget(net)
    found = error_rates.answered_together(TINY, "both")
    assert {which: error_rates.counted_of(found, pictures, val, crops=which) for which in expected} == expected
    assert expected[crops.TEN] != error_rates.counted_of(runs.answered(TINY, "zfnet"), pictures, val, crops=crops.TEN)
    said = "train it: make train NET=zfnet PROFILE=tiny && make train NET=zfnet-2 PROFILE=tiny"
    with pytest.raises(Problem, match=said):
        found.wrong(pictures, val[1:], crops=(CENTRE,))


def test_of_nets_together_answers_count_only_where_those_of_each_do(two, monkeypatch):
    forget(two[1])
    assert error_rates.answered_together(TINY, "both") is None, "one is here, one is not"
    forget(two[0])
    assert error_rates.answered_together(TINY, "both")
    assert error_rates.answered_together(TINY, "both", seed=1) is None
    answered = runs.answered
    monkeypatch.setattr(
        runs, "answered", lambda profile, name, *, seed=0: None if name == "zfnet-2" else answered(profile, name, seed=seed)
    )
    assert error_rates.answered_together(TINY, "both") is None


def test_of_nets_together_answers_count_for_what_was_averaged_alone(two, monkeypatch, pictures):
    for net in two:
        forget(net)
    assert error_rates.answered_together(TINY, "both")
    alone = shipped_answers.of("tiny", "zfnet-2", pictures)
    np.savez(paths.WEIGHTS / alone.file.name, **alone._arrays)  # another file of the same answers, as of another training
    shipped_files.enlist(paths.WEIGHTS / f"zfnet-2-tiny{shipped_answers.ANSWERS}")
    assert runs.answered(TINY, "zfnet-2") and error_rates.answered_together(TINY, "both") is None


def test_of_a_net_whose_weights_ship_these_are_averaged(pictures, monkeypatch):
    monkeypatch.setattr(recipes, "TOGETHER", {"both": ("zfnet", "zfnet-2")})
    for name in ("zfnet", "zfnet-2"):
        runs.train(TINY, name)
    here, trained, val = runs.trained(TINY, "zfnet"), runs.trained(TINY, "zfnet-2"), pictures.indices("val")
    shipped.write("zfnet-tiny", here.net(), here.architecture, pictures.mean(), card={"run_seed": 0, **here.card})
    shipping.ship_answers(TINY, "both")
    for net in (here, trained):
        forget(net)
    card = error_rates.answered_together(TINY, "both").card
    assert list(card["nets"]) == ["zfnet", "zfnet-2"] and card["nets"]["zfnet"] == shipped_files.index()["zfnet-tiny.safetensors"]["sha256"]
    with pytest.raises(Problem, match="train it: make train NET=zfnet-2 PROFILE=tiny$"):
        error_rates.answered_together(TINY, "both").wrong(pictures, val[1:], crops=(CENTRE,))


def test_a_chapter_that_averages_is_made_anew_when_common_answers_come(two):
    chapter = dataclasses.replace(chapters.CHAPTERS["02_training"], rows=(), seeds=(), together=("both",))
    assert runner._others_of(TINY, chapter, {}, 0) == []
    for net in two:
        forget(net)
    assert [found.split()[0] for found in runner._others_of(TINY, chapter, {}, 0)] == ["both"]


def test_nets_together_are_the_seeds_of_one_recipe_and_the_wide_one():
    five, six = recipes.TOGETHER.values()
    assert set(five) == set(recipes.seeds_of("zfnet")) and six == (*five, "zfnet-wide") and not set(recipes.TOGETHER) & set(recipes.RECIPES)
    assert chapters.CHAPTERS["02_training"].together == tuple(recipes.TOGETHER)


def test_a_file_that_was_changed_is_not_believed(trained, pictures):
    file = shipped_answers.of("tiny", ROW, pictures).file
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(Problem, match="damaged or another file"):
        runs.trained(TINY, ROW), shipped_answers.of("tiny", ROW, pictures)


def test_only_a_trained_net_has_answers_to_ship(pictures, capsys):
    with pytest.raises(Problem, match="alexnet-2048 is not trained in profile tiny; run: make train NET=alexnet-2048 PROFILE=tiny SEED=3"):
        shipping.ship_answers(TINY, "alexnet-2048", seed=3)
    assert main(["ship", "--net", "six-nets"]) == 2 and "the answers alone ship: give --answers too" in capsys.readouterr().err
    assert main(["ship", "--net", "nothing", "--answers"]) == 2 and "unknown net 'nothing'" in capsys.readouterr().err


def test_shipping_again_gives_the_same_bytes(trained, pictures):
    file = shipped_answers.of("tiny", ROW, pictures).file
    before = file.read_bytes()
    shipping.ship_answers(TINY, ROW)
    assert file.read_bytes() == before


def test_a_page_says_of_which_nets_it_has_answers_alone(trained, pictures, monkeypatch):
    assert note([shipped_answers.of("tiny", ROW, pictures)], pictures) == (
        "*Shown with what ships of other nets, their answers without their weights: `alexnet-without-7-tiny`; "
        "`make reproduce` makes your own.*"
    )
    copies = dataclasses.replace(pictures, facts={**pictures.facts, "sha256": "0" * 64})
    assert f"`{ROW}-tiny` (given to other copies of the same pictures); " in note([shipped_answers.of("tiny", ROW, copies)], copies)
    monkeypatch.undo()  # what ships again: of a few pictures nothing was asked
    few = note([Answered("zfnet-unclipped-toybox")], samples.read(shipped_files.checked("toybox.sample.zip")))
    assert "pictures that ship" in few and "other copies" not in few


def test_a_chapter_is_made_anew_when_answers_come(trained, pictures):
    chapter = chapters.CHAPTERS["03_ablation"]
    with_net = runner._others_of(TINY, chapter, {}, 0)
    forget(trained)
    with_answers = runner._others_of(TINY, chapter, {}, 0)
    (paths.WEIGHTS / shipped_files.INDEX).unlink()
    assert len(with_net) == len(with_answers) == 1 and with_net != with_answers and runner._others_of(TINY, chapter, {}, 0) == []


ALL = [name.removesuffix(shipped_answers.ANSWERS) for name in shipped_files.index() if name.endswith(shipped_answers.ANSWERS)]
# By their names, so that a file that is damaged fails its own test and not the collection of all.
COMMON = [name for name in ALL if name in {shipped.name_of(profile, nets) for profile in profiles.PROFILES for nets in recipes.TOGETHER}]
SHIPPED = [name for name in ALL if name not in COMMON]  # of one net


def test_there_are_answers_that_ship():
    assert SHIPPED


def test_the_readme_says_of_how_many_changed_nets_answers_ship():
    rows = chapters.CHAPTERS["03_ablation"].rows
    shown = {card["recipe"] for name in SHIPPED if (card := Answered(name).card)["profile"] == "photos"}
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "all"]
    once, twice = words[len(shown & set(rows))], words[len(shown & {f"{row}-again" for row in rows})]
    told = f"{once} of the ten changes of table 3, of {twice} of them from a second seed too"
    assert len(rows) == 10 and told in (paths.REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_on_toys_every_row_of_tables_2_and_3_ships():
    rows = {*chapters.CHAPTERS["02_training"].rows, *chapters.CHAPTERS["03_ablation"].rows, *recipes.TOGETHER, "zfnet-unclipped"}
    assert not [name for name in sorted(rows) if shipped.name_of("toybox", name) not in ALL], "README promises them"


def test_on_toys_table_3_ships_from_three_seeds():
    rows = ["alexnet", *chapters.CHAPTERS["03_ablation"].rows]
    further = [f"{row}-{seed}" for row in rows for seed in ("again", "third")]
    assert len(further) == 22 and not [name for name in further if shipped.name_of("toybox", name) not in ALL]


def test_the_table_of_photographs_that_is_kept_has_the_rows_whose_answers_ship():
    kept = pd.read_csv(paths.REPOSITORY / "results" / "photos" / "tables" / "table3.csv").set_index("net")
    shown = {card["recipe"] for name in SHIPPED if (card := Answered(name).card)["profile"] == "photos"} & set(kept.index)
    assert len(shown) > 3 and kept.loc[sorted(shown), "val top-1 wrong"].notna().all(), (
        "run chapter 3 on photographs again and keep its table"
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_answers_that_ship_are_of_a_run_of_the_profile_as_it_is(name):
    card, architecture = Answered(name).card, Answered(name).architecture
    recipe, profile = recipes.recipe(card["recipe"]), profiles.profile(card["profile"])
    settings = card["settings"]
    assert name == shipped.name_of(profile.name, recipe.name) and settings["seed"] == card["run_seed"] + 1000 * recipe.member
    assert (settings["epochs"], settings["batch"], settings["learning_rate"]) == (profile.epochs, profile.batch, profile.learning_rate)
    assert architecture == architectures.of_profile(profile, recipe.paper, len(card["classes"])), "as wide and as deep"
    assert settings["lr_drops"] == shipped.card(shipped.name_of(profile.name, "zfnet"))["lr_drops"], "cut where the net was that ships"
    asked = {key for source in notebooks.sources() for key in re.findall(r"card\[\"(\w+)\"\]", source.read_text(encoding="utf-8"))}
    assert not asked - set(card)


@pytest.mark.parametrize("name", COMMON)
def test_common_answers_that_ship_are_those_of_the_nets_that_ship(name):
    card, names = Answered(name).card, recipes.TOGETHER[Answered(name).card["recipe"]]
    assert name == shipped.name_of(card["profile"], card["recipe"]) and tuple(card["nets"]) == names
    ships = [f"{shipped.name_of(card['profile'], net)}{end}" for net in names for end in (shipped.NET, shipped_answers.ANSWERS)]
    assert list(card["nets"].values()) == [shipped_files.index()[file]["sha256"] for file in ships if file in shipped_files.index()]
