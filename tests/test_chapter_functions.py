"""Functions that stand in chapters alone, on hand-worked numbers."""

import ast
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from zfutils.analysis import error_rates
from zfutils.core import paths
from zfutils.paper import claims
from zfutils.stats.seeds import Estimate


def from_chapter(chapter: str, *functions: str, **names: object) -> SimpleNamespace:
    """Functions of a chapter, in a space that has nothing else but some names."""
    tree = ast.parse((paths.BOOK / f"{chapter}.py").read_text(encoding="utf-8"))
    wanted = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in functions]
    assert [node.name for node in wanted] == list(functions), "they are called otherwise, or stand in another order"
    space = dict(names)
    exec(compile(ast.Module(wanted, []), chapter, "exec"), space)
    return SimpleNamespace(**{name: space[name] for name in functions})


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, float("nan"), 3)


def test_depth_needs_both_rises_and_no_single_removal_that_helps():
    rise, loss, open_ = estimate(0.3, 0.1, 0.5), estimate(-0.3, -0.5, -0.1), estimate(0.0, -0.1, 0.1)
    asked = []

    def combined(names, weights):
        asked.append(dict(zip(names, weights, strict=True)))
        return rise

    chapter = from_chapter(
        "03_ablation",
        "depth_parts",
        "part_statuses",
        combined=combined,
        claims=claims,
        seeds=SimpleNamespace(Estimate=Estimate),
        REMOVALS=("low", "high", "both"),
    )
    assert len(chapter.depth_parts()) == 4
    assert asked[-1] == {"both": 1, "low": -1, "high": -1, "alexnet": 1}, "beyond the sum of what each costs: both + base - low - high"
    assert asked[:3] == [{"both": 1, "alexnet": -1}, {"low": 1, "alexnet": -1}, {"high": 1, "alexnet": -1}]
    told = lambda *parts: claims.all_of(chapter.part_statuses(list(parts)))  # noqa: E731
    assert told(rise, rise, open_, rise) == claims.AGREES
    assert told(rise, rise, loss, rise) == told(loss, rise, rise, rise) == claims.DIFFERS
    assert told(open_, rise, rise, rise) == claims.UNDECIDED


def test_of_a_change_that_a_net_at_chance_enters_only_that_is_said():
    up = SimpleNamespace(interval=(0.1, 0.3), seeds=1)
    known = {"alexnet": [0], "alexnet-a": [0, 0], "alexnet-b": [0], "zfnet": [0], "zfnet-a": [0]}
    stuck = {"alexnet": 0, "alexnet-a": 1, "alexnet-b": 0, "zfnet": 1, "zfnet-a": 0}
    chapter = from_chapter(
        "03_ablation",
        "base_of",
        "chance_words",
        "status",
        AT_CHANCE=stuck,
        FROM_SEEDS=known,
        error_rates=error_rates,
        seeds=SimpleNamespace(Estimate=Estimate),
    )
    assert chapter.status("alexnet-a", up) == "at chance from 1 of 2 seeds"
    assert chapter.status("alexnet-b", up) == "leans higher"
    assert chapter.status("zfnet-a", up) == "base at chance"


@pytest.mark.parametrize(
    ("at_chance", "count", "has_p"),
    [((), 2, True), ((), 1, False), (("alexnet-a",), 2, False), (("alexnet",), 2, False)],
)
def test_a_change_has_a_p_only_from_two_seeds_of_nets_that_both_learned(at_chance, count, has_p):
    found = SimpleNamespace(value=0.05, low=0.01, high=0.09, p=0.03, seeds=count)
    asked = []
    chapter = from_chapter(
        "03_ablation",
        "error_row",
        MISSING={"alexnet-b": "not trained"},
        WRONG={f"{of}_error": {"alexnet-a": of} for of in ("train_top1", "val_top1", "val_top5")},
        predictions=SimpleNamespace(error_rate=lambda wrong: SimpleNamespace(wrong=3, n=8, rate=3 / 8)),
        base_of=lambda name: "alexnet",
        PRESENT=["alexnet", "alexnet-a"],
        TEN={"alexnet": "of the base", "alexnet-a": "of the net"},
        seeds=SimpleNamespace(difference=lambda one, other, generator: asked.append((one, other)) or found),
        np=np,
        SEED=0,
        AT_CHANCE={name: name in at_chance for name in ("alexnet", "alexnet-a")},
        status=lambda name, found: "its status",
    )
    assert chapter.error_row("alexnet-b") == {"net": "alexnet-b", "missing": "not trained"}
    row = chapter.error_row("alexnet-a")
    assert asked == [("of the net", "of the base")]
    assert (row["val top-1 wrong"], row["val top-1 %"], row["change"], row["status"]) == (3, 37.5, 5.0, "its status")
    assert row["p"] == (0.03 if has_p else None)


