"""Every notebook runs in a fresh kernel on the smallest profile and leaves its results."""

import html
import json
import re

import nbformat
import pandas as pd
import pytest

from zfutils.core import paths
from zfutils.core.profiles import profile
from zfutils.paper import claims
from zfutils.run import chapters, execution, notebooks, runner
from zfutils.training import runs


@pytest.mark.parametrize("name", [source.stem for source in notebooks.sources()])
def test_a_chapter_runs_and_leaves_its_results(smoke, name):
    executed = nbformat.read(smoke / "results" / "smoke" / "notebooks" / f"{name}.ipynb", as_version=4)
    code = [cell for cell in executed.cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "no figure is seen on the page"
    assert not [
        output for output in outputs if "<Figure" in str(output.get("data", {}).get("text/plain")) and "image/png" not in output["data"]
    ]
    for result in chapters.CHAPTERS[name].results:
        found = json.loads(next((smoke / "results" / "smoke").glob(f"*/{result}.json")).read_text(encoding="utf-8"))
        assert found["profile"] == "smoke" and found["claims"] == claims.file_hash()


@pytest.mark.parametrize("name", chapters.CHAPTERS)
def test_tables_are_written_for_a_reader(smoke, name):
    executed = nbformat.read(smoke / "results" / "smoke" / "notebooks" / f"{name}.ipynb", as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    cells = [html.unescape(cell).strip() for page in pages for cell in re.findall(r"<td[^>]*>([^<]*)</td>", page)]
    assert not {"NaN", "None", "nan", "<NA>"} & set(cells), "what is not there is left empty"
    assert not [cell for cell in cells if re.fullmatch(r"\d{5,}", cell)], "thousands are parted"


def test_the_run_ended_well_and_the_scoreboard_holds_what_the_chapters_measured(smoke):
    assert (smoke / "status").read_text(encoding="utf-8") == "0"
    board = pd.read_csv(smoke / "results" / "smoke" / "scoreboard.csv").set_index("key")
    figure3 = board[board["place"] == "figure 3"]
    assert (figure3["status"] == "agrees").all()
    assert len(figure3) == 40  # sizes and maps of 12 stages, kernels and strides of 8
    context = board[board["class"] == "context"]
    assert (context["status"] == "not comparable").all() and len(context) > 100
    measured = {f"claim/{id}" for id in claims.claims()}
    assert board.loc[sorted(measured), "result"].notna().all()
    kept = {file.stem for file in (smoke / "results" / "smoke-extras" / "tables").iterdir()}
    assert kept == {name for chapter in chapters.CHAPTERS.values() if chapter.extra for name in chapter.results}
    assert board.loc["table2/1-convnet-as-in-fig-3/val_top1_error", "status"] == "not comparable"


def test_running_again_changes_nothing(smoke, monkeypatch, capsys):
    monkeypatch.setenv("DATA_DIR", str(smoke / "data"))
    monkeypatch.setenv("RESULTS_DIR", str(smoke / "results"))
    before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*") if path.is_file() and path.name not in ("scoreboard.csv",)}
    assert runner.reproduce(profile("smoke"), jobs=1, extras=True) == 0
    assert capsys.readouterr().err.count("nothing changed") == len(chapters.chosen(extras=True, dataset="toybox"))
    after = {path: path.stat().st_mtime_ns for path in before}
    assert [path for path in before if before[path] != after[path]] == []


@pytest.mark.parametrize("name", [one.name for one in chapters.CHAPTERS.values() if one.rows and not one.extra])
def test_a_chapter_marks_every_row_whose_net_is_missing(smoke, monkeypatch, tmp_path, name):
    own, chapter = tmp_path / "data" / "smoke", chapters.CHAPTERS[name]
    (own / "nets").mkdir(parents=True)
    for there in (smoke / "data" / "smoke").iterdir():
        if there.name != "nets":
            (own / there.name).symlink_to(there)
    for needed in ("zfnet", "alexnet", "zfnet-unclipped"):
        for there in (smoke / "data" / "smoke" / "nets").glob(f"{needed}-seed0-*"):
            (own / "nets" / there.name).symlink_to(there)
    found = [runs.is_trained(profile("smoke"), row) for row in chapter.rows]
    assert found and not any(found)
    output = tmp_path / f"{name}.ipynb"
    execution.run_chapter(paths.BOOK / f"{name}.ipynb", output=output, parameters={"profile": "smoke", "seed": 0})
    assert re.search(rf"{chapter.rows[0]}`?(,[^.;]*)? (is|are) missing", output.read_text(encoding="utf-8"))


def test_a_chapter_without_its_net_says_how_to_train_it(smoke, monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(smoke / "data"))
    from zfutils.core.errors import Problem

    with pytest.raises(Problem, match="make train NET=alexnet PROFILE=smoke SEED=9|make data PROFILE=smoke SEED=9"):
        runs.trained(profile("smoke"), "alexnet", seed=9)
    assert runs.is_trained(profile("smoke"), "alexnet")
    assert paths.data_dir() == smoke / "data"


def test_the_benchmark_measures_ours_against_what_one_would_use(smoke, monkeypatch, capsys):
    from zfutils.run import bench
    from zfutils.run.bench import clock, growth, nothing_changed, projections, scan
    from zfutils.run.bench import occlusion as squares
    from zfutils.run.bench import training as steps

    monkeypatch.setenv("DATA_DIR", str(smoke / "data"))
    small = {(steps, "_STEPS"): 1, (steps, "_LOADERS"): 0, (steps, "_BATCH"): 8, (clock, "_ROUNDS"): 1}  # no processes inside a test
    small |= {(projections, "_SIZE"): 112, (projections, "_WIDTH"): 1 / 12, (projections, "_IMAGES"): 9, (projections, "_BATCH"): 2}
    small |= {(scan, "_SIZE"): 112, (scan, "_WIDTH"): 1 / 12, (scan, "_IMAGES"): 9}
    small |= {(growth, "_TIMES"): (1, 4), (growth, "_ROUNDS"): 1, (growth, "_STEPS"): 3}
    small |= {(squares, "_SIDE"): 96, (squares, "_WIDTH"): 1 / 12, (squares, "_STRIDE"): 15, (squares, "_TRIED"): (8,)}
    small |= {(nothing_changed, "_IMAGES"): 300, (nothing_changed, "_CLASSES"): 10}
    for (module, name), value in small.items():
        monkeypatch.setattr(module, name, value)
    assert bench.run(profile("smoke")) == 0
    rows = json.loads((paths.results_dir("smoke") / "bench.json").read_text(encoding="utf-8"))["rows"]
    sections = {section: [row for row in rows if row["section"] == section] for section in dict.fromkeys(row["section"] for row in rows)}
    assert len(sections) > 10
    for some in sections.values():
        assert some[0]["ours_is_faster"] == 1 and some[0]["name"].startswith("ours")
        if not some[0]["section"].startswith(("growth", "a run in which")):
            assert some[1]["name"].startswith("bare pass"), "how near ours is to the net alone"
        for row in some[1:]:
            ratio = row["milliseconds"] / some[0]["milliseconds"]
            assert row["ours_is_faster"] == pytest.approx(ratio, rel=0.05, abs=6e-4)  # three decimals are kept
    assert "times as fast" in capsys.readouterr().out
