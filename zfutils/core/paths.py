"""Where things lie on disk, and the one way to write a file whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zfutils.core.errors import Problem

_PACKAGE = Path(__file__).resolve().parents[1]
REPOSITORY = _PACKAGE.parent
IS_CHECKOUT = (REPOSITORY / "data_manifests").is_dir()  # else the package is installed, with copies of these folders inside


def _shipped(name: str) -> Path:
    """A folder of the repository, or its copy in an installed package."""
    return REPOSITORY / name if IS_CHECKOUT else _PACKAGE / f"_{name}"


BOOK, MANIFESTS, WEIGHTS = _shipped("book"), _shipped("data_manifests"), _shipped("weights")


def data_dir() -> Path:
    """Folder of prepared data, nets and caches: `DATA_DIR`, else `~/.cache/zfbook`. Not created here."""
    return Path(os.environ.get("DATA_DIR") or Path.home() / ".cache" / "zfbook").expanduser().resolve()


def results_dir(profile: str) -> Path:
    """Folder of one profile's figures, tables and executed chapters, named as the profile.

    It lies in `RESULTS_DIR`, else in `results/` of the checkout, else, for an installed package, in `results/` of `data_dir()`.
    """
    usual = (REPOSITORY if IS_CHECKOUT else data_dir()) / "results"
    return Path(os.environ.get("RESULTS_DIR") or usual).expanduser().resolve() / profile


def notebooks_dir() -> Path:
    """Folder of the notebooks that are made from the book: beside their sources, for an installed package `book/` of `data_dir()`."""
    return BOOK if IS_CHECKOUT else data_dir() / "book"


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Turn the errors of a disk that takes no more bytes of `path` (disk full, file too large, quota) into a Problem."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        why = "the disk is full or a file-size limit was hit"
        raise Problem(f"no room to write {path}: {why}; free space or set DATA_DIR to a larger disk") from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Args:
        path: the file to write; its folder is made.

    Yields:
        A temporary path in the same folder. When the block ends it is flushed to disk and renamed over `path`; after an
        error it is removed and `path` is what it was.

    Raises:
        Problem: the disk is full.

    Example:
        >>> with whole(Path("table1.csv")) as fresh:
        ...     fresh.write_text("a,b")
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        with room_for(path):
            yield fresh
            _flush(fresh)
            fresh.chmod(0o644)  # mkstemp makes files that only their owner can read
            fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Force a file's bytes to disk, so that a rename never outlives its content."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
