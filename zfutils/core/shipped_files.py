"""Files that come with the book in `weights/`, each listed in an index with its digest."""

import hashlib
import json
from pathlib import Path

from zfutils.core import paths
from zfutils.core.errors import Problem, unknown

INDEX = "index.json"


def index() -> dict[str, dict]:
    """What ships: for each file its `sha256` and `bytes`; empty where nothing does."""
    path = paths.WEIGHTS / INDEX
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def checked(file: str) -> Path:
    """Find a file that ships.

    Args:
        file: its name in `weights/`.

    Raises:
        Problem: it does not ship, it is absent, or its bytes are not those of the index.
    """
    listed, path = index(), paths.WEIGHTS / file
    if file not in listed:
        raise unknown("file that ships", file, listed or ["none"])
    if not path.exists():
        raise Problem(f"no {path}, which the index lists; get it back: git checkout -- weights")
    if hashlib.sha256(path.read_bytes()).hexdigest() != listed[file]["sha256"]:
        raise Problem(f"{path} is damaged or another file: its digest is not that of the index; get it back: git checkout -- weights")
    return path


def enlist(path: Path) -> Path:
    """Put a file of `weights/` into the index."""
    entry = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    whole = dict(sorted({**index(), path.name: entry}.items()))
    with paths.whole(paths.WEIGHTS / INDEX) as fresh:
        fresh.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return path
