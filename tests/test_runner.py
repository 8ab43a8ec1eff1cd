"""Runs: parameters checked, failures named, independent chapters go on, nothing is redone without need."""

import ast
import concurrent.futures
import contextlib
import dataclasses
import inspect
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest
from torch import distributed

from zfutils.core import keys, paths, profiles
from zfutils.core import subprocesses as children_module
from zfutils.core.errors import Problem
from zfutils.core.subprocesses import Children
from zfutils.models import devices, pretrained
from zfutils.models.trained import Trained
from zfutils.paper import claims, numbers
from zfutils.report import exercises
from zfutils.run import chapters, command_line, execution, notebooks, runner
from zfutils.run.chapters import Chapter
from zfutils.run.command_line import main
from zfutils.training import runs, train_all

PARAMETERS = '# %% tags=["parameters"]\nprofile = "toybox"\nseed = 0\n\n'


def notebook(folder: Path, name: str, body: str) -> Path:
    source = folder / f"{name}.py"
    source.write_text(PARAMETERS + body, encoding="utf-8")
    made = source.with_suffix(".ipynb")
    made.write_text(notebooks.made(source), encoding="utf-8")
    return made


def test_a_chapter_runs_with_its_parameters_in_a_fresh_kernel(tmp_path, capfd):
    execution.run_chapter(
        notebook(tmp_path, "good", "# %%\nprint(profile, seed)\n"),
        output=tmp_path / "out" / "good.ipynb",
        parameters={"profile": "smoke", "seed": 4},
    )
    cells = nbformat.read(tmp_path / "out" / "good.ipynb", as_version=4).cells
    assert cells[-1]["outputs"][0]["text"] == "smoke 4\n"
    assert not capfd.readouterr().err, "what its kernel says of itself is nothing to a reader"


def test_an_unknown_parameter_is_refused(tmp_path):
    with pytest.raises(Problem, match="no parameter 'sead'; .* profile, seed"):
        execution.run_chapter(notebook(tmp_path, "good", ""), output=tmp_path / "out.ipynb", parameters={"sead": 1})


