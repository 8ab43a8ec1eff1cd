"""The README: what it says of results is what `results/toybox` holds, and what it names is there."""

import ast
import re

import pandas as pd
import pytest

import zfutils
from zfutils.core import paths
from zfutils.models import shipped
from zfutils.paper import claims
from zfutils.report import scoreboard
from zfutils.run import command_line, hero
from zfutils.run.site import sixteen
from zfutils.widgets.explorer import explore

README = (paths.REPOSITORY / "README.md").read_text(encoding="utf-8")
BOARD = pd.read_csv(paths.REPOSITORY / "results" / "toybox" / "scoreboard.csv")
FINDINGS = README.partition("| the paper says | here | measured |\n")[2].partition("\n\n")[0].splitlines()[1:]
# The claims of that table, row by row, with what their numbers are multiplied by and how many digits stand after the point.
MEASURED = {
    "occluding-its-own-object-hurts": (1, 1),
    "classes-come-with-depth": (100, 0),
    "projection-is-its-own-at-its-place": (1, 2),
    "patches-vary-more-than-projections-of-their-map": (-1, 2),
    "parts-correspond-at-layer-5": (1, 3),
}


def plain(number: float, digits: int) -> str:
    """A number as the README writes it: no zero before the point."""
    return re.sub(r"^(-?)0\.", r"\1.", f"{number:.{digits}f}")


@pytest.mark.parametrize(("id", "row"), list(zip(MEASURED, FINDINGS, strict=True)), ids=list(MEASURED))
def test_a_finding_has_the_verdict_and_the_numbers_of_the_kept_run(id, row):
    measured = BOARD.set_index("key").loc[f"claim/{id}"]
    scale, digits = MEASURED[id]
    _, verdict, numbers = row.strip("| ").split(" | ")
    assert verdict == measured["status"]
    low, high = sorted(scale * measured[end] for end in ("low", "high"))
    assert plain(scale * measured["ours"], digits) in numbers
    assert f"{plain(low, digits)} to {plain(high, digits)}, {float(measured['n']):.0f} {claims.claim(id).n.split()[0]}" in numbers


def test_the_counts_of_verdicts_are_those_of_the_kept_run():
    counts = sixteen.counts(sixteen.counted(BOARD))
    said = re.search(r"of the (\d+) that were measured on toys (.*?), each with the reason", README)
    assert int(said[1]) == sum(verdict.count for verdict in counts) == BOARD["class"].isin(scoreboard.COUNTED).sum()
    for verdict in counts:
        words = verdict.words if verdict.name not in ("undecided", "not comparable") else f"{verdict.count} are {verdict.name}"
        assert words in said[2], verdict.words
    assert not (paths.REPOSITORY / "results" / "imagenet").exists(), "then say what it found"


def test_what_it_links_and_names_is_there():
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (paths.REPOSITORY / link).exists(), link
    assert paths.REPOSITORY / re.search(r"!\[[^]]+\]\(([^)]+)\)", README)[1] == hero.FILE
    makefile = (paths.REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for verb in set(re.findall(r"`?make ([a-z]+)\b", "\n".join(re.findall(r"`([^`]+)`", README.replace("```", "`"))))):
        assert re.search(rf"^{verb}:.*##", makefile, re.MULTILINE), verb
    verbs = {verb.__name__.strip("_") for verb in command_line._VERBS}
    assert set(re.findall(r"python -m zfutils ([a-z]+)", README)) <= verbs
    for name in re.findall(r"\bzf\.([\w.]+)", README):
        first, *rest = name.rstrip(".").split(".")
        thing = getattr(zfutils, first)
        assert all(hasattr(thing, part) for part in rest[:1]), name


def test_a_newcomer_reads_first_what_it_is_and_last_the_reference():
    heads = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    wanted = [
        "What you find in it",
        "See it",
        "Two commands",
        "Explore",
        "On your own net",
        "On your own pictures",
        "Teach with it",
        "Cite",
    ]
    assert [head for head in heads if head in wanted] == wanted
    assert heads.index("Cite") < heads.index("Reference") < heads.index("Verbs")
    assert not re.search(r"\bchapters? \d", README), "numbers of chapters change"
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(ast.parse(code).body) == 4, "an import and three lines"
    assert "Three ways through" in (paths.BOOK / "00_start_here.py").read_text(encoding="utf-8")


def test_how_often_the_plain_net_of_the_photographs_errs():
    card = shipped.card("zfnet-imagenet200")
    table = pd.read_csv(paths.REPOSITORY / "results" / "photos" / "tables" / "table3.csv").set_index("net")
    percent = f"{table.loc['zfnet', 'val top-1 %']:.1f}"
    assert re.search(rf"the plain net\s+of that run, the one that ships, errs on {percent} % of the pictures, ten crops", README)
    crops = pd.read_csv(paths.REPOSITORY / "results" / "photos" / "tables" / "table2.csv")
    one = crops[(crops["net"] == "zfnet") & (crops["crops"] == 1)].iloc[0]
    assert one["n"] == card["val_n"] and abs(one["top-1 wrong"] - card["val_wrong"]) <= 10, "a net of float16 errs on a few others"
    low, high = (f"{100 * end:.1f}" for end in card["val_interval"])
    assert re.search(rf"errs on {100 * card['val_error']:.1f} %\s+\({low} to {high}\)", README)


def test_the_unit_that_is_shown_without_a_notebook_is_active_in_its_picture(monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))  # as on a machine where nothing was made
    shown = re.search(r'explore\(net="(?P<net>[^"]+)", unit="(?P<unit>[^"]+)", picture="(?P<picture>[^"]+)"\)\.figure\(\)', README)
    titles = [axis.get_title() for axis in explore(**shown.groupdict()).figure().axes]
    assert "projection of the strongest place" in titles
