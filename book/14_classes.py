# %% [markdown]
# # How many classes does it take?
#
# **You will**
# - compare nets of the same layers and training steps that saw different classes,
# - see from how many classes on the upper layers begin to pay on other pictures,
# - tell the classes apart from the pictures that come with them,
# - set features that are frozen against the same net trained from scratch,
# - ask each net about pictures of another world.
#
# | | |
# | --- | --- |
# | In the paper | nothing of this; it goes on from sections 5.2 and 5.3, tables 4 and 7, where one net saw 1,000 classes |
# | The paper leaves open | whether its features owe their worth to the depth, to the classes or to the number of pictures |
# | Needs | the pictures of the profile and its set for transfer; every net fills a row, and a row without its net says so |
# | Takes | for each net ten to fifteen minutes of one core that has bfloat16, without it the better part of an hour, and as much for each of those from scratch (three or more to choose the rate, one to compare), once; then a quarter of an hour |
#
# At which layer do features stop improving? Chapter 10 asks it of nets that saw few classes, chapter 13 of a net that saw all of ImageNet; in table 7 of the paper, with the SVM, the best layer is 5 on Caltech-101 and 7 on Caltech-256. These nets differ in their depth, in how long they were trained, and in their pictures and classes. Here the layers and the number of training steps are the same for all nets; the classes and the pictures differ.

# %% tags=["parameters"]
profile = "photos"
seed = 0

# %% tags=["plumbing"]
import functools
import math
import time
from collections import OrderedDict

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown

from zfutils.analysis import error_rates, regime
from zfutils.core import paths, profiles, shipped_files
from zfutils.data import prepared_sets, registry, samples
from zfutils.models import crops, devices, pretrained, recipes, trained
from zfutils.models.trained import Model, Trained
from zfutils.paper import claims, numbers
from zfutils.report import exercises, plot, results, verdicts
from zfutils.training import from_scratch, runs
from zfutils.training.trainer import Diverged
from zfutils.transfer import experiments, feature_cache, linear_probes

pd.set_option("display.max_colwidth", None)

# %% tags=["plumbing"]
START = time.monotonic()
PROFILE = profiles.profile(profile)
PLAN = PROFILE.transfer
SEED, DEVICE = seed, devices.device()
PICTURES, OTHERS = registry.opened(PROFILE, seed=seed), registry.opened(PROFILE, "transfer", seed=seed)
MEAN = PICTURES.mean()
SET_NAME = "Caltech-101" if PROFILE.dataset in ("photos", "imagenet") else "the set for transfer"

# %% [markdown]
# ## The nets
#
# The nets have the paper's layers with fewer maps, batch norm for contrast norm and dropout, a higher learning rate, crops that lie anywhere and weight decay, as nets were trained later. They are small enough to train nine of them on one machine. The classes are drawn once, and fewer are always among more. A *visit* is one picture seen once in training. Every net makes as many visits, however many pictures it has: one with a twentieth of the pictures sees each of them twenty times as often.
#
# $$\text{epochs} = \frac{\text{visits}}{\text{images a class} \times \text{classes}}$$
#
# There are two series of nets. In the first, every class brings all of its pictures, so more classes mean more pictures, each seen in fewer epochs. In the second, the pictures are as many for all, so more classes mean fewer pictures of each: what then still differs are the classes, and with them how many pictures there are of each. The net of the fewest classes belongs to both series.


# %%
def drawn(count: int) -> list[str]:
    """Names of the classes that the net of so many classes sees."""
    return runs.pictures_of(recipes.recipe(f"zfnet-{count}-classes"), PICTURES, seed=SEED).classes


COUNTS = [count for count in recipes.CLASS_COUNTS if count <= len(PICTURES.classes)]
assert all(set(drawn(few)) < set(drawn(more)) for few, more in zip(COUNTS, COUNTS[1:], strict=False))
Markdown(
    f"Layers 1 to 5 have {PROFILE.width:g} of the paper's maps. The {COUNTS[0]} classes that every net has seen: {', '.join(drawn(COUNTS[0]))}."
)

# %%
ALL, SAME = "all pictures of each class", f"{recipes.FEW:,} pictures in all"
SERIES = {
    ALL: {count: f"zfnet-{count}-classes" for count in recipes.CLASS_COUNTS},
    SAME: {count: f"zfnet-{count}-classes" + (f"-{recipes.FEW}" if n else "") for n, count in enumerate(recipes.CLASS_COUNTS)},
}
NAMES = list(dict.fromkeys(name for nets in SERIES.values() for name in nets.values()))
MISSING = error_rates.missing(PROFILE, NAMES, seed=seed)
TRAINED = {name: runs.trained(PROFILE, name, seed=seed) for name in NAMES if name not in MISSING}
SEEN = {name: runs.pictures_of(recipes.recipe(name), PICTURES, seed=seed) for name in TRAINED}
REGIMES = {name: regime.of(net, SEEN[name], name=name, seed=seed) for name, net in TRAINED.items()}


# %% tags=["plumbing"]
def began_in(log: pd.DataFrame, step: int | None) -> int:
    """The epoch at whose end a net had begun to learn; 0 for one that never did."""
    return math.ceil(step / log["step"].iloc[0]) if step else 0


# %% tags=["plumbing"]
def net_row(name: str) -> dict:
    """What a net saw and how far it came."""
    if name in MISSING:
        return {"net": name, "missing": MISSING[name]}
    images, card, own = len(SEEN[name].indices("train")), TRAINED[name].card, REGIMES[name]
    known = {
        "net": name,
        "classes": len(SEEN[name].classes),
        "images": images,
        "epochs": card["settings"]["epochs"],
        "visits": card["visits"],
    }
    errors = {"training error %": 100 * own.train_error, "val error %": 100 * card["val_wrong"] / card["val_n"]}
    guess = {
        "a guess errs on %": 100 * (1 - 1 / known["classes"]),
        "began to learn in epoch": began_in(TRAINED[name].log, own.began) or "never",
    }
    return {**known, **errors, **guess, "minutes": card.get("seconds", np.nan) / 60, "missing": ""}


NETS = pd.DataFrame([net_row(name) for name in NAMES]).reindex(
    columns=[
        *("net", "classes", "images", "epochs", "visits", "training error %", "val error %", "a guess errs on %"),
        *("began to learn in epoch", "minutes", "missing"),
    ]
)
NETS.round(1).astype(object).fillna("")

# %% [markdown]
# Read a line of the table from left to right: how often did the net see each picture, and how far apart are its two errors? Then go down the column of training errors: which nets have come near to the end of what they can learn from their pictures?