def test_a_failed_chapter_is_named_with_its_cell_and_its_copy_is_kept(tmp_path):
    made = notebook(tmp_path, "bad", "# %%\nx = 1\n\n# %%\nx / 0\n")
    with pytest.raises(Problem) as caught:
        execution.run_chapter(made, output=tmp_path / "bad_out.ipynb", parameters={"profile": "smoke"})
    assert "chapter bad failed in cell 4 ('x / 0'): ZeroDivisionError" in str(caught.value)
    copy = tmp_path / "bad_out.failed.ipynb"
    assert str(copy) in str(caught.value) and copy.exists() and not (tmp_path / "bad_out.ipynb").exists()


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of three chapters; the last needs the first."""
    (tmp_path / "book").mkdir()
    monkeypatch.setattr(paths, "BOOK", tmp_path / "book")
    table = {"one": Chapter("one"), "two": Chapter("two"), "three": Chapter("three", needs=("one",))}
    monkeypatch.setattr(chapters, "CHAPTERS", table)
    ran = []

    def run(children, command, environment, begins):
        ran.append(command[command.index("--only") + 1])
        bad = "1 / 0" in (tmp_path / "book" / f"{ran[-1]}.py").read_text(encoding="utf-8")
        return int(bad), "error: chapter one failed in cell 2" if bad else ""

    monkeypatch.setattr(Children, "run", run)
    for name in table:
        notebook(tmp_path / "book", name, "# %%\n1 + 1\n")
    return ran


def go() -> list[str]:
    return runner._run_all(profiles.profile("smoke"), list(chapters.CHAPTERS.values()), {}, {}, seed=0, children=Children([{}]))


def test_nothing_is_run_twice_without_a_change_and_a_change_reruns_what_depends_on_it(book, capsys):
    assert go() == [] and book == ["one", "two", "three"]
    assert go() == [] and len(book) == 3 and "two: nothing changed" in capsys.readouterr().err
    notebook(paths.BOOK, "one", "# %% [markdown]\n# New words.\n")
    assert go() == [] and book[3:] == ["one", "three"]


def test_the_longest_chapter_starts_first(book, monkeypatch):
    monkeypatch.setattr(
        chapters, "CHAPTERS", {name: dataclasses.replace(one, minutes=2.0 * (name == "two")) for name, one in chapters.CHAPTERS.items()}
    )
    assert go() == [] and book == ["two", "one", "three"]


def test_a_net_that_fills_a_row_later_or_is_trained_anew_runs_its_chapter_again(book, monkeypatch, tmp_path):
    monkeypatch.setattr(chapters, "CHAPTERS", {"one": Chapter("one", rows=("zfnet-2",))})

    def once(folders: dict) -> list[str]:
        return runner._run_all(profiles.profile("smoke"), list(chapters.CHAPTERS.values()), {}, folders, seed=0, children=Children([{}]))

    assert once({}) == once({}) == [] and book == ["one"]
    net = Trained(tmp_path / "zfnet-2-seed1000-12345678")
    net.folder.mkdir()
    net.file.write_bytes(b"first")
    assert once({"zfnet-2": net}) == once({"zfnet-2": net}) == [] and book == ["one", "one"]
    net.file.write_bytes(b"trained anew")
    assert once({"zfnet-2": net}) == [] and book == ["one", "one", "one"]


def test_a_chapter_whose_weights_are_not_to_be_had_is_passed_over_and_the_rest_goes_on(book, monkeypatch, capsys):
    table = {"one": Chapter("one", weights="squeezenet1_0"), "three": Chapter("three", needs=("one",))}
    monkeypatch.setattr(chapters, "CHAPTERS", table)
    monkeypatch.setattr(pretrained, "why_not", lambda name: "the weights are neither cached nor reachable" if name else "")
    assert go() == [] and book == ["three"]
    assert "one: passed over, the weights are neither cached nor reachable" in capsys.readouterr().err


def test_a_chapter_of_some_data_runs_in_their_profiles_only():
    assert "13_imagenet" in [chapter.name for chapter in chapters.chosen(dataset="photos")]
    assert "13_imagenet" not in [chapter.name for chapter in chapters.chosen(dataset="toybox")]
    assert [chapter.name for chapter in chapters.chosen(only="imagenet_units")] == ["13_imagenet"]


def test_a_failure_stops_its_own_line_only(book, capsys):
    notebook(paths.BOOK, "one", "# %%\n1 / 0\n")
    assert go() == ["one", "three"] and book == ["one", "two"]
    said = capsys.readouterr().err
    assert "failed in cell 2" in said and "three: not run, it needs one" in said
    notebook(paths.BOOK, "one", "# %%\n1 / 1\n")
    assert go() == [] and book == ["one", "two", "one", "three"]


def test_a_changed_rule_reruns_the_chapters_that_decide_by_it_and_so_does_a_changed_number(book, monkeypatch, tmp_path):
    notebook(paths.BOOK, "two", '# %%\n"quasi-linear-scale"\n')
    assert go() == [] and len(book) == 3
    rules = claims.claims()
    changed = dataclasses.replace(rules["quasi-linear-scale"], rule="Agrees when it is above 5, else differs.")
    monkeypatch.setattr(claims, "claims", lambda: {**rules, "quasi-linear-scale": changed})
    assert go() == [] and book[3:] == ["two"]
    shutil.copytree(numbers.FOLDER, tmp_path / "numbers")
    monkeypatch.setattr(numbers, "FOLDER", tmp_path / "numbers")
    assert go() == [] and len(book) == 4
    with open(tmp_path / "numbers" / "table2_imagenet_errors.csv", "a", encoding="utf-8") as file:
        file.write("\n")
    assert go() == [] and book[4:] == ["one", "two", "three"]


def test_the_copy_of_a_chapter_is_written_before_and_after_it_and_not_for_every_cell(tmp_path, monkeypatch):
    write, writes = papermill.engines.write_ipynb, []
    monkeypatch.setattr(papermill.engines, "write_ipynb", lambda *given: (writes.append(1), write(*given)))
    made = notebook(tmp_path, "quick", "# %%\nx = 1\n\n# %%\nx + 1\n\n# %%\nx + 2\n")
    execution.run_chapter(made, output=tmp_path / "out.ipynb", parameters={"profile": "smoke"})
    assert len(writes) == 2 and nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1]["outputs"]


def test_a_kernel_that_dies_is_named_with_its_chapter_and_its_copy_is_kept(tmp_path):
    made = notebook(tmp_path, "dies", "# %%\nprint('so far')\n\n# %%\nimport os\nos.kill(os.getpid(), 9)\n")
    with pytest.raises(Problem, match="chapter dies: its kernel died .*memory.*; the executed copy is") as caught:
        execution.run_chapter(made, output=tmp_path / "out.ipynb", parameters={"profile": "smoke"})
    copy = tmp_path / "out.failed.ipynb"
    assert str(copy) in str(caught.value) and "so far" in copy.read_text(encoding="utf-8") and not (tmp_path / "out.ipynb").exists()


def test_folders_are_meant_from_where_the_command_was_called(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    monkeypatch.setattr(paths, "BOOK", tmp_path / "book")
    monkeypatch.setattr(chapters, "CHAPTERS", {"one": Chapter("one")})
    shown = "paths.data_dir(), paths.results_dir('x'), os.environ['DATA']"
    notebook(tmp_path / "book", "one", f"# %%\nimport os\nfrom zfutils.core import paths\nprint({shown})\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", "mine")
    monkeypatch.setenv("DATA", "pictures")
    monkeypatch.setenv("RESULTS_DIR", "../" + tmp_path.name + "/seen")
    assert main(["chapter", "--only", "one", "--profile", "smoke"]) == 0
    cells = nbformat.read(tmp_path / "seen" / "smoke" / "notebooks" / "one.ipynb", as_version=4).cells
    assert cells[-1]["outputs"][0]["text"] == f"{tmp_path / 'mine'} {tmp_path / 'seen' / 'x'} {tmp_path / 'pictures'}\n"


def test_ctrl_c_ends_the_running_chapter_and_starts_no_other(tmp_path, interruptible):
    script = tmp_path / "two_chapters.py"
    script.write_text(STOPPED, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(paths.REPOSITORY)}
    running = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "one-started").exists() and time.monotonic() < deadline:
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130 and said.count("stopped; the same command") == 1, said
    time.sleep(1)
    assert (tmp_path / "one-started").exists() and not (tmp_path / "two-started").exists()
    child = int((tmp_path / "one-started").read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def sleeper(folder: Path, name: str) -> list[str]:
    """A command that leaves a mark and then goes on for a minute."""
    return [sys.executable, "-c", f"import time; open({str(folder / name)!r}, 'w'); time.sleep(60)"]


def test_ctrl_c_at_any_moment_ends_what_runs_and_starts_no_other(tmp_path, monkeypatch, interruptible):
    monkeypatch.setattr(runner, "_command", lambda profile, chapter, seed: sleeper(tmp_path, chapter.name))
    wanted = [Chapter("one"), Chapter("two"), Chapter("three")]

    def key(profile, chapter, *rest):
        while chapter.name == "three":  # Ctrl-C hits while the first runs and the next is looked at
            if (tmp_path / "one").exists():
                raise KeyboardInterrupt
        return chapter.name

    monkeypatch.setattr(runner, "_key", key)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        runner._run_all(profiles.profile("smoke"), wanted, {}, {}, seed=0, children=Children([{}]))
    assert time.monotonic() - start < 30 and not (tmp_path / "two").exists()


def test_the_seconds_of_a_chapter_and_the_word_that_it_runs_wait_for_its_turn(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RESULTS_DIR", str(tmp_path))
    monkeypatch.setattr(runner, "_command", lambda *about: [sys.executable, "-c", ""])
    children = Children([{}])
    slot, said = children.free.get(), []

    def go_on():
        said.append(capsys.readouterr().err)
        children.free.put(slot)

    threading.Timer(3, go_on).start()
    assert runner._run_one(children, profiles.profile("smoke"), Chapter("one"), "key", 0, 1) == ""
    assert (
        "running" not in said[0]
        and "one: running" in capsys.readouterr().err
        and runner._state(profiles.profile("smoke"), "one")["seconds"] < 3
    )


def test_a_chapter_that_was_stopped_from_outside_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("RESULTS_DIR", str(tmp_path))
    monkeypatch.setattr(runner, "_command", lambda *about: [sys.executable, "-c", "import sys; sys.exit(130)"])
    said = runner._run_one(Children([{}]), profiles.profile("smoke"), Chapter("one"), "key", 0, 1)
    assert said == "one was stopped from outside; the same command goes on where it was"


def test_what_ignores_ctrl_c_is_stopped_too(tmp_path):
    deaf = f"import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); open({str(tmp_path / 'one')!r}, 'w'); time.sleep(60)"
    children = Children([{}])
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(children.run, [sys.executable, "-c", deaf], dict(os.environ))
        while not (tmp_path / "one").exists() and not running.done():
            time.sleep(0.05)
        children.stop()
        assert running.result()[0] == -signal.SIGTERM, "it had to be killed"


ORPHAN = """
import os, sys
from zfutils.core.subprocesses import Children
Children([{}]).run([sys.executable, "-c", sys.argv[1]], dict(os.environ))
"""
LOCKED = """
import fcntl, sys, time
from zfutils.core import subprocesses
file = open({path!r}, "w")
fcntl.flock(file, fcntl.LOCK_EX)
subprocesses.end_with_the_run()
file.write("held")
file.flush()
time.sleep(60)
"""


def test_what_a_killed_run_has_started_ends_with_it(tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="the lock of the test is one of POSIX")
    held = tmp_path / "held"
    environment = {**os.environ, "PYTHONPATH": str(paths.REPOSITORY)}
    running = subprocess.Popen([sys.executable, "-c", ORPHAN, LOCKED.format(path=str(held))], env=environment)
    try:
        until(lambda: running.poll() is not None or (held.exists() and held.read_text(encoding="utf-8")))
        assert running.poll() is None, "it ended by itself"
    finally:
        running.kill()
        running.wait()

    def is_free() -> bool:
        with held.open() as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    until(is_free, seconds=30)


def until(happens, seconds: float = 60) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_a_chapter_that_starts_at_the_moment_of_a_stop_is_stopped_too(tmp_path, monkeypatch, interruptible):
    children, start, popen = Children([{}] * 2), time.monotonic(), subprocess.Popen

    def slow(*given, **options):
        stopper.start()
        stopper.join(0.5)
        return popen(*given, **options)

    stopper = threading.Thread(target=children.stop)
    monkeypatch.setattr(children_module.subprocess, "Popen", slow)
    status, _ = children.run(sleeper(tmp_path, "one"), dict(os.environ))
    assert status and time.monotonic() - start < 30
    assert children.run(["never"], {}) == (130, "stopped")


def test_sets_and_chapters_that_need_no_other_net_are_made_beside_the_trainings(book, monkeypatch, tmp_path):
    rest_made, early_ran, order = threading.Event(), threading.Event(), []
    zfnet = tmp_path / "zfnet"
    zfnet.mkdir()
    (zfnet / "net.safetensors").write_bytes(b"trained")
    wanted = [Chapter("one", nets=("zfnet",), sets=("pretraining", "scenes")), Chapter("two", nets=("zfnet", "alexnet"))]

    def prepare(profile, *, chosen, **others):
        order.append(chosen)
        (rest_made if "scenes" in chosen else threading.Event()).set()
        return {}

    def make(profile, needed, rows, *, beside, begun, **others):
        assert rest_made.wait(20)
        begun.set()
        assert early_ran.wait(20)
        order.append("nets")
        return {"zfnet": Trained(zfnet), "alexnet": Trained(zfnet)}

    def run(children, profile, chapter, *others):
        order.append(chapter.name)
        early_ran.set()
        return "chapter one failed" if chapter.name == "one" else ""

    monkeypatch.setattr(runner.registry, "prepare", prepare)
    monkeypatch.setattr(train_all, "make", make)
    monkeypatch.setattr(runs, "trained", lambda profile, name, seed: Trained(zfnet))
    monkeypatch.setattr(runner, "_run_one", run)
    assert runner._make(profiles.profile("smoke"), wanted, 0, 2, {}, {}) == ["one"]
    assert order == [("pretraining",), ("scenes",), "one", "nets", "two"]


@pytest.mark.parametrize("error", [None, Problem("zfnet-2 diverged")])
def test_chapters_that_wait_for_nets_start_when_these_are_trained_though_an_early_one_still_runs(error, book, monkeypatch, capsys):
    training, other_ran, order = concurrent.futures.Future(), threading.Event(), []
    early, late = Chapter("one"), Chapter("two", rows=("zfnet-2",))

    def run(children, profile, chapter, *others):
        if chapter is early:
            if error:
                training.set_exception(error)
            else:
                training.set_result({})
                assert other_ran.wait(20), "it waits for the early one"
        other_ran.set()
        order.append(chapter.name)
        return ""

    monkeypatch.setattr(runner, "_run_one", run)
    expected = pytest.raises(Problem, match="diverged") if error else contextlib.nullcontext()
    with expected:
        waits = {"training": training, "early": [early]}
        assert runner._run_all(profiles.profile("smoke"), [early, late], {}, {}, seed=0, children=Children([{}, {}]), **waits) == []
    assert order == (["one"] if error else ["two", "one"])


@pytest.mark.parametrize(("is_there", "jobs"), [(True, 2), (False, 1)])
def test_sets_are_made_by_all_processes_where_no_net_is_trained_beside_them(is_there, jobs, book, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        runner.registry, "prepare", lambda profile, *, jobs, chosen, **others: asked.update(dict.fromkeys(chosen, jobs)) or {}
    )
    monkeypatch.setattr(runs, "is_trained", lambda profile, name, seed: False)
    monkeypatch.setattr(runs, "is_there", lambda profile, name, seed: is_there)
    monkeypatch.setattr(train_all, "make", lambda *arguments, **others: {})
    monkeypatch.setattr(runner, "_run_all", lambda *arguments, **others: [])
    wanted = [Chapter("one", nets=("zfnet",), sets=("pretraining", "scenes"))]
    runner._make(profiles.profile("smoke"), wanted, 0, 2, {"only_trained": True, "retrain": False}, {})
    assert asked == {"pretraining": 2, "scenes": jobs}


def test_a_chapter_waits_for_further_seeds_only_where_this_run_trains_them():
    takes = Chapter("takes", nets=("zfnet",), seeds=("alexnet-again",))
    wanted = [Chapter("needs", nets=("zfnet",), needs=("takes",)), Chapter("fills", nets=("zfnet",), rows=("zfnet-2",)), takes]
    assert runner._early(wanted, {"zfnet"}, {"zfnet", "zfnet-2"}) == [takes]
    assert not runner._early(wanted, {"zfnet"}, {"zfnet", "alexnet-again"}) and not runner._early(wanted, set(), {"zfnet"})


STOPPED = """
import sys
from pathlib import Path
from zfutils.core import paths, profiles
from zfutils.core.subprocesses import Children
from zfutils.run import chapters, runner
folder = Path(sys.argv[1])
chapters.CHAPTERS = {"one": chapters.Chapter("one"), "two": chapters.Chapter("two")}
paths.BOOK = folder
for name in chapters.CHAPTERS:
    (folder / f"{name}.py").write_text("1")
    sleeper = f"import os, time; open({str(folder / (name + '-started'))!r}, 'w').write(str(os.getpid())); time.sleep(100)"
    (folder / f"{name}.sleep").write_text(sleeper)
