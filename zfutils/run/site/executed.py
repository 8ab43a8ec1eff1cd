"""Pages made from executed chapters: folded cells fold, pictures get words, live panels give way to a sentence."""

import base64
import io
import json
import re
from collections.abc import Collection
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from PIL import Image

from zfutils.core.errors import Problem
from zfutils.run.chapters import CHAPTERS

WIDGET = "application/vnd.jupyter.widget-view+json"
_SAVED = re.compile(r"results\.save\(\s*\"(\w+)\"")
_IMPORTED = re.compile(r"^from zfutils\.(\w+) import (.+)$|^import zfutils\.(\w+)", re.MULTILINE)
_LINK = re.compile(r"\[(?P<words>[^\]\n]+)\]\((?P<chapter>\d\d_\w+)\.ipynb(?:#[^)\s]*)?\)")
_LIVE = "A panel with sliders stands here in a notebook (`make lab`); the pictures above show some of its states."
_NO_WORDS = "picture"
_HEAVY = 300_000  # bytes; a PNG beyond is a sheet of pictures, which JPEG keeps in a fraction of them
_QUALITY = 92  # of JPEG, colours at full resolution: letters stay sharp


def found(folder: Path, profile: str) -> dict[str, Path]:
    """The executed chapters of a profile by name, in the order of the book.

    Args:
        folder: of the profile's results.
        profile: its name.

    Raises:
        Problem: one of the chapters that every run has is missing.
    """
    files = {name: folder / "notebooks" / f"{name}.ipynb" for name in sorted(CHAPTERS)}
    there = {name: file for name, file in files.items() if file.exists()}
    needed = [name for name, chapter in CHAPTERS.items() if not (chapter.extra or chapter.datasets or chapter.weights)]
    if missing := [name for name in needed if name not in there]:
        said = f"{len(missing)} chapters of profile {profile} have not been run: {', '.join(sorted(missing))}"
        raise Problem(f"{said}; run: make reproduce PROFILE={profile}")
    return there


def page(file: Path, *, among: Collection[str] = tuple(CHAPTERS)) -> NotebookNode:
    """The notebook of a page.

    Args:
        file: an executed chapter.
        among: chapters that are pages too; a link to another becomes its words.

    Returns:
        A notebook with outputs. Each cell that saves a result has a target of that name before it; each picture says in words what it
        shows: what its figure said of itself, else the heading that it stands under.
    """
    notebook = nbformat.read(file, as_version=4)
    cells, heading, targets = [], _NO_WORDS, set()
    for cell in notebook.cells:
        heading = _heading(cell) or heading
        if {"parameters", "installing"} & set(_tags(cell)):
            continue  # the cell after the parameters holds the values that were used; to install the book is nothing to read
        for name in _saved(cell):
            if name not in targets:
                cells.append(nbformat.v4.new_markdown_cell(f"({name})="))
                targets.add(name)
        cells.append(_prepared(_linked(cell, among), heading))
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    )


def title(name: str, notebook: NotebookNode) -> str:
    """Number and heading of a chapter, e.g. `3. Look inside: the deconvnet`; a page without a number has its heading alone."""
    heading = next(filter(None, map(_heading, notebook.cells)), name)
    return f"{int(name[:2])}. {heading}" if name[:2].isdigit() else heading


def targets(notebook: NotebookNode) -> set[str]:
    """Names of the results that have a target on a page."""
    return {cell["source"][1:-2] for cell in notebook.cells if re.fullmatch(r"\(\w+\)=", cell["source"])}


def used(notebook: NotebookNode) -> set[str]:
    """Modules of the library that a chapter imports, e.g. `attribution.deconv`."""
    names = set()
    for cell in notebook.cells:
        for package, modules, alone in _IMPORTED.findall(cell["source"] if cell["cell_type"] == "code" else ""):
            names |= {f"{package}.{module.strip()}" for module in modules.split(",")} if package else {alone}
    return names


def _linked(cell: NotebookNode, among: Collection[str]) -> NotebookNode:
    """A cell that links to no chapter but these."""

    def checked(text: str) -> str:
        return _LINK.sub(lambda link: link[0] if link["chapter"] in among else link["words"], text)

    if cell["cell_type"] == "markdown":
        cell["source"] = checked(cell["source"])
    for data in (output["data"] for output in cell.get("outputs", []) if "text/markdown" in output.get("data", {})):
        data["text/markdown"] = checked(data["text/markdown"])
    return cell


def _prepared(cell: NotebookNode, heading: str) -> NotebookNode:
    """A cell as the page shows it."""
    if cell["cell_type"] != "code":
        return cell
    tags = _tags(cell)
    folded = cell["metadata"].get("jupyter", {}).get("source_hidden") or "injected-parameters" in tags
    words = next(filter(None, (_words(output) for output in cell["outputs"])), heading)
    cell["outputs"] = [still for output in cell["outputs"] for still in (_light(_still(output)), *_states(output))]
    cell["metadata"] = {"tags": sorted({*tags, *(["hide-input"] if folded else [])}), "mystnb": {"image": {"alt": words}}}
    return cell


def _still(output: NotebookNode) -> NotebookNode:
    """An output without what only a kernel can show."""
    if WIDGET not in output.get("data", {}):
        return output
    return nbformat.v4.new_output("display_data", data={"text/markdown": _LIVE})


def _light(output: NotebookNode) -> NotebookNode:
    """An output whose picture, where it is heavy, is a JPEG in the same pixels."""
    heavy = base64.b64decode(output.get("data", {}).get("image/png", ""))
    if len(heavy) <= _HEAVY:
        return output
    light = io.BytesIO()
    with Image.open(io.BytesIO(heavy)) as picture:
        white = Image.new("RGBA", picture.size, "white")
        Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB").save(light, "JPEG", quality=_QUALITY, subsampling=0)
    told = output["metadata"].get("image/png", {})
    data = {"image/jpeg": base64.b64encode(light.getvalue()).decode()}
    return nbformat.v4.new_output("display_data", data=data, metadata={"image/jpeg": told})


def _states(output: NotebookNode) -> list[NotebookNode]:
    """Where the states of a picture lie, for `stepper.js`; nothing for a picture without."""
    states = output.get("metadata", {}).get("image/png", {}).get("states", [])
    if not states:
        return []
    told = json.dumps(states).replace("<", "\\u003c")
    return [nbformat.v4.new_output("display_data", data={"text/html": f'<script type="application/json" class="states">{told}</script>'})]


def _words(output: NotebookNode) -> str:
    """What a picture says of itself."""
    return output.get("metadata", {}).get("image/png", {}).get("alt", "")


def _heading(cell: NotebookNode) -> str:
    """The last heading in a text cell."""
    lines = cell["source"].splitlines() if cell["cell_type"] == "markdown" else []
    return next((line.lstrip("# ") for line in reversed(lines) if re.match(r"#+ ", line)), "")


def _saved(cell: NotebookNode) -> list[str]:
    """Names of the results that a cell saves; where the name is a variable, those of the results that the cell names."""
    source = cell["source"] if cell["cell_type"] == "code" and "results.save(" in cell["source"] else ""
    known = {result for chapter in CHAPTERS.values() for result in chapter.results}
    return _SAVED.findall(source) or [name for name in re.findall(r"\"(\w+)\"", source) if name in known]


def _tags(cell: NotebookNode) -> list[str]:
    return cell["metadata"].get("tags", [])
