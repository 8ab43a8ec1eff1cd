"""Results on disk: the one writer of figures, tables and their provenance."""

import datetime
import functools
import hashlib
import importlib.metadata
import json
import math
import platform
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from zfutils.core import paths
from zfutils.core.errors import unknown
from zfutils.core.profiles import Profile
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import devices
from zfutils.paper import claims, numbers
from zfutils.report.plot.alternative_text import described
from zfutils.stats import multiple

_PACKAGES = ("torch", "torchvision", "numpy", "pandas", "matplotlib", "scikit-learn")


def save(
    name: str,
    *,
    profile: Profile,
    seed: int,
    seconds: float,
    figure: Figure | None = None,
    table: pd.DataFrame | None = None,
    rows: list[dict] | None = None,
    data: PreparedSet | None = None,
    facts: dict | None = None,
) -> None:
    """Write one result under the paper's own name: `figures/<name>.png`, `tables/<name>.csv`, and its provenance beside each.

    Args:
        name: e.g. `figure7`, `table2`.
        profile: its profile.
        seed: its seed.
        seconds: what it took to compute.
        figure: the picture.
        table: the numbers.
        rows: what it says on the scoreboard: answers of `number` and `claim`.
        data: the pictures that it was measured on.
        facts: what else is to be known: nets, assumptions.

    Raises:
        ValueError: neither a figure nor a table was given.
        Problem: the disk is full.
    """
    if figure is None and table is None:
        raise ValueError(f"expected a figure, a table or both for {name}, got neither")
    folder = paths.results_dir(profile.name)
    known = {"name": name, "rows": rows or [], "facts": facts or {}, **provenance(profile, seed=seed, seconds=seconds, data=data)}
    if figure is not None:
        known["alt"] = described(figure)
    written = json.dumps(known, indent=1, default=_plain)
    if table is not None:
        _write(folder / "tables" / f"{name}.csv", table.to_csv(index=False))
        _write(folder / "tables" / f"{name}.json", written)
    if figure is not None:
        with paths.whole(folder / "figures" / f"{name}.png") as fresh:
            figure.savefig(fresh, metadata={"Software": None})  # without the version the same picture is the same bytes
        _write(folder / "figures" / f"{name}.json", written)
    _write(_mark(folder, name), _digest(written))


def was_made_here(folder: Path, name: str, file: Path) -> bool:
    """Whether a result was written by a run on this machine; else it came with the repository.

    Args:
        folder: of the profile's results.
        name: of the result.
        file: its provenance.
    """
    mark = _mark(folder, name)
    return mark.exists() and mark.read_text(encoding="utf-8") == _digest(file.read_text(encoding="utf-8"))


def provenance(profile: Profile, *, seed: int, seconds: float, data: PreparedSet | None = None) -> dict:
    """All that a result rests on: profile, seed, commit, versions, data, claims, device, time."""
    about = {} if data is None else {"set": data.path.name, "sha256": data.facts["sha256"], "archives": data.facts.get("archives", {})}
    device = devices.device()
    return {
        "profile": profile.name,
        "seed": seed,
        "seconds": round(seconds, 1),
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "claims": claims.file_hash(),
        "data": about,
        "device": devices.describe(device),
        "dtype": str(devices.dtype(device)).removeprefix("torch."),
        "platform": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {package: importlib.metadata.version(package) for package in _PACKAGES},
        "threads": torch.get_num_threads(),
    }


