"""Results and scoreboard: whole files under the paper's names, and honest verdicts."""

import json
import subprocess
import sys

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from zfutils.core import paths, profiles
from zfutils.core.errors import Problem
from zfutils.paper import claims
from zfutils.report import results, scoreboard

TOYBOX, IMAGENET = profiles.profile("toybox"), profiles.profile("imagenet")
TOP1 = "table2/1-convnet-as-in-fig-3/val_top1_error"


def test_figure_table_and_provenance_stand_side_by_side(tiny_set):
    figure, table = plt.subplots()[0], pd.DataFrame({"a": [1, 2]})
    results.save("table9", profile=TOYBOX, seed=3, seconds=1.5, figure=figure, table=table, data=tiny_set, facts={"nets": ["zfnet"]})
    folder = paths.results_dir("toybox")
    pd.testing.assert_frame_equal(results.read("table9", profile=TOYBOX), table)
    known = json.loads((folder / "figures" / "table9.json").read_text(encoding="utf-8"))
    assert known == json.loads((folder / "tables" / "table9.json").read_text(encoding="utf-8"))
    assert (known["profile"], known["seed"], known["claims"]) == ("toybox", 3, claims.file_hash())
    assert known["data"]["sha256"] == tiny_set.facts["sha256"] and known["commit"] and known["versions"]["torch"] and known["device"]
    first = (folder / "figures" / "table9.png").read_bytes()
    results.save("table9", profile=TOYBOX, seed=3, seconds=9.0, figure=figure, table=table)
    assert (folder / "figures" / "table9.png").read_bytes() == first
    plt.close(figure)


def test_nothing_to_save_and_an_absent_result_are_refused():
    with pytest.raises(ValueError, match="got neither"):
        results.save("table9", profile=TOYBOX, seed=0, seconds=0)
    with pytest.raises(Problem, match="make reproduce PROFILE=toybox ONLY=table9"):
        results.read("table9", profile=TOYBOX)


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
        results.claim("clipping-acts", "fine", n=1)
    with pytest.raises(ValueError, match="reason"):
        results.claim("clipping-acts", claims.NOT_COMPARABLE, n=1)


def test_the_scoreboard_has_a_row_for_every_number_and_claim():
    rows = [results.number(TOP1, 12.0, profile=TOYBOX, n=9), results.claim("clipping-acts", "agrees", value=7, n=1)]
    results.save("table2", profile=TOYBOX, seed=0, seconds=2, table=pd.DataFrame({"a": [1]}), rows=rows)
    board = scoreboard.write("toybox").set_index("key")
    assert board.loc[TOP1, ["paper", "ours", "status", "result"]].tolist() == [38.4, 12.0, "not comparable", "table2"]
    assert board.loc["claim/clipping-acts", "status"] == "agrees"
    missing = board.drop(index=[TOP1, "claim/clipping-acts"])
    assert (missing["status"] == "not comparable").all() and (missing["reason"] == "not measured in this profile").all()
    assert set(board["status"]) <= set(claims.STATUSES) and len(board) > 200
    assert scoreboard.summary(board.reset_index()).startswith("scoreboard: 2 of ")


def test_kill_9_while_writing_results_keeps_the_older_ones_and_the_scoreboard_reads_on(tmp_path):
    code = (
        "import os, signal, pandas as pd; from zfutils.core import paths, profiles; from zfutils.report import results\n"
        "save = lambda n: results.save('t', profile=profiles.profile('toybox'), seed=0, seconds=0, table=pd.DataFrame({'a': range(n)}))\n"
        "save(3); paths._flush = lambda path: (path.write_text('{ha'), os.kill(os.getpid(), signal.SIGKILL)); save(9)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=paths.REPOSITORY, capture_output=True)
    assert ended.returncode == -9
    (paths.results_dir("toybox") / "tables" / ".t-half.json").write_text("{ha", encoding="utf-8")
    assert len(results.read("t", profile=TOYBOX)) == 3 and len(scoreboard.write("toybox")) > 200


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
    assert len(results.read("t", profile=TOYBOX)) == 3
