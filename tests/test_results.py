"""Results and scoreboard: whole files under the paper's names, and honest verdicts."""

import json
import subprocess
import sys

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from zfutils.core import paths, profiles
from zfutils.core.errors import Problem
from zfutils.paper import claims, numbers
from zfutils.report import results, scoreboard, verdicts
from zfutils.run import command_line
from zfutils.stats.seeds import Estimate

TOYBOX, PHOTOS, IMAGENET = (profiles.profile(name) for name in ("toybox", "photos", "imagenet"))
CALTECH, CLAIM = "table7/svm-5/caltech101_30_per_class", "zfnet-beats-alexnet"
TOP1 = "table2/1-convnet-as-in-fig-3/val_top1_error"


def test_figure_table_and_provenance_stand_side_by_side(tiny_set):
    figure, table = plt.subplots()[0], pd.DataFrame({"a": [1, 2]})
    results.save("table9", profile=TOYBOX, seed=3, seconds=1.5, figure=figure, table=table, data=tiny_set, facts={"nets": ["zfnet"]})
    folder = paths.results_dir("toybox")
    pd.testing.assert_frame_equal(pd.read_csv(folder / "tables" / "table9.csv"), table)
    known = json.loads((folder / "figures" / "table9.json").read_text(encoding="utf-8"))
    assert known == json.loads((folder / "tables" / "table9.json").read_text(encoding="utf-8"))
    assert (known["profile"], known["seed"], known["claims"]) == ("toybox", 3, claims.file_hash())
    assert known["data"]["sha256"] == tiny_set.facts["sha256"] and known["commit"] and known["versions"]["torch"] and known["device"]
    first = (folder / "figures" / "table9.png").read_bytes()
    results.save("table9", profile=TOYBOX, seed=3, seconds=9.0, figure=figure, table=table)
    assert (folder / "figures" / "table9.png").read_bytes() == first
    plt.close(figure)


def test_nothing_to_save_is_refused():
    with pytest.raises(ValueError, match="got neither"):
        results.save("table9", profile=TOYBOX, seed=0, seconds=0)


def test_errors_on_other_data_are_not_comparable_and_on_the_papers_the_interval_decides():
    other = results.number(TOP1, 12.0, profile=TOYBOX, n=2000, interval=(11, 13))
    assert other["status"] == "not comparable" and "toybox" in other["reason"]
    assert results.number(TOP1, 39.0, profile=IMAGENET, n=50_000, interval=(38.0, 40.0))["status"] == "agrees"
    assert results.number(TOP1, 42.0, profile=IMAGENET, n=50_000, interval=(41.0, 43.0))["status"] == "differs"


def test_sizes_compare_everywhere():
    assert results.number("figure3/layer1-conv/out_size", 110, profile=TOYBOX, n=1)["status"] == "agrees"
    assert results.number("figure3/layer1-conv/out_size", 109, profile=TOYBOX, n=1)["status"] == "differs"


def test_a_claim_needs_a_known_status_and_a_reason_when_it_is_not_comparable():
    with pytest.raises(Problem, match="unknown status 'fine'"):
        results.claim(CLAIM, "fine", n=1)
    with pytest.raises(ValueError, match="reason"):
        results.claim(CLAIM, claims.NOT_COMPARABLE, n=1)


def test_what_has_no_interval_decides_nothing():
    row = results.number(TOP1, 38.4, profile=IMAGENET, n=50_000)
    assert row["status"] == "undecided" and "without an interval" in row["reason"]
    with pytest.raises(ValueError, match="an interval that decides"):
        results.claim(CLAIM, claims.AGREES, value=1.0, n=9)


def test_numbers_on_the_papers_data_compare_also_from_another_net_and_say_what_differs():
    reason = "the net saw other classes"
    row = results.number(CALTECH, 86.0, profile=PHOTOS, n=900, interval=(85.0, 87.0), same_data=True, reason=reason)
    assert (row["status"], row["reason"]) == ("agrees", reason)
    assert results.number(CALTECH, 60.0, profile=PHOTOS, n=900, interval=(59.0, 61.0), same_data=True)["status"] == "differs"
    assert results.number(CALTECH, 60.0, profile=PHOTOS, n=900, interval=(59.0, 61.0))["status"] == "not comparable"