# %% tags=["plumbing"]
def nets_reading() -> str:
    """What the table of the nets says, and how to get those that are missing."""
    there = NETS[NETS["missing"] == ""]
    lacking = [name for name in MISSING if recipes.recipe(name).classes <= len(PICTURES.classes)]
    train = f"`make train NET={lacking[0]} PROFILE={PROFILE.name}` trains one of those that are missing." if lacking else ""
    if there.empty:
        return f"None of these nets is there. {train}"
    there = there.astype({"classes": int, "images": int, "epochs": int})
    few, many = there.loc[there["classes"].idxmin()], there.loc[there["classes"].idxmax()]
    return (
        f"{len(there)} of {len(NAMES)} nets are there. Errors are those of the centre crop on a net's own classes. `{few['net']}` visited each of its {few['images']:,} pictures {few['epochs']} times and errs on {few['training error %']:.0f} % of them, on {few['val error %']:.0f} % of new ones; "
        f"`{many['net']}` visited each of {many['images']:,} pictures {many['epochs']} times and errs on {many['training error %']:.0f} and {many['val error %']:.0f} %. "
        f"A guess errs on {few['a guess errs on %']:.1f} and {many['a guess errs on %']:.1f} %: more classes are a harder task, so compare the two errors of one net with each other and with its guess, not those of nets with different numbers of classes. "
        f"Where the training error of a net lies far below its val error, it knows its own pictures better than new ones; where both are near to a guess, it has hardly learned. {train}"
    )


# %% tags=["plumbing"]
def regimes_reading() -> str:
    """When the nets began to learn, and which of them were under-trained by the rule for every net."""
    if not TRAINED:
        return ""
    at_once = sum(began_in(net.log, REGIMES[name].began) == 1 for name, net in TRAINED.items())
    late = [f"`{name}`" for name in TRAINED if REGIMES[name].under_trained]
    short = (
        f"By the rule of chapter 2 {', '.join(late)} {'is' if len(late) == 1 else 'are'} under-trained. Here the visits are equal on purpose, so they are compared all the same, and how far a net came differs beside its classes."
        if late
        else "By the rule of chapter 2 none of them is under-trained."
    )
    return f"The loss is looked at once an epoch, so a net that began in its first may have begun at any step of it; that is {at_once} of {len(TRAINED)} nets. {short}"


Markdown(f"{nets_reading()}\n\n{regimes_reading()}")

# %% [markdown]
# ## The features of every layer, on other pictures
#
# As in table 7 the net is frozen, and a linear support vector machine (SVM) learns the other classes from a few pictures of each. The paper does not say how it pools the features. **Assumption**: the maps of layers 1 to 5 are averaged over 3 x 3; layers 6 and 7 are vectors already. The SVM's C, which weighs errors against a wide margin, is chosen on a third of the training pictures. All nets are tested on the same pictures in the same folds.

# %%
STEP = time.monotonic()
LAYERS = {1: "pool1", 2: "pool2", 3: "relu3", 4: "relu4", 5: "pool5", 6: "relu6", 7: "relu7"}
DRAWS = experiments.draws(OTHERS, PROFILE, seed=seed)[:3]
SIZE = max(experiments.possible(OTHERS, PLAN.layers)[0], default=1)
BANKS = {name: feature_cache.of(net, OTHERS, MEAN, layers=LAYERS, side=3) for name, net in TRAINED.items()}


@functools.cache
def svm(name: str, layer: int, *sizes: int) -> experiments.Outcome:
    """Answers of the SVM on one layer of a net, at some numbers of images a class."""
    return experiments.probed(f"{name}, layer {layer}", "svm", BANKS[name][layer], OTHERS, DRAWS, sizes or (SIZE,), seed=SEED)


def interval_of(values: np.ndarray) -> tuple[float, float, float]:
    """Mean over folds and its 95 % interval; all nets train and test on as many pictures."""
    return experiments.over_folds(values, svm(next(iter(BANKS)), 1).frame)


# %% [markdown]
# The same for the net of chapter 13, which saw 1,000 classes, at five of its stages. It has another architecture and made many more visits. So its line is drawn for comparison, and no claim takes it in. Its five stages share the axis with our layers, but are not the same layers.

# %%
LARGE = pretrained.DEFAULT
STAGES = {number: f"net.features.{place}" for number, place in zip((1, 2, 3, 4, 5), (1, 4, 7, 9, 12), strict=True)}


def large_model() -> Model:
    """The net that saw all of ImageNet, at the input size of the profile enlarged twice, as in chapter 13."""
    enlarged = torch.nn.Upsample(scale_factor=2, mode="bilinear")
    module = torch.nn.Sequential(OrderedDict(resize=enlarged, net=pretrained.load(LARGE))).eval()
    return Model(module, PROFILE.image_size, paths.data_dir() / PROFILE.name / LARGE)


WHY_NOT_LARGE = pretrained.why_not(LARGE)
if not WHY_NOT_LARGE:
    BANKS[LARGE] = feature_cache.of(large_model(), OTHERS, layers=STAGES, side=3)
Markdown(WHY_NOT_LARGE or f"`{LARGE}`, weights: {pretrained.origin(LARGE)}.")

# %%
TABLE = pd.DataFrame(
    {"net": name, "layer": layer, **experiments.summary(svm(name, layer).frame).iloc[0].drop("method").to_dict()}
    for name, layers in BANKS.items()
    for layer in layers
)


def by_layer(series: str) -> pd.DataFrame:
    """Accuracy by layer of the nets of a series, beside the large net and the paper's."""
    lines = {f"{count} classes": name for count, name in SERIES[series].items() if name in BANKS}
    lines |= {} if WHY_NOT_LARGE else {f"{LARGE}, 1,000 classes": LARGE}
    ours = [TABLE[TABLE["net"] == name].assign(series=words) for words, name in lines.items()]
    printed = numbers.table("table7_layer_features").query("classifier == 'svm'").dropna(subset=["caltech101_30_per_class"])
    theirs = printed.rename(columns={"caltech101_30_per_class": "accuracy"}).assign(
        series="the paper, Caltech-101, 1,000 classes", low=np.nan, high=np.nan
    )
    columns = ["series", "layer", "accuracy", "low", "high"]
    return pd.concat([*ours, theirs])[columns].astype({"layer": int, "accuracy": float, "low": float, "high": float})


OURS = [f"{count} classes" for count in recipes.CLASS_COUNTS]  # in this order they are drawn from light to dark
layers_figure = plot.layers(by_layer(ALL), ordered=OURS, title=f"SVM on each layer, {SET_NAME}, {SIZE} a class; {ALL}")
layers_figure

