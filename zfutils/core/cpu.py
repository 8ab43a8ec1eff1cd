"""How many cores this process may use, a container's limit respected."""

import os
from pathlib import Path

from zfutils.core.errors import Problem

_CGROUP = Path("/sys/fs/cgroup/cpu.max")

# Set before Python starts: processes that wait busily for each other crawl, and glibc's habit of handing large blocks back after every use
# costs a third of a forward pass. The Makefile sets the same.
CALM = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "100000000",
}


def threads(count: int) -> dict[str, str]:
    """Variables that give a process some threads and no more."""
    return dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(count))


def available() -> int:
    """Cores that this process may use: its affinity, cut by the container's quota; at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(affinity, _quota(affinity)))


def jobs(asked: int | None = None) -> int:
    """Number of parallel processes: what was asked for, else the variable `JOBS`, else `available()`.

    Raises:
        Problem: the number is not a whole number above 0.
    """
    wanted = asked if asked is not None else os.environ.get("JOBS") or available()
    try:
        count = int(wanted)
    except ValueError:
        count = 0
    if count < 1:
        raise Problem(f"JOBS must be a whole number above 0, got {wanted!r}; leave it out to use all {available()} cores")
    return count


def _quota(otherwise: int) -> int:
    """Whole cores that the container's quota allows, at least 1."""
    try:
        quota, period = _CGROUP.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return otherwise
    return otherwise if quota == "max" else max(1, int(quota) // int(period))
