"""The sixteen figures and tables of the paper: what each shows, which result of ours rebuilds it, and what the scoreboard says of it."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from zfutils.paper import claims
from zfutils.report import paper_map, scoreboard
from zfutils.run import chapters

_SHOWS = {place.replace(" ", ""): f"{title[0].upper()}{title[1:]}" for place, title in paper_map.TITLES.items()}
_PARTS = {  # of the others the result has the name of the figure
    "figure1": ("figure1", "figure1_switches"),
    "figure6": ("figure6_filters", "figure6_projections"),
}
_WORDS = {  # of one, of several
    claims.AGREES: ("agrees", "agree"),
    claims.DIFFERS: ("differs", "differ"),
    claims.LEANS_AGREES: ("leans to agree", "lean to agree"),
    claims.LEANS_DIFFERS: ("leans to differ", "lean to differ"),
    claims.UNDECIDED: ("undecided", "undecided"),
    claims.NOT_COMPARABLE: ("not comparable", "not comparable"),
}


@dataclass(frozen=True)
class Verdict:
    """How many claims of one status.

    Attributes:
        status: one of `claims.STATUSES`.
        count: of claims and patterns.
    """

    status: str
    count: int

    @property
    def name(self) -> str:
        """The status in words."""
        return _WORDS[self.status][self.count > 1]

    @property
    def words(self) -> str:
        """Count and status, e.g. `2 agree`."""
        return f"{self.count} {self.name}"

    @property
    def kind(self) -> str:
        """The status as a name of a style or of an anchor."""
        return _kind(self.status)


def _kind(status: str) -> str:
    """A status as a name of a style or of an anchor."""
    return re.sub(r"[^a-z]+", "-", status)


@dataclass(frozen=True)
class Result:
    """One figure or table of the paper, or a result that goes beyond it.

    Attributes:
        name: e.g. `figure6`.
        title: e.g. `Figure 6`.
        shows: what it shows, in a few words.
        chapter: that makes it.
        parts: names of its files, e.g. `("figure6_filters", "figure6_projections")`.
        seconds: what it took, or None where it was not made.
        alt: what its picture shows, in words.
        verdicts: of its claims and patterns.
        rows: of the scoreboard, those with a claim or pattern.
        verdict: the one that `paper_map.overview` gives a figure or table of the paper; empty for what goes beyond it.
        rests: what that verdict rests on, in words.
    """

    name: str
    title: str
    shows: str
    chapter: str
    parts: tuple[str, ...]
    seconds: float | None
    alt: str
    verdicts: tuple[Verdict, ...]
    rows: pd.DataFrame
    verdict: str = ""
    rests: str = ""

    @property
    def kind(self) -> str:
        """The one verdict as a name of a style."""
        return _kind(self.verdict)


def results(folder: Path, board: pd.DataFrame) -> list[Result]:
    """The sixteen, figures first.

    Args:
        folder: of the profile's results.
        board: its scoreboard.
    """
    judged = paper_map.overview(board).set_index("place")
    made = (_result(folder, board, name, _PARTS.get(name, (name,)), shows) for name, shows in _SHOWS.items())
    return [replace(one, verdict=judged.loc[one.title.lower(), "verdict"], rests=judged.loc[one.title.lower(), "rests on"]) for one in made]


def beyond(folder: Path, board: pd.DataFrame) -> list[Result]:
    """The results on disk that the paper does not have, by name."""
    own = {part for name in _SHOWS for part in _PARTS.get(name, (name,))}
    there = sorted({file.stem for file in folder.glob("*/[!.]*.json") if file.parent.name in ("figures", "tables")} - own)
    return [_result(folder, board, name, (name,), "") for name in there]


def counts(rows: pd.DataFrame) -> tuple[Verdict, ...]:
    """Verdicts of some rows of the scoreboard, in the order of `claims.STATUSES`."""
    statuses = rows["status"].value_counts()
    return tuple(Verdict(status, int(statuses[status])) for status in claims.STATUSES if status in statuses)


def counted(board: pd.DataFrame) -> pd.DataFrame:
    """The paper's claims and patterns that some result speaks of, those that the scoreboard counts."""
    return board[board["class"].isin(scoreboard.COUNTED) & board["result"].notna()]


def decided(board: pd.DataFrame) -> pd.DataFrame:
    """The same with the claims that go beyond the paper: of later work, or asked of nets that it did not have."""
    return board[board["class"].isin(claims.KINDS) & board["result"].notna()]


def _result(folder: Path, board: pd.DataFrame, name: str, parts: tuple[str, ...], shows: str) -> Result:
    provenance = [known for part in parts if (known := _provenance(folder, part))]
    title = re.sub(r"^(figure|table)(\d)$", r"\1 \2", name).replace("_", " ").capitalize()
    named = re.escape(title.lower())
    rows = decided(board)
    rows = rows[rows["result"].isin(parts) | rows["place"].str.contains(rf"\b{named}\b")]
    return Result(
        name=name,
        title=title,
        shows=shows,
        chapter=next((chapter.name for chapter in chapters.CHAPTERS.values() if set(parts) & set(chapter.results)), ""),
        parts=parts,
        seconds=sum(known["seconds"] for known in provenance) if provenance else None,
        alt=" ".join(known.get("alt", "") for known in provenance).strip(),
        verdicts=counts(rows),
        rows=rows,
    )


def _provenance(folder: Path, part: str) -> dict:
    """What was written beside a result, or nothing."""
    for kind in ("figures", "tables"):
        file = folder / kind / f"{part}.json"
        if file.exists():
            return json.loads(file.read_text(encoding="utf-8"))
    return {}