# %% [markdown]
# Our nets run from light (few classes) to dark (many). Bars, and the band of the large net, are 95 % intervals over folds; dots of one layer are moved sideways, so that their bars can be told apart. The paper prints no layer 6. Follow one line from left to right: where does it turn down? Then go from one line to the next: does the turn move up as the classes become more? Where the top of a line is flat, its highest dot may be an accident of the folds, so the text below names all layers that may be the best.


# %% tags=["plumbing"]
def turn(name: str) -> int:
    """The layer on which the SVM is best."""
    own = TABLE[TABLE["net"] == name]
    return int(own.loc[own["accuracy"].idxmax(), "layer"])


def tied(name: str) -> list[int]:
    """The best layer and all others that are not behind it by the interval of their difference in the same folds."""
    best, top = turn(name), svm(name, turn(name)).frame["accuracy"].to_numpy()
    return [layer for layer in LAYERS if layer == best or interval_of(top - svm(name, layer).frame["accuracy"].to_numpy())[1] <= 0]


# %% tags=["plumbing"]
def listed(numbers_of_layers: list[int]) -> str:
    """Layers in words."""
    *most, last = map(str, numbers_of_layers)
    return f"layers {', '.join(most)} and {last}" if most else f"layer {last}"


def move(few: str, many: str) -> str:
    """Whether the best layer of one net lies higher than that of another, as far as the folds can tell."""
    if both := sorted(set(tied(few)) & set(tied(many))):
        return f"whether the best layer moves is open: {listed(both)} may be the best of both nets"
    first, last = turn(few), turn(many)
    return f"the best layer moves {'up' if last > first else 'down'} from layer {first} to layer {last}"


# %% tags=["plumbing"]
def turns_reading(series: str) -> str:
    """At which layer each net is best, and which others may be as good."""
    there = {count: name for count, name in SERIES[series].items() if name in TRAINED}
    if not there:
        return "No net of this series is there."
    best, said = TABLE.groupby("net")["accuracy"].max(), []
    for count, name in there.items():
        others = [layer for layer in tied(name) if layer != turn(name)]
        said.append(f"{count} classes: layer {turn(name)} ({best[name]:.1f} %{f'; {listed(others)} may be as good' if others else ''})")
    large = "" if WHY_NOT_LARGE else f" `{LARGE}` is best at its stage {turn(LARGE)} of {len(STAGES)} ({best[LARGE]:.1f} %)."
    moved = f" From {min(there)} to {max(there)} classes, {move(there[min(there)], there[max(there)])}." if len(there) > 1 else ""
    return (
        f"Best layer, {series}: {'; '.join(said)}.{moved}{large} A layer may be as good where the 95 % interval of its difference "
        f"from the best one, over {len(DRAWS)} folds, reaches 0."
    )


Markdown(turns_reading(ALL))

# %% [markdown]
# The same with as many pictures for all. Does the best layer move here too?

# %%
plot.layers(by_layer(SAME), ordered=OURS, title=f"SVM on each layer, {SET_NAME}, {SIZE} a class; {SAME}")

# %% tags=["plumbing"]
Markdown(turns_reading(SAME))

# %% [markdown]
# ## What a doubling of the classes brings
#
# Let $d_k$ be what layers 2 to 5 add: the accuracy on layer 5 minus that on layer 1, of a net that saw $k$ classes. A straight line through $d_k$ against the number of doublings, $\log_2 k$, has the slope
#
# $$b = \frac{\sum_k (\log_2 k - \overline{\log_2 k})\,(d_k - \bar d)}{\sum_k (\log_2 k - \overline{\log_2 k})^2}$$
#
# in points of accuracy a doubling. It is computed in every fold, and the interval is that of folds that redraw from one pool (chapter 10). It says how far the slope depends on the pictures of the fold, not how far it depends on the seeds of the nets.


# %%
def slope(counts: np.ndarray, values: np.ndarray) -> float:
    """Slope of a least-squares line over log2 of the counts."""
    doublings = np.log2(counts) - np.log2(counts).mean()
    return float(doublings @ (values - values.mean()) / (doublings @ doublings))


def depth_adds(name: str) -> np.ndarray:
    """Accuracy on layer 5 minus that on layer 1 in every fold, points."""
    return 100 * (svm(name, 5).frame["accuracy"] - svm(name, 1).frame["accuracy"]).to_numpy()


assert np.isclose(slope(np.array([10, 20, 40]), np.array([1.0, 3.0, 5.0])), 2), "two points a doubling"

# %%
ADDS = pd.DataFrame(
    {"series": series, "classes": count, **dict(zip(("value", "low", "high"), interval_of(depth_adds(name)), strict=True))}
    for series, nets in SERIES.items()
    for count, name in nets.items()
    if name in TRAINED
).reindex(columns=["series", "classes", "value", "low", "high"])
adds_figure = plot.by_count(
    ADDS,
    ylabel="SVM on layer 5 minus layer 1, points",
    marks={"layers 2 to 5 add nothing": 0.0},
    title=f"What layers 2 to 5 add on {SET_NAME}",
)
adds_figure

# %% [markdown]
# Look where the line crosses 0. Below 0 layer 5 is worse than layer 1 on these pictures; above 0 it is better, and for short we say that depth pays up to layer 5. That does not mean that each of the layers 2 to 5 adds something: the figures above show where a line falls again. Then look whether the lines are straight, since one slope says little of a line that bends. And compare the second series with the first: it has no more pictures with more classes.


# %% tags=["plumbing"]
def slopes(nets: dict[int, str]) -> np.ndarray:
    """The slope of some nets, by their numbers of classes, in every fold."""
    values = np.stack([depth_adds(name) for name in nets.values()])  # (nets, folds)
    return np.array([slope(np.array(list(nets)), fold) for fold in values.T])


def pays(id: str, series: str) -> dict:
    """Decide whether more classes make the upper layers add more, by the slope in each fold."""
    there = {count: name for count, name in SERIES[series].items() if name in TRAINED}
    stuck = [name for name in there.values() if REGIMES[name].began is None]
    if len(there) < 3 or stuck or len(DRAWS) < 2:
        why = f"{', '.join(stuck)} never left chance" if stuck else f"{len(there)} nets in {len(DRAWS)} folds; it takes three and two"
        return results.claim(id, claims.NOT_COMPARABLE, n=0, reason=why)
    found = interval_of(slopes(there))
    status = claims.at_most_leans(claims.when_above(found[1:]), 1)  # one seed of each net
    lacking = [count for count in SERIES[series] if count not in there]
    reason = f"without the nets of {', '.join(map(str, lacking))} classes" if lacking else ""
    return verdicts.decided(
        id, status, found, svm(there[min(there)], 1).images(SIZE), otherwise="no interval", reason=reason, folds=len(DRAWS)
    )


