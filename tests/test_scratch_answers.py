"""Answers of nets from scratch that ship: they stand for the same net on the same pictures, and for no other."""

import dataclasses
import shutil

import numpy as np
import pytest

from zfutils.core import paths, profiles, shipped_files
from zfutils.core.errors import Problem
from zfutils.run import chapters, runner, shipping
from zfutils.run.command_line import main
from zfutils.training import from_scratch, scratch_answers
from zfutils.training.trainer import Diverged

ROWS, TEST = np.array([0, 1, 2, 3, 8, 9]), np.array([60, 61, 62])


@pytest.fixture
def profile(monkeypatch, tmp_path):
    """A few steps of a small net, in a profile whose nets ship; what ships lies in a folder of the test."""
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    smoke = profiles.profile("smoke")
    plan = dataclasses.replace(smoke.transfer, scratch_steps=3)
    return dataclasses.replace(smoke, image_size=56, transfer=plan, ships=True)


def trained(profile, prepared, rate=0.0025, test=TEST, seed=0):
    return from_scratch.train(profile, prepared, prepared.mean(), ROWS, test, rate=rate, seed=seed)


def elsewhere(profile) -> None:
    """As on another machine: what ships is there, the nets are not."""
    shipping.ship_answers(profile, shipping.FROM_SCRATCH)
    for folder in from_scratch.folders(profile.name):
        shutil.rmtree(folder)


@pytest.fixture
def never(monkeypatch):
    """No net may be trained."""

    def refuse(*arguments):
        raise AssertionError("a net was trained")

    monkeypatch.setattr(from_scratch, "_run", refuse)


def test_what_ships_answers_as_the_net_does(tiny_set, profile, request):
    own = trained(profile, tiny_set)
    elsewhere(profile)
    request.getfixturevalue("never")
    there = trained(profile, tiny_set)
    assert there.ships and not own.ships and np.array_equal(there.correct, own.correct) and there.correct.dtype == bool
    assert dataclasses.replace(there, correct=0, ships=False) == dataclasses.replace(own, correct=0)


def test_a_net_that_was_trained_here_comes_first(tiny_set, profile):
    trained(profile, tiny_set)
    shipping.ship_answers(profile, shipping.FROM_SCRATCH)
    assert not trained(profile, tiny_set).ships


@pytest.mark.parametrize("other", [{"rate": 0.005}, {"seed": 1}, {"test": np.array([60, 61, 63])}])
def test_of_another_net_nothing_is_taken(tiny_set, profile, other):
    trained(profile, tiny_set)
    elsewhere(profile)
    assert not trained(profile, tiny_set, **other).ships


def test_the_same_names_are_asked_for_and_not_the_same_copies(tiny_set, profile, trained_once, monkeypatch):
    """Photographs that another decoder read a little differently are the same photographs; those of another name are not."""
    trained(profile, tiny_set)
    elsewhere(profile)
    monkeypatch.setattr(type(tiny_set), "digest", lambda self: "another copy")
    assert trained(profile, tiny_set).ships
    renamed = dataclasses.replace(tiny_set, table=tiny_set.table.assign(file=tiny_set.table["file"] + "x"))
    with pytest.raises(AssertionError, match="a net was trained"):
        trained(profile, renamed)


@pytest.fixture
def trained_once(monkeypatch):
    """One net may be trained, then none."""
    first, runs = from_scratch._run, []

    def once(*arguments):
        runs.append(arguments)
        if len(runs) > 1:
            raise AssertionError("a net was trained")
        first(*arguments)

    monkeypatch.setattr(from_scratch, "_run", once)


def test_a_run_that_diverged_is_not_tried_again_where_only_its_end_ships(tiny_set, profile, monkeypatch):
    def diverge(*arguments):
        raise Diverged("the loss is not finite at step 2")

    monkeypatch.setattr(from_scratch, "_run", diverge)
    with pytest.raises(Diverged):
        trained(profile, tiny_set)
    elsewhere(profile)
    monkeypatch.setattr(from_scratch, "_run", lambda *arguments: pytest.fail("a net was trained"))
    with pytest.raises(Diverged, match="not finite at step 2"):
        trained(profile, tiny_set)


