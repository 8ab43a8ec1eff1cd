"""Verdicts: what a chapter says of a claim, on the scoreboard, in a sentence and in a table."""

import math

import pandas as pd

from zfutils.paper import claims
from zfutils.report import results


def decided(id: str, status: str, found: tuple[float, float, float], n: int, *, otherwise: str) -> dict:
    """A row of the scoreboard for a measured claim, or 'not comparable' where nothing could be measured.

    Args:
        id: of the claim.
        status: by its rule.
        found: the value and the ends of its 95 % interval; not finite where it could not be measured.
        n: how much it rests on; 0 where it could not be measured.
        otherwise: the reason why not, for that case.
    """
    if not n or not all(math.isfinite(value) for value in found):
        return results.claim(id, claims.NOT_COMPARABLE, n=n, reason=otherwise)
    return results.claim(id, status, value=found[0], interval=found[1:], n=n)


def told(*rows: dict) -> str:
    """Claims and what became of them, one paragraph of Markdown each."""
    return "\n\n".join(_told(row) for row in rows)


def _told(row: dict) -> str:
    said = claims.claim(row["key"].removeprefix("claim/")).statement
    if row["ours"] is None:
        return f"*{said}* **{row['status']}**: {row['reason']}."
    where = "" if row["low"] is None else f", 95 % interval {row['low']:+.3f} to {row['high']:+.3f}"
    but = f" Mind: {row['reason']}." if row["reason"] else ""
    return f"*{said}* Measured {row['ours']:+.3f}{where}, n = {row['n']:,}: **{row['status']}**.{but}"


def table(*rows: dict) -> pd.DataFrame:
    """Claims as a table: statement, place in the paper, our value, interval, n, status, reason."""
    about = [claims.claim(row["key"].removeprefix("claim/")) for row in rows]
    return pd.DataFrame(
        {
            "claim": said.statement,
            "in the paper": said.place,
            "ours": "" if row["ours"] is None else f"{row['ours']:+.3f}",
            "interval": "" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}",
            "n": row["n"],
            "status": row["status"],
            "reason": row["reason"],
        }
        for said, row in zip(about, rows, strict=True)
    )
