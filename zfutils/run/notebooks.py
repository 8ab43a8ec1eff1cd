"""Notebooks made from their sources, one way: `book/NN_name.py` to `book/NN_name.ipynb`, without outputs."""

import ast
import os
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from zfutils.core import keys, paths

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources() -> list[Path]:
    """The sources of all chapters, sorted."""
    return sorted(paths.BOOK.glob("*.py"))


def made(source: Path) -> str:
    """The text of the notebook that belongs to a source; the same text for the same source.

    A cell tagged `solution` gets a cell tagged `exercise` before it: the same functions with signature and docstring, which raise when they
    are called. The solution follows folded away, so the two cannot drift.

    Args:
        source: a py:percent file.
    """
    notebook = jupytext.read(source, fmt="py:percent")
    # Saving a notebook in JupyterLab writes its exercises into the source; they are made anew here.
    own = [cell for cell in notebook.cells if "exercise" not in cell["metadata"].get("tags", [])]
    cells = [part for cell in own for part in _with_exercise(cell)]
    for number, cell in enumerate(cells):
        cell["id"] = keys.digest(number, cell["cell_type"])[:8]
    pair = {"formats": "ipynb,py:percent", "text_representation": {"extension": ".py", "format_name": "percent"}}
    metadata = {"jupytext": pair, "kernelspec": _KERNEL, "language_info": {"name": "python"}}
    whole = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(whole)
    return nbformat.writes(whole) + "\n"


def write_all() -> list[Path]:
    """Write every notebook that is not in step with its source; return those.

    None is left newer than its source: JupyterLab would not open it.
    """
    stale = [source for source in sources() if not in_step(source)]
    for source in stale:
        with paths.whole(pair(source)) as fresh:
            fresh.write_text(made(source), encoding="utf-8")
    for source in sources():
        written = source.stat().st_mtime_ns
        if pair(source).stat().st_mtime_ns > written:
            os.utime(pair(source), ns=(written, written))
    return stale


def in_step(source: Path) -> bool:
    """Whether a notebook on disk is the one that its source makes."""
    return pair(source).exists() and pair(source).read_text(encoding="utf-8") == made(source)


def pair(source: Path) -> Path:
    """The notebook that belongs to a source."""
    return paths.notebooks_dir() / f"{source.stem}.ipynb"


def _with_exercise(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, after its exercise where it is a solution."""
    if "solution" not in cell["metadata"].get("tags", []):
        return [cell]
    cell["metadata"]["jupyter"] = {"source_hidden": True}
    exercise = nbformat.v4.new_code_cell(_unsolved(cell["source"]), metadata={"tags": ["exercise"]})
    return [exercise, cell]


def _unsolved(source: str) -> str:
    """Functions of a cell without their bodies."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            said = node.body[:1] if ast.get_docstring(node) else []
            unfilled = f"raise NotImplementedError('your turn: write {node.name}, or run the folded solution below')"
            node.body = [*said, *ast.parse(unfilled).body]
    return ast.unparse(tree)