def test_they_are_taken_where_nets_that_ship_are(tiny_set, profile, monkeypatch):
    """In a profile whose nets ship unless it is to train anew; elsewhere in a run that trains nothing."""
    own = dataclasses.replace(profile, ships=False)
    assert from_scratch.takes_shipped(profile) and not from_scratch.takes_shipped(own)
    trained(profile, tiny_set)
    elsewhere(profile)
    assert from_scratch.shipped_digest(profile) and not from_scratch.shipped_digest(own)
    monkeypatch.setenv(*next(iter(from_scratch.ONLY_TRAINED.items())))
    assert trained(own, tiny_set).ships and from_scratch.shipped_digest(own)
    with pytest.raises(from_scratch.NotTrained):
        trained(own, tiny_set, seed=1)
    monkeypatch.setenv(*next(iter(from_scratch.RETRAIN.items())))
    assert not from_scratch.takes_shipped(profile) and not from_scratch.takes_shipped(own) and not from_scratch.shipped_digest(own)


def test_runs_that_go_on_are_not_shipped(tiny_set, profile):
    trained(profile, tiny_set)
    trained(profile, tiny_set, seed=1)
    going_on = from_scratch.folders(profile.name)[0]
    (going_on / scratch_answers.LAST).unlink()
    elsewhere(profile)
    assert sorted(trained(profile, tiny_set, seed=seed).ships for seed in (0, 1)) == [False, True]


def test_without_a_net_nothing_is_shipped(profile):
    with pytest.raises(Problem, match="no net was trained from scratch in profile smoke; run: make reproduce PROFILE=smoke ONLY=table4"):
        shipping.ship_answers(profile, shipping.FROM_SCRATCH)
    assert not (paths.WEIGHTS / scratch_answers.file_of("smoke")).exists()


def test_a_damaged_file_is_named_with_the_remedy(tiny_set, profile):
    trained(profile, tiny_set)
    elsewhere(profile)
    (paths.WEIGHTS / scratch_answers.file_of(profile.name)).write_bytes(b"no archive")
    with pytest.raises(Problem, match="git checkout -- weights"):
        trained(profile, tiny_set)


def test_a_page_says_whose_answers_it_shows(profile):
    assert from_scratch.note(profile, [False, False]) == ""
    assert "answers of 1 of these 2 came with the book; `make reproduce PROFILE=smoke RETRAIN=1`" in from_scratch.note(
        profile, [True, False]
    )
    assert "Their answers came with the book" in from_scratch.note(profile, [True, True])
    own = dataclasses.replace(profile, ships=False)
    assert "Its answers came with the book; `make reproduce PROFILE=smoke` trains" in from_scratch.note(own, [True])


def test_a_chapter_with_nets_from_scratch_is_made_anew_when_answers_come(tiny_set, profile, monkeypatch):
    transfer, other = chapters.CHAPTERS["10_transfer"], chapters.CHAPTERS["01_architecture"]
    before = [runner._key(profile, chapter, {}, {}, 0) for chapter in (transfer, other)]
    trained(profile, tiny_set)
    elsewhere(profile)
    after = [runner._key(profile, chapter, {}, {}, 0) for chapter in (transfer, other)]
    assert after[0] != before[0] and after[1] == before[1]


def test_one_who_asks_for_the_weights_is_told(capsys):
    assert main(["ship", "--net", "from-scratch", "--profile", "smoke"]) == 2
    assert "give --answers too" in capsys.readouterr().err


def test_the_answers_that_ship_are_whole():
    listed = [file for file in shipped_files.index() if file.endswith(".scratch.npz")]
    assert listed, "none ship"
    for file in listed:
        with np.load(shipped_files.checked(file)) as arrays:
            assert "card" in arrays and len(arrays.files) > 1
