"""The scoreboard: every number and every claim of the paper beside ours, with a verdict; of one seed, each row with its class."""

import json

import pandas as pd

from zfutils.core import paths
from zfutils.paper import claims, numbers
from zfutils.report import results
from zfutils.stats import multiple

COLUMNS = [
    "key",
    "class",
    "place",
    "paper",
    "ours",
    "low",
    "high",
    "n",
    "unit",
    "status",
    "reason",
    "p_holm",
    "regime",
    "seconds",
    "result",
    "here",
]
COUNTED = (claims.CLAIM, claims.PATTERN)
_MISSING = "not measured in this profile"


def write(profile: str, *, seed: int = 0) -> pd.DataFrame:
    """Gather the rows of all results of a profile into `scoreboard.csv`.

    Args:
        profile: its name.
        seed: results of other seeds are left out, and named in the `attrs` of the answer.

    Returns:
        One row for every number and claim of the paper, in the paper's order; what no result speaks of is 'not comparable' and says so.
        `here` tells the results of runs on this machine from those that came with the repository, which are not counted. `p_holm` is the p
        of a claim or pattern after Holm's correction for all of those together that are counted.
    """
    rows, other = _measured(profile, seed)
    board = _expected().merge(rows, on="key", how="left")
    board["here"] = board["here"].eq(True)
    missing = board["status"].isna()
    board.loc[missing, ["status", "reason"]] = [claims.NOT_COMPARABLE, _MISSING]
    counted = board["class"].isin(COUNTED) & board["here"]
    board.loc[counted, "p_holm"] = multiple.holm(board.loc[counted, "p"].astype(float))
    board = board.reindex(columns=COLUMNS)
    with paths.whole(paths.results_dir(profile) / "scoreboard.csv") as fresh:
        board.to_csv(fresh, index=False)
    board.attrs = {"seed": seed, "other seeds": other}
    return board


def summary(board: pd.DataFrame) -> str:
    """What became of claims and patterns, and how many rows of other classes are printed beside them."""
    counted = board[board["class"].isin(COUNTED)]
    measured = counted[counted["here"]]
    counts = measured["status"].value_counts()
    said = ", ".join(claims.counted(counts.get(status, 0), status) for status in claims.STATUSES)
    of = f"{len(counted)}" if len(measured) == len(counted) else f"{len(measured)} of {len(counted)}"
    rest = board.loc[~board["class"].isin(COUNTED), "class"].value_counts(sort=False)
    lines = [
        f"scoreboard, seed {board.attrs.get('seed', 0)}: of {of} claims and patterns {said}",
        "not counted: " + ", ".join(f"{count} rows {kind}" for kind, count in rest.items()),
    ]
    if came := sorted(set(board.loc[board["result"].notna() & ~board["here"], "result"])):
        lines.append("left out, not run here but come with the repository: " + ", ".join(came))
    if other := board.attrs.get("other seeds"):
        lines.append("left out, of another seed: " + ", ".join(f"{name} (seed {seed})" for name, seed in other.items()))
    return "; ".join(lines)


def retired() -> str:
    """The claims that are no more, one line each, with why."""
    return "\n".join(f"- {id}: {why}" for id, why in claims.retired().items())


def _expected() -> pd.DataFrame:
    """Key, class, place, value and unit of all that the paper says."""
    stated = [
        {"key": f"claim/{id}", "class": own.kind, "place": own.place, "paper": None, "unit": "claim"} for id, own in claims.claims().items()
    ]
    printed = numbers.numbers().rename(columns={"kind": "class"})[["key", "class", "place", "paper", "unit"]].astype({"paper": object})
    return pd.concat([printed, pd.DataFrame(stated)], ignore_index=True)


def _measured(profile: str, seed: int) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows of all results of a seed on disk, and the seeds of the results that are left out."""
    folder, rows, other = paths.results_dir(profile), {}, {}
    # A killed run may leave a hidden half file.
    for file in sorted([*folder.glob("tables/[!.]*.json"), *folder.glob("figures/[!.]*.json")]):
        result = json.loads(file.read_text(encoding="utf-8"))
        if result["seed"] != seed:
            other[result["name"]] = result["seed"]
            continue
        here = results.was_made_here(folder, result["name"], file)
        for row in result["rows"]:
            row = {"seeds": 1, **row, "seconds": result["seconds"], "result": result["name"], "here": here}
            if _weight(row) >= _weight(rows.get(row["key"], row)):
                rows[row["key"]] = row
    known = ["key", "ours", "low", "high", "n", "status", "reason", "p", "regime", "seconds", "result", "here"]
    return pd.DataFrame(rows.values(), columns=known), other


def _weight(row: dict) -> tuple[bool, int]:
    """Which of two rows of a key stands on the board: one that was made here, then one of more seeds."""
    return row["here"], row["seeds"]
