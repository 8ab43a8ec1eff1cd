"""Exercises: every check knows the solution, the empty cell and two typical wrong answers; every chapter has a few."""

import ast
import re

import jupytext
import nbformat
import pytest
import yaml

from zfutils.core import paths
from zfutils.report import exercises
from zfutils.run import notebooks

WRONG_ANSWERS = paths.REPOSITORY / "tests" / "wrong_answers"
CHAPTERS = [source.stem for source in notebooks.sources() if re.match(r"(0[1-9]|1\d)_", source.stem)]


def cells(chapter: str) -> list:
    return jupytext.reads(notebooks.made(paths.BOOK / f"{chapter}.py"), fmt="ipynb").cells


def imports(chapter: str) -> str:
    """The imports of a chapter: all that a check may use besides the answer and what it makes itself."""
    tree = ast.parse((paths.BOOK / f"{chapter}.py").read_text(encoding="utf-8"))
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def exercises_of(chapter: str) -> list[tuple[str, str, str]]:
    """Exercise, check and solution of a chapter, as sources."""
    made = cells(chapter)
    found = []
    for number, cell in enumerate(made):
        if "exercise" in cell["metadata"].get("tags", []):
            after = made[number + 1 : number + 3]
            assert [one["metadata"]["tags"] for one in after] == [["check"], ["solution"]], f"{chapter}: no check before a solution"
            found.append((cell["source"], *(one["source"] for one in after)))
    return found


def wrong_answers(chapter: str) -> dict[str, list[str]]:
    """Typical wrong answers, by the first name that the exercise asks for."""
    return yaml.safe_load((WRONG_ANSWERS / f"{chapter}.yml").read_text(encoding="utf-8"))


def asked(exercise: str) -> str:
    """The first name that an exercise asks for."""
    node = next(node for node in ast.parse(exercise).body if isinstance(node, ast.FunctionDef | ast.Assign))
    return node.name if isinstance(node, ast.FunctionDef) else node.targets[0].id


def said(capsys, chapter: str, answer: str, check: str) -> str:
    """What a check prints to an answer."""
    space = {"__name__": "chapter"}
    exec(imports(chapter), space)
    capsys.readouterr()
    exec(answer, space)
    exec(check, space)
    return capsys.readouterr().out


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_check_knows_the_solution_the_empty_cell_and_typical_wrong_answers(capsys, chapter):
    found = exercises_of(chapter)
    wrong = wrong_answers(chapter)
    assert [asked(exercise) for exercise, *_ in found] == list(wrong), "two wrong answers for each, in the order of the chapter"
    for exercise, check, solution in found:
        name = asked(exercise)
        assert said(capsys, chapter, exercise, check).startswith(exercises.OPEN), name
        assert said(capsys, chapter, solution, check) == f"{exercises.RIGHT}\n", name
        assert len(wrong[name]) >= 2, name
        for answer in wrong[name]:
            told = said(capsys, chapter, f"{solution}\n{answer}", check)
            assert told.startswith(exercises.WRONG) and len(told) > len("Not yet: try again\n"), f"{name}: {answer}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_four_to_six_exercises_and_an_open_one_at_the_end(chapter):
    text = (paths.BOOK / f"{chapter}.py").read_text(encoding="utf-8")
    part = text[text.index("# ## Exercises") :]
    numbers = [int(number) for number in re.findall(r"^# \*\*(\d)\.", part, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) and 4 <= len(numbers) <= 6
    assert "<summary>Hint</summary>" in part and "**Open" in part and 'tags=["check"]' in part


def test_a_check_says_in_one_line_what_is_wrong(capsys):
    with exercises.check():
        pass
    with exercises.check(...):
        raise TypeError("an ellipsis has no length")
    with exercises.check((0.5, ...)):
        raise AssertionError("the second is not given")
    with exercises.check():
        raise AssertionError("count again\nassert 1 == 2")
    with exercises.check():
        raise KeyError("conv9")
    with exercises.check():
        raise NotImplementedError("write double")
    right, empty, half, wrong, broken, unfilled = capsys.readouterr().out.splitlines()
    assert right == "Right." and empty == half and empty.startswith("Your turn: replace") and wrong == "Not yet: count again"
    assert broken == "Not yet: KeyError: 'conv9'" and unfilled == "Your turn: write double"


def test_copies_for_students_hold_exercises_checks_and_hints_and_no_solution(tmp_path):
    copies = notebooks.write_for_students(tmp_path / "students")
    assert [copy.stem for copy in copies] == [source.stem for source in notebooks.sources()]
    for source, copy in zip(notebooks.sources(), copies, strict=True):
        whole, handed = nbformat.reads(notebooks.made(source), as_version=4), nbformat.read(copy, as_version=4)
        nbformat.validate(handed)
        kept = [
            cell["source"] for cell in whole.cells if cell["cell_type"] == "code" and "solution" not in cell["metadata"].get("tags", [])
        ]
        assert [cell["source"] for cell in handed.cells if cell["cell_type"] == "code"] == kept
        text = "".join(cell["source"] for cell in handed.cells)
        assert "<summary>Answer</summary>" not in text and text.count("<summary>Hint</summary>") == source.read_text(
            encoding="utf-8"
        ).count("<summary>Hint</summary>")
        assert "jupytext" not in handed["metadata"] and text.count("<details>") == text.count("</details>")
