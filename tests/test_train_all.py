"""The trainings of a run: what is there, what it costs, and what becomes of nets that diverge."""

import dataclasses
import json
import math
import re
import shutil
import threading

import pandas as pd
import pytest
import torch

from zfutils.core import paths, profiles
from zfutils.core.errors import Problem
from zfutils.core.subprocesses import Children
from zfutils.data import prepared_sets, registry
from zfutils.models import architectures, devices, recipes
from zfutils.models.trained import Trained
from zfutils.run import command_line
from zfutils.run.bench import nothing_changed
from zfutils.run.command_line import main
from zfutils.training import clipping, runs, train_all
from zfutils.training.trainer import Diverged, Trainer

TINY = profiles.Profile("tiny", "tests", "toybox", 56, 1 / 16, 16, 2, batch=16)
SMOKE = profiles.profile("smoke")


@pytest.fixture
def pictures(tiny_set, monkeypatch):
    """The tiny set stands in for the pictures of the profile."""
    monkeypatch.setattr(registry, "opened", lambda profile, which="pretraining", *, seed=0, folder=None: tiny_set)
    monkeypatch.setattr(registry, "is_prepared", lambda profile, which="pretraining", *, seed=0: True)
    return tiny_set


@pytest.fixture
def diverging(monkeypatch):
    """Names of recipes whose loss is not finite, and the recipes of all steps that were tried."""
    names, steps, backward = set(), [], Trainer.backward

    def broken(trainer):
        steps.append(trainer.settings.recipe)
        sums = backward(trainer)
        if trainer.settings.recipe in names:
            trainer._loss = torch.tensor(float("nan"))
        return sums

    monkeypatch.setattr(Trainer, "backward", broken)
    return names, steps


def where(profile, name, pictures):
    """Folder of a net, trained or not."""
    return runs.folder_of(profile, runs.settings_of(profile, recipes.recipe(name), pictures), pictures)


def begin(profile, name, pictures, steps: int) -> None:
    """Train a net for a few steps and cut it off."""
    settings = runs.settings_of(profile, recipes.recipe(name), pictures)
    trainer = Trainer(settings, pictures, where(profile, name, pictures), device=torch.device("cpu"), dtype=torch.float32)
    for _ in range(steps):
        trainer.advance()
    trainer._save()


def test_the_table_says_what_is_there_and_what_the_rest_will_cost(pictures, diverging):
    diverging[0].add("zfnet-wide")
    for name in ("zfnet", "zfnet-2048"):
        runs.train(TINY, name)
    with pytest.raises(Diverged):
        runs.train(TINY, "zfnet-wide")
    begin(TINY, "alexnet", pictures, 4)
    names = ["alexnet", "zfnet-2", "zfnet-wide", "zfnet-2048"]
    table = train_all.table(TINY, names).set_index("net")
    assert list(table.index) == ["zfnet", *names]  # the one whose drops the others take over is in it
    states = dict(table["state"])
    stopped = states.pop("zfnet-wide")
    assert states == {"zfnet": "trained", "alexnet": "at step 4 of 6", "zfnet-2": "missing", "zfnet-2048": "trained"}
    assert stopped.startswith("training zfnet-wide stopped: the loss is not finite at step 1 of 6 (learning rate 0.01)")

    assert set(table["visits"]) == {2 * 48}
    sizes = {
        name: architectures.scaled(recipes.recipe(name).paper, width=1 / 16, image_size=56, fc_units=16, classes=4) for name in table.index
    }
    assert dict(table["parameters"]) == {name: sum(architectures.parameters(size).values()) for name, size in sizes.items()}
    assert dict(table["multiply_adds"]) == {name: sum(architectures.multiply_adds(size).values()) for name, size in sizes.items()}
    assert set(table.index[table["val_error"].notna()]) == {"zfnet", "zfnet-2048"}
    card = runs.trained(TINY, "zfnet").card
    assert table.loc["zfnet", "val_error"] == card["val_wrong"] / card["val_n"]


def test_nets_of_fewer_classes_see_nested_classes_as_often_in_all(pictures):
    few, more = (dataclasses.replace(recipes.recipe("zfnet-10-classes"), classes=count, share=1.0) for count in (2, 3))
    parts = [runs.pictures_of(recipe, pictures, seed=1) for recipe in (few, more)]
    assert set(parts[0].classes) < set(parts[1].classes) < set(pictures.classes)
    settings = [runs.settings_of(TINY, recipe, pictures, seed=1) for recipe in (few, more)]
    seen = [each.epochs * len(part.indices("train")) for each, part in zip(settings, parts, strict=True)]
    assert all(abs(visits - 96) <= len(part.indices("train")) / 2 for visits, part in zip(seen, parts, strict=True))
    assert [each.architecture.classes for each in settings] == [2, 3]
    with pytest.raises(Problem, match="needs 200 classes, this set has 4"):
        runs.pictures_of(recipes.recipe("zfnet-200-classes"), pictures)


