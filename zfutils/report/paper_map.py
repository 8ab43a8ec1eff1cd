"""The map of the paper: for every figure and table one verdict, what it rests on, and the results that show it."""

import re
import textwrap
from collections.abc import Iterable, Mapping

import pandas as pd

from zfutils.paper import claims, numbers

TITLES = {
    "figure 1": "the deconvnet beside the net",
    "figure 2": "what excites the units",
    "figure 3": "the architecture",
    "figure 4": "features as they develop",
    "figure 5": "shifted, scaled, turned",
    "figure 6": "two architectures compared",
    "figure 7": "a square that hides",
    "figure 8": "parts that are hidden",
    "figure 9": "Caltech-256, few images",
    "table 1": "correspondence of parts",
    "table 2": "errors on ImageNet",
    "table 3": "layers taken out",
    "table 4": "Caltech-101",
    "table 5": "Caltech-256",
    "table 6": "PASCAL VOC 2012",
    "table 7": "features layer by layer",
}
IN_PART, NOT_MEASURED = "in part", "not measured"  # of several claims some hold and some do not; no result speaks of it
ELSEWHERE = {"figure 8": "table 1"}  # the masked faces whose numbers are the table
_METHOD = "figure 1"  # draws what section 2 describes
_REASON = 150  # letters of a reason that are shown


def places(place: str) -> tuple[str, ...]:
    """Find the figures and tables that a place in the paper names.

    Args:
        place: of a number or a claim.

    Returns:
        Keys of `TITLES`; for section 2 the drawing of its method; for another section without any, the section.

    Example:
        >>> places("tables 2 (b) and 3")
        ('table 2', 'table 3')
    """
    found = [
        f"{kind} {number}"
        for kind, first, second in re.findall(r"(figure|table)s? (\d)(?: \(\w\))*(?: and (\d))?", place)
        for number in (first, second)
        if number
    ]
    if found:
        return tuple(found)
    section = re.search(r"section (\d)(\.\d)?", place)
    return (_METHOD,) if section and section[1] == "2" else (section[0],) if section else (place,)


def one_verdict(statuses: Iterable[str]) -> str:
    """Say in one word what several verdicts say together.

    Args:
        statuses: of claims, each one of `claims.STATUSES`.

    Returns:
        What all say that are decided, `in part` where they are apart, `leans: …` where all of them lean; else undecided where one is, else
        not comparable.
    """
    said = set(statuses)
    firm = said & {claims.AGREES, claims.DIFFERS}
    leaning = said & {claims.LEANS_AGREES, claims.LEANS_DIFFERS}
    ways = firm | {status.removeprefix("leans: ") for status in leaning}
    if len(ways) > 1:
        return IN_PART
    if ways:
        return (firm or leaning).pop()
    return claims.UNDECIDED if claims.UNDECIDED in said else claims.NOT_COMPARABLE


def overview(board: pd.DataFrame) -> pd.DataFrame:
    """Give every figure and table one verdict.

    That of a table is the verdict of its pattern; that of a figure is what its claims and patterns say together. Without any, it is whether
    all sizes are equal that hold by construction. What goes beyond the paper does not count.

    Args:
        board: of `scoreboard.write`.

    Returns:
        One row a figure and table, in that order, then the sections whose numbers belong to neither: `place`, `verdict`, `rests on`,
        `why` (the reason where nothing is decided, else empty), `claims` (how many of each verdict), `numbers` (how many of the paper's own
        have ours beside them).
    """
    rows = by_place(board)
    return pd.DataFrame([_judged(place, rows.get(_home(place), board[:0])) for place in {**TITLES, **rows}])


