"""Verdicts: what a chapter says of a claim, on the scoreboard, in a sentence and in a table."""

import math
from collections.abc import Sequence

import pandas as pd

from zfutils.paper import claims
from zfutils.report import results, tables
from zfutils.stats import multiple
from zfutils.stats.bootstrap import Interval
from zfutils.stats.seeds import Estimate

FEWEST = 10  # images or units: resampling fewer gives an interval that is too narrow
_LEAST_P = 0.001  # that is told as a number


def decided(
    id: str,
    status: str,
    measured: Interval,
    n: int,
    *,
    otherwise: str,
    reason: str = "",
    threshold: float | None = 0.0,
    folds: int = 1,
) -> dict:
    """A row of the scoreboard for a measured claim, or 'not comparable' where nothing could be measured.

    Args:
        id: of the claim.
        status: by its rule.
        measured: the value and the ends of its 95 % interval; not finite where it could not be measured.
        n: how much it rests on; 0 where it could not be measured.
        otherwise: the reason why not, for that case.
        reason: what else is to be said.
        threshold: of the rule, as in `results.claim`.
        folds: over how many the interval is one of Student's t; one where it is a bootstrap.
    """
    if not n or not all(math.isfinite(value) for value in measured):
        return results.claim(id, claims.NOT_COMPARABLE, n=n, reason=otherwise)
    if n < FEWEST and status != claims.NOT_COMPARABLE:
        status, reason = claims.UNDECIDED, "; ".join(filter(None, [reason, f"fewer than {FEWEST} decide nothing"]))
    freedom, interval = folds - 1 or math.inf, tuple(measured[1:])
    return results.claim(id, status, value=measured[0], interval=interval, n=n, reason=reason, threshold=threshold, freedom=freedom)


def compared(id: str, status: str, estimate: Estimate, n: int, *, under_trained: str = "", threshold: float | None = 0.0) -> dict:
    """A row of the scoreboard for a claim that compares trained nets.

    From one seed a verdict at most leans; where a net was under-trained its value is shown and decides nothing.

    Args:
        id: of the claim.
        status: by its rule.
        estimate: over seeds and images.
        n: how many images or units it rests on.
        under_trained: which nets were, and why; empty for none.
        threshold: as in `decided`.
    """
    if under_trained:
        status, reason = claims.NOT_COMPARABLE, f"under-trained: {under_trained}"
    else:
        status = claims.at_most_leans(status, estimate.seeds)
        reason = "from one seed of a recipe" if status in (claims.LEANS_AGREES, claims.LEANS_DIFFERS) else ""
    about = {"value": estimate.value, "interval": estimate.interval, "freedom": estimate.freedom}
    row = results.claim(id, status, **about, n=n, reason=reason, threshold=threshold)
    return row | {"seeds": estimate.seeds}


def smallest(id: str, differences: Sequence[tuple[Estimate, int]], *, under_trained: str = "") -> dict:
    """A row of the scoreboard for a claim that each of several differences of trained nets lies above 0; shown is the smallest.

    Args:
        id: of the claim.
        differences: each and how many images it rests on.
        under_trained: as in `compared`.
    """
    status = claims.all_of(claims.when_above(own.interval) for own, _ in differences)
    shown, n = min(differences, key=lambda pair: pair[0].value)
    return compared(id, status, shown, n, under_trained=under_trained, threshold=0.0 if len(differences) == 1 else None)


def told(*rows: dict) -> str:
    """Claims and what became of them, a paragraph of Markdown each; folded below them what was measured, and the rules."""
    if not rows:
        return ""
    folded = "\n\n".join(f"*{said.statement}* Measured: {said.measure} Rule: {said.rule}" for said in map(_claim, rows))
    shown = "\n\n".join(map(_told, rows))
    return f"{shown}\n\n<details><summary>What was measured, and by which rule</summary>\n\n{folded}\n\n</details>"


def _claim(row: dict) -> claims.Claim:
    return claims.claim(row["key"].removeprefix("claim/"))


def _told(row: dict) -> str:
    said = _claim(row).statement
    if row["ours"] is None:
        return f"*{said}* **{row['status']}**: {row['reason']}."
    where = f", 95 % interval {ends}" if (ends := _interval(row)) else ""
    but = f" Mind: {row['reason']}." if row["reason"] else ""
    return f"*{said}* Measured {_value(row)}{where}, n = {row['n']:,}: **{row['status']}**.{but}"


def _value(row: dict) -> str:
    """The value of a claim in its unit; empty where there is none."""
    return "" if row["ours"] is None else _claim(row).told(row["ours"])


def _interval(row: dict) -> str:
    """The ends of a claim's interval; empty where it has none."""
    return "" if pd.isna(row["low"]) else _claim(row).between(row["low"], row["high"])


def probability(p: float) -> str:
    """A p-value to three places, which is never said to be 0; empty for none."""
    if not math.isfinite(p):
        return ""
    return f"{p:.3f}" if p >= _LEAST_P else f"< {_LEAST_P}"


def table(*rows: dict) -> pd.DataFrame:
    """Claims as text: statement, place, our value, interval, p corrected (Holm) for all claims of the table, n, status, reason."""
    corrected = multiple.holm([math.nan if row["p"] is None else row["p"] for row in rows])
    about = [claims.claim(row["key"].removeprefix("claim/")) for row in rows]
    frame = pd.DataFrame(
        {
            "claim": said.statement,
            "in the paper": said.place,
            "ours": _value(row),
            "interval": _interval(row),
            "p, Holm, of these": probability(p),
            "n": row["n"],
            "status": row["status"],
            "reason": row["reason"],
        }
        for said, row, p in zip(about, rows, corrected, strict=True)
    )
    return tables.neat(frame)
