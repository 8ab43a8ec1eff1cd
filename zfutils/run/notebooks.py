"""Notebooks made from their sources, one way: `book/NN_name.py` to `book/NN_name.ipynb`, without outputs."""

import ast
import os
import re
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from zfutils.core import keys, paths
from zfutils.run import repository

_ANSWER = re.compile(r"<details><summary>Answer</summary>.*?</details>", re.DOTALL)  # hints and quick questions to oneself stay
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources() -> list[Path]:
    """The sources of all chapters, sorted."""
    return sorted(paths.BOOK.glob("*.py"))


def made(source: Path) -> str:
    """The text of the notebook that belongs to a source; the same text for the same source.

    A cell tagged `solution` gets a cell tagged `exercise` before it: the same functions with signature and docstring, which raise when they
    are called, and the same names with `...` for their values, one an entry of a tuple. The cell tagged `check` that follows a solution
    moves between the two, so that it tries what the reader wrote. The solution comes last, folded away, so exercise and solution cannot
    drift. A cell tagged `plumbing`, which sets up, saves or says and shows no mechanism, is folded too.
    Where the repository has a public address, a folded cell tagged `installing` comes first.

    Args:
        source: a py:percent file.
    """
    notebook = jupytext.read(source, fmt="py:percent")
    # Saving a notebook in JupyterLab writes its exercises into the source; they are made anew here.
    cells = _with_exercises([cell for cell in notebook.cells if not (_is(cell, "exercise") or _is(cell, "installing"))])
    if code := repository.installing():
        cells.insert(0, nbformat.v4.new_code_cell(code, metadata={"tags": ["installing"], "jupyter": {"source_hidden": True}}))
    for number, cell in enumerate(cells):
        if _is(cell, "solution") or _is(cell, "plumbing"):
            cell["metadata"]["jupyter"] = {"source_hidden": True}
        cell["id"] = keys.digest(number, cell["cell_type"])[:8]
    pair = {"formats": "ipynb,py:percent", "text_representation": {"extension": ".py", "format_name": "percent"}}
    metadata = {"jupytext": pair, "kernelspec": _KERNEL, "language_info": {"name": "python"}}
    whole = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(whole)
    return nbformat.writes(whole) + "\n"


def write(chosen: Sequence[Path] | None = None) -> list[Path]:
    """Write the notebooks that are not in step with their sources; return those.

    None is left newer than its source: JupyterLab would not open it.

    Args:
        chosen: sources of the notebooks that are looked at; default all, which takes seconds.
    """
    stale = [source for source in (sources() if chosen is None else chosen) if not in_step(source)]
    for source in stale:
        with paths.whole(pair(source)) as fresh:
            fresh.write_text(made(source), encoding="utf-8")
    for source in sources():
        written = source.stat().st_mtime_ns
        if pair(source).exists() and pair(source).stat().st_mtime_ns > written:
            os.utime(pair(source), ns=(written, written))
    return stale


def write_for_students(folder: Path) -> list[Path]:
    """Write copies of the chapters without solutions and answers, to be handed out; checks and hints stay.

    Args:
        folder: where to; copies that are there are replaced.

    Returns:
        The copies.
    """
    copies = [folder / pair(source).name for source in sources()]
    for source, copy in zip(sources(), copies, strict=True):
        notebook = nbformat.reads(made(source), as_version=4)
        del notebook["metadata"]["jupytext"]  # it has no source beside it
        notebook.cells = [cell for cell in notebook.cells if not _is(cell, "solution")]
        for cell in notebook.cells:
            if cell["cell_type"] == "markdown":
                cell["source"] = _ANSWER.sub("", cell["source"]).strip()
        with paths.whole(copy) as fresh:
            fresh.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return copies


def in_step(source: Path) -> bool:
    """Whether a notebook on disk is the one that its source makes."""
    return pair(source).exists() and pair(source).read_text(encoding="utf-8") == made(source)


def pair(source: Path) -> Path:
    """The notebook that belongs to a source."""
    return paths.notebooks_dir() / f"{source.stem}.ipynb"


def _is(cell: NotebookNode, tag: str) -> bool:
    """Whether a cell carries a tag."""
    return tag in cell["metadata"].get("tags", [])


def _with_exercises(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells, with an exercise before every solution and its check between them."""
    made, left = [], list(cells)
    while left:
        cell = left.pop(0)
        # A notebook that JupyterLab saved has the check before its solution, a source has it after.
        if _is(cell, "check") and left and _is(left[0], "solution"):
            cell, *check = left.pop(0), cell
        else:
            check = [left.pop(0)] if _is(cell, "solution") and left and _is(left[0], "check") else []
        if _is(cell, "solution"):
            made.append(nbformat.v4.new_code_cell(_unsolved(cell["source"]), metadata={"tags": ["exercise"]}))
        made += [*check, cell]
    return made


def _unsolved(source: str) -> str:
    """Functions of a cell without their bodies, and names without their values."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            said = node.body[:1] if ast.get_docstring(node) else []
            unfilled = f"raise NotImplementedError('write {node.name}, then run this cell and the next')"
            node.body = [*said, *ast.parse(unfilled).body]
        elif isinstance(node, ast.Assign):
            node.value = _blank(node.value)
    return ast.unparse(tree)


def _blank(value: ast.expr) -> ast.expr:
    """`...` for a value, and for a tuple one `...` an entry, so that its form is seen."""
    return ast.Tuple([_blank(entry) for entry in value.elts]) if isinstance(value, ast.Tuple) else ast.Constant(...)
