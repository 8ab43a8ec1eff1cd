"""Results of a run that never was: the chapters' own text, with made-up outputs, figures, tables and a scoreboard."""

import base64
import functools
import json
from pathlib import Path

import nbformat
import pandas as pd
from nbformat import NotebookNode

from zfutils.core import paths
from zfutils.paper import claims
from zfutils.report import plot, scoreboard
from zfutils.run import notebooks
from zfutils.run.chapters import CHAPTERS
from zfutils.run.site import executed

PROFILE = "smoke"
UNDRAWN, UNCOUNTED = (
    ("table1", "table4", "cascade"),
    ("figure1", "sanity"),
)  # as in a run: tables without a picture, figures without numbers
STATES = [{"label": "left", "boxes": [[0, 0, 0.5, 1]]}, {"label": "both", "boxes": [[0, 0, 0.5, 1], [0.5, 0, 0.5, 1]]}]


def write() -> Path:
    """Write the results of profile smoke into `RESULTS_DIR`; return their folder."""
    folder = paths.results_dir(PROFILE)
    for kind in ("figures", "tables", "notebooks"):
        (folder / kind).mkdir(parents=True)
    ids = iter(claims.claims())
    for chapter in CHAPTERS.values():
        if not chapter.extra:
            nbformat.write(_executed(chapter.name), folder / "notebooks" / f"{chapter.name}.ipynb")
        for name in chapter.results:
            _result(folder, name, next(ids, None))
    scoreboard.write(PROFILE)
    return folder


@functools.cache
def picture() -> tuple[bytes, str]:
    """Two bars with a title, as PNG and in words."""
    frame = pd.DataFrame({"share": [0.2, 0.7], "net": ["zfnet", "alexnet"]})
    written, known = plot.bars(frame, x="share", y="net", xlabel="share of dead filters", title="Dead filters")._repr_png_()
    return written, known["alt"]


def _result(folder: Path, name: str, id: str | None) -> None:
    """One result with a figure, a table and a claim that agrees."""
    rows = [{"key": f"claim/{id}", "ours": 0.5, "low": 0.25, "high": 0.75, "n": 40, "status": "agrees", "reason": ""}] if id else []
    known = {"name": name, "seed": 0, "seconds": 12.5, "when": "2026-01-02T03:04:05+00:00", "commit": "abc", "rows": rows}
    if name not in UNDRAWN:
        (folder / "figures" / f"{name}.png").write_bytes(picture()[0])
        (folder / "figures" / f"{name}.json").write_text(json.dumps(known | {"alt": picture()[1]}), encoding="utf-8")
    if name not in UNCOUNTED:
        table = pd.DataFrame({"net": ["zfnet", "alexnet"], "share": [1 / 3, 1.0], "n": [3, 4]})
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)
        (folder / "tables" / f"{name}.json").write_text(json.dumps(known), encoding="utf-8")


def _executed(name: str) -> NotebookNode:
    """A chapter as papermill leaves it, its last code cells with a picture, a table, a panel and a formula."""
    notebook = nbformat.reads(notebooks.made(paths.BOOK / f"{name}.py"), as_version=4)
    code = [cell for cell in notebook.cells if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, 1):
        cell["execution_count"], cell["outputs"] = number, []
        if "parameters" in cell["metadata"].get("tags", []):
            injected = nbformat.v4.new_code_cell(f'profile = "{PROFILE}"', metadata={"tags": ["injected-parameters"]})
            notebook.cells.insert(notebook.cells.index(cell) + 1, injected)
    for cell, data in zip(code[-4:], _outputs(), strict=True):
        metadata = {"image/png": {"alt": picture()[1], "states": STATES}} if "image/png" in data else {}
        cell["outputs"] = [nbformat.v4.new_output("display_data", data=data, metadata=metadata)]
    return notebook


def _outputs() -> list[dict]:
    wide = pd.DataFrame([[0.5] * 20], columns=[f"column {n}" for n in range(20)])
    return [
        {"image/png": base64.b64encode(picture()[0]).decode()},
        {"text/html": wide.to_html(), "text/plain": "a table"},
        {executed.WIDGET: {"model_id": "x", "version_major": 2, "version_minor": 0}, "text/plain": "Sliders()"},
        {"text/markdown": "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nwith $x^2$"},
    ]