def test_a_net_for_which_there_are_too_few_classes_is_named_and_left_out(pictures, capsys):
    rows = ["zfnet-10-classes", "zfnet-2048"]
    assert set(train_all.make(TINY, ["zfnet"], rows, jobs=1)) == {"zfnet", "zfnet-2048"}
    assert "zfnet-10-classes needs 10 classes, this set has 4; train it in a profile with more" in capsys.readouterr().err
    assert runs.state(TINY, "zfnet-10-classes") == "zfnet-10-classes needs 10 classes, this set has 4; train it in a profile with more"
    assert not runs.is_there(TINY, "zfnet-10-classes")
    with pytest.raises(Problem, match="needs 10 classes"):
        runs.train(TINY, "zfnet-10-classes")


def test_a_recipe_of_later_days_decays_its_weights_and_crops_anywhere(pictures):
    settings = runs.settings_of(TINY, recipes.recipe("zfnet-modern"), pictures)
    assert settings.anywhere and settings.weight_decay == 5e-4 and settings.learning_rate == 0.05 * TINY.batch / 128
    trainer = Trainer(settings, pictures, where(TINY, "zfnet-modern", pictures), device=torch.device("cpu"), dtype=torch.float32)
    assert trainer.optimizer.param_groups[0]["weight_decay"] == 5e-4 and trainer.batch()[1].max() >= 10


def test_asking_how_far_a_run_is_reads_no_weights(pictures, monkeypatch):
    begin(TINY, "zfnet", pictures, 2)
    monkeypatch.setattr(torch._C.PyTorchFileReader, "get_storage_from_record", lambda *given: pytest.fail("weights were read"))
    assert runs.state(TINY, "zfnet") == "at step 2 of 6"


def test_the_cost_of_a_net_follows_from_the_speed_of_those_that_are_trained(pictures, monkeypatch):
    assert train_all.table(TINY, ["zfnet", "zfnet-wide"])["seconds"].isna().all()  # nothing to judge by
    runs.train(TINY, "zfnet")
    card = Trained.card.fget
    monkeypatch.setattr(Trained, "card", property(lambda self: {**card(self), "seconds": 100.0}))
    table = train_all.table(TINY, ["zfnet", "zfnet-wide", "zfnet-2"]).set_index("net")
    assert table.loc["zfnet", "seconds"] == table.loc["zfnet-2", "seconds"] == 100
    work = table["multiply_adds"] * table["visits"]
    assert table.loc["zfnet-wide", "seconds"] == round(100 * work["zfnet-wide"] / work["zfnet"]) > 100


def test_a_row_that_diverges_is_named_and_left_out_and_not_tried_again(pictures, diverging, capsys):
    names, steps = diverging
    names.add("zfnet-wide")
    found = train_all.make(TINY, ["zfnet"], ["zfnet-wide", "zfnet-2048"], jobs=1)
    assert list(found) == ["zfnet", "zfnet-2048"] and all(net.file.exists() for net in found.values())
    said = [line for line in capsys.readouterr().err.splitlines() if "marked as missing" in line]
    assert len(said) == 1 and said[0].startswith("training zfnet-wide stopped: the loss is not finite at step 1 of 6")
    kept = where(TINY, "zfnet-wide", pictures) / "stopped.txt"
    assert said[0].startswith(kept.read_text(encoding="utf-8"))

    del steps[:]
    assert train_all.make(TINY, ["zfnet"], ["zfnet-wide", "zfnet-2048"], jobs=1) == found and steps == []
    assert "marked as missing" in capsys.readouterr().err
    with pytest.raises(Diverged, match="zfnet-wide stopped"):
        runs.train(TINY, "zfnet-wide")

    names.clear()
    runs.train(TINY, "zfnet-wide", retrain=True)
    assert set(steps) == {"zfnet-wide"} and not kept.exists()
    assert list(train_all.make(TINY, ["zfnet"], ["zfnet-wide"], jobs=1)) == ["zfnet", "zfnet-wide"]


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (-9, "", "training zfnet-.* was killed .signal 9.*the same command goes on"),
        (130, "stopped; the same command goes on where it was", "training zfnet-.* was stopped from outside; the same command goes on"),
        (2, "error: no room to write net", "no room to write net"),
    ],
)
def test_a_row_whose_training_was_killed_or_had_no_room_ends_the_run(pictures, monkeypatch, status, said, expected):
    runs.train(TINY, "zfnet")
    monkeypatch.setattr(Children, "run", lambda children, command, environment, begins: (status, said))
    with pytest.raises(Problem, match=expected):
        train_all.make(TINY, ["zfnet"], ["zfnet-wide", "zfnet-2048"], jobs=2)


