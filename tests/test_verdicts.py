"""Verdicts: a row, a sentence and a table say the same."""

import dataclasses
import math

import pytest

from zfutils.paper import claims
from zfutils.report import results, verdicts
from zfutils.stats.seeds import Estimate


def test_what_was_measured_is_said_with_its_interval_and_what_was_not_with_its_reason():
    row = verdicts.decided("zfnet-beats-alexnet", claims.AGREES, (0.25, 0.1, 0.4), 1200, otherwise="no steps")
    assert (row["ours"], row["low"], row["high"], row["status"]) == (0.25, 0.1, 0.4, "agrees")
    assert "Measured +25.0 points, 95 % interval +10.0 to +40.0 points, n = 1,200: **agrees**." in verdicts.told(row)
    plain = verdicts.decided("classes-come-with-depth", claims.AGREES, (0.25, 0.1, 0.4), 1200, otherwise="")
    assert "Measured +0.250, 95 % interval +0.100 to +0.400, n = 1,200: **agrees**." in verdicts.told(plain)
    assert "**agrees**. Mind: one net is late.\n\n" in verdicts.told({**row, "reason": "one net is late"})
    for found, n in (((math.nan, 0, 1), 5), ((0.2, 0.1, 0.3), 0)):
        lost = verdicts.decided("zfnet-beats-alexnet", claims.AGREES, found, n, otherwise="no steps")
        assert lost["ours"] is None and lost["status"] == "not comparable" and "**not comparable**: no steps.\n\n" in verdicts.told(lost)
    without = verdicts.told({**row, "low": math.nan, "high": math.nan})
    assert "Measured +25.0 points, n = 1,200" in without and "nan" not in without, "one fold has no interval"
    few = verdicts.decided("zfnet-beats-alexnet", claims.AGREES, (0.25, 0.1, 0.4), 9, otherwise="no steps")
    assert (few["status"], few["ours"], few["reason"]) == ("undecided", 0.25, "fewer than 10 decide nothing")
    both = verdicts.table(row, lost)
    assert both["status"].tolist() == ["agrees", "not comparable"] and both["interval"].tolist() == ["+10.0 to +40.0 points", ""]
    assert both["in the paper"].iloc[0] == claims.claim("zfnet-beats-alexnet").place and verdicts.told() == ""
    shown, folded = verdicts.told(row, lost).split("<details>")
    about = claims.claim("zfnet-beats-alexnet")
    assert shown.count(about.statement) == 2 and folded.count(f"Measured: {about.measure} Rule: {about.rule}") == 2


def test_few_folds_or_seeds_make_no_small_p():
    measured = (12.095, 12.095 - 3.2184, 12.095 + 3.2184)  # t = 16.17 with 2 degrees of freedom
    sure, three = (verdicts.decided("table7-slope", claims.AGREES, measured, 99, otherwise="", folds=folds) for folds in (1, 3))
    assert sure["p"] < 1e-10 and three["p"] == pytest.approx(0.0038, abs=1e-4)
    few = Estimate(*measured, 0.0038, 3, freedom=2)
    assert verdicts.compared("zfnet-beats-alexnet", claims.AGREES, few, 99)["p"] == pytest.approx(three["p"])


def test_one_seed_leans_and_an_under_trained_net_decides_nothing_but_shows_its_value():
    sure = Estimate(-0.2, -0.3, -0.1, 0.001, 1)
    row = verdicts.compared("zfnet-beats-alexnet", claims.AGREES, sure, 900)
    assert row["status"] == "leans: agrees" and row["reason"] == "from one seed of a recipe"
    assert verdicts.compared("zfnet-beats-alexnet", claims.AGREES, dataclasses.replace(sure, seeds=3), 900)["status"] == "agrees"
    under = verdicts.compared("zfnet-beats-alexnet", claims.AGREES, sure, 900, under_trained="alexnet never left chance")
    assert (under["status"], under["ours"], under["p"]) == ("not comparable", -0.2, None)
    assert "**not comparable**. Mind: under-trained: alexnet never left chance.\n\n" in verdicts.told(under)


def test_of_several_differences_all_must_lie_above_0_and_the_smallest_is_shown():
    large, small, unsure = Estimate(0.5, 0.4, 0.6, 0, 3), Estimate(0.2, 0.1, 0.3, 0, 3), Estimate(0.1, -0.1, 0.3, 0, 3)
    row = verdicts.smallest("table4-frozen-minus-scratch", [(large, 40), (small, 50)])
    assert (row["ours"], row["n"], row["status"], row["seeds"], row["p"]) == (0.2, 50, "agrees", 3, None)
    assert verdicts.smallest("table4-frozen-minus-scratch", [(large, 40), (unsure, 50)])["status"] == "undecided"
    assert verdicts.smallest("table4-frozen-minus-scratch", [(large, 40)])["p"] < 0.001


def test_a_table_of_claims_corrects_for_all_of_them():
    rows = [results.claim(id, "agrees", value=2.0, interval=(0.0, 4.0), n=9) for id in ("zfnet-beats-alexnet", "table7-slope")]
    assert verdicts.table(*rows)["p, Holm, of these"].tolist() == ["0.100", "0.100"]


def test_a_row_of_an_under_trained_net_says_so_and_keeps_what_was_measured():
    row = results.claim("table7-slope", "agrees", value=2.0, interval=(1.0, 3.0), n=9)
    found = results.of_regime(row, "10 steps", "zfnet never left chance")
    assert (found["status"], found["reason"], found["p"]) == ("not comparable", "under-trained: zfnet never left chance", None)
    assert (found["ours"], found["regime"]) == (2.0, "10 steps") and results.of_regime(row, "10 steps", "")["status"] == "agrees"


def test_a_table_of_claims_never_says_that_a_probability_is_0():
    sure = results.claim("table7-slope", "agrees", value=2.0, interval=(1.9, 2.1), n=9)
    assert [verdicts.probability(p) for p in (0.0, 0.0009, 0.0441, math.nan)] == ["< 0.001", "< 0.001", "0.044", ""]
    assert sure["p"] < 1e-6 and verdicts.table(sure)["p, Holm, of these"].tolist() == ["< 0.001"]
