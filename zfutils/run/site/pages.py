"""The pages around the chapters, from templates: the front page, figures and tables, claims, the library."""

import ast
from collections.abc import Iterable
from pathlib import Path

import jinja2
import pandas as pd
from PIL import Image

import zfutils
from zfutils.core import keys, paths
from zfutils.paper import claims
from zfutils.run.site import sixteen
from zfutils.run.site.sixteen import Result

TEMPLATES = paths.BOOK / "site" / "templates"
_SIZES = {"small": 420, "large": 1400}  # pixels of the longer side at most
_ROWS, _COLUMNS = 14, 9  # of a table that is shown beside its figure
_FRONT = (  # one for each question of the paper
    "classes-come-with-depth",
    "projection-is-its-own-at-its-place",
    "occluding-its-own-object-hurts",
    "upper-layers-move-less",
    "parts-correspond-at-layer-5",
    "features-improve-with-depth",
)
_EXCERPT = (4, 3)  # rows and columns of a table that stands for itself on the front page


def text(template: str, /, **known: object) -> str:
    """One page from its template; what is put into it is escaped."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    # A page with a part missing is no page: what a template asks for must be there.
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"value": _value, "share": _interval, "median": _median}
    return environment.get_template(template).render(**known)


def pictures(folder: Path, to: Path, parts: Iterable[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """Write each figure in two sizes, `<size>/<name>.webp`.

    Args:
        folder: with the figures, PNG.
        to: where the smaller ones go.
        parts: names of results; those without a figure are left out.

    Returns:
        Width and height by name and size.
    """
    known: dict[str, dict[str, tuple[int, int]]] = {}
    for name in parts:
        if (folder / f"{name}.png").exists():
            with Image.open(folder / f"{name}.png") as opened:
                known[name] = {size: _smaller(opened, to / size / f"{name}.webp", side) for size, side in _SIZES.items()}
    return known


def tables(folder: Path, to: Path, parts: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Copy the numbers of each result, CSV and provenance, into `data/`; return those tables by name."""
    known = {}
    (to / "data").mkdir(parents=True, exist_ok=True)
    for name in parts:
        for file in (folder / "tables" / f"{name}.csv", *(folder / kind / f"{name}.json" for kind in ("figures", "tables"))):
            if file.exists():
                (to / "data" / file.name).write_bytes(file.read_bytes())
        if (to / "data" / f"{name}.csv").exists():
            known[name] = pd.read_csv(to / "data" / f"{name}.csv")
    return known


def excerpt(table: pd.DataFrame, rows: int = _EXCERPT[0], columns: int = _EXCERPT[1]) -> pd.DataFrame:
    """The upper left corner of a table."""
    return table.iloc[:rows, :columns]


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """So much of a table as fits on a page."""
    return excerpt(table, _ROWS, _COLUMNS)


def claim_rows(board: pd.DataFrame, results: Iterable[Result]) -> list[dict]:
    """Each claim with its row of the scoreboard and the figures and tables that it is about."""
    rows = board.set_index("key")
    about = {id: [one for one in results if f"claim/{id}" in set(one.rows["key"])] for id in claims.claims()}
    known = {id: rows.loc[f"claim/{id}"] for id in claims.claims() if f"claim/{id}" in rows.index}
    return [
        {"claim": claims.claim(id), "row": row, "results": about[id], "verdict": sixteen.Verdict(row["status"], 1)}
        for id, row in known.items()
    ]


def front(rows: Iterable[dict]) -> list[dict]:
    """The few claims of the front page with their rows, whatever was decided on them; those that were not measured are left out."""
    by_id = {row["claim"].id: row for row in rows}
    return [by_id[id] for id in _FRONT if id in by_id and isinstance(by_id[id]["row"]["result"], str)]


def size(file: Path) -> tuple[int, int]:
    """Width and height of a picture, pixels."""
    with Image.open(file) as opened:
        return opened.size


def public() -> dict[str, dict[str, str]]:
    """Where each public name of the library is defined: its module, its attribute there or nothing, and one sentence."""
    return {name: _described(name) for name in zfutils.__all__}


def _described(name: str) -> dict[str, str]:
    """Module, attribute and first sentence of a public name, read from the source: loading all of it takes longer than the pages."""
    module, _, attribute = zfutils._PUBLIC[name].partition(":")
    file = keys.PACKAGE.joinpath(*module.split("."))
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    thing = next(node for node in tree.body if getattr(node, "name", "") == attribute) if attribute else tree
    kind = {ast.Module: "module", ast.ClassDef: "class", ast.FunctionDef: "function"}[type(thing)]
    return {"module": module, "attribute": attribute, "kind": kind, "says": (ast.get_docstring(thing) or "").split("\n")[0]}


def _smaller(picture: Image.Image, file: Path, side: int) -> tuple[int, int]:
    """Write a picture of at most `side` pixels; return its width and height."""
    file.parent.mkdir(parents=True, exist_ok=True)
    smaller = picture.convert("RGB")
    smaller.thumbnail((side, side))
    smaller.save(file, quality=82)
    return smaller.size


def _value(number: object) -> str:
    """A cell of a table: numbers with three digits, nothing for what is missing."""
    if pd.isna(number):
        return "–"
    return (
        f"{number:.3g}"
        if isinstance(number, float) and not number.is_integer()
        else str(int(number) if isinstance(number, float) else number)
    )


def _median(values: Iterable[float | None]) -> float:
    """The median of what is known."""
    return float(pd.Series(list(values), dtype=float).median())


def _interval(row: pd.Series, claim: claims.Claim) -> str:
    """A measured value of a claim with its interval."""
    if pd.isna(row["ours"]):
        return "not measured"
    between = "" if pd.isna(row["low"]) else f", 95 % interval {claim.between(row['low'], row['high'])}"
    return f"{claim.told(row['ours'])}{between}"
