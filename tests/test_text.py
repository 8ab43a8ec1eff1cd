"""The text of the chapters: short cells, a reading after every figure of the paper, what was learnt, words that a reader knows."""

import ast
import re

import jupytext
import pytest

from zfutils.core import paths
from zfutils.run import chapters

LONGEST = 30  # lines of a code cell; imports may take more
CHAPTERS = [name for name in chapters.CHAPTERS if re.match(r"(0[1-9]|1\d)_", name)]
FOLDED = {"plumbing", "parameters", "solution", "check"}
TELLS = re.compile(r"\b(results|verdicts|claims|train_all)\.|\bMarkdown\(|time\.monotonic\(|^import |^from ")
VISIBLE_MECHANISM = 0.75  # of the visible lines of code


def cells(chapter: str) -> list:
    return jupytext.read(paths.BOOK / f"{chapter}.py", fmt="py:percent").cells


def is_imports(source: str) -> bool:
    return source.count("import ") > 8


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_code_cell_is_too_long_to_take_in(chapter):
    long = [
        cell["source"].splitlines()[0]
        for cell in cells(chapter)
        if cell["cell_type"] == "code" and not is_imports(cell["source"]) and len(cell["source"].splitlines()) > LONGEST
    ]
    assert not long, f"split at an idea: {long}"


def shows_figure(source: str) -> bool:
    """Whether a cell ends by showing a figure: a name such as `figure2`, or a drawing on the spot."""
    last = ast.parse(source).body[-1]
    if not isinstance(last, ast.Expr):
        return False
    if isinstance(last.value, ast.Name):
        return bool(re.match(r"figure\d|table\d|\w+_figure$", last.value.id))
    return isinstance(last.value, ast.Call) and ast.unparse(last.value.func).startswith("plot.")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_figure_is_followed_by_a_reading(chapter):
    """Within two cells: words that are computed, or a text."""
    made = cells(chapter)
    for number, cell in enumerate(made):
        if cell["cell_type"] == "code" and cell["source"] and shows_figure(cell["source"]):
            after = made[number + 1 : number + 3]
            told = any(one["cell_type"] == "markdown" or "Markdown(" in one["source"] for one in after)
            assert told, f"no reading after: {cell['source'].splitlines()[-1]}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_says_what_was_learnt_before_where_it_differs(chapter):
    titles = [
        title for cell in cells(chapter) if cell["cell_type"] == "markdown" for title in re.findall(r"^## (.*)$", cell["source"], re.M)
    ]
    assert titles.index("What we learned") < titles.index("Where we differ") < titles.index("Exercises") < titles.index("Provenance")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_formulas_are_closed(chapter):
    for cell in cells(chapter):
        if cell["cell_type"] == "markdown":
            assert cell["source"].count("$$") % 2 == 0, cell["source"][:80]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_value_in_braces_stands_in_a_string_that_fills_it_in(chapter):
    for cell in cells(chapter):
        if cell["cell_type"] == "code":
            tree = ast.parse(cell["source"])
            filled = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
            plain = [
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in filled
            ]
            assert not [text for text in plain if re.search(r"\{[A-Za-z_]\w*[(\[.]", text)]


def visible_lines(chapter: str) -> tuple[int, int]:
    """Lines of code that a reader sees unfolded, and how many of these are no plumbing.

    A statement or function of a cell is plumbing as a whole where any line of it imports, times, trains, writes words, or calls what saves
    results and decides claims. The rest computes or draws. Blank lines and comments count as neither; exercises are left out.
    """
    seen = working = 0
    for cell in cells(chapter):
        if cell["cell_type"] == "code" and not FOLDED & set(cell["metadata"].get("tags", [])):
            for statement in ast.parse(cell["source"]).body:
                lines = [
                    line for line in ast.get_source_segment(cell["source"], statement).splitlines() if line.strip(" )]}").split("#")[0]
                ]
                seen += len(lines)
                working += 0 if any(TELLS.search(line) for line in lines) else len(lines)
    return seen, working


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_is_visible_computes_or_draws(chapter):
    seen, working = visible_lines(chapter)
    assert working >= VISIBLE_MECHANISM * seen, f"{working} of {seen} visible lines: tag cells that only set up, save or tell as plumbing"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_folded_cell_draws_nothing_by_itself(chapter):
    for cell in cells(chapter):
        if "plumbing" in cell["metadata"].get("tags", []):
            assert not re.search(r"\bplot\.\w+\(|\bF\.\w+\(", cell["source"]), f"mechanism or drawing is hidden: {cell['source'][:80]}"