# %% tags=["plumbing"]
PAYS, PAYS_SAME = pays("more-classes-make-depth-pay", ALL), pays("more-classes-of-as-many-images-make-depth-pay", SAME)


def crossing(series: str) -> str:
    """From how many classes on depth pays in a series of nets."""
    own = ADDS[ADDS["series"] == series].sort_values("classes")
    if own.empty:
        return f"{series}: no net is there."
    pays_from = [int(row.classes) for row in own.itertuples() if (own.loc[own["classes"] >= row.classes, "low"] > 0).all()]
    ends = f"{own['value'].iloc[0]:+.1f} points with {own['classes'].iloc[0]} classes, {own['value'].iloc[-1]:+.1f} with {own['classes'].iloc[-1]}"
    some = own.loc[own["low"] > 0, "classes"].astype(str)
    return f"{series}: layers 2 to 5 add {ends}; " + (
        f"the interval lies above 0 from {pays_from[0]} classes on."
        if pays_from
        else f"the interval lies above 0 at {', '.join(some)} classes, but not at all larger numbers."
        if len(some)
        else "the interval lies above 0 at no number of classes."
    )


def slopes_reading() -> str:
    """The two slopes side by side."""
    told = [f"{row['ours']:+.1f} ({words})" for row, words in ((PAYS, ALL), (PAYS_SAME, SAME)) if row["ours"] is not None]
    return f"Points that a doubling of the classes adds: {', '.join(told)}." if told else "No slope can be computed."


Markdown(f"- {crossing(ALL)}\n- {crossing(SAME)}\n\n{slopes_reading()}\n\n{verdicts.told(PAYS, PAYS_SAME)}")

# %% [markdown]
# A slope tells of a line as a whole. Below: which step from one number of classes to the next is the largest, what slope is left without the net of the fewest classes, and how much of the change comes from layer 5 and how much from layer 1, which $d_k$ subtracts. Where the slope without that net is less than half or more than twice the whole one, or of the other sign, one slope describes the line badly.


# %% tags=["plumbing"]
def shape(series: str) -> str:
    """Whether a line is straight: its largest step, and its slope without the net of the fewest classes."""
    own = ADDS[ADDS["series"] == series].sort_values("classes", ignore_index=True)
    if len(own) < 4:
        return f"{series}: {len(own)} nets are too few to tell of a shape."
    steps = own["value"].diff().iloc[1:]
    at = int(steps.abs().idxmax())
    there = {count: name for count, name in SERIES[series].items() if name in TRAINED}
    rest = {count: name for count, name in there.items() if count != min(there)}
    whole, (value, low, high) = slopes(there).mean(), interval_of(slopes(rest))
    ends = f" ({low:+.1f} to {high:+.1f})" if math.isfinite(low) else ""
    bends = value * whole < 0 or abs(value) < abs(whole) / 2 or abs(value) > 2 * abs(whole)
    return (
        f"{series}: the largest step is from {own['classes'][at - 1]} to {own['classes'][at]} classes ({steps[at]:+.1f} points), and {int((steps > 0).sum())} of {len(steps)} steps go up. "
        f"A doubling adds {whole:+.1f} points with all nets, {value:+.1f}{ends} without the net of {min(there)}"
        + (", so one slope describes this line badly." if bends else ".")
    )


# %% tags=["plumbing"]
def parts(series: str) -> str:
    """How much of the change of d from the fewest to the most classes comes from layer 5, and how much from layer 1."""
    there = {count: name for count, name in SERIES[series].items() if name in TRAINED}
    if len(there) < 2:
        return f"{series}: fewer than two nets are there."
    first, last = min(there), max(there)
    wide = TABLE.pivot(index="net", columns="layer", values="accuracy")
    moved = wide.loc[there[last]] - wide.loc[there[first]]
    return f"{series}: from {first} to {last} classes $d_k$ changes by {moved[5] - moved[1]:+.1f} points, {moved[5]:+.1f} because of layer 5 and {-moved[1]:+.1f} because of layer 1 (whose accuracy changes by {moved[1]:+.1f})."


# %% tags=["plumbing"]
def span(values: pd.Series) -> str:
    """The least and the largest of some sizes, points; one number where they are told alike."""
    least, most = f"{values.min():.1f}", f"{values.max():.1f}"
    return f"{least} points" if least == most else f"{least} to {most} points"


def behind() -> str:
    """In how many nets one of the layers 2 to 4 is better than layer 5."""
    wide = TABLE[TABLE["net"].isin(list(TRAINED))].pivot(index="net", columns="layer", values="accuracy")
    if wide.empty:
        return ""
    lost = wide[[2, 3, 4]].max(axis=1) - wide[5]
    lost = lost[lost > 0]
    by = f", by {span(lost)}; the layers after it lose something again" if len(lost) else ""
    return f"In {len(lost)} of {len(wide)} nets one of the layers 2 to 4 is better than layer 5{by}."


SHAPES = {series: shape(series) for series in SERIES}
Markdown("".join(f"- {SHAPES[series]}\n- {parts(series)}\n" for series in SERIES) + f"\n{behind()}")

# %%
results.save(
    "classes_layers",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=layers_figure,
    table=TABLE,
    data=OTHERS,
    facts={"nets": {name: net.folder.name for name, net in TRAINED.items()}, "missing": MISSING},
)
results.save(
    "classes_depth", profile=PROFILE, seed=seed, seconds=time.monotonic() - STEP, figure=adds_figure, table=ADDS, rows=[PAYS, PAYS_SAME]
)

# %% [markdown]
# ## Few pictures of each class
#
# As in figure 9, which is of Caltech-256, but on our set for transfer and with the SVM on layer 5: one line a net of the first series, from very few pictures on, mean and 95 % interval over the folds. With one image a class none can be held out to choose C, so it is fixed there (`linear_probes.USUAL`). The numbers of images are drawn with equal ratios equally wide, and the dots of one number are moved sideways.

# %%
FEW_SIZES = [size for size in (1, 3, 10, 30) if size in experiments.possible(OTHERS, PLAN.curve)[0]] or [SIZE]
SHOTS = pd.concat(
    [
        experiments.summary(svm(name, 5, *FEW_SIZES).frame).assign(series=f"{count} classes")
        for count, name in SERIES[ALL].items()
        if name in TRAINED
    ]
    or [pd.DataFrame(columns=["series", "size", "accuracy", "low", "high"])]
)
plot.by_count(
    SHOTS.rename(columns={"accuracy": "value"}),
    x="size",
    xlabel="training images a class",
    ylabel="accuracy, % (mean over classes)",
    ordered=True,
    title=f"SVM on layer 5, {SET_NAME}",
)

