"""Claims: each is complete, and the rules decide what they say."""

import pytest

from zfutils.core.errors import Problem
from zfutils.paper import claims


def test_every_claim_has_place_statement_measure_rule_and_n():
    assert len(claims.claims()) >= 5
    for id, claim in claims.claims().items():
        assert id == claim.id and all((claim.place, claim.statement, claim.measure, claim.rule, claim.n))
        assert "agrees when" in claim.rule.lower()


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
