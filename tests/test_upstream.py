"""The paper's own profile, cut down to a few steps of tiny nets, on archives of two classes in the upstream layouts."""

import dataclasses
import json
import re
from pathlib import Path

import layouts
import pandas as pd
import pytest
import yaml

from zfutils.analysis import correspondence
from zfutils.core import paths, profiles
from zfutils.core.errors import Problem
from zfutils.core.profiles import TransferPlan
from zfutils.data import registry
from zfutils.run import chapters
from zfutils.training import train_all

PLAN = TransferPlan((1, 2), (1, 2, 6), layers=(1, 2), test=1, folds=2, scratch_sizes=(2,), scratch_folds=1, scratch_steps=3)


@pytest.fixture
def upstream(tmp_path, monkeypatch):
    """The profile `imagenet` with everything prepared from a mirror and two nets trained."""
    names = ["ilsvrc2012", "caltech101", "caltech256", "voc2012"]
    (tmp_path / "manifests").mkdir()
    for name in names:
        layouts.write_manifest(name, tmp_path / "manifests")
    layouts.write_mirror(tmp_path / "mirror", names)
    whole = profiles.profile("imagenet")
    small = dataclasses.replace(whole, image_size=112, width=1 / 16, fc_units=16, epochs=1, batch=4, transfer=PLAN)
    monkeypatch.setattr(paths, "MANIFESTS", tmp_path / "manifests")
    monkeypatch.setitem(profiles.PROFILES, "imagenet", small)
    made = registry.prepare(small, mirror=tmp_path / "mirror", jobs=1)
    assert sorted(made) == ["caltech256", "pretraining", "transfer", "voc2012"]
    train_all.make(small, ["zfnet", "alexnet"], jobs=1)
    return small


def run(chapter: str) -> dict:
    """Run the source of a chapter in this process, where the profile is the small one; return what its names stand for."""
    text = (paths.BOOK / f"{chapter}.py").read_text(encoding="utf-8")
    text, replaced = re.subn(r'^profile = "toybox"$', 'profile = "imagenet"', text, flags=re.MULTILINE)
    assert replaced == 1
    names: dict = {"__name__": chapter}
    exec(compile(text, chapter, "exec"), names)
    return names


def test_tables_4_to_7_and_figure_9_are_filled_from_the_papers_own_sets(upstream):
    run("10_transfer")
    rows = {}
    for name in ("table4", "table5", "table6", "table7", "figure9"):
        file = paths.results_dir("imagenet") / "tables" / f"{name}.json"
        rows |= {row["key"]: row for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}
    measured = {key for key, row in rows.items() if row["ours"] is not None}
    assert {"figure9/ours-1/accuracy_read_from_vector_plot", "figure9/ours-2/accuracy_read_from_vector_plot"} <= measured
    assert {"table6/cat/ours", "table6/dog/ours", "table6/mean-as-printed/ours"} <= measured
    curve = rows["figure9/ours-1/accuracy_read_from_vector_plot"]
    assert curve["ours"] is not None and "under-trained" in curve["reason"], "on the paper's own data a number is compared, once trained"
    row = rows["table6/cat/ours"]
    assert row["status"] == "not comparable" and "hidden test split" in row["reason"]
    assert "claim/exclusive-prediction-suffers-once-trained" in measured
    too_few = rows["figure9/ours-6/accuracy_read_from_vector_plot"]
    assert too_few["status"] == "not comparable" and re.search("6 training images .* not there in ak47", too_few["reason"])
    assert rows["claim/six-images-are-enough"]["status"] == "not comparable"
    assert len(pd.read_csv(paths.results_dir("imagenet") / "tables" / "table7.csv")) == 20


def test_sets_with_too_few_pictures_for_any_size_leave_reasons_and_no_error(upstream, monkeypatch):
    many = TransferPlan((9,), (9,), layers=(9,), test=1, folds=2, scratch_sizes=(9,), scratch_folds=1, scratch_steps=3)
    monkeypatch.setitem(profiles.PROFILES, "imagenet", dataclasses.replace(upstream, transfer=many))
    run("10_transfer")
    file = paths.results_dir("imagenet") / "tables" / "table4.json"
    rows = {row["key"]: row for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}
    claim = rows["claim/frozen-beats-scratch-both-trained"]
    assert claim["status"] == "not comparable" and "9 training images and one to test are not there in" in claim["reason"]


def points(tmp_path, numbers: range) -> Path:
    """A list of faces among the four pictures of val, whose classes stand in the development kit."""
    places = {"eye_right": [0.4, 0.4], "eye_left": [0.6, 0.4], "nose": [0.5, 0.6]}
    file = tmp_path / "points.yml"
    file.write_text(yaml.safe_dump([{"file": f"n01440764/ILSVRC2012_val_{n:08d}.JPEG", **places} for n in numbers]), encoding="utf-8")
    return file


def test_table_1_and_figure_8_are_made_from_the_listed_faces_and_no_list_misses_its_pictures(upstream, tmp_path, monkeypatch):
    monkeypatch.setattr(correspondence, "POINTS", points(tmp_path, range(1, 4)))
    assert len(run("08_correspondence")["FACES"].indices) == 3
    rows = json.loads((paths.results_dir("imagenet") / "tables" / "table1.json").read_text(encoding="utf-8"))["rows"]
    assert [row for row in rows if row["ours"] is not None]
    monkeypatch.setattr(correspondence, "POINTS", points(tmp_path, range(11, 15)))
    with pytest.raises(Problem, match="expected 4 listed faces in these classes, found 0"):
        run("08_correspondence")


def test_each_set_is_where_the_chapter_looks_for_it():
    assert {"transfer", "caltech256", "voc2012"} <= set(chapters.CHAPTERS["10_transfer"].sets)
