"""Verdicts: a row, a sentence and a table say the same."""

import math

from zfutils.paper import claims
from zfutils.report import verdicts


def test_what_was_measured_is_said_with_its_interval_and_what_was_not_with_its_reason():
    row = verdicts.decided("clipping-acts", claims.AGREES, (0.25, 0.1, 0.4), 1200, otherwise="no steps")
    assert (row["ours"], row["low"], row["high"], row["status"]) == (0.25, 0.1, 0.4, "agrees")
    assert "Measured +0.250, 95 % interval +0.100 to +0.400, n = 1,200: **agrees**." in verdicts.told(row)
    assert verdicts.told({**row, "reason": "one net is late"}).endswith("**agrees**. Mind: one net is late.")
    for found, n in (((math.nan, 0, 1), 5), ((0.2, 0.1, 0.3), 0)):
        lost = verdicts.decided("clipping-acts", claims.AGREES, found, n, otherwise="no steps")
        assert lost["ours"] is None and lost["status"] == "not comparable" and verdicts.told(lost).endswith("**not comparable**: no steps.")
    both = verdicts.table(row, lost)
    assert both["status"].tolist() == ["agrees", "not comparable"] and both["interval"].tolist() == ["+0.100 to +0.400", ""]
    assert both["in the paper"].iloc[0] == claims.claim("clipping-acts").place and verdicts.told(row, lost).count("\n\n") == 1
