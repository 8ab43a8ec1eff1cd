"""The paper's claims, each with the rule by which it is decided, written down before the run that decides it."""

import functools
import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from zfutils.core.errors import unknown

FILE = Path(__file__).with_name("claims.yml")
AGREES, DIFFERS, LEANS_AGREES, LEANS_DIFFERS, UNDECIDED, NOT_COMPARABLE = STATUSES = (
    *("agrees", "differs", "leans: agrees", "leans: differs"),  # leans: decided by the interval, but of one seed
    *("undecided", "not comparable"),
)
CLAIM, PATTERN, BEYOND = KINDS = ("claim", "pattern", "beyond the paper")  # a sentence of the paper, the pattern of a table, later work


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, or the pattern of a table.

    Attributes:
        id: its name.
        place: in the paper.
        says: what the paper says there in at most fifteen words, not word for word; empty for the pattern of a table.
        statement: in our words.
        measure: the formula.
        rule: when it agrees, differs or is undecided.
        n: what is counted.
        unit: `points` where the value is a difference of shares and is told in hundredths; empty where it is told as it is.
    """

    id: str
    place: str
    statement: str
    measure: str
    rule: str
    n: str
    says: str = ""
    kind: str = CLAIM
    unit: str = ""

    def told(self, value: float) -> str:
        """A value, or an end of its interval, as it is shown: with its sign, in the claim's unit, near 0 with more decimals."""
        shown, decimals = (100 * value, 1) if self.unit == "points" else (value, 3)
        if 0 < abs(shown) < 10**-decimals:  # not -0.00, which has a sign and no size
            decimals = math.ceil(-math.log10(abs(shown)))
        return f"{shown:+.{decimals}f} {self.unit}".rstrip()

    def between(self, low: float, high: float) -> str:
        """The ends of an interval as they are shown, the unit once."""
        return f"{self.told(low).split()[0]} to {self.told(high)}"


@functools.cache
def claims() -> dict[str, Claim]:
    """All claims by id, in the order of the file."""
    entries = [
        {name: " ".join(str(text).split()) for name, text in entry.items()}
        for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["claims"]
    ]
    return {entry["id"]: Claim(**entry) for entry in entries}


def retired() -> dict[str, str]:
    """Why a claim of an earlier version is no more, by id."""
    return {entry["id"]: " ".join(entry["why"].split()) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["retired"]}


def claim(id: str) -> Claim:
    """Look a claim up.

    Raises:
        Problem: there is no such claim; the message lists those that exist.
    """
    if id not in claims():
        raise unknown("claim", id, claims())
    return claims()[id]


def file_hash() -> str:
    """Digest of the file of claims, quoted by every result."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:16]


def when_below(interval: tuple[float, float], threshold: float = 0.0) -> str:
    """Status of a claim that a value lies below a threshold: agrees or differs when the whole interval does, else undecided."""
    low, high = interval
    if high < threshold:
        return AGREES
    return DIFFERS if low > threshold else UNDECIDED


def when_above(interval: tuple[float, float], threshold: float = 0.0) -> str:
    """Status of a claim that a value lies above a threshold."""
    low, high = interval
    return when_below((-high, -low), -threshold)


def counted(count: int, status: str) -> str:
    """A number of verdicts in words: one agrees, two agree."""
    words = status if count == 1 else re.sub(r"s\b", "", status)
    return f"{count} {words}"


def all_of(statuses: Iterable[str]) -> str:
    """Status of a claim with several conditions: agrees where all do, differs where one does, else undecided."""
    statuses = set(statuses)
    if DIFFERS in statuses:
        return DIFFERS
    return AGREES if statuses == {AGREES} else UNDECIDED


def at_most_leans(status: str, seeds: int) -> str:
    """What a status is worth that compares trained nets: from one seed a recipe it only leans, because another seed may turn it."""
    return f"leans: {status}" if seeds < 2 and status in (AGREES, DIFFERS) else status