# %% [markdown]
# Look whether the lines keep their order, and whether the gap between few classes and many is widest on the left.


# %% tags=["plumbing"]
def shots_reading() -> str:
    """How far few classes lie behind many, at the fewest and the most images."""
    if SHOTS["series"].nunique() < 2:
        return "Fewer than two nets are there, so there is nothing to compare."
    wide = SHOTS.pivot(index="series", columns="size", values="accuracy").loc[SHOTS["series"].unique()]
    gaps = wide.iloc[-1] - wide.iloc[0]
    ratio = wide.iloc[-1] / wide.iloc[0]
    same = (wide.rank().nunique(axis=1) == 1).all()  # the place of each net at every number of images
    return (
        f"At {gaps.index[0]} image{'s' if gaps.index[0] > 1 else ''} a class the accuracy of the net of {wide.index[-1]} minus that of the net of {wide.index[0]} is {gaps.iloc[0]:+.1f} points ({ratio.iloc[0]:.2f} times as much)"
        + (
            f", at {gaps.index[-1]} {gaps.iloc[-1]:+.1f} points ({ratio.iloc[-1]:.2f} times). The gap is largest at {gaps.abs().idxmax()}. "
            if len(gaps) > 1
            else ". "
        )
        + f"The lines {'keep their order at every number of images' if same else 'change their order somewhere'}."
    )


Markdown(shots_reading())

# %% [markdown]
# ## Frozen against from scratch
#
# Table 4 asks whether features that were learnt elsewhere beat a net that saw nothing but the few pictures at hand. The answer may depend on the number of classes too. The net from scratch has the same layers, batch norm and weight decay, and trains on the training pictures of the first fold; its learning rate is chosen as in chapter 10. The frozen features are given to the SVM as above; the net from scratch answers with its own softmax.
#
# The claim, written down before, has a limit of its own: it does not compare where the net from scratch errs on more than a tenth of its training pictures. These few pictures are all that this net has, and one that has not fitted them could lose because it was stopped too early. The frozen net is held to no limit, since its training is the same number of visits for every number of classes; how far it came is told below. So where its features are behind, that may be owed to its short training.
#
# Chapter 10 sets other nets side by side, the plain `zfnet` and a plain net from scratch, at layer 7 and another number of pictures; the two answers need not agree.

# %%
STEP = time.monotonic()
BIGGEST = max((count for count, name in SERIES[ALL].items() if name in TRAINED), default=max(COUNTS))
OWN = SERIES[ALL][BIGGEST]


def scratch() -> tuple[from_scratch.Scratch | None, str]:
    """The net from scratch on the first fold, or why it is not there."""
    if not TRAINED:  # an hour of training that nothing could be held against
        return None, "no net is there to compare it with"
    indices, test = DRAWS[0].train(SIZE), DRAWS[0].test
    try:
        rate, _ = from_scratch.best_rate(PROFILE, OTHERS, MEAN, indices, seed=SEED, recipe=OWN)
        return from_scratch.train(PROFILE, OTHERS, MEAN, indices, test, rate=rate, seed=SEED, recipe=OWN), ""
    except from_scratch.NotTrained:
        return None, "no net was trained from scratch; run without TRAINED=1"
    except Diverged:
        return None, "the loss of the net from scratch is not finite"


SCRATCH, WHY_NOT_SCRATCH = scratch()
FROM_SCRATCH = experiments.Outcome("from scratch")
if SCRATCH:
    FROM_SCRATCH.add(SIZE, 0, DRAWS[0], OTHERS.labels, SCRATCH.correct, train_error=SCRATCH.train_error)

# %% [markdown]
# The accuracy of frozen features by classes, and the net from scratch as a line across. All are of the first fold alone.

# %%
FROZEN = pd.DataFrame(
    {"series": f"frozen to layer {layer}", "classes": count, "value": 100 * svm(name, layer).frame["accuracy"].iloc[0]}
    for layer in (5, 7)
    for count, name in SERIES[ALL].items()
    if name in TRAINED
).reindex(columns=["series", "classes", "value", "low", "high"])
MARKS = {f"from scratch on {SIZE} a class": 100 * FROM_SCRATCH.frame["accuracy"].iloc[0]} if SCRATCH else {}
frozen_figure = plot.by_count(FROZEN, ylabel="accuracy, %, first fold", marks=MARKS, title=f"Frozen against from scratch, {SET_NAME}")
frozen_figure

# %% [markdown]
# From how many classes on do frozen features lie above the line of the net from scratch? And which of the two layers is the better one?


# %% tags=["plumbing"]
def beats() -> dict:
    """Decide whether features of the net of most classes beat the same net from scratch."""
    id = "frozen-beats-scratch-with-enough-classes"
    if "zfnet-200-classes" not in TRAINED or not SCRATCH:
        return results.claim(id, claims.NOT_COMPARABLE, n=0, reason=MISSING.get("zfnet-200-classes") or WHY_NOT_SCRATCH)
    *found, n = experiments.gain(svm("zfnet-200-classes", 5), FROM_SCRATCH, SIZE, OTHERS, DRAWS, seed=SEED)
    late = f"the net from scratch errs on {SCRATCH.train_error:.0%} of its training images" if SCRATCH.train_error > 0.1 else ""
    status = claims.NOT_COMPARABLE if late else claims.at_most_leans(claims.when_above(tuple(found[1:])), 1)
    return verdicts.decided(id, status, tuple(100 * value for value in found), n, otherwise="no interval", reason=late)


BEATS = beats()


# %% tags=["plumbing"]
def frozen_reading() -> str:
    """From how many classes on frozen features beat the net from scratch, and how far each net came."""
    if not SCRATCH or FROZEN.empty:
        return f"There is nothing to compare: {WHY_NOT_SCRATCH or 'no net is there'}."
    level, said = 100 * FROM_SCRATCH.frame["accuracy"].iloc[0], []
    for series, own in FROZEN.groupby("series", sort=False):
        ahead, top = own.loc[own["value"] > level, "classes"].astype(str), own.loc[own["value"].idxmax()]
        words = f"ahead of it with {', '.join(ahead)} classes" if len(ahead) else "not ahead of it with any number of classes"
        said.append(
            f"Features {series} are {words} ({len(own)} were tried): at best {top['value'] - level:+.1f} points, with {top['classes']}."
        )
    by_rule = regime.of_scratch(SCRATCH, classes=len(OTHERS.classes)).under_trained, REGIMES[OWN].under_trained
    rules = "; ".join(why or f"{name} is not under-trained" for why, name in zip(by_rule, ("the net from scratch", OWN), strict=True))
    return (
        f"From scratch: {level:.1f} % after {SCRATCH.steps:,} steps at a rate of {SCRATCH.rate:g}, with {100 * SCRATCH.train_error:.0f} % errors on its own training pictures.{from_scratch.note(PROFILE, [SCRATCH.ships])} "
        f"{' '.join(said)} These are counts in one fold; the claim below has the interval, for layer 5 and the most classes. By the rule of chapter 2: {rules}."
    )