def test_grids_are_compared_only_where_no_spectrum_sags():
    told = from_chapter("05_development", "not_told", np=np, FEW="too few").not_told
    rises, sags = np.array([-0.01, 0.05]), np.array([0.01, -0.05])
    assert told({"alexnet": rises, "zfnet": rises}) == ""
    assert told({"alexnet": rises, "zfnet": sags}) == "the spectrum sags where a grid would show: zfnet -0.020"
    assert told({"alexnet": rises}) == told({}) == "too few"


def test_a_change_of_a_net_at_chance_is_left_out():
    regimes = {"learned": SimpleNamespace(began=120), "never": SimpleNamespace(began=None)}
    chapter = from_chapter("12_further", "at_chance", REGIMES=regimes)
    assert chapter.at_chance("learned", "never") and not chapter.at_chance("learned", "not there")


def test_seeds_decide_a_row_alone_only_where_two_count_and_all_agree():
    in_all = from_chapter("12_further", "in_all").in_all
    assert in_all(["lower", "lower", "set aside"]) == "lower" and in_all(["lower", "undecided", "lower"]) == "undecided"
    assert in_all(["higher", "set aside", "missing"]) == in_all(["set aside"] * 3) == "too few seeds"
    assert in_all(["missing"] * 3) == "missing"


def test_the_two_ways_of_asking_seeds_part_where_only_one_decides():
    rows = {"a": ("lower", "undecided"), "b": ("undecided", "lower"), "c": ("higher", "higher"), "d": ("too few seeds", "not comparable")}
    frame = pd.DataFrame([{"net": net, "each seed alone": one, "seeds drawn too": other} for net, (one, other) in rows.items()])
    said = from_chapter("12_further", "listed", "parted", pd=pd, DECIDED=("higher", "lower")).parted(frame)
    assert "alone: 2 of 4 rows" in said and "chapter 3: 2 of 4 (`b`, `c`)" in said
    assert "part at `a`, decided in each seed" in said and "part at `b`, open" in said and "is under-trained: `d`." in said
    same = from_chapter("12_further", "listed", "parted", pd=pd, DECIDED=("higher", "lower")).parted(frame[2:3])
    assert "part at" not in same and "Not comparable" not in same


def test_two_seeds_agree_where_a_change_has_one_sign_in_both():
    wide = pd.DataFrame({"base": ["p", "p", "q", "q"], "first": [1.0, -2.0, 0.0, float("nan")], "second": [3.0, 1.0, 2.0, 1.0]})
    asked = []
    chapter = from_chapter("12_further", "agreement", WIDE=wide, chance_of_agreement=lambda *given: asked.append(given) or 0.75)
    luck, said = chapter.agreement("first", "second")
    assert asked == [(1, [2])] and luck == 0.75, "a change of 0 has no sign, and a missing one none either"
    assert said.startswith("first and second: 1 of 2")


def test_a_dot_of_the_costs_says_how_many_seeds_learned():
    label = from_chapter("12_further", "dot_label").dot_label
    rows = [{"net": "a", "seeds": count, "seeds at chance": stayed} for count, stayed in ((1, 2), (3, 0), (1, 0))]
    assert [label(row) for row in rows] == ["a (1 of 3 seeds learned)", "a (3 seeds)", "a"]


