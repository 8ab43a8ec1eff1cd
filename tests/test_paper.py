"""The paper's numbers: complete, named, and those that circulate wrongly are right here."""

import pytest

from zfutils.core.errors import Problem
from zfutils.paper import numbers


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("table1/right-eye/layer7_mean", 0.069),
        ("table2/1-convnet-as-in-fig-3/val_top5_error", 16.5),
        ("table2/6-convnets-a-and-b-combined/test_top5_error", 14.8),
        ("table3/krizhevsky-replication-removed-layers-6-7/val_top1_error", 44.8),
        ("table3/krizhevsky-replication-removed-layer-7/val_top1_error", 40.0),
        ("table4/jianchao-yang-et-al-2009/acc_30_per_class", 84.3),
        ("table5/imagenet-pretrained-convnet-60/accuracy", 74.2),
        ("table6/person/ours", 90.9),
        ("table7/svm-5/caltech101_30_per_class", 86.2),
        ("figure3/layer1-conv/out_size", 110),
    ],
)
def test_numbers_are_those_of_the_paper(key, value):
    assert numbers.number(key)["paper"] == value


def test_every_table_and_digitised_figure_has_numbers_with_names_of_their_own():
    rows = numbers.numbers()
    assert set(rows["place"]) == {*(f"table {n}" for n in range(1, 8)), "figure 3", "figure 9"}
    assert rows["key"].is_unique and rows["paper"].notna().all()
    assert numbers.number("table1/nose/layer5_mean")["deviation"] == 0.017


def test_wrong_names_list_the_right_ones():
    with pytest.raises(Problem, match="table1/nose/layer5_mean"):
        numbers.number("table1/mouth/layer5_mean")
    with pytest.raises(Problem, match="known: fig3_architecture, .*table7_layer_features"):
        numbers.table("table8")