def test_independent_nets_go_one_to_a_gpu_and_each_training_finds_its_own_only(pictures, monkeypatch):
    runs.train(TINY, "zfnet")  # the others follow it
    running, gpus, both = set(), {}, threading.Barrier(2, timeout=20)

    def train(children, command, environment):
        name, gpu = command[command.index("--net") + 1], environment["CUDA_VISIBLE_DEVICES"]
        assert gpu not in running
        running.add(gpu)
        gpus[name] = gpu
        both.wait()  # the two of a pair run at once
        runs.train(TINY, name)
        running.remove(gpu)
        return 0, f"{name}: trained"

    monkeypatch.setattr(devices, "slots", lambda jobs=None: [{"CUDA_VISIBLE_DEVICES": "2"}, {"CUDA_VISIBLE_DEVICES": "5"}])
    monkeypatch.setattr(Children, "_run", train)
    names = ["zfnet-2048", "zfnet-wide"]
    assert list(train_all.make(TINY, names)) == ["zfnet", *names]
    assert sorted(gpus) == names and set(gpus.values()) == {"2", "5"}


def test_few_pictures_are_seen_more_often_so_that_a_net_leaves_chance():
    folder = profiles.profile("folder")
    assert [folder.epochs_of(images) for images in (48, 3000, 4300, 1_000_000)] == [1000, 22, 15, 15]
    assert all(folder.epochs_of(images) * math.ceil(images / folder.batch) >= 2000 for images in range(1, 30_000, 97))
    others = [other for name, other in profiles.PROFILES.items() if name != "folder"]
    assert all(other.epochs_of(images) == other.epochs for other in others for images in (1, 128, 100_000))


def test_epochs_follow_the_least_steps_and_a_net_that_has_not_learned_says_so(pictures, capsys):
    longer = dataclasses.replace(TINY, name="longer", least_steps=5)  # two epochs of three steps are enough
    assert runs.settings_of(longer, recipes.recipe("zfnet"), pictures) == runs.settings_of(TINY, recipes.recipe("zfnet"), pictures)
    longer = dataclasses.replace(longer, least_steps=11, learning_rate=1e-5)
    begin(longer, "zfnet", pictures, 1)
    assert runs.state(longer, "zfnet") == "at step 1 of 12"
    runs.train(longer, "zfnet")
    said = capsys.readouterr().err
    assert "zfnet: 4 epochs of 48 images, 12 steps\n" in said
    assert re.search(r"zfnet has not learned in 12 steps: its training loss is 1.3\d, that of a guess 1.39; give it more pictures", said)
    card = runs.trained(longer, "zfnet").card
    assert card["learned"] is False and card["steps"] == 12 and train_all.table(longer, ["zfnet"])["visits"].tolist() == [4 * 48]
    command_line._describe({"zfnet": runs.trained(longer, "zfnet")})
    assert ", has not learned" in capsys.readouterr().err
    runs.train(dataclasses.replace(longer, name="learning", epochs=60, learning_rate=0.01), "zfnet")
    assert runs.trained(dataclasses.replace(longer, name="learning", epochs=60, learning_rate=0.01), "zfnet").card["learned"] is True
    assert "has not learned" not in capsys.readouterr().err


def test_a_picture_that_moves_to_another_class_or_split_makes_other_nets(tiny_set):
    def folder(**columns):
        moved = dataclasses.replace(tiny_set, table=tiny_set.table.assign(**columns))
        return where(TINY, "zfnet", moved)

    label, split = tiny_set.table["label"].copy(), tiny_set.table["split"].copy()
    label.iloc[3], split.iloc[3] = 2, "dev"
    assert len({folder(), folder(label=label), folder(split=split)}) == 3


def test_a_net_that_must_be_there_and_diverges_ends_the_run(pictures, diverging):
    diverging[0].add("alexnet")
    with pytest.raises(Problem, match="training alexnet stopped: the loss is not finite"):
        train_all.make(TINY, ["zfnet", "alexnet"], jobs=1)