def number(
    key: str,
    ours: float,
    *,
    profile: Profile,
    n: int,
    interval: tuple[float, float] | None = None,
    same_data: bool | None = None,
    reason: str = "",
) -> dict:
    """A scoreboard row for a number of the paper, in the paper's unit.

    What follows from how the net is built compares everywhere: it agrees when equal. A measured value compares only on the paper's data: it
    agrees when the interval covers the paper's value. Without an interval nothing is decided.

    Args:
        key: of `paper.numbers()`.
        ours: our value.
        profile: where it was measured.
        n: number of images or units that it rests on.
        interval: its 95 % interval.
        same_data: whether the pictures are the paper's; default for the profile of ImageNet alone.
        reason: what else the two differ in.

    Raises:
        Problem: the paper has no such number.
    """
    theirs = numbers.number(key)
    row = {"key": key, "ours": ours, "low": None, "high": None, "n": n, "status": claims.UNDECIDED, "reason": reason}
    if interval is not None:
        row["low"], row["high"] = interval
    if theirs["unit"] == "count":
        row["status"] = claims.AGREES if np.isclose(ours, theirs["paper"]) else claims.DIFFERS
    elif not (profile.dataset == "imagenet" if same_data is None else same_data):
        row |= {"status": claims.NOT_COMPARABLE, "reason": reason or f"measured on {profile.dataset}, not on the paper's data"}
    elif interval is None:
        row["reason"] = "; ".join(filter(None, ["without an interval", reason]))
    else:
        row["status"] = claims.AGREES if interval[0] <= theirs["paper"] <= interval[1] else claims.DIFFERS
    return row


def of_regime(row: dict, words: str, under_trained: str) -> dict:
    """A scoreboard row of a trained net with its regime in words; what an under-trained net would decide is not comparable, and what else
    there was to say of it stands behind the reason."""
    if under_trained and row["status"] != claims.NOT_COMPARABLE:
        reason = "; ".join(filter(None, [f"under-trained: {under_trained}", row["reason"]]))
        row = row | {"status": claims.NOT_COMPARABLE, "reason": reason, "p": None}
    return row | {"regime": words}


def absent(key: str, reason: str) -> dict:
    """A scoreboard row for a number of the paper that was not measured.

    Args:
        key: of `paper.numbers()`.
        reason: why not.

    Raises:
        Problem: the paper has no such number.
    """
    numbers.number(key)
    return {"key": key, "ours": None, "low": None, "high": None, "n": 0, "status": claims.NOT_COMPARABLE, "reason": reason}


def claim(
    id: str,
    status: str,
    *,
    value: float | None = None,
    n: int,
    interval: tuple[float, float] | None = None,
    reason: str = "",
    threshold: float | None = 0.0,
    freedom: float = math.inf,
) -> dict:
    """A scoreboard row for a claim.

    Args:
        id: of the claim.
        status: one of `claims.STATUSES`.
        value: what was measured.
        n: how much it rests on.
        interval: its 95 % interval.
        reason: why it is not comparable; needed for that status.
        threshold: what the interval is held against, for `p`; None where the rule has several conditions.
        freedom: degrees of freedom of the interval, where it is one of Student's t.

    Returns:
        Among others `p`, two-sided, of the value against the threshold: what Holm's correction of all claims together takes.

    Raises:
        Problem: unknown claim or status.
        ValueError: not comparable without a reason, or decided without an interval.
    """
    claims.claim(id)
    if status not in claims.STATUSES:
        raise unknown("status", status, claims.STATUSES)
    if status == claims.NOT_COMPARABLE and not reason:
        raise ValueError(f"expected a reason why {id} is not comparable, got none")
    if interval is None and status not in (claims.NOT_COMPARABLE, claims.UNDECIDED):
        raise ValueError(f"expected an interval that decides {id}, got none")
    decided = interval is not None and status != claims.NOT_COMPARABLE and threshold is not None
    p = multiple.p_value((value, *interval), threshold, freedom=freedom) if decided else None
    low, high = interval or (None, None)
    return {"key": f"claim/{id}", "ours": value, "low": low, "high": high, "n": n, "status": status, "reason": reason, "p": p}


@functools.cache
def commit() -> str:
    """The commit of the code, marked where files other than results have changed since; `unknown` outside a checkout."""
    if not paths.IS_CHECKOUT:
        return "unknown"  # an installed package may lie inside somebody else's repository
    try:
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")  # a run writes results that are in git
        return _git("describe", "--always", "--abbrev=12") + ("+changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(paths.REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def _mark(folder: Path, name: str) -> Path:
    """A file that no repository holds: the digest of what a run on this machine wrote last under this name."""
    return folder / "runs" / "results" / f"{name}.txt"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    with paths.whole(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def _plain(thing: object) -> object:
    return thing.item() if hasattr(thing, "item") else str(thing)