def command(profile, chapter, seed):
    return [sys.executable, "-c", (folder / f"{chapter.name}.sleep").read_text()]
runner._command = command
try:
    runner._run_all(profiles.profile("smoke"), list(chapters.CHAPTERS.values()), {}, {}, seed=0, children=Children([{}]))
except KeyboardInterrupt:
    print("stopped; the same command goes on where it was", file=sys.stderr)
    sys.exit(130)
"""


def test_training_under_torchrun_leaves_its_group_before_it_ends(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    for name, value in {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "localhost", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(runs, "train", lambda *given, **options: devices.join_group() or tmp_path)
    joined = []
    monkeypatch.setattr("zfutils.run.command_line._describe", lambda folders: joined.append(distributed.is_initialized()) or 0)
    assert main(["train", "--net", "zfnet", "--profile", "smoke"]) == 0
    assert joined == [True] and not distributed.is_initialized(), "its threads may abort the process at its end"


def test_only_takes_a_result_with_what_it_needs_and_lists_the_others():
    assert [one.name for one in chapters.chosen(only="table2")] == ["02_training"]
    usual = [name for name, one in chapters.CHAPTERS.items() if not one.extra]
    assert [one.name for one in chapters.chosen(only="00_start_here")] == usual, "the start needs all others"
    with pytest.raises(Problem, match="unknown result 'figure99'; known: figure3, "):
        chapters.chosen(only="figure99")


def test_an_exercise_is_made_from_its_solution_and_its_check_stands_between_them(tmp_path):
    source = """# %% tags=["solution"]
