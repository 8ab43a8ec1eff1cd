"""Pieces of a page: cards, coloured verdicts, folded parts."""

import numpy as np
import pandas as pd
from PIL import Image

from zfutils.report import cards


def test_cards_show_a_small_picture_or_say_that_there_is_none(tmp_path):
    Image.fromarray(np.full((300, 1200, 4), 200, np.uint8)).save(tmp_path / "figure7.png")
    there = cards.Card("Figure 7", "a < b", "agrees", "07_occlusion.ipynb", "Cover", tmp_path / "figure7.png")
    absent = cards.Card("Table 4", "Caltech-101", "not comparable", "10_transfer.ipynb", "Carry")
    shown = cards.grid([there, absent])
    assert shown.count("<img") == 1 and "a &lt; b" in shown and 'href="07_occlusion.ipynb"' in shown
    assert "no picture in this run" in shown and len(cards.thumbnail(tmp_path / "figure7.png")) < 20_000


def test_tables_colour_verdicts_and_nothing_else():
    shown = cards.table(pd.DataFrame({"verdict": ["differs"], "ours": [0.123456], "low": [float("nan")], "why": ["<b>"]}))
    assert cards.badge("differs") in shown and "<td" in shown and ">0.1235<" in shown and "nan" not in shown and "&lt;b&gt;" in shown
    assert cards.badge("agrees") != cards.badge("differs")
    assert cards.folded("a & b", "<p>in</p>").startswith("<details") and "a &amp; b" in cards.folded("a & b", "")