# %% tags=["plumbing"]
def last_layers() -> str:
    """Whether layer 7 is behind layer 5, by the number of classes."""
    wide = FROZEN.pivot(index="classes", columns="series", values="value")
    if wide.empty:
        return ""
    ahead = wide["frozen to layer 7"] - wide["frozen to layer 5"]
    lost, won = ahead[ahead < 0], ahead[ahead > 0]
    told = [
        f"{word} layer 5 at {len(own)} of {len(ahead)} numbers of classes, by {span(own.abs())}"
        for word, own in (("behind", lost), ("ahead of", won))
        if len(own)
    ]
    return f"Layer 7 is {' and '.join(told) or 'level with layer 5'}; the paper's table 4 uses layer 7."


# %% tags=["plumbing"]
results.save(
    "classes_scratch",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=frozen_figure,
    table=FROZEN.dropna(axis=1, how="all"),
    rows=[BEATS],
    data=OTHERS,
)
Markdown(f"{frozen_reading()}\n\n{last_layers()}\n\n{verdicts.told(BEATS)}")

# %% [markdown]
# ## Pictures of another world
#
# By a *world* we mean a kind of pictures. What are the features of a net worth on another kind? Three worlds are compared: new pictures of the set that the nets above were trained on (a net of few classes knows only some of its classes), the photographs of the set for transfer, and rendered toys. From each the same number of classes and of pictures is drawn. The nets, as far as they are there: one that has seen nothing but toys, two of those above, and the large one.