def test_a_hump_is_a_peak_above_what_lies_before_it():
    energies = [4.0, 2.0, 1.0, 3.0, 1.0, 0.5, 0.45, 0.47, 0.4]
    table = pd.DataFrame({"net": "a", "energy": np.array(energies) / 100})
    chapter = from_chapter("05_development", "peaks", "on_grid", "humps", SPECTRUM=table, STRIDES={"a": 16}, np=np)
    assert chapter.humps("a") == "`a` has humps at 0.05 (3.0% of the power; its grid's frequency)", (
        "4 steps make the frequency, 3 is next to it; .47 is no tenth above .45"
    )
    falling = from_chapter(
        "05_development", "peaks", "on_grid", "humps", SPECTRUM=table.assign(energy=range(9, 0, -1)), STRIDES={"a": 16}, np=np
    )
    assert falling.humps("a") == "`a` has no hump"


def test_the_way_up_is_split_at_layer_2():
    chapter = from_chapter("10_transfer", "first_step", pd=pd)
    said = chapter.first_step(pd.Series([40.0, 52.0, 51.0, 50.0, 55.0], index=[1, 2, 3, 4, 5]))
    assert "+12.0 points, from 2 to 5 +3.0" in said and said.endswith("hang on the first step.")
    assert chapter.first_step(pd.Series([40.0, 42.0, 51.0, 50.0, 55.0], index=[1, 2, 3, 4, 5])).endswith("hang on the later ones.")


@pytest.mark.parametrize("least, gives_way", [(0.2, True), (0.5, False)])
def test_an_image_yields_when_a_square_takes_it_below_half(least, gives_way):
    swept = SimpleNamespace(probabilities=np.array([[[0.1, 0.9], [0.9, least]]]), base_probabilities=np.array([0.1, 0.9]))
    asked = []
    chapter = from_chapter(
        "07_occlusion",
        "yields",
        top_nine=SimpleNamespace(centre_crops=lambda prepared, size, indices, device: torch.zeros(1, 3, size, size)),
        occlusion=SimpleNamespace(sweep=lambda net, image, **sizes: asked.append(sizes) or swept),
        PICTURES=SimpleNamespace(labels=np.array([1])),
        NET=None,
        SIZE=112,
        DEVICE=None,
        np=np,
    )
    assert chapter.yields(0) is gives_way and asked == [{"size": 28, "stride": 14, "layer": None}]


def test_a_net_begins_in_the_epoch_whose_loss_first_tells():
    began_in = from_chapter("14_classes", "began_in", math=math, pd=pd).began_in
    log = pd.DataFrame({"step": [157, 314, 471]})
    assert [began_in(log, step) for step in (157, 314, None)] == [1, 2, 0]


def classes_chapter(*functions: str, **names: object) -> SimpleNamespace:
    """Functions of chapter 14 on two nets: five layers of each, three folds."""
    answers = {  # per cent, by net and layer in every fold
        "few": {1: (40, 41, 42), 2: (48, 49, 50), 3: (48, 50, 49), 4: (44, 45, 46), 5: (40, 42, 41)},
        "many": {1: (38, 39, 40), 2: (44, 45, 46), 3: (50, 51, 53), 4: (55, 57, 58), 5: (50, 52, 51)},
    }

    def svm(name, layer):
        return SimpleNamespace(frame=pd.DataFrame({"accuracy": np.array(answers[name][layer]) / 100}))

    rows = [{"net": net, "layer": layer, "accuracy": np.mean(folds)} for net, own in answers.items() for layer, folds in own.items()]
    known = {"np": np, "pd": pd, "svm": svm, "TABLE": pd.DataFrame(rows), "LAYERS": dict.fromkeys(range(1, 6))}
    ends = {"interval_of": lambda values: (values.mean(), values.min(), values.max())}  # a plain one, so that it is counted by hand
    nets = {"TRAINED": {"few": 1, "many": 1}, "SERIES": {"one": {10: "few", 20: "many"}}}
    return from_chapter("14_classes", *functions, **{**known, **ends, **nets, **names})


def test_the_best_layer_moves_only_where_no_layer_may_be_best_of_both():
    chapter = classes_chapter("turn", "tied", "listed", "move")
    assert (chapter.turn("few"), chapter.turn("many")) == (2, 4) and chapter.tied("few") == [2, 3], "in one fold layer 3 is ahead of 2"
    assert chapter.tied("many") == [4] and chapter.move("few", "many") == "the best layer moves up from layer 2 to layer 4"
    assert chapter.move("many", "few").startswith("the best layer moves down")
    assert chapter.move("few", "few") == "whether the best layer moves is open: layers 2 and 3 may be the best of both nets"
    assert (chapter.listed([4]), chapter.listed([2, 3, 5])) == ("layer 4", "layers 2, 3 and 5")