def test_only_trained_trains_no_row_and_takes_those_that_are_there(pictures, diverging):
    runs.train(TINY, "zfnet-2048")
    del diverging[1][:]
    found = train_all.make(TINY, ["zfnet", "alexnet"], ["zfnet-2048", "zfnet-wide"], jobs=1, only_trained=True)
    assert list(found) == ["zfnet", "alexnet", "zfnet-2048"]
    assert set(diverging[1]) == {"alexnet"}


def test_retrain_trains_rows_anew(pictures, diverging):
    train_all.make(TINY, ["zfnet"], ["zfnet-2048"], jobs=1)
    before = len(diverging[1])
    train_all.make(TINY, ["zfnet"], ["zfnet-2048"], jobs=1, retrain=True)
    assert diverging[1][before:] == ["zfnet"] * 6 + ["zfnet-2048"] * 6


def test_where_clipping_never_acted_the_net_without_it_is_the_same_net(pictures, diverging, capsys):
    found = train_all.make(TINY, ["zfnet", clipping.UNCLIPPED], jobs=1)
    assert found["zfnet"] == found[clipping.UNCLIPPED] and set(diverging[1]) == {"zfnet"}
    assert "clipping never acted" in capsys.readouterr().err


def test_a_net_that_would_be_the_same_is_not_called_missing(pictures, monkeypatch):
    runs.train(TINY, "zfnet")
    monkeypatch.setattr(clipping, "acts", lambda profile, *, seed=0: False)
    row = train_all.table(TINY, [clipping.UNCLIPPED]).set_index("net").loc[clipping.UNCLIPPED]
    assert row["state"] == "not needed: clipping never acted" and row["seconds"] == 0


def test_a_run_in_which_nothing_changed_opens_its_set_once_and_one_made_anew_again(monkeypatch):
    monkeypatch.setattr(nothing_changed, "_IMAGES", 300)
    monkeypatch.setattr(nothing_changed, "_CLASSES", 4)
    nothing_changed.make_up(SMOKE, seed=0)
    opened, read = [], pd.read_csv
    monkeypatch.setattr(prepared_sets.pd, "read_csv", lambda path, **how: opened.append(path.name) or read(path, **how))
    nothing_changed.look(SMOKE, seed=0)
    assert opened.count("table.csv") == 1
    prepared = registry.opened(SMOKE)
    assert registry.opened(SMOKE) is prepared and opened.count("table.csv") == 1
    table = (prepared.path / "table.csv").read_text(encoding="utf-8").replace("dev", "val")
    (prepared.path / "table.csv").write_text(table, encoding="utf-8")
    with paths.whole(prepared.path / "facts.json") as fresh:
        fresh.write_text(json.dumps(prepared.facts), encoding="utf-8")
    assert registry.opened(SMOKE).digest() != prepared.digest() and opened.count("table.csv") == 2


def test_the_list_of_nets_trains_none(pictures, diverging, capsys, monkeypatch):
    monkeypatch.setattr(profiles, "profile", lambda name: TINY)
    assert main(["nets", "--profile", "tiny", "--only-trained", "--only", "table2"]) == 0
    said = capsys.readouterr().out
    assert "zfnet-wide" in said and said.count("missing") == 8 and diverging[1] == []


def test_nets_are_trained_beside_each_other_and_one_that_diverged_costs_itself_only(rendered, capsys):
    shutil.copytree(rendered, paths.data_dir())
    pictures = registry.opened(SMOKE)
    runs.train(SMOKE, "zfnet")
    stopped = where(SMOKE, "zfnet-wide", pictures) / "stopped.txt"
    stopped.parent.mkdir(parents=True)
    stopped.write_text("training zfnet-wide stopped: the loss is not finite at step 3", encoding="utf-8")
    with pytest.raises(Problem, match="^training zfnet-wide stopped: the loss is not finite at step 3$"):
        train_all.make(SMOKE, ["alexnet", "zfnet-wide"], jobs=2)
    assert runs.state(SMOKE, "alexnet") == "trained" and "alexnet: training" in capsys.readouterr().err  # the one beside it ran to its end
    assert list(train_all.make(SMOKE, ["zfnet", "alexnet"], ["zfnet-wide"], jobs=2)) == ["zfnet", "alexnet"]
    assert "zfnet-wide stopped: the loss is not finite at step 3; its rows are marked as missing" in capsys.readouterr().err
