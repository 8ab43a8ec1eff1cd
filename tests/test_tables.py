"""Tables of the paper printed whole, ours beside them."""

import pandas as pd
import pytest

from zfutils.core import profiles
from zfutils.paper import numbers
from zfutils.report import results, tables

PRINTERS = {f"table {n}": getattr(tables, f"table{n}") for n in range(1, 8)}


@pytest.mark.parametrize("place", PRINTERS)
def test_every_number_of_the_paper_stands_in_its_table(place):
    printed = numbers.numbers().query("place == @place")
    cells = PRINTERS[place]([]).xs("the paper", axis=1, level=1).to_numpy().ravel()
    shown = sorted(float(part) for cell in cells if cell for part in cell.split(" ± "))
    assert shown == pytest.approx(sorted(printed["paper"]))


@pytest.mark.parametrize("place", PRINTERS)
def test_ours_stands_in_the_cell_of_its_key_and_beside_own_numbers_alone(place):
    means = numbers.numbers().query("place == @place and not key.str.contains('std')", engine="python")
    own = means[means["kind"] == numbers.OWN]
    rows = [
        results.number(key, paper + 1, profile=profiles.profile("smoke"), n=1) for key, paper in zip(own["key"], own["paper"], strict=True)
    ]
    table = PRINTERS[place](rows, ours="toys")
    pairs = pd.DataFrame({who: table.xs(who, axis=1, level=1).stack() for who in ("the paper", "toys")})
    there = pairs[pairs["toys"] != ""].dropna()
    assert len(there) == len(own)
    for theirs, ours in there.to_numpy():
        assert float(ours) == pytest.approx(float(theirs.split(" ± ")[0]) + 1)


def test_a_spread_stands_behind_its_number_and_what_is_missing_is_marked():
    smoke = profiles.profile("smoke")
    frozen = "table5/imagenet-pretrained-convnet"
    rows = [
        results.number(f"{frozen}-15/accuracy", 60.17, profile=smoke, n=1),
        results.number(f"{frozen}-15/std", 1.93, profile=smoke, n=1),
    ]
    rows += [results.absent(f"{frozen}-30/accuracy", "too few pictures"), results.absent("table4/non-pretrained-convnet/std_15", "")]
    table = tables.table5(rows)
    assert table.loc["ImageNet-pretrained convnet", "15 a class, %"].tolist() == ["65.7 ± 0.2", "60.2 ± 1.9"]
    assert table.loc["ImageNet-pretrained convnet", "30 a class, %"].tolist() == ["70.6 ± 0.2", tables.ABSENT]
    assert table.loc["Bo et al. 2013", "60 a class, %"].tolist() == ["55.2 ± 0.3", ""]


def test_each_set_of_table_7_has_its_own_name_above_our_numbers():
    key = "table7/svm-5/caltech"
    rows = [
        results.absent(f"{key}256_60_per_class", "no pictures"),
        results.number(f"{key}101_30_per_class", 50.0, profile=profiles.profile("smoke"), n=1),
    ]
    table = tables.table7(rows, ours="ours, toys", ours256="ours")
    assert [name for _, name in table.columns] == ["the paper", "ours, toys", "the paper", "ours"]
    assert table.loc[("svm", 5)].tolist()[1::2] == ["50.0", tables.ABSENT]


def test_a_neat_table_parts_thousands_and_leaves_out_what_is_missing():
    frame = pd.DataFrame(
        {
            "in_words": [7.0, None],
            "share": [-0.0004, 12345.678],
            "rate": [0.00125, 0.5],
            "words": ["as it is", None],
            "mixed": [1234567, "never"],
            "so": [True, False],
        }
    )
    neat = tables.neat(frame, own={"rate": 5})
    assert neat.to_numpy().tolist() == [
        ["7", "0.00", "0.00125", "as it is", "1,234,567", "True"],
        ["", "12,345.68", "0.50000", "", "never", "False"],
    ]
    assert (
        neat.columns[0] == "in words"
        and neat.index.tolist() == ["", ""]
        and tables.neat(frame.set_index("words")).index.tolist()[0] == "as it is"
    )
    wide = frame[["in_words", "share"]].set_axis(pd.MultiIndex.from_product([["the_paper"], ["n", "share"]]), axis=1)
    assert tables.neat(wide).columns.tolist() == [("the paper", "n"), ("the paper", "share")] and frame["in_words"].iloc[0] == 7.0
