"""Building the site, whole or not at all, and showing it on this machine."""

import functools
import http.server
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pandas as pd

from zfutils.core import locks, paths, progress
from zfutils.core.errors import Problem
from zfutils.run import repository
from zfutils.run.chapters import CHAPTERS
from zfutils.run.site import executed, glossary, microscope, pages, references, sixteen

_CONFIGURATION = paths.BOOK / "site"
_NEEDED = ("sphinx", "myst_nb", "pydata_sphinx_theme", "latex2mathml", "onnx", "pybtex", "pybtex_docutils")
_HERO = _CONFIGURATION / "static" / "hero.png"
_PORTS = (8000, 0)  # 0: any that is free


def folder() -> Path:
    """Where the site lies."""
    return paths.notebooks_dir() / "_build" / "html"


def build(profile: str, *, to: Path | None = None) -> int:
    """Make the site from the executed chapters of a profile.

    Args:
        profile: its name.
        to: folder of the site; what lies there is replaced when all pages are made. Default `folder()`.

    Returns:
        0, or 1 when Sphinx found fault with a page; what it said is printed, and the site stays what it was.

    Raises:
        Problem: chapters have not been run, or Sphinx is not installed.
    """
    start, to = time.monotonic(), to or folder()
    results = paths.results_dir(profile)
    chapters = executed.found(results, profile)
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise Problem(f"{', '.join(missing)} not installed; run: pip install -r requirements.txt")
    to.parent.mkdir(parents=True, exist_ok=True)
    with locks.alone(to), tempfile.TemporaryDirectory(prefix=".book-", dir=to.parent) as work:
        write_pages(profile, results, chapters, Path(work) / "source")
        if status := _sphinx(Path(work)):
            return status
        (Path(work) / "html" / "_static" / "webpack-macros.html").unlink(missing_ok=True)  # the theme's own, not a page
        shutil.rmtree(to, ignore_errors=True)
        (Path(work) / "html").rename(to)
    size = sum(file.stat().st_size for file in to.rglob("*") if file.is_file())
    progress.say(f"book of profile {profile}: {len(chapters)} chapters, {size / 1e6:.1f} MB in {time.monotonic() - start:.1f} s; {to}")
    return 0


def serve() -> int:
    """Show the site on this machine alone, until it is stopped.

    Raises:
        Problem: it has not been built.
    """
    if not (folder() / "index.html").exists():
        raise Problem(f"no book in {folder()}; run: make book")
    server = _server(folder())
    progress.say(f"http://127.0.0.1:{server.server_port} shows {folder()}; Ctrl-C ends it")
    with server:
        server.serve_forever()
    return 0


def write_pages(profile: str, results: Path, chapters: dict[str, Path], source: Path) -> None:
    """Write all that Sphinx reads.

    Args:
        profile: its name.
        results: its folder.
        chapters: executed notebooks by name.
        source: folder to write into.
    """
    board = pd.read_csv(results / "scoreboard.csv")
    own, beyond = sixteen.results(results, board), sixteen.beyond(results, board)
    parts = [part for result in (*own, *beyond) for part in result.parts]
    notebooks = {name: executed.page(file, among=chapters) for name, file in chapters.items()}
    known = {
        "profile": profile,
        "own": own,
        "beyond": beyond,
        "counts": sixteen.counts(sixteen.counted(board)),
        "verdicts": sixteen.counts(sixteen.decided(board)),
        "claims": pages.claim_rows(board, own + beyond),
        "retired": sixteen.claims.retired(),
        "pictures": pages.pictures(results / "figures", source / "extra", parts),
        "tables": pages.tables(results, source / "extra", parts),
        "targets": {target: name for name, notebook in notebooks.items() for target in executed.targets(notebook)},
        "titles": {name: executed.title(name, notebook) for name, notebook in notebooks.items()},
        "chapters": {name: CHAPTERS[name] for name in notebooks},
        "uses": {name: executed.used(notebook) for name, notebook in notebooks.items()},
        "public": pages.public(),
        "works": {name: references.named(references.text(notebook))[0] for name, notebook in notebooks.items()},
        "glossary": (words := glossary.words(notebooks.values())),
        "terms": {name: glossary.used(words, references.text(notebook)) for name, notebook in notebooks.items()},
        "provenance": _provenance(results),
        "looked": microscope.write(profile, source / "extra" / "microscope"),
    }
    for name, notebook in notebooks.items():
        if places := repository.opened_in(name):
            notebook.cells.insert(1, nbformat.v4.new_markdown_cell(pages.text("chapter_buttons.md", places=places)))
        notebook.cells.append(nbformat.v4.new_markdown_cell(pages.text("chapter_end.md", name=name, **known)))
        nbformat.write(notebook, source / f"{name}.ipynb")
    _write_around(source, known)


