"""One verdict for each figure and table, and claims by chapter."""

import re

import pandas as pd
import pytest

from zfutils.core import paths, profiles
from zfutils.paper import claims, numbers
from zfutils.report import paper_map, results, scoreboard
from zfutils.run import chapters, notebooks

TOYBOX = profiles.profile("toybox")
DECIDED = {"value": 0.3, "interval": (0.2, 0.4), "n": 60}


def saved(name: str, *rows: dict) -> None:
    results.save(name, profile=TOYBOX, seed=0, seconds=2, table=pd.DataFrame({"a": [1]}), rows=list(rows))


def board(**statuses: str) -> pd.DataFrame:
    """A board on which some claims are decided, by id with `_` for `-`."""
    ids = {id.replace("_", "-"): status for id, status in statuses.items()}
    why = {id: "the net had not learned" if status == claims.NOT_COMPARABLE else "" for id, status in ids.items()}
    saved("table1", *(results.claim(id, status, reason=why[id], **DECIDED) for id, status in ids.items()))
    return scoreboard.write("toybox")


def of(place: str, frame: pd.DataFrame) -> pd.Series:
    return paper_map.overview(frame).set_index("place").loc[place]


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("figure 7", ["figure 7"]),
        ("section 4.1, figure 6 (d) (e)", ["figure 6"]),
        ("tables 2 (b) and 3", ["table 2", "table 3"]),
        ("section 5.2, tables 4 and 5", ["table 4", "table 5"]),
        ("table 2, rows (a) and (a) + (b)", ["table 2"]),
        ("section 2.1, footnote of the conference version", ["figure 1"]),
        ("section 5.2", ["section 5.2"]),
    ],
)
def test_a_place_names_its_figures_and_tables(place, named):
    assert list(paper_map.places(place)) == named


def test_everything_that_the_paper_says_has_a_place_on_the_map():
    every = [*numbers.numbers()["place"], *(own.place for own in claims.claims().values())]
    named = {name for place in every for name in paper_map.places(place)}
    assert named - set(paper_map.TITLES) == {"section 3", "section 5.2"}
    assert set(paper_map.TITLES) - named == {"figure 8"}, "its numbers are table 1"
    assert all(paper_map.results_of(place, chapters.makers()) for place in paper_map.TITLES)


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["agrees", "undecided", "not comparable"], "agrees"),
        (["agrees", "differs"], "in part"),
        (["agrees", "leans: differs"], "in part"),
        (["leans: agrees", "leans: differs"], "in part"),
        (["leans: differs", "undecided"], "leans: differs"),
        (["differs", "leans: differs"], "differs"),
        (["undecided", "not comparable"], "undecided"),
        (["not comparable"], "not comparable"),
    ],
)
def test_several_verdicts_become_one(statuses, said):
    assert paper_map.one_verdict(statuses) == said


def test_a_table_has_the_verdict_of_its_pattern_whatever_its_claims_say():
    made = board(table7_slope="differs", features_improve_with_depth="agrees")
    row = of("table 7", made)
    assert (row["verdict"], row["claims"]) == ("differs", "1 agrees, 1 differs, 1 not comparable")
    assert row["rests on"] == claims.claim("table7-slope").statement


def test_a_figure_has_what_its_claims_say_together_and_what_is_not_measured_says_nothing():
    made = board(occluding_its_own_object_hurts="agrees", occluding_the_part_hurts_more="agrees", figure7_drop_is_local="undecided")
    row = of("figure 7", made)
    assert row["verdict"] == "agrees" and row["rests on"] == "2 agree, 1 undecided, 1 not comparable"
    assert of("figure 5", made)["verdict"] == "not measured"


def test_what_goes_beyond_the_paper_does_not_count():
    made = board(deconvnet_hardly_changes_with_new_upper_layers="differs")
    assert of("figure 1", made)["verdict"] == "not measured"


def test_figure_8_is_judged_as_table_1_and_figure_3_by_its_sizes():
    kernel = results.number("figure3/layer1-conv/kernel", 7, profile=TOYBOX, n=1)
    saved("figure3", kernel, results.number("figure3/layer1-conv/stride", 3, profile=TOYBOX, n=1))
    made = board(table1_relative_gain="agrees", parts_correspond_at_layer_5="differs")
    assert of("figure 8", made)["verdict"] == "agrees" and of("figure 8", made)["rests on"] == "its numbers are table 1"
    assert of("figure 3", made)["verdict"] == "in part"
    assert of("figure 3", made)["rests on"] == "1 of 2 sizes and settings are the paper's"


def test_why_nothing_could_be_said_is_told():
    row = of("table 7", board(table7_slope="not comparable"))
    assert (row["verdict"], row["why"]) == ("not comparable", "the net had not learned")


def test_no_row_of_a_board_is_lost_and_what_speaks_of_two_tables_stands_with_both():
    made = board(wider_middle_layers_help="agrees")
    places = paper_map.by_place(made)
    assert {key for rows in places.values() for key in rows["key"]} == set(made["key"])
    assert all((places[name]["key"] == "claim/wider-middle-layers-help").sum() == 1 for name in ("table 2", "table 3"))


def test_claims_stand_under_the_chapter_that_decides_them_and_the_rest_at_the_end():
    made = paper_map.by_chapter(board(table7_slope="agrees", occluding_its_own_object_hurts="differs"), {"table1": "08_correspondence"})
    assert list(made) == ["08_correspondence", ""]
    own = made["08_correspondence"]
    assert own["verdict"].tolist() == ["differs", "agrees"]
    assert own["ours (95 % interval)"].tolist() == [
        "+0.300 log-odds (+0.200 to +0.400 log-odds)",
        "+0.300 points a layer (+0.200 to +0.400 points a layer)",
    ]
    assert len(own) + len(made[""]) == len(claims.claims()) and set(made[""]["verdict"]) == {"not measured"}
    assert paper_map.heading("Hide it", own) == "Hide it: 1 agrees, 1 differs"
    assert paper_map.heading("", made[""]) == f"not measured in this run: {len(made[''])}"


def test_one_example_of_each_verdict_in_the_order_of_the_verdicts():
    made = board(table7_slope="undecided", occluding_its_own_object_hurts="agrees", upper_layers_move_less="agrees")
    shown = paper_map.examples(made)
    assert shown["verdict"].tolist() == ["agrees", "undecided"]
    assert shown["claim"].iloc[0] == claims.claim("occluding-its-own-object-hurts").statement


def test_a_board_of_another_machine_without_a_single_result_has_a_map_too():
    made = paper_map.overview(scoreboard.write("toybox"))
    assert set(made["verdict"]) == {"not measured"} and made["place"].tolist()[:16] == list(paper_map.TITLES)
    assert paper_map.examples(scoreboard.write("toybox")).empty


@pytest.mark.parametrize("source", notebooks.sources(), ids=lambda path: path.stem)
def test_links_between_chapters_lead_somewhere(source):
    for name in re.findall(r"\]\((\w+)\.ipynb\)", source.read_text(encoding="utf-8")):
        assert (paths.BOOK / f"{name}.py").exists(), name