def double(x):
    \"\"\"Twice x.\"\"\"
    return 2 * x


MOST = 3
BOTH = (1, 2)

# %% tags=["check"]
with check(MOST):
    assert double(3) == 6 and MOST == 3, "twice"

# %%
after = 1
"""
    made = notebook(tmp_path, "x", source)
    exercise, check, solution, _ = nbformat.read(made, as_version=4).cells[1:]
    assert exercise["metadata"]["tags"] == ["exercise"] and "Twice x" in exercise["source"] and "2 * x" not in exercise["source"]
    assert check["metadata"]["tags"] == ["check"] and solution["metadata"]["jupyter"]["source_hidden"]
    space = {"check": exercises.check}
    exec(exercise["source"], space)
    with pytest.raises(NotImplementedError, match="write double"):
        space["double"](3)
    assert space["MOST"] is ... and space["BOTH"] == (..., ...), "how many are asked is seen"
    exec(solution["source"], space)
    assert space["double"](3) == 6 and space["MOST"] == 3
    # JupyterLab writes the pair back when the notebook is saved: the exercise must not double, and the check stays before the solution.
    saved = jupytext.writes(nbformat.read(made, as_version=4), fmt="py:percent")
    (tmp_path / "x.py").write_text(saved, encoding="utf-8")
    assert "raise NotImplementedError" in saved and notebooks.made(tmp_path / "x.py") == made.read_text(encoding="utf-8")


def test_the_process_that_executes_a_chapter_loads_no_torch():
    code = "import sys; from zfutils.run import chapters, execution, notebooks; assert not {'torch', 'seaborn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=paths.REPOSITORY)


def test_words_change_no_key_of_a_chapter_and_code_does(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    text = (keys.PACKAGE / "models" / "local_response_norm.py").read_text(encoding="utf-8")
    monkeypatch.setattr(keys, "PACKAGE", tmp_path)
    digests = []
    for changed in (text, text.replace("Divide every value", "Scale every value") + "\n# a comment\n", text.replace("1e-4", "2e-4")):
        (tmp_path / "models" / "local_response_norm.py").write_text(changed, encoding="utf-8")
        keys._source_digest.cache_clear()
        digests.append(keys.code("models.local_response_norm"))
    assert digests[0] == digests[1] != digests[2]
    keys._source_digest.cache_clear()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data", "--profile", "toybocks"], "error: unknown profile 'toybocks'; known: smoke, toybox, photos, imagenet, folder"),
        (["train", "--profile", "smoke", "--net", "vgg"], "error: unknown net 'vgg'; known: zfnet, alexnet, zfnet-unclipped"),
        (["train", "--profile", "smoke", "--net", "zfnet"], "make data PROFILE=smoke"),
        (["train", "--profile", "photos", "--net", "zfnet"], "make data PROFILE=photos (fetches"),
        (["reproduce", "--profile", "folder"], "give DATA=dir"),
        (["data", "--profile", "smoke", "--jobs", "0"], "JOBS must be a whole number above 0"),
        (["data", "--seed", "abc"], "error: argument --seed: expected a whole number from 0 on, got 'abc'"),
        (["data", "--seed", "-1"], "error: argument --seed: expected a whole number from 0 on, got '-1'"),
        (
            ["data", "--net", "zfnet"],
            "error: data takes no --net (NET=); it takes --profile, --seed, --jobs, --mirror, ",
        ),
        (
            ["train", "--net", "zfnet", "--extras"],
            "error: train takes no --extras (EXTRAS=); it takes --profile, --seed, --folder, ",
        ),
        (["notebooks", "--profile", "smoke"], "error: notebooks takes no --profile (PROFILE=); leave it out"),
        (["paint"], "error: argument verb: invalid choice: 'paint' (choose from "),
    ],
)
def test_bad_input_gets_one_line_with_the_remedy_and_status_2(arguments, said):
    ended = subprocess.run([sys.executable, "-m", "zfutils", *arguments], cwd=paths.REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 2 and said in ended.stderr
    assert [line for line in ended.stderr.splitlines() if line.startswith("error: ")] == ended.stderr.strip().splitlines()[-1:]


def test_a_seed_in_the_environment_that_is_none_gets_one_line_too():
    command = [sys.executable, "-m", "zfutils", "data", "--profile", "smoke"]
    ended = subprocess.run(command, cwd=paths.REPOSITORY, env={**os.environ, "SEED": "abc"}, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr == "error: argument --seed: expected a whole number from 0 on, got 'abc'; leave it out to take 0\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("data PROFILE=smoke SEED=3 JOBS=2 DATA=pics", ["data", "--profile", "smoke", "--seed", "3", "--jobs", "2", "--folder", "pics"]),
        ("data NET=zfnet", ["data", "--net", "zfnet"]),
        ("nets EXTRAS=1 TRAINED=1 RETRAIN=1", ["nets", "--extras", "--only-trained", "--retrain"]),
        (
            "reproduce ONLY=figure3 MIRROR=disk TRANSFER=other",
            ["reproduce", "--transfer", "other", "--only", "figure3", "--mirror", "disk"],
        ),
        ("lab PROFILE=smoke", ["lab", "--profile", "smoke"]),
        ("notebooks", ["notebooks"]),
    ],
)
def test_make_hands_the_verb_all_that_it_was_given(given, expected):
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of the make that runs the tests
    environment = {**outer, "PROFILE": "photos", "SEED": "7", "JOBS": "3"}  # these the verb reads itself
    command = ["make", "--dry-run", "--no-print-directory", "--old-file=.venv/ready", *given.split()]
    said = subprocess.run(command, cwd=paths.REPOSITORY, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1].startswith("exec .venv/bin/python "), "a shell between would take what stops make"
    assert shlex.split(said.splitlines()[-1])[4:] == expected


def test_a_make_that_is_killed_takes_its_command_along(tmp_path):
    pid, command = tmp_path / "pid", tmp_path / "python"
    command.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 60\n", encoding="utf-8")
    command.chmod(0o755)
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of the make that runs the tests
    verb = ["make", "--old-file=.venv/ready", f"BIN={tmp_path}", "data", "PROFILE=smoke"]  # a quoted value puts a shell between
    running = subprocess.Popen(verb, cwd=paths.REPOSITORY, env=outer, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text(encoding="utf-8")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.terminate()
    running.wait(30)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text(encoding="utf-8")), 0)


@pytest.mark.parametrize(
    ("verb", "sign", "sent"),
    [
        ("data", "*/*.part/journal.jsonl", signal.SIGINT),
        ("data", "*/*.part/journal.jsonl", signal.SIGTERM),
        ("train", "*/nets/*/checkpoints/*", signal.SIGINT),
        ("train", "*/nets/*/checkpoints/*", signal.SIGHUP),
        ("train", "*/nets/*/checkpoints/*", None),
    ],
)
def test_ctrl_c_kill_a_closed_terminal_or_the_end_of_the_run_stop_in_one_line_and_the_same_command_goes_on(
    rendered, interruptible, verb, sign, sent
):
    if verb == "train":
        shutil.copytree(rendered, paths.data_dir())
    own = {"data": ["--jobs", "2"], "train": ["--net", "zfnet"]}[verb]
    command = [sys.executable, "-m", "zfutils", verb, "--profile", "smoke", *own]
    environment = os.environ if sent else {**os.environ, children_module.HELD: "1"}
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = subprocess.Popen(command, cwd=paths.REPOSITORY, env=environment, text=True, **pipes)
    deadline = time.monotonic() + 60
    while not [file for file in paths.data_dir().glob(sign) if file.stat().st_size] and time.monotonic() < deadline:
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.01)
    if sent:
        running.send_signal(sent)
    else:
        running.stdin.close()
        running.stdin = None  # else `communicate` would flush it
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130 and said.strip().splitlines()[-1] == "stopped; the same command goes on where it was"
    assert "Traceback" not in said
    assert subprocess.run(command, cwd=paths.REPOSITORY, capture_output=True).returncode == 0


def test_every_verb_takes_the_flags_that_it_reads():
    functions = {name: ast.unparse(node) for node in ast.parse(inspect.getsource(command_line)).body if (name := getattr(node, "name", ""))}
    for verb, (_, flags) in command_line._VERBS.items():
        text, reached = "", [verb.__name__]
        for name in reached:  # grows by the functions that are given the same
            text += functions[name]
            reached += [other for other in re.findall(r"(\w+)\(given\b", functions[name]) if other in functions and other not in reached]
        read = {found.replace("_", "-") for found in re.findall(r"\bgiven\.(\w+)", text)}
        assert read <= {*flags.split(), "verb"}, f"{verb.__name__.strip('_')} reads flags that it does not take"


def test_copies_for_students_lie_beside_the_notebooks(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "notebooks_dir", lambda: tmp_path / "book")
    assert main(["students"]) == 0
    assert len(list((tmp_path / "students").glob("*.ipynb"))) == len(notebooks.sources()) and not (tmp_path / "book").exists()
    assert f"chapters without solutions: {tmp_path / 'students'}" in capsys.readouterr().err


@pytest.mark.parametrize(("user", "root"), [(0, True), (1000, False)])
def test_jupyterlab_opens_the_explorer_after_its_notebook_alone_was_compared_and_is_told_of_root(user, root, monkeypatch):
    compared, commands = [], []
    monkeypatch.setattr(notebooks, "in_step", lambda source: compared.append(source.stem) or True)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "execv", lambda program, command: commands.append(command))
    monkeypatch.setenv("PROFILE", "smoke")
    command_line.main(["explore", "--profile", "smoke"])
    assert compared == ["explore"]
    assert commands[0][-1].endswith("explore.ipynb") and {command_line.PRESTART, command_line.EXTENSION} <= set(commands[0])
    assert ("--allow-root" in commands[0]) == root
    command_line.main(["lab", "--profile", "smoke"])
    assert len(compared) > 10 and ("--allow-root" in commands[1]) == root and command_line.PRESTART not in commands[1]