def _write_around(source: Path, known: dict) -> None:
    """The pages that are not chapters."""
    at = {result.name: f"{result.chapter}.html" for result in known["own"]}
    helpers = {"excerpt": pages.excerpt, "shown": pages.shown, "at": at, "hero": pages.size(_HERO), "front": pages.front(known["claims"])}
    for name in ("index.md", "chapters.md", "figures.md", "claims.md", "bibliography.md", "glossary.md"):
        (source / name).write_text(pages.text(name, **known, **helpers), encoding="utf-8")
    (source / references.FILE.name).write_bytes(references.FILE.read_bytes())
    (source / "api").mkdir()
    (source / "api" / "index.md").write_text(pages.text("api_index.md", **known), encoding="utf-8")
    for name, about in known["public"].items():
        (source / "api" / f"{name}.rst").write_text(pages.text("api.rst", name=name, about=about, **known), encoding="utf-8")
    (source / "alive.md").write_text(pages.text("alive.md", megabytes=_alive(source / "extra" / "alive")), encoding="utf-8")
    _write_microscope(source / "microscope", known)
    (source / "site.json").write_text(json.dumps({"profile": known["profile"], **known["provenance"]}), encoding="utf-8")


def _alive(to: Path) -> float:
    """Write what the page Alive loads; return how many megabytes it loads at first."""
    from zfutils.run.site import alive  # needs what `_NEEDED` names

    return alive.first_load(alive.write(to)) / 1e6


def _write_microscope(folder: Path, known: dict) -> None:
    """One page a layer of each net, and the one that leads to them; none where there is no net to look at."""
    for shown in known["looked"]:
        (folder / shown.name).mkdir(parents=True)
        for layer, units in shown.layers.items():
            page = pages.text("microscope_layer.md", shown=shown, layer=layer, units=units, **known)
            (folder / shown.name / f"{layer}.md").write_text(page, encoding="utf-8")
    if known["looked"]:
        (folder / "index.md").write_text(pages.text("microscope.md", **known), encoding="utf-8")


def _provenance(results: Path) -> dict:
    """Seed, commit and day of the run, as the result that was written last says."""
    files = [*results.glob("tables/[!.]*.json"), *results.glob("figures/[!.]*.json")]
    last = max((json.loads(file.read_text(encoding="utf-8")) for file in files), key=lambda known: known["when"])
    return {"seed": last["seed"], "commit": last["commit"], "day": last["when"][:10]}


def _sphinx(work: Path) -> int:
    """Build `work/source` into `work/html`; warnings are errors, and all of them are told."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-E", "-c", str(_CONFIGURATION)]
    command += ["-d", str(work / "doctrees"), str(work / "source"), str(work / "html")]
    variables = {"BOOK_SOURCE": str(work / "source"), "MPLBACKEND": "agg", "PYTHONWARNINGS": "default"}
    ended = subprocess.run(command, cwd=paths.REPOSITORY, env={**os.environ, **variables}, capture_output=True, text=True)
    if ended.returncode:
        sys.stderr.write(f"{ended.stdout}{ended.stderr}\nerror: the book was not built; what it was before is still there\n")
        return 1
    return 0


def _server(site: Path) -> http.server.ThreadingHTTPServer:
    """A server of files for this machine alone, at the usual port or, where that is taken, at any."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    for port in _PORTS:
        try:
            return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError:
            continue
    raise Problem("no port of this machine is free; stop another server")
