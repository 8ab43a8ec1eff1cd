"""The paper's claims, each with the rule by which it is decided, written down before the run that decides it."""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

import yaml

from zfutils.core.errors import unknown

FILE = Path(__file__).with_name("claims.yml")
AGREES, DIFFERS, UNDECIDED, NOT_COMPARABLE = STATUSES = ("agrees", "differs", "undecided", "not comparable")


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        id: its name.
        place: in the paper.
        statement: in our words.
        measure: the formula.
        rule: when it agrees, differs or is undecided.
        n: what is counted.
    """

    id: str
    place: str
    statement: str
    measure: str
    rule: str
    n: str


@functools.cache
def claims() -> dict[str, Claim]:
    """All claims by id, in the order of the file."""
    entries = [
        {name: " ".join(str(text).split()) for name, text in entry.items()} for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))
    ]
    return {entry["id"]: Claim(**entry) for entry in entries}


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