def test_what_depth_adds_is_split_into_what_layer_5_gains_and_layer_1_loses():
    chapter = classes_chapter("parts", "span", "behind")
    said = chapter.parts("one")  # layer 5 from 41 to 51, layer 1 from 41 to 39
    assert "from 10 to 20 classes $d_k$ changes by +12.0 points, +10.0 because of layer 5 and +2.0 because of layer 1" in said
    assert chapter.behind().startswith("In 2 of 2 nets one of the layers 2 to 4 is better than layer 5, by 5.7 to 8.0 points")


@pytest.mark.parametrize("adds, badly", [([1, 2, 3, 4], False), ([0, 6, 6, 5], True)])
def test_a_line_that_bends_is_not_told_by_its_slope(adds, badly):
    counts = [10, 20, 40, 80]
    nets = {count: str(count) for count in counts}
    chapter = from_chapter(
        "14_classes",
        "slope",
        "slopes",
        "shape",
        math=math,
        np=np,
        depth_adds=lambda name: np.array([adds[counts.index(int(name))]] * 2, float),
        interval_of=lambda values: (values.mean(), values.min(), values.max()),
        ADDS=pd.DataFrame({"series": "one", "classes": counts, "value": np.array(adds, float)}),
        SERIES={"one": nets},
        TRAINED=dict.fromkeys(nets.values()),
    )
    said = chapter.shape("one")
    assert said.endswith("one slope describes this line badly.") is badly
    if badly:  # -1.5, -.5, .5, 1.5 by 0, 6, 6, 5 is 7.5, over 5; without the first: -1, 0, 1 by 6, 6, 5 is -1, over 2
        assert "from 10 to 20 classes (+6.0 points), and 1 of 3 steps go up" in said
        assert "+1.5 points with all nets, -0.5 (-0.5 to -0.5) without the net of 10" in said


@pytest.mark.parametrize(
    "lows, said", [([-1, 1, 1], "from 20 classes on"), ([-1, 1, -1], "at 20 classes, but"), ([-1] * 3, "at no number")]
)
def test_depth_pays_from_a_number_on_at_some_numbers_or_at_none(lows, said):
    table = pd.DataFrame({"series": "one", "classes": [10, 20, 40], "value": [0.0, 2.0, 1.0], "low": lows})
    assert f"the interval lies above 0 {said}" in from_chapter("14_classes", "crossing", ADDS=table).crossing("one")


def test_a_net_is_at_home_where_it_climbs_most():
    rows = [("x", "toys", 1, 10), ("x", "toys", 5, 60), ("x", "photos", 1, 30), ("x", "photos", 5, 20)]
    rows += [("y", "toys", 1, 10), ("y", "toys", 5, 30), ("y", "photos", 1, 30), ("y", "photos", 5, 40)]
    known = {
        "ACROSS": pd.DataFrame(rows, columns=["net", "world", "layer", "accuracy"]),
        "LOOKERS": ("x", "y"),
        "HOMES": {"x": "toys", "y": "photos"},
    }
    chapter = from_chapter("14_classes", "climbs", "at_home", pd=pd, **known)
    assert chapter.climbs().loc["x"].to_dict() == {"toys": 50, "photos": -10}
    assert chapter.at_home() == "1 of 2 nets climb most in their own world (`x`); what was expected does not show in `y`."


def test_layer_7_is_set_against_layer_5_at_each_number_of_classes():
    rows = [
        ("frozen to layer 5", 10, 40.0),
        ("frozen to layer 5", 20, 50.0),
        ("frozen to layer 7", 10, 30.5),
        ("frozen to layer 7", 20, 51.0),
    ]
    table = pd.DataFrame(rows, columns=["series", "classes", "value"])
    said = from_chapter("14_classes", "span", "last_layers", FROZEN=table, pd=pd).last_layers()
    assert "behind layer 5 at 1 of 2 numbers of classes, by 9.5 points and ahead of layer 5 at 1 of 2" in said


