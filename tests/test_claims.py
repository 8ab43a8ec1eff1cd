"""Claims: each is complete, and the rules decide what they say."""

import math

import pytest

from zfutils.core.errors import Problem
from zfutils.paper import claims, numbers


def test_every_claim_has_place_statement_measure_rule_and_n_and_says_what_the_paper_does():
    assert len(claims.claims()) >= 5
    for id, claim in claims.claims().items():
        assert id == claim.id and all((claim.place, claim.statement, claim.measure, claim.rule, claim.n))
        assert "agrees when" in claim.rule.lower() and claim.kind in claims.KINDS
        assert bool(claim.says) == (claim.kind != claims.PATTERN) and len(claim.says.split()) <= 15


def test_a_retired_claim_says_why_and_its_name_is_not_used_again():
    assert claims.retired() and all(why.strip() for why in claims.retired().values())
    assert not set(claims.retired()) & set(claims.claims())


def test_every_table_and_figure_with_numbers_has_one_pattern():
    patterns = [own.place for own in claims.claims().values() if own.kind == claims.PATTERN]
    assert sorted(patterns) == ["figure 5", "figure 7", "figure 9", *(f"table {n}" for n in range(1, 8))]


def test_thresholds_from_the_paper_are_what_it_prints():
    shares = {"lowest": [], "median": []}
    for example in numbers.table("fig7_summary").itertuples():
        shares["lowest"].append(example.p_lowest / example.p_highest)
        shares["median"].append(example.p_median / example.p_highest)
    assert (round(2 * max(shares["lowest"]), 2), round(min(shares["median"]) / 2, 2)) == (0.11, 0.24)
    assert "(.11)" in claims.claim("figure7-drop-is-local").rule and "(.24)" in claims.claim("figure7-drop-is-local").rule
    axes = numbers.table("fig5_axes").set_index("row")[["layer1_distance_axis_max", "layer7_distance_axis_max"]]
    leads = [round(math.log(axis["c"] / max(axis["a"], axis["b"])), 2) for _, axis in axes.items()]
    assert leads == [0.22, 0.56] and "axes .22 and .56" in claims.claim("figure5-rotation-leads").measure


def test_what_one_net_decides_says_so():
    for id, own in claims.claims().items():
        said = f"{own.measure} {own.rule}".lower()
        assert "for this net" in said or "these" in said or "seed" in said or "as in " in own.rule.lower(), id


def test_one_seed_leans_at_most_and_two_decide():
    assert [claims.at_most_leans(status, 1) for status in ("agrees", "differs", "undecided")] == [
        "leans: agrees",
        "leans: differs",
        "undecided",
    ]
    assert claims.at_most_leans("differs", 2) == "differs" and claims.at_most_leans("not comparable", 1) == "not comparable"
    assert {claims.LEANS_AGREES, claims.LEANS_DIFFERS} == {f"leans: {status}" for status in ("agrees", "differs")}


def test_several_conditions_agree_together_or_one_differs():
    assert claims.all_of(["agrees", "agrees"]) == "agrees" and claims.all_of(["agrees", "undecided"]) == "undecided"
    assert claims.all_of(["undecided", "differs", "agrees"]) == "differs"


@pytest.mark.parametrize(
    ("interval", "below", "above"),
    [
        ((-2, -1), "agrees", "differs"),
        ((1, 2), "differs", "agrees"),
        ((-1, 1), "undecided", "undecided"),
        ((0, 0), "undecided", "undecided"),
    ],
)
def test_an_interval_decides_only_when_it_lies_on_one_side(interval, below, above):
    assert claims.when_below(interval) == below and claims.when_above(interval) == above


def test_an_unknown_claim_lists_those_that_exist():
    with pytest.raises(Problem, match="unknown claim 'x'; known: zfnet-beats-alexnet, "):
        claims.claim("x")


def test_the_hash_follows_the_file(tmp_path, monkeypatch):
    before = claims.file_hash()
    (tmp_path / "claims.yml").write_text(claims.FILE.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    monkeypatch.setattr(claims, "FILE", tmp_path / "claims.yml")
    assert claims.file_hash() != before


def test_a_value_is_told_in_the_unit_of_its_claim():
    assert claims.claim("zfnet-beats-alexnet").told(-0.3274) == "-32.7 points"
    assert claims.claim("zfnet-beats-alexnet").told(-0.0005) == "-0.05 points"  # not -0.0, which has a sign and no size
    assert claims.claim("zfnet-beats-alexnet").between(-0.6, -0.00003) == "-60.0 to -0.003 points"
    assert claims.claim("zfnet-beats-alexnet").told(0.0) == "+0.0 points"
    assert claims.claim("zfnet-beats-alexnet").told(-0.00099) == "-0.10 points"
    assert claims.claim("classes-come-with-depth").told(0.25) == "+0.250"
    assert claims.claim("exclusive-prediction-suffers-once-trained").told(0.016) == "+1.6 points"  # average precision, as in the tables
    assert claims.claim("table2-order").between(-1.99, -0.44) == "-1.990 to -0.440 log-odds"
    assert claims.claim("classes-come-with-depth").told(-0.00021) == "-0.0002"
    assert claims.claim("zfnet-beats-alexnet").between(-0.6, -0.02) == "-60.0 to -2.0 points"


def test_verdicts_are_counted_in_the_singular_and_in_the_plural():
    words = [claims.counted(count, status) for count in (1, 2) for status in ("agrees", "leans: differs", "not comparable")]
    assert words == ["1 agrees", "1 leans: differs", "1 not comparable", "2 agree", "2 lean: differ", "2 not comparable"]
