"""Prepared sets: resumable, whole or absent, the same bytes for any number of processes."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest

from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.data import preparation, prepared_sets


def work(context: dict, rows: list[dict]) -> list[dict]:
    time.sleep(context["sleep"])
    answers = []
    for row in rows:
        number = int(row["file"])
        if number in context["broken"]:
            answers.append({"broken": "it is torn"})
        else:
            image, shade = np.full((8, 8, 3), number % 251, np.uint8), np.full((8, 8), number % 7, np.uint8)
            answers.append({"image": image, "shade": shade, "columns": {"half": np.float32(number) / 2}})
    return answers


def build(path, *, sleep=0.0, broken=(), allowed=0, jobs=1, key="key", n=200):
    table = pd.DataFrame({"file": range(n), "split": ["train"] * (n - 50) + ["val"] * 50, "label": [i % 3 for i in range(n)]})
    context = {"sleep": sleep, "broken": list(broken)}
    options = {"size": 8, "classes": ["a", "b", "c"], "maps": ("shade",), "allowed_broken": allowed}
    return preparation.build(path, table, work, context, key=key, jobs=jobs, **options)


def test_pictures_maps_and_columns_come_back(tmp_path):
    made = build(tmp_path / "set")
    assert made.images.shape == (200, 8, 8, 3) and made.images[77, 0, 0, 0] == 77
    assert made.map("shade")[10, 3, 3] == 3 and made.table["half"][11] == 5.5
    assert made.indices("val").tolist() == list(range(150, 200)) and made.labels[:4].tolist() == [0, 1, 2, 0]
    with pytest.raises(Problem, match="unknown split 'test'; known: train, val"):
        made.indices("test")
    with pytest.raises(Problem, match="unknown map 'x'; known: shade"):
        made.map("x")


def test_two_processes_write_the_bytes_of_one(tmp_path):
    assert build(tmp_path / "one").facts["sha256"] == build(tmp_path / "two", jobs=2).facts["sha256"]


def test_the_same_key_is_opened_and_another_key_is_made_again(tmp_path):
    build(tmp_path / "set")
    before = (tmp_path / "set" / "facts.json").stat().st_mtime_ns
    build(tmp_path / "set")
    assert (tmp_path / "set" / "facts.json").stat().st_mtime_ns == before
    assert build(tmp_path / "set", key="other", n=100).facts["count"] == 100


def test_broken_pictures_are_named_and_left_out_up_to_the_allowed_number(tmp_path, capsys):
    made = build(tmp_path / "set", broken=(5, 170), allowed=2)
    assert made.facts["broken"] == ["5 (it is torn)", "170 (it is torn)"] and len(made.table) == 198
    assert made.images[5, 0, 0, 0] == 6 and made.map("shade")[5, 0, 0] == 6 and made.table["file"][5] == 6
    assert "left out, broken: 170 (it is torn)" in capsys.readouterr().err
    with pytest.raises(Problem, match=r"2 broken pictures, at most 1 allowed: 5 \(it is torn\)"):
        build(tmp_path / "strict", broken=(5, 170), allowed=1)
    assert not (tmp_path / "strict").exists()
    assert len(build(tmp_path / "strict").table) == 200  # once the source is mended


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path, interruptible, kill):
    code = "import sys; from pathlib import Path; from tests.test_prepared_sets import build; build(Path(sys.argv[1]), sleep=0.3, jobs=2)"
    running = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "set")], cwd=paths.REPOSITORY, stderr=subprocess.DEVNULL)
    journal, deadline = tmp_path / "set.part" / "journal.jsonl", time.monotonic() + 60
    while not (journal.exists() and journal.read_text(encoding="utf-8")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = psutil.Process(running.pid).children(recursive=True)
    os.kill(running.pid, kill)
    running.wait()
    assert workers and not psutil.wait_procs(workers, timeout=20)[1], "processes of a killed run idle on"
    assert not (tmp_path / "set").exists() and journal.read_text(encoding="utf-8").count("\n") >= 1
    journal.write_text(journal.read_text(encoding="utf-8") + '[64, [{"colu', encoding="utf-8")  # a line that was cut off
    made = build(tmp_path / "set")
    assert made.facts["sha256"] == build(tmp_path / "straight").facts["sha256"]
    assert sorted(file.name for file in (tmp_path / "set").iterdir()) == ["facts.json", "images.u8", "mean.npy", "shade.u8", "table.csv"]


def test_a_full_disk_is_said_in_one_line_and_nothing_looks_whole(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path; from tests.test_prepared_sets import build\n"
        "from zfutils.core.errors import Problem\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: build(Path(sys.argv[1]))\n"
        "except Problem as problem: print(problem)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "set")]
    ended = subprocess.run(command, cwd=paths.REPOSITORY, capture_output=True, text=True, check=True)
    assert "no room to write" in ended.stdout and "DATA_DIR" in ended.stdout and ended.stdout.count("\n") == 1
    assert not (tmp_path / "set").exists()


def test_an_absent_and_a_damaged_set_name_the_remedy(tmp_path):
    with pytest.raises(Problem, match="no prepared set at .*; run: make data"):
        prepared_sets.load(tmp_path / "none", remedy="run: make data")
    build(tmp_path / "set")
    with open(tmp_path / "set" / "images.u8", "ab") as file:
        file.write(b"x")
    with pytest.raises(Problem, match="damaged"):
        prepared_sets.load(tmp_path / "set", remedy="run: make data")


def test_a_run_cut_off_before_the_last_rename_is_taken_up(tmp_path):
    build(tmp_path / "set").path.rename(tmp_path / "set.part")
    assert json.loads((tmp_path / "set.part" / "facts.json").read_text(encoding="utf-8"))["key"] == "key"
    assert build(tmp_path / "set", sleep=9.0).facts["count"] == 200  # nine seconds a chunk: it is not made again
