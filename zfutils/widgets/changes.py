"""What a page shows of changes that were measured from several seeds: one seed at a time, so that a sign that turns round is seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zfutils.report import plot
from zfutils.widgets import drawing
from zfutils.widgets.panel import Shown
from zfutils.widgets.pipeline import Check

_WIDE = 1120  # pixels of the chart, twice those on the page, so that its words are sharp
_ENDS = ("change low", "change high")


@dataclass(frozen=True)
class Changes:
    """Changes of nets against the base of their own seed.

    Attributes:
        frame: one line a net and seed: `net`, `seed`, `change` with the ends of its 95 % interval, `change low` and `change high` (missing
            where the net is), and `the paper`, all in points.
    """

    frame: pd.DataFrame

    def seeds(self) -> list[str]:
        """The seeds from which a change was measured, in the order of the table; the first where there is none."""
        there = self.frame.loc[self.frame["change"].notna(), "seed"]
        return list(dict.fromkeys(there)) or self.frame["seed"].iloc[:1].tolist()

    def of_seed(self, seed: str, check: Check) -> Shown:
        """The changes of one seed, all on one axis, and which signs are not the paper's."""
        check()
        own = self.frame[self.frame["seed"] == seed].reset_index(drop=True)
        limit = 1.1 * float(self.frame[["the paper", *_ENDS]].abs().max(axis=None))
        chart = plot.signs(
            own, value="change", ends=_ENDS, row="net", printed="the paper", limit=limit, xlabel="change of the error, points"
        )
        like = np.sign(own["change"]) == np.sign(own["the paper"])
        other = own.loc[~like & own["change"].notna(), "net"]
        caption = f"{like.sum()} of {own['change'].count()} signs as in the paper"
        return Shown({caption: drawing.rendered(chart, width=_WIDE)}, f"Another sign than the paper's: {', '.join(other) or 'none'}.")