def saved(name: str, *rows: dict, seed: int = 0) -> None:
    results.save(name, profile=TOYBOX, seed=seed, seconds=2, table=pd.DataFrame({"a": [1]}), rows=list(rows))


def test_the_scoreboard_has_a_row_for_every_number_and_claim():
    row = results.claim(CLAIM, "leans: agrees", value=-0.1, interval=(-0.2, -0.01), n=1)
    saved("table2", results.number(TOP1, 12.0, profile=TOYBOX, n=9), row)
    board = scoreboard.write("toybox").set_index("key")
    assert board.loc[TOP1, ["paper", "ours", "status", "result"]].tolist() == [38.4, 12.0, "not comparable", "table2"]
    assert board.loc[f"claim/{CLAIM}", ["class", "status"]].tolist() == ["claim", "leans: agrees"]
    missing = board.drop(index=[TOP1, f"claim/{CLAIM}"])
    assert (missing["status"] == "not comparable").all() and (missing["reason"] == "not measured in this profile").all()
    assert set(board["status"]) <= set(claims.STATUSES) and len(board) > 200
    assert set(board["class"]) == {*claims.KINDS, numbers.BUILT, numbers.OWN, numbers.CONTEXT}


def test_the_summary_counts_claims_and_patterns_and_prints_the_rest():
    saved("table2", results.number(TOP1, 12.0, profile=TOYBOX, n=9), results.number("figure3/layer1-conv/kernel", 7, profile=TOYBOX, n=1))
    saved("table1", results.claim("table1-relative-gain", "agrees", value=0.3, interval=(0.2, 0.4), n=60))
    board = scoreboard.write("toybox")
    beyond = sum(own.kind == claims.BEYOND for own in claims.claims().values())
    counted = len(claims.claims()) - beyond
    said = scoreboard.summary(board)
    assert said.startswith(f"scoreboard, seed 0: of 1 of {counted} claims and patterns 1 agrees, 0 differ")
    context = int((numbers.numbers()["kind"] == numbers.CONTEXT).sum())
    assert f"{context} rows context" in said and f"{beyond} rows beyond the paper" in said and "left out" not in said


def test_seeds_never_mix_in_one_board():
    saved("table2", results.number(TOP1, 12.0, profile=TOYBOX, n=9))
    saved("table1", results.claim("table1-relative-gain", "agrees", value=0.3, interval=(0.2, 0.4), n=60), seed=1)
    board = scoreboard.write("toybox", seed=0)
    assert board.set_index("key").loc["claim/table1-relative-gain", "reason"] == "not measured in this profile"
    assert scoreboard.summary(board).endswith("left out, of another seed: table1 (seed 1)")
    other = scoreboard.write("toybox", seed=1).set_index("key")
    assert other.loc["claim/table1-relative-gain", "status"] == "agrees" and pd.isna(other.loc[TOP1, "ours"])


def test_what_came_with_the_repository_is_printed_and_not_counted():
    decided = {"value": 0.3, "interval": (0.2, 0.4), "n": 60}
    saved("table1", results.claim("table1-relative-gain", "agrees", **decided))
    saved("table7", results.claim("table7-slope", "agrees", **decided))
    file = paths.results_dir("toybox") / "tables" / "table1.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"seconds": 2', '"seconds": 3'), encoding="utf-8")  # as git checks one out
    board = scoreboard.write("toybox")
    said, rows = scoreboard.summary(board), board.set_index("key")
    assert " of 1 of " in said and "1 agrees" in said and said.endswith("left out, not run here but come with the repository: table1")
    assert rows.loc["claim/table1-relative-gain", ["ours", "status", "here"]].tolist() == [0.3, "agrees", False]
    assert pd.isna(rows.loc["claim/table1-relative-gain", "p_holm"]) and rows.loc["claim/table7-slope", "p_holm"] < 0.05


