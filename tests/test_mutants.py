"""The list of mutants is up to date, and the verdict on one tells killed from alive."""

import ast
import dataclasses
from collections import Counter

import pytest

from tests import mutants

MUTANTS = mutants.listed()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.equation)
def test_every_mutant_applies_and_its_killer_exists(mutant):
    text = (mutants.REPOSITORY / mutant.file).read_text(encoding="utf-8")
    ast.parse(mutant.applied(text))
    file, _, name = mutant.killer.partition("::")
    source = (mutants.REPOSITORY / file).read_text(encoding="utf-8")
    assert f"def {name.partition('[')[0]}(" in source


def test_every_equation_has_two_mutants_or_more():
    counts = Counter(mutant.equation.partition(":")[0] for mutant in MUTANTS)
    assert {name: count for name, count in counts.items() if count < 2} == {}
    assert len(set(MUTANTS)) == len(MUTANTS)


def test_a_verdict_tells_a_test_that_notices_from_one_that_does_not(tmp_path):
    (tmp_path / "sums.py").write_text("def add(a, b):\n    return a + b\n", encoding="utf-8")
    tests = "import sums\n\n\ndef test_notices():\n    assert sums.add(2, 3) == 5\n\n\ndef test_sleeps():\n    assert sums.add(0, 0) == 0\n"
    (tmp_path / "test_sums.py").write_text(tests + "\n\ndef test_fails_anyway():\n    assert not sums.add(1, 1)\n", encoding="utf-8")
    wrong = mutants.Mutant("sum: a difference", "sums.py", "a + b", "a - b", "test_sums.py::test_notices")
    assert mutants.verdict(wrong, tmp_path) == ""
    assert mutants.verdict(dataclasses.replace(wrong, killer="test_sums.py::test_sleeps"), tmp_path).startswith("alive")
    assert "does not pass" in mutants.verdict(dataclasses.replace(wrong, killer="test_sums.py::test_fails_anyway"), tmp_path)
    assert "status" in mutants.verdict(dataclasses.replace(wrong, killer="test_sums.py::test_absent"), tmp_path)
    assert (tmp_path / "sums.py").read_text(encoding="utf-8").endswith("a + b\n")
    with pytest.raises(ValueError, match="0 times, expected once"):
        dataclasses.replace(wrong, line="a * b").applied("a + b")