def test_steps_that_go_opposite_ways_decide_nothing_together():
    said = from_chapter("10_transfer", "first_step", pd=pd).first_step(pd.Series([40.0, 50.0, 48.0, 45.0, 41.0], index=[1, 2, 3, 4, 5]))
    assert "+10.0 points, from 2 to 5 -9.0: they go opposite ways" in said and "layers 5 and 1 (+1.0)" in said
    falls = from_chapter("10_transfer", "first_step", pd=pd).first_step(pd.Series([40.0, 39.0, 38.0, 35.0, 31.0], index=[1, 2, 3, 4, 5]))
    assert falls.endswith("hang on the later ones."), "-1 and -8: the larger fall counts"


def test_a_loss_is_told_in_the_last_fifth_and_after_the_last_cut():
    plan, rule = SimpleNamespace(scratch_drops=(0.7, 0.9)), SimpleNamespace(fall=lambda log: 0.2, FALL=0.1, LAST=0.2)
    chapter = from_chapter("10_transfer", "late_losses", "cut_words", np=np, pd=pd, math=math, regime=rule, PLAN=plan)
    log = pd.DataFrame({"step": [80, 90, 95, 100], "train_loss": [2.5, 2.2, 2.0, 1.9]})
    known = chapter.late_losses(log, 90)
    assert known["fell"] == 0.2 and known["fell_since_cut"] == pytest.approx(0.05)
    assert math.isnan(chapter.late_losses(log, 96)["fell_since_cut"]), "one epoch after the cut has nothing to be compared with"
    net = {"size": 15, "fold": 0, "steps": 100, "under_trained": "still fell", **known}
    said = chapter.cut_words(pd.DataFrame([net]))
    assert "step 90) to the end it changed by -5.0%, so most" in said
    assert "so most" not in chapter.cut_words(pd.DataFrame([net | {"fell_since_cut": 0.15}]))
    assert not chapter.cut_words(pd.DataFrame([net | {"under_trained": ""}]))


def test_layers_that_tie_for_best_are_all_named():
    best_depths = from_chapter("10_transfer", "best_depths", math=math).best_depths
    assert (
        best_depths({1: 40.0, 2: 50.0, 3: 46.0}, 100) == "is layer 2 or 3 (50.0 and 46.0 % right, no further apart than a standard error)"
    )
    assert best_depths({1: 40.0, 2: 50.0, 3: 44.0}, 100) == "is layer 2 (50.0 % right)"


def test_fewer_numbers_are_a_reason_only_where_there_are_fewer():
    said = from_chapter("10_transfer", "fewer_to_weigh").fewer_to_weigh({4: 3456, 5: 576, 7: 1024}, [(4, 5), (5, 7)])
    assert "layer 5 576, fewer, which may be a reason; layer 5 has 576" in said and said.endswith("no reason there.")


@pytest.mark.parametrize("began, said", [(None, "never began"), (8898, "about step 4,237"), (4000, "")])
def test_epoch_5_may_lie_before_the_net_began_to_learn(began, said):
    chapter = from_chapter("10_transfer", "begun_later", REGIME=SimpleNamespace(steps=59320, began=began))
    assert said in chapter.begun_later() and bool(said) == bool(chapter.begun_later())


@pytest.mark.parametrize(
    "fall, still, said", [(0.014, False, "by -1.4% in the last fifth of its run, so"), (0.07, False, "run."), (0.2, True, "")]
)
def test_more_steps_would_change_little_only_where_the_loss_stood_still(fall, still, said):
    regime = SimpleNamespace(began=5, still_learned=still, fall=fall)
    told = from_chapter("10_transfer", "late_fall", REGIME=regime, regime=SimpleNamespace(FALL=0.1)).late_fall()
    assert said in told and bool(said) == bool(told)


@pytest.mark.parametrize("halfway, mended", [(36.0, True), (46.0, False)])
def test_what_depth_adds_is_told_below_and_above_layer_3(halfway, mended):
    accuracies = {"half": {1: 42, 3: 47, 5: halfway}, "end": {1: 43, 3: 53, 5: 46}}
    nets = {
        who: {layer: SimpleNamespace(frame=pd.DataFrame({"accuracy": [value / 100] * 2})) for layer, value in own.items()}
        for who, own in accuracies.items()
    }
    folds = SimpleNamespace(over_folds=lambda values, frame: (values.mean(), values.mean() - 1, values.mean() + 1))
    chapter = from_chapter("10_transfer", "where_gained", CLIMBING=nets, HALFWAY="half", THE_END="end", experiments=folds)
    said = chapter.where_gained()
    assert "+5.0 (4.0 to 6.0) between layers 1 and 3" in said
    assert mended == ("is not sure" not in said)