# %%
STEP = time.monotonic()
TOYS = samples.read(shipped_files.checked("toybox.sample.zip"))
TOY_NET = trained.of_shipped("toybox", "zfnet")
HOME = {"photos": "Tiny ImageNet", "imagenet": "ImageNet"}.get(PROFILE.dataset, "the training set")
WORLDS = {
    HOME: (PICTURES, PICTURES.indices("val")),
    SET_NAME: (OTHERS, np.arange(len(OTHERS.table))),
    "toys": (TOYS, np.arange(len(TOYS.table))),
}
PICKED_CLASSES = min(20, *(len(prepared.classes) for prepared, _ in WORLDS.values()))
LEAST = min(int(np.bincount(prepared.labels[indices]).min()) for prepared, indices in WORLDS.values())
PICKED = min(len(TOYS.table) // len(TOYS.classes), LEAST)  # pictures a class: as many toys as ship


def picked(prepared: prepared_sets.PreparedSet, indices: np.ndarray) -> np.ndarray:
    """Indices of some pictures of some classes, (classes, pictures)."""
    generator = np.random.default_rng(SEED)
    classes = generator.choice(len(prepared.classes), PICKED_CLASSES, replace=False)
    labels = prepared.labels[indices]
    return np.stack([generator.choice(indices[labels == label], PICKED, replace=False) for label in classes])


# %% [markdown]
# Every net's input is centred as in its training, whatever the world. Two thirds of the pictures of a class train the SVM, the rest test it, in five draws.

# %%
OF_TOYS = {1: "norm1", 2: "norm2", **{number: LAYERS[number] for number in (3, 4, 5)}}
OF_CLASSES = {number: LAYERS[number] for number in (1, 2, 3, 4, 5)}
LOOKERS: dict[str, tuple[Trained | Model, np.ndarray, dict[int, str]]] = {
    f"toys, {len(TOYS.classes)} classes": (TOY_NET, TOYS.mean(), OF_TOYS)
}
for count in (COUNTS[min(1, len(COUNTS) - 1)], COUNTS[-1]):
    if (name := SERIES[ALL][count]) in TRAINED:
        LOOKERS[f"photographs, {count} classes"] = (TRAINED[name], MEAN, OF_CLASSES)
if not WHY_NOT_LARGE:
    LOOKERS["photographs, 1,000 classes"] = (large_model(), MEAN, STAGES)


def features(looker: str, world: str) -> dict[int, np.ndarray]:
    """Features of the picked pictures of a world, by layer, (classes x pictures, numbers)."""
    (net, mean, layers), (prepared, indices) = LOOKERS[looker], WORLDS[world]
    inputs, module = net.inputs(prepared, device=DEVICE, mean=mean), net.net().to(DEVICE)
    wanted = picked(prepared, indices)
    found = [feature_cache.batch_of(module, inputs.batch(some, crops.CENTRE), layers, side=3) for some in wanted]  # class by class
    return {number: np.concatenate([own[layer].cpu().numpy() for own in found]) for number, layer in layers.items()}


HOMES = {looker: "toys" if looker.startswith("toys") else HOME for looker in LOOKERS}  # of the large net, too
FEATURES = {(looker, world): features(looker, world) for looker in LOOKERS for world in WORLDS}


# %%
def told_apart(values: np.ndarray) -> np.ndarray:
    """Accuracy of an SVM that tells the classes of a world apart, percent, in five draws."""
    labels, own = np.repeat(np.arange(PICKED_CLASSES), PICKED), []
    for number in range(5):
        generator = np.random.default_rng([SEED, number])
        order = np.argsort(generator.random((PICKED_CLASSES, PICKED)), axis=1) + PICKED * np.arange(PICKED_CLASSES)[:, None]
        train, test = order[:, : max(1, 2 * PICKED // 3)].ravel(), order[:, max(1, 2 * PICKED // 3) :].ravel()
        own.append(linear_probes.answers("svm", values, labels, train, test, generator=generator)[0].mean())
    return 100 * np.array(own)


ACROSS = pd.DataFrame(
    {"net": looker, "world": world, "layer": layer, "accuracy": draws.mean(), "std over draws": draws.std(ddof=1)}
    for (looker, world), layers in FEATURES.items()
    for layer, values in layers.items()
    for draws in [told_apart(values)]
)

# %% [markdown]
# If upper layers name things of their own world, a net should climb at home and gain less elsewhere, where its lower layers, edges and colours, may serve as well as any. Home of the nets of photographs, the large one with them, is taken to be the set of the first panel.

# %%
across_figure = plot.by_panel(
    ACROSS,
    panel="world",
    x="layer",
    y="accuracy",
    hue="net",
    xlabel="layer",
    ylabel="accuracy, %",
    level=100 / PICKED_CLASSES,
    title=f"{PICKED_CLASSES} classes of three worlds, {max(1, 2 * PICKED // 3)} pictures of each to learn from",
)
across_figure

# %% [markdown]
# Read panel by panel: which line climbs with the layer, and which falls? Then follow one net through the panels: in which does it climb most?


# %% tags=["plumbing"]
def climbs() -> pd.DataFrame:
    """How far each net climbs from layer 1 to layer 5 in each world, points."""
    wide = ACROSS.pivot(index=["net", "world"], columns="layer", values="accuracy")
    return (wide[5] - wide[1]).unstack("world")


def across_reading() -> str:
    """Which net is best in each world and at which layer, and how far each climbs."""
    said, climbed = [], climbs()
    for world, own in ACROSS.groupby("world", sort=False):
        best, lowest = own.loc[own["accuracy"].idxmax()], own.loc[own["layer"] == 1, "accuracy"]
        each = "; ".join(f"`{net}` {climbed.loc[net, world]:+.0f}" for net in own["net"].unique())
        said.append(
            f"- *{world}*: best is the net of `{best['net']}` at layer {best['layer']} ({best['accuracy']:.0f} %). From layer 1 (where they begin at {lowest.min():.0f} to {lowest.max():.0f} %) to layer 5, in points: {each}."
        )
    tested = PICKED_CLASSES * (PICKED - max(1, 2 * PICKED // 3))
    return "\n".join(said) + (
        f"\n\n{at_home()} Layer 1 is no equal start in the three worlds, so their points are hardly of one scale."
        f"\n\nA dot rests on {tested} test pictures a draw. From draw to draw it moves by {ACROSS['std over draws'].median():.1f} points in the median (standard deviation), "
        "and the draws share their pictures; so differences of this size say nothing, and no claim is decided here."
    )


# %% tags=["plumbing"]
def at_home() -> str:
    """Whether each net climbs most in its own world, as was expected."""
    climbed = climbs()
    homely = [f"`{looker}`" for looker in LOOKERS if climbed.loc[looker].idxmax() == HOMES[looker]]
    others = [f"`{looker}`" for looker in LOOKERS if f"`{looker}`" not in homely]
    kept = f"{len(homely)} of {len(LOOKERS)} nets climb most in their own world ({'; '.join(homely) or 'none'})"
    return kept + (f"; what was expected does not show in {'; '.join(others)}." if others else ", as was expected.")


Markdown(across_reading())

# %% [markdown]
# And how far apart do two worlds lie in the eyes of a net? With $\mu_A$, $\mu_B$ the mean features of two worlds, the distance of the means is divided by how far a picture lies from the mean of its own world:
#
# $$\text{apart}(A, B) = \frac{\lVert \mu_A - \mu_B \rVert}{\tfrac12 \left( \mathrm{E}_{x \in A} \lVert x - \mu_A \rVert + \mathrm{E}_{x \in B} \lVert x - \mu_B \rVert \right)}$$
#
# At 0 the two means are one; at 1 they lie as far apart as a picture from the mean of its world. Means of a few pictures never agree to the last digit. So the block *two halves* compares one world with itself, half of its classes with the other half: two worlds differ in their classes, too, and a distance of that size says nothing. (A half has fewer classes and pictures than a world, so this yardstick is rather too long.)


# %%
def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Distance of two means over the mean distance from them."""
    middles = one.mean(0), other.mean(0)
    spread = [np.linalg.norm(own - middle, axis=1).mean() for own, middle in zip((one, other), middles, strict=True)]
    return float(np.linalg.norm(middles[0] - middles[1]) / np.mean(spread))


assert apart(np.array([[0.0, 0], [2, 0]]), np.array([[4.0, 0], [6, 0]])) == 4, "four spreads"
HALVES = f"{SET_NAME}, two halves of its classes"
PAIRS = {f"{SET_NAME} – {HOME}": (SET_NAME, HOME), f"{SET_NAME} – toys": (SET_NAME, "toys")}


def compared(looker: str, layer: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Features of two halves of one world, each of every second class, and of the pairs of worlds."""
    by_class = FEATURES[looker, SET_NAME][layer].reshape(PICKED_CLASSES, PICKED, -1)
    halves = tuple(np.concatenate(by_class[start::2]) for start in (0, 1))
    return {HALVES: halves} | {words: tuple(FEATURES[looker, own][layer] for own in both) for words, both in PAIRS.items()}


DISTANCES = pd.DataFrame(
    {"net": looker, "pair": words, "layer": layer, "apart": apart(*both)}
    for looker in LOOKERS
    for layer in (1, 2, 3, 4, 5)
    for words, both in compared(looker, layer).items()
)
DISTANCES.pivot(index=["pair", "net"], columns="layer", values="apart").round(2)

# %% [markdown]
# The columns are layers. Compare the blocks: are other photographs nearer than toys, and do the upper layers bring the worlds together or drive them apart?

# %% tags=["plumbing"]
FARTHEST = DISTANCES.groupby("pair", sort=False)["apart"].mean()
TOWARDS = DISTANCES[DISTANCES["pair"] != HALVES].pivot(index=["pair", "net"], columns="layer", values="apart")
YARDSTICK = DISTANCES[DISTANCES["pair"] == HALVES].pivot(index="net", columns="layer", values="apart")
LONGER = {pair: int((own.droplevel("pair") > YARDSTICK).to_numpy().sum()) for pair, own in TOWARDS.groupby(level="pair")}
results.save(
    "classes_worlds",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=across_figure,
    table=ACROSS,
    facts={"apart": DISTANCES.round(4).to_dict("records"), "classes": PICKED_CLASSES, "pictures a class": PICKED},
)
Markdown(
    f"Mean over all nets and layers: {', '.join(f'*{pair}* {value:.2f}' for pair, value in FARTHEST.items())}. "
    f"Of the {YARDSTICK.size} distances of a pair, one a net and layer, {', '.join(f'{longer} (*{pair}*)' for pair, longer in LONGER.items())} are longer than that of the two halves. "
    f"From layer 1 to layer 5 the distance of two worlds grows in {int((TOWARDS[5] > TOWARDS[1]).sum())} of {len(TOWARDS)} rows. The numbers have no interval, and they rest on {PICKED_CLASSES * PICKED} pictures of each world."
)

# %% [markdown]
# ## Compared with the paper

# %% tags=["plumbing"]
verdicts.table(PAYS, PAYS_SAME, BEATS)

# %% [markdown]
# The first two values are points of accuracy that a doubling of the classes adds; the third is a difference in points. *n* counts test images, each once, though some are tested in several folds.


# %% tags=["plumbing"]
def paper_reading() -> str:
    """What layers 2 to 5 add in table 7, beside ours."""
    svms = numbers.table("table7_layer_features").query("classifier == 'svm'").set_index("layer")["caltech101_30_per_class"].astype(float)
    wide = TABLE.pivot(index="net", columns="layer", values="accuracy")
    nets = {f"`{name}`": name for name in (OWN, LARGE) if name in wide.index}
    ours = ", ".join(f"{wide.loc[name, 5] - wide.loc[name, 1]:+.1f} with {words}" for words, name in nets.items())
    return (
        f"In table 7 the SVM has {svms[1]:.1f} % on layer 1 and {svms[5]:.1f} % on layer 5 (Caltech-101): layers 2 to 5 of a net that saw 1,000 classes add {svms[5] - svms[1]:+.1f} points"
        + (f"; on {SET_NAME} here {ours}." if ours else ".")
    )


Markdown(paper_reading())

# %% [markdown]
# ## What we learned


# %% tags=["plumbing"]
def first_step() -> str:
    """What the first step to more classes brings in both series, and all later ones together."""
    values = [ADDS[ADDS["series"] == series].set_index("classes")["value"].sort_index() for series in (ALL, SAME)]
    if min(map(len, values)) < 3 or not values[0].index.equals(values[1].index):
        return ""
    first, second, last = values[0].index[[0, 1, -1]]
    steps, rest = (", ".join(f"{own[end] - own[start]:+.1f}" for own in values) for start, end in ((first, second), (second, last)))
    return f"What layer 5 adds grows from {first} to {second} classes by {steps} points in these two series, from {second} to {last} by {rest}."


Markdown(
    f"- More classes, with the pictures that come with them, make the upper layers add more: **{PAYS['status']}**; more classes of as many pictures: **{PAYS_SAME['status']}**."
    + f" {first_step()}"
    + f" {slopes_reading()}\n"
    + "".join(f"- {crossing(series)}\n- {SHAPES[series]}\n" for series in SERIES)
    + f"- {behind() or 'No net is there whose layers could be compared.'}\n"
    f"- Frozen features of layer 5 of the net of most classes beat the same net from scratch: **{BEATS['status']}**"
    + (f" ({BEATS['reason']})." if BEATS["reason"] else ".")
)

# %% [markdown]
# ## Where we differ
#
# - Other nets than the paper's: batch norm stands for contrast norm and dropout, crops lie anywhere, weights decay. With the paper's recipe a net may stay at chance for long (chapter 2).
# - The pictures are 64 pixels wide, enlarged. How sharp they are was not varied.
# - Equal visits are one choice. With equal epochs a net of many classes would be trained for longer, which might make the slopes steeper.
# - The classes of ImageNet that fall to a net are drawn at random. Classes that are alike, or that are those of the other pictures, might do more or less.
# - One seed of each net: the verdicts lean at most.
# - Pictures of Tiny ImageNet come from ImageNet, so in the world where the others learned the large net may have been trained on the very pictures that are new to them.
# - **Assumption**: the features of a layer are what the next one takes, averaged over 3 x 3.
#
# ## Exercises
#
# **1. Predict.** From 10 to 200 classes: how many doublings are that?

# %% tags=["solution"]
DOUBLINGS = 4.32

# %% tags=["check"]
with exercises.check(DOUBLINGS):
    assert abs(DOUBLINGS - np.log2(200 / 10)) < 0.05, (
        "ten doubled is twenty; go on until you pass two hundred, and count the last one in part"
    )

# %% [markdown]
# **2. Predict.** A net visits 300,000 pictures. It has 200 classes of 500 pictures. How often does it see each picture? And with 10 classes?
#
# <details><summary>Hint</summary>
#
# The formula of the section on the nets.
#
# </details>

# %% tags=["solution"]
EPOCHS_OF_200 = 3
EPOCHS_OF_10 = 60

# %% tags=["check"]
with exercises.check(EPOCHS_OF_200, EPOCHS_OF_10):
    assert EPOCHS_OF_200 == 300_000 / (200 * 500), "divide the visits by all pictures of all classes"
    assert EPOCHS_OF_10 == 300_000 / (10 * 500), "ten classes are a twentieth of the pictures"

# %% [markdown]
# **3. Write the mechanism.** Draw classes so that fewer are always among more, whatever the numbers are asked for.


# %% tags=["solution"]
def nested(classes: int, count: int, seed: int) -> list[int]:
    """Numbers of `count` of `classes` classes; those of a smaller count are among them."""
    return np.random.default_rng(seed).permutation(classes)[:count].tolist()


# %% tags=["check"]
with exercises.check():
    FEWER, MORE = nested(50, 5, 1), nested(50, 20, 1)
    assert len(set(FEWER)) == 5 and len(set(MORE)) == 20, "each class once"
    assert set(FEWER) <= set(MORE), "the five should be among the twenty"
    assert nested(50, 5, 1) != nested(50, 5, 2), "another seed should draw others"
    assert set(MORE) != set(range(20)), "the first twenty classes are no draw"

# %% [markdown]
# **4. Read a figure.** In *What layers 2 to 5 add* the second series of nets has as many pictures whatever the classes. If its line were flat while the first one climbs, could more classes *without more pictures* be what makes depth pay?
# Answer with `"yes"` or `"no"`.

# %% tags=["solution"]
IF_FLAT = "no"

# %% tags=["check"]
with exercises.check(IF_FLAT):
    assert IF_FLAT in ("yes", "no"), "one of the two words"
    assert IF_FLAT == "no", "in the second series the classes grow and the pictures do not: what does a flat line say of the classes?"

# %% [markdown]
# <details><summary>Answer</summary>
#
# No: more classes without more pictures would have brought nothing. Still it would not follow that classes are worth nothing by themselves. Along the second series each class also has fewer pictures, and what the classes bring may be lost by that.
#
# </details>
#
# **5. Change it and explain.** Replace layer 5 by layer 7 in `depth_adds` and run the section again. For which of the two series is the slope larger than that of layer 5, for which smaller? Find a reason for either.
#
# <details><summary>Answer</summary>
#
# Your run decides. Why it may be larger: layer 7 feeds the softmax directly, so it need keep only what tells the classes of the training set apart; with few classes it may drop much, and with more classes less. Why it may be smaller: what layer 7 keeps is
# cut to the classes of its own training set, however many these are, so other pictures get less of what more classes bring than layer 5, which still has the places. Where the two series disagree, ask what else differs between them: the number of pictures.
#
# </details>
#
# **6.** **Open.** Huh, Agrawal and Efros (2016, *What makes ImageNet good for transfer learning?*) varied classes and pictures in the same way, with nets trained to the end, and found that many classes can be left out at little cost. Where does the figure above agree, and which of the differences in *Where we differ* would you try first?
#
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