def by_place(board: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of a board by figure, table or section; what speaks of two stands with both."""
    spread = board.assign(of=board["place"].map(places)).explode("of")
    named = {place: rows.drop(columns="of") for place, rows in spread.groupby("of", sort=False)}
    return {place: named[place] for place in [*(name for name in TITLES if name in named), *sorted(set(named) - set(TITLES))]}


def by_chapter(board: pd.DataFrame, makers: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """The claims and patterns of a board, in short, by the chapter that decided them.

    Args:
        board: of `scoreboard.write`.
        makers: the chapter that makes a result, by the name of the result.

    Returns:
        For each chapter, in order, a table of text; what nothing was measured of stands under an empty name, at the end.
    """
    own = board[board["class"].isin(claims.KINDS)]
    names = own["result"].map(makers).fillna("")
    found = {name: _in_short(rows) for name, rows in own.groupby(names)}
    return {name: found[name] for name in sorted(found, key=lambda name: (not name, name))}


def heading(title: str, table: pd.DataFrame) -> str:
    """One line over the claims of a chapter, e.g. `Train the net: 2 agree, 1 undecided`; without a title those that nothing speaks of."""
    if not title:
        return f"not measured in this run: {len(table)}"
    return f"{title}: {_counts(table['verdict'])}"


def examples(board: pd.DataFrame) -> pd.DataFrame:
    """The first claim or pattern of each verdict on a board, in short."""
    own = board[board["class"].isin(claims.KINDS) & board["result"].notna()]
    first = own.drop_duplicates("status")
    order = [status for status in claims.STATUSES if status in set(first["status"])]
    return _in_short(first.set_index("status", drop=False).loc[order], reasons=True)


def results_of(place: str, names: Iterable[str]) -> list[str]:
    """The results that show a figure or table: those of its name, and of its parts.

    Example:
        >>> results_of("figure 6", ["figure6_filters", "table1"])
        ['figure6_filters']
    """
    stem = place.replace(" ", "")
    return [name for name in names if name == stem or name.startswith(f"{stem}_")]


def _home(place: str) -> str:
    """Where the numbers of a figure or table stand: nearly always there."""
    return ELSEWHERE.get(place, place)


def _judged(place: str, rows: pd.DataFrame) -> dict:
    """One row of the overview."""
    counted = rows[rows["class"].isin([claims.CLAIM, claims.PATTERN])]
    patterns = counted[counted["class"] == claims.PATTERN]
    deciding = patterns if _home(place).startswith("table") and len(patterns) else counted
    built = rows[(rows["class"] == numbers.BUILT) & rows["ours"].notna()]
    own = rows[rows["class"] == numbers.OWN]
    known = {
        "place": place,
        "claims": _counts(counted["status"]),
        "numbers": f"{own['ours'].notna().sum()} of {len(own)}" if len(own) else "",
    }
    if deciding["result"].notna().any():
        said = one_verdict(deciding["status"])
        return known | {"verdict": said, "rests on": _rests(place, deciding), "why": _why(said, deciding)}
    if len(built) and not len(deciding):
        equal = int((built["status"] == claims.AGREES).sum())
        said = one_verdict(built["status"])
        return known | {"verdict": said, "rests on": f"{equal} of {len(built)} sizes and settings are the paper's", "why": ""}
    words = _rests(place, deciding) if len(deciding) else "numbers only, no claim"
    return known | {"verdict": NOT_MEASURED, "rests on": words, "why": ""}


def _rests(place: str, deciding: pd.DataFrame) -> str:
    """What a verdict rests on, in words."""
    if _home(place) != place:
        return f"its numbers are {_home(place)}"
    if len(deciding) == 1:
        return claims.claim(deciding["key"].iloc[0].removeprefix("claim/")).statement
    return _counts(deciding["status"])


def _why(verdict: str, deciding: pd.DataFrame) -> str:
    """The first reason why nothing was decided."""
    reasons = deciding.loc[deciding["status"] == verdict, "reason"].dropna()
    if verdict != claims.NOT_COMPARABLE or reasons.empty:
        return ""
    return textwrap.shorten(reasons.iloc[0], _REASON, placeholder=" …")


def _counts(statuses: pd.Series) -> str:
    """How many of each verdict, e.g. `2 agree, 1 undecided`."""
    counts = statuses.value_counts()
    return ", ".join(claims.counted(counts[status], status) for status in claims.STATUSES if status in counts)


def _in_short(rows: pd.DataFrame, *, reasons: bool = False) -> pd.DataFrame:
    """Claims as a table of text: verdict, statement, place, our value with its interval; and the reason where it is asked for."""
    about = [claims.claim(key.removeprefix("claim/")) for key in rows["key"]]
    values = zip(rows["ours"], rows["low"], rows["high"], strict=True)
    table = {
        "verdict": rows["status"].where(rows["result"].notna(), NOT_MEASURED).tolist(),
        "claim": [own.statement for own in about],
        "in the paper": [own.place for own in about],
        "ours (95 % interval)": [_value(own, *value) for own, value in zip(about, values, strict=True)],
    }
    if reasons:
        table["mind"] = [textwrap.shorten(reason, _REASON, placeholder=" …") for reason in rows["reason"].fillna("")]
    return pd.DataFrame(table)


def _value(claim: claims.Claim, ours: float, low: float, high: float) -> str:
    """A value and its interval, or nothing."""
    if pd.isna(ours):
        return ""
    return claim.told(ours) + ("" if pd.isna(low) else f" ({claim.between(low, high)})")
