"""Claims: each is complete, and the rules decide what they say."""

import pytest

from zfutils.core.errors import Problem
from zfutils.paper import claims


def test_every_claim_has_place_statement_measure_rule_and_n_and_says_what_the_paper_does():
    assert len(claims.claims()) >= 5
    for id, claim in claims.claims().items():
        assert id == claim.id and all((claim.place, claim.statement, claim.measure, claim.rule, claim.n))
        assert "agrees when" in claim.rule.lower() and claim.kind in claims.KINDS
        assert bool(claim.says) == (claim.kind != claims.PATTERN) and len(claim.says.split()) <= 15


def test_a_retired_claim_says_why_and_its_name_is_not_used_again():
    assert claims.retired() and all(why.strip() for why in claims.retired().values())
    assert not set(claims.retired()) & set(claims.claims())


def test_every_table_has_one_pattern():
    patterns = [own.place for own in claims.claims().values() if own.kind == claims.PATTERN]
    assert sorted(patterns) == ["figure 9", *(f"table {n}" for n in range(1, 8))]


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