@pytest.mark.parametrize(
    "taken, said",
    [
        ([[1, 1], [1, 1], [1, 1]], "So these losses do not depend on the filling. "),
        (
            [[1, 1], [1, 1], [0, 0]],
            "Without *c* the other 2 share 2. So what is lost there does not hang on one filling alone, but *c* does not",
        ),
        ([[1, 0], [0, 1], [0, 0]], "No position is shared by all but one of them"),
        ([[1, 1], [1, 0], [1, 0]], "Where all take half the loss does not depend on the filling, elsewhere it does. "),
        ([[0, 0], [0, 0], [0, 0]], "No filling takes half"),
    ],
)
def test_one_filling_does_not_hide_what_the_others_share(taken, said):
    below = np.array(taken, bool)
    without = {name: int(np.delete(below, n, axis=0).all(0).sum()) for n, name in enumerate("abc")}
    at_least = [int((below.sum(0) >= count).sum()) for count in (1, 2, 3)]
    known = {"TAKEN": below.sum(0), "AT_LEAST": at_least, "WITHOUT": without, "ODD": max(without, key=without.get)}
    assert said in from_chapter("07_occlusion", "shared", FILLED=dict.fromkeys("abc"), **known).shared()


def test_the_lines_of_the_parts_are_read_one_by_one():
    lines = ["right eye", "left eye", "nose", "random"]
    by_layer = pd.DataFrame([[0.7, 0.7, 0.9, 0.8], [0.6, 0.8, 0.6, 0.9], [0.8, 0.7, 0.7, 0.7]], index=[1, 2, 3], columns=lines)
    known = {"BY_LAYER": by_layer, "LINES": lines, "told": "{:+.1f}".format, "pd": pd}
    chapter = from_chapter("08_correspondence", "lowest_layers", "parts_disagree", **known)
    assert chapter.lowest_layers() == "at layer 1 for *left eye*; at layer 2 for *right eye*, *nose*; at layer 3 for *random*"
    assert (
        "at 1 of 3 layers" in chapter.parts_disagree()
        and "layer 1: *right eye* -0.1, *left eye* -0.1, *nose* +0.1." in chapter.parts_disagree()
    )


def test_classes_of_the_same_things_are_found_by_their_names():
    with_a_twin = from_chapter("10_transfer", "with_a_twin").with_a_twin
    assert with_a_twin(["Faces", "Faces_easy", "chair", "wheelchair"]) == [0, 1] and with_a_twin(["chair", "crab"]) == []


def test_how_much_further_the_first_layer_moves_is_a_mean_over_amounts_in_shares_of_its_own_typical_distance():
    kinds = [
        SimpleNamespace(distances={"low": np.array([[2.0, 4.0], [6.0, 4.0]]), "high": np.array([[1.0, 3.0], [1.0, 3.0]])}),
        SimpleNamespace(distances={"low": np.array([[10.0, 10.0]]), "high": np.array([[4.0, 12.0]])}),
    ]
    typical, drawn = {"low": 4.0, "high": 2.0}, []

    def mean(values, *, generator):
        drawn.append(values.tolist())
        return float(values.mean()), 0.0, 0.0

    names = {"bootstrap": SimpleNamespace(mean=mean), "TYPICAL": typical, "ENDS": ("low", "high"), "SEED": 0, "np": np}
    chapter = from_chapter("13_imagenet", "moved_less", **names, invariance=SimpleNamespace(Curves=object))
    assert chapter.moved_less(kinds[:1])[0] == pytest.approx(0.0) and drawn[-1] == [1.0 - 0.5, 1.0 - 1.5], "one kind, image by image"
    chapter.moved_less(kinds)
    assert drawn[-1] == [6 / 4 - 2 / 2, 6 / 4 - 6 / 2], "all kinds: every amount counts alike"
