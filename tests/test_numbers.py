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
        ("figure3/layer1-conv/kernel", 7),
        ("figure3/layer2-conv/stride", 2),
        ("table1/nose/layer7_std", 0.011),
        ("section3/momentum/value", 0.9),
        ("figure5/rotation-degrees/x_max", 360),
        ("figure7/car-wheel/p_highest", 0.295),
        ("figure7/car-wheel-cab/positions", 435),
        ("section5.2/caltech-256/in_common", 243),
    ],
)
def test_numbers_are_those_of_the_paper(key, value):
    assert numbers.number(key)["paper"] == value


def test_every_table_and_digitised_figure_has_numbers_with_names_of_their_own():
    rows = numbers.numbers()
    figures = {f"figure {n}" for n in (3, 5, 7, 9)}
    assert set(rows["place"]) == {*(f"table {n}" for n in range(1, 8)), *figures, "section 3", "section 5.2"}
    assert rows["key"].is_unique and rows["paper"].notna().all()
    assert numbers.number("table1/nose/layer5_mean")["std"] == 0.017


def test_a_number_is_built_or_of_the_papers_own_nets_or_of_other_groups():
    kinds = numbers.numbers().set_index("key")["kind"]
    assert kinds["figure3/layer1-conv/out_size"] == kinds["section3/batch/value"] == numbers.BUILT
    own = ("table2/a-5-convnets-as-in-fig-3/val_top1_error", "table4/non-pretrained-convnet/std_15", "table6/person/ours")
    assert {kinds[key] for key in own} == {numbers.OWN} and (kinds.filter(like="table3/") == numbers.OWN).all()
    others = (
        "table2/krizhevsky-et-al-2012-1-convnet/val_top1_error",
        "table4/bo-et-al-2013/std_30",
        "figure9/bo-et-al-2013-15/std_read_from_error_bar",
    )
    assert {kinds[key] for key in others} == {numbers.CONTEXT} and (kinds.filter(like="/oquab") == numbers.CONTEXT).all()


def test_the_summary_of_figure_7_is_that_of_its_decoded_maps():
    maps, summary = numbers.table("fig7_occlusion_maps"), numbers.table("fig7_summary").set_index("example")
    for example, own in maps.groupby("example_true_class"):
        named = own.loc[own["panel"] == "e_most_probable_class", "value"]
        assert (named == example).sum() == summary.loc[example, "positions_true_class"] and named.nunique() == summary.loc[
            example, "classes"
        ]
        listed = numbers.table("fig7_labels").query("example == @example").set_index("most_probable_class")["positions"]
        assert listed.to_dict() == named.value_counts().to_dict() and len(named) == summary.loc[example, "positions"]


def test_wrong_names_list_the_right_ones():
    with pytest.raises(Problem, match="table1/nose/layer5_mean"):
        numbers.number("table1/mouth/layer5_mean")
    with pytest.raises(Problem, match="known: fig3_architecture, .*table7_layer_features"):
        numbers.table("table8")
