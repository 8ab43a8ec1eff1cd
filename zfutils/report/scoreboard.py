"""The scoreboard: every number and every claim of the paper beside ours, with a verdict."""

import json

import pandas as pd

from zfutils.core import paths
from zfutils.paper import claims, numbers

COLUMNS = ["key", "place", "paper", "ours", "low", "high", "n", "unit", "status", "reason", "seconds", "result"]
_MISSING = "not measured in this profile"


def write(profile: str) -> pd.DataFrame:
    """Gather the rows of all results of a profile into `scoreboard.csv`.

    Args:
        profile: its name.

    Returns:
        One row for every number and claim of the paper, in the paper's order; what no result speaks of is 'not comparable' and says so.
    """
    folder = paths.results_dir(profile)
    board = _expected().merge(_measured(profile), on="key", how="left")
    missing = board["status"].isna()
    board.loc[missing, ["status", "reason"]] = [claims.NOT_COMPARABLE, _MISSING]
    board = board.reindex(columns=COLUMNS)
    with paths.whole(folder / "scoreboard.csv") as fresh:
        board.to_csv(fresh, index=False)
    return board


def summary(board: pd.DataFrame) -> str:
    """One line: how many of each status, and how many are still to be measured."""
    measured = board[board["reason"] != _MISSING]
    counts = measured["status"].value_counts()
    said = ", ".join(f"{counts.get(status, 0)} {status}" for status in claims.STATUSES)
    return f"scoreboard: {len(measured)} of {len(board)} numbers and claims measured: {said}"


def _expected() -> pd.DataFrame:
    """Key, place, value and unit of all that the paper says."""
    stated = [{"key": f"claim/{one.id}", "place": one.place, "paper": None, "unit": "claim"} for one in claims.claims().values()]
    printed = numbers.numbers()[["key", "place", "paper", "unit"]].astype({"paper": object})
    return pd.concat([printed, pd.DataFrame(stated)], ignore_index=True)


def _measured(profile: str) -> pd.DataFrame:
    """The rows of all results on disk."""
    folder, rows = paths.results_dir(profile), {}
    for file in sorted(
        [*folder.glob("tables/[!.]*.json"), *folder.glob("figures/[!.]*.json")]
    ):  # a killed run may leave a hidden half file
        result = json.loads(file.read_text(encoding="utf-8"))
        for row in result["rows"]:
            rows[row["key"]] = {**row, "seconds": result["seconds"], "result": result["name"]}
    return pd.DataFrame(rows.values(), columns=["key", "ours", "low", "high", "n", "status", "reason", "seconds", "result"])
