"""Fair timing: contestants in turn, so that a busy moment of the machine hits all, on one device, until all is done; the median."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from zfutils.core import progress
from zfutils.models import devices

_ROUNDS = 3  # after one to warm up


@dataclass(frozen=True)
class Row:
    """One contestant.

    Attributes:
        section: what was measured.
        name: of the contestant; the first of a section is ours.
        milliseconds: for one unit of work.
        unit: of work: an image, a projection.
        ours_is_faster: its time over ours.
    """

    section: str
    name: str
    milliseconds: float
    unit: str
    ours_is_faster: float

    def __str__(self) -> str:
        return f"  {self.name:56} {self.milliseconds:9.3f} ms a {self.unit:11} ours is {self.ours_is_faster:.2f} times as fast"


def compared(section: str, contestants: dict[str, Callable[[], object]], *, per: float | dict[str, float], unit: str) -> list[Row]:
    """Time contestants, ours first.

    Args:
        section: what is measured.
        contestants: name and work of each.
        per: units of work in one call, for all or by name.
        unit: their name.

    Returns:
        One row a contestant.
    """
    device = devices.device()
    times: dict[str, list[float]] = {name: [] for name in contestants}
    with progress.bar(total=(_ROUNDS + 1) * len(contestants), text=section, unit="rounds") as shown:
        for number in range(_ROUNDS + 1):
            for name, work in contestants.items():
                devices.synchronise(device)
                start = time.perf_counter()
                work()
                devices.synchronise(device)
                if number:
                    units = per if isinstance(per, int | float) else per[name]
                    times[name].append(1000 * (time.perf_counter() - start) / units)
                shown.update(1)
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    ours = next(iter(middle.values()))
    return [Row(section, name, round(taken, 4), unit, round(taken / ours, 3)) for name, taken in middle.items()]