def test_of_two_rows_of_a_claim_that_of_more_seeds_stands_on_the_board():
    many, one = (
        verdicts.compared("frozen-beats-scratch-both-trained", "agrees", Estimate(0.3, 0.2, 0.4, 0.01, count), 90) for count in (5, 1)
    )
    saved("scratch_folds", many)
    saved("table4", one)
    row = scoreboard.write("toybox").set_index("key").loc["claim/frozen-beats-scratch-both-trained"]
    assert row[["status", "result"]].tolist() == ["agrees", "scratch_folds"]


def test_holms_correction_is_that_of_all_claims_and_patterns_together():
    rows = [results.claim(id, "agrees", value=2.0, interval=(0.1, 3.9), n=9) for id in (CLAIM, "table1-relative-gain", "table7-slope")]
    saved("table1", *rows, results.claim("occluding-its-own-object-hurts", "undecided", value=0.0, interval=(-1, 1), n=9))
    board = scoreboard.write("toybox").set_index("key")["p_holm"].dropna()
    alone = rows[0]["p"]
    assert 0.03 < alone < 0.05 and sorted(board) == pytest.approx([4 * alone] * 3 + [1], abs=1e-9)


def test_a_retired_claim_is_printed_with_its_reason():
    assert all(f"- {id}: {why}" in scoreboard.retired() for id, why in claims.retired().items())


def test_kill_9_while_writing_results_keeps_the_older_ones_and_the_scoreboard_reads_on(tmp_path):
    code = (
        "import os, signal, pandas as pd; from zfutils.core import paths, profiles; from zfutils.report import results\n"
        "save = lambda n: results.save('t', profile=profiles.profile('toybox'), seed=0, seconds=0, table=pd.DataFrame({'a': range(n)}))\n"
        "save(3); paths._flush = lambda path: (path.write_text('{ha'), os.kill(os.getpid(), signal.SIGKILL)); save(9)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=paths.REPOSITORY, capture_output=True)
    assert ended.returncode == -9
    (paths.results_dir("toybox") / "tables" / ".t-half.json").write_text("{ha", encoding="utf-8")
    assert len(pd.read_csv(paths.results_dir("toybox") / "tables" / "t.csv")) == 3 and len(scoreboard.write("toybox")) > 200


def test_a_full_disk_while_writing_results_keeps_the_older_ones(tmp_path):
    code = (
        "import resource, pandas as pd; from zfutils.core import profiles; from zfutils.report import results\n"
        "from zfutils.core.errors import Problem\n"
        "save = lambda n: results.save('t', profile=profiles.profile('toybox'), seed=0, seconds=0, table=pd.DataFrame({'a': range(n)}))\n"
        "save(3); resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: save(100_000)\n"
        "except Problem as problem: print(problem)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=paths.REPOSITORY, capture_output=True, text=True, check=True)
    assert "no room to write" in ended.stdout
    assert sorted(file.name for file in (paths.results_dir("toybox") / "tables").iterdir()) == ["t.csv", "t.json"]
    assert len(pd.read_csv(paths.results_dir("toybox") / "tables" / "t.csv")) == 3


def test_the_commit_is_marked_where_code_has_changed_and_not_where_results_have(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(paths, "REPOSITORY", tmp_path)
    for name in ("code.py", "results/table1.csv"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b.c commit -q -m first"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    now = results.commit.__wrapped__  # it is asked once a process
    first = now()
    (tmp_path / "results" / "table1.csv").write_text("2", encoding="utf-8")
    assert now() == first and len(first) == 12
    (tmp_path / "code.py").write_text("2", encoding="utf-8")
    assert now() == f"{first}+changes"


def test_the_command_gathers_the_scoreboard_and_prints_what_was_measured(capsys):
    results.save("figure3", profile=TOYBOX, seed=0, seconds=1.0, table=pd.DataFrame({"n": [1]}), rows=[])
    assert command_line.main(["scoreboard", "--profile", "toybox"]) == 0
    assert (paths.results_dir("toybox") / "scoreboard.csv").exists() and capsys.readouterr().out
