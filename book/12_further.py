# %% [markdown]
# # Go further than the paper
#
# **You will**
# - train every net of table 3 from two more seeds, and see which of its differences hold in each and which in all together,
# - trade depth for width at equal cost, and put accuracy beside the cost of every net,
# - set dropout against batch norm,
# - train from scratch on more sizes and folds than chapter 10 does.
#
# | | |
# | --- | --- |
# | In the paper | tables 3 and 4, from one seed; the other sections are not in the paper |
# | The paper leaves open | whether the differences of table 3 survive another seed; what its nets cost; what dropout is worth |
# | Needs | the nets `zfnet` and `alexnet` of the profile; every other net fills a row, and a row without its net says so |
# | Takes | hours: the trainings that are listed below with their likely seconds, and those from scratch; once all is on disk, up to half an hour of one core |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %% tags=["plumbing"]
import itertools
import math
import time

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown

from zfutils.analysis import error_rates, regime
from zfutils.core import profiles
from zfutils.core.errors import Problem
from zfutils.data import prepared_sets, registry
from zfutils.models import architectures, cached_predictions, crops, predictions, recipes
from zfutils.models.architectures import ZFNET
from zfutils.models.trained import Trained, note
from zfutils.paper import numbers
from zfutils.report import exercises, plot, results, tables, verdicts
from zfutils.run import chapters
from zfutils.stats import bootstrap, seeds
from zfutils.training import from_scratch, runs, train_all
from zfutils.training.trainer import Diverged
from zfutils.transfer import experiments, feature_cache

pd.set_option("display.max_colwidth", None)

# %% tags=["plumbing"]
START = time.monotonic()
PROFILE = profiles.profile(profile)
SEED = seed
PICTURES = registry.opened(PROFILE, seed=seed)
CLASSES = len(PICTURES.classes)
VAL = PICTURES.indices("val")

# %% [markdown]
# ## The nets
#
# Every net follows the learning-rate drops of `zfnet`; of one seed, all see the same images in the same crops and order. So two nets of one seed differ in what their names say, and in the weights that they start from where the layers differ. A name that ends in `-again` or `-third` is the second or third seed of a net (the further seeds of `zfnet` are `zfnet-2` to `zfnet-5`); *2048* and *8192* in a name are units of layers 6 and 7 at the paper's size.
#
# The table has the state of every net, the multiply-adds of one image, the training pictures that it sees with repetition (*visits*), the seconds of its training on the machine that trained it (of a missing net: what it is likely to take; where the state is *answers ship*, its weights do not come with the book, but which pictures it got wrong does) and its error on *val*, with one crop. Further down ten crops are averaged, so the error of the same net is another there:

# %%
CHAPTER = chapters.CHAPTERS["12_further"]
NAMES = (*CHAPTER.nets, *CHAPTER.rows)
MISSING = error_rates.missing(PROFILE, list(NAMES), seed=seed, answers=True)
TRAINED = {name: runs.answered(PROFILE, name, seed=seed) for name in NAMES if name not in MISSING}
STATES = train_all.table(PROFILE, list(NAMES), seed=seed)
COUNTS = {column: STATES[column].map("{:,}".format) for column in ("parameters", "multiply_adds", "visits")}
STATES.assign(**COUNTS, val_error=(100 * STATES["val_error"].astype(float)).round(2)).rename(
    columns={"multiply_adds": "multiply-adds", "seconds": "training s", "val_error": "val error %, one crop"}
)

# %% [markdown]
# Ten of these nets are the changes of table 3, by the words that the paper prints for them:

# %%
ROWS3 = {
    "alexnet": {
        "removed layers 3,4": "alexnet-without-3-4",
        "removed layer 7": "alexnet-without-7",
        "removed layers 6,7": "alexnet-without-6-7",
        "removed layers 3,4,6,7": "alexnet-without-3-4-6-7",
        "layers 6,7: 2048 units": "alexnet-2048",
        "layers 6,7: 8192 units": "alexnet-8192",
    },
    "zfnet": {
        "layers 6,7: 2048 units": "zfnet-2048",
        "layers 6,7: 8192 units": "zfnet-8192",
        "layers 3,4,5: 512,1024,512 maps": "zfnet-wide",
        "layers 6,7: 8192 units and layers 3,4,5: 512,1024,512 maps": "zfnet-wide-8192",
    },
}
PRINTED = numbers.table("table3_ablation")
MODELS = {"alexnet": "krizhevsky_replication", "zfnet": "zf_fig3"}  # as the table of the paper's numbers names the bases
UNCHANGED = {"alexnet": "none (1 convnet)", "zfnet": "none (as in Fig. 3)"}

# %% [markdown]
# A net is *under-trained* by the rule of chapter 2: it is still at chance when its run ends, or it errs on more of its training images than the paper prints for its row of table 3 (for a net without a row of its own: for figure 3's net, of which it is a change), or it still errs on some training images while its loss fell by more than a tenth in the last fifth of its run. What such a net says cannot be compared, so a comparison with it decides nothing here.


# %%
def paper_row(name: str) -> str:
    """The row of the paper's table 3 that a net stands for, from whatever seed; empty where it has none."""
    rows = {net: (MODELS[base], row) for base, changed in ROWS3.items() for row, net in {**changed, UNCHANGED[base]: base}.items()}
    own = rows.get(recipes.seeds_of(name)[0])
    return numbers.key("table 3", own, "train_top1_error").split("/")[1] if own else ""


REGIMES = {name: regime.of(found, PICTURES, name=name, seed=seed, row=paper_row(name)) for name, found in TRAINED.items()}


def at_chance(*names: str) -> bool:
    """Whether one of some nets never left chance; then a change says nothing of what was changed."""
    return any(REGIMES[name].began is None for name in names if name in REGIMES)


def under_trained(*names: str) -> str:
    """Why a comparison of some nets says nothing of what was changed, by the rule for every net; empty where it does."""
    return regime.reasons({name: REGIMES[name] for name in names if name in REGIMES}, names)


# %% [markdown]
# Unless something else is said, errors are top-1 errors on the split *val*, ten crops averaged. Let $\text{wrong}_i$ be 1 where a net errs on image $i$ of $n$, else 0. Two nets are compared on the same images:
#
# $$\text{change} = \frac{1}{n} \sum_{i=1}^{n} \left( \text{wrong}_i^\text{net} - \text{wrong}_i^\text{base} \right)$$
#
# Images on which both err, or neither, add nothing to the sum. The interval comes from a bootstrap over the images, which draws both nets' answers to an image together. Where it covers 0 the change is called *undecided*, whatever its sign.

# %%
WRONG = {name: cached_predictions.wrong(found, PICTURES, VAL, crops=crops.TEN) for name, found in TRAINED.items()}


def absent(*names: str) -> str:
    """Which of some nets are missing, and what is there of them; empty where all are there."""
    return error_rates.missing_words(MISSING, names)


def error_of(name: str) -> dict:
    """Wrong answers of a net, its error in percent with the interval, or why it is missing."""
    if name in MISSING:
        return {"missing": absent(name)}
    error = predictions.error_rate(WRONG[name])
    low, high = error.interval()
    return {"wrong": error.wrong, "n": error.n, "error %": 100 * error.rate, "low %": 100 * low, "high %": 100 * high}


# %% [markdown]
# A change is the difference of two errors on the same images; its interval comes from a bootstrap over them:


# %%
def change(name: str, base: str) -> dict:
    """By how many points the error of a net is above that of another, with the interval and what it decides."""
    if missing := absent(name, base):
        return {"change": math.nan, "change low": math.nan, "change high": math.nan, "error is": "missing", "missing": missing}
    value, low, high = bootstrap.paired_difference(WRONG[name], WRONG[base], generator=np.random.default_rng(SEED))
    points = {"change": 100 * value, "change low": 100 * low, "change high": 100 * high}
    return {**points, "error is": error_rates.direction((low, high)), "missing": ""}


def used(*names: str) -> dict:
    """What the provenance of a result says of its nets."""
    return {
        "nets": {name: TRAINED[name].folder.name for name in names if name in TRAINED},
        "missing": {name: MISSING[name] for name in names if name in MISSING},
    }


pd.DataFrame({"net": name, **error_of(name)} for name in CHAPTER.nets).round(2)


# %% tags=["plumbing"]
def word_of(name: str, base: str) -> str:
    """What a change decides between two nets of one seed each: nothing where one is missing or under-trained."""
    found = change(name, base)["error is"]
    if found != "missing" and under_trained(name, base):
        return "not comparable"
    return f"leans {found}" if found in ("higher", "lower") else found


def told(names: tuple[str, ...], base: str = "zfnet") -> str:
    """Changes of the error against a base, one line each."""
    lines = []
    for name in names:
        found, under = change(name, base), under_trained(name, base)
        said = f"{found['change']:+.2f} points, 95 % interval {found['change low']:+.2f} to {found['change high']:+.2f}: **{word_of(name, base)}**"
        lines.append(f"- `{name}` against `{base}`: {found['missing'] or said + (f', under-trained: {under}' if under else '')}.")
    return "\n".join(lines)


def in_short(names: tuple[str, ...], base: str = "zfnet") -> str:
    """Changes of the error against a base in one line, without intervals and reasons."""
    found = {name: change(name, base) for name in names}
    return "; ".join(
        f"`{name}` " + (f"{one['change']:+.2f} points ({word_of(name, base)})" if not one["missing"] else "(missing)")
        for name, one in found.items()
    )


def listed(names: object) -> str:
    """Names of nets in words."""
    return ", ".join(f"`{name}`" for name in names) or "none"


# %% [markdown]
# The two bases, by this rule, and the nets of the table above that learned too little:

# %% tags=["plumbing"]
PAPER_NEW, PAPER_OLD = (
    float(numbers.number(f"table2/{row}/val_top1_error")["paper"])
    for row in ("1-convnet-as-in-fig-3", "authors-replication-of-krizhevsky-et-al-1-convnet")
)
AT_CHANCE = [name for name in TRAINED if at_chance(name)]
LATE = [name for name in TRAINED if REGIMES[name].under_trained and name not in AT_CHANCE]
UNITS = {units: units * PROFILE.fc_units // 4096 for units in (2048, 8192)}
Markdown(
    f"{note(TRAINED.values(), PICTURES)}\n\n{len(TRAINED)} of {len(set(NAMES))} nets of this chapter are there. In this profile 2048 and 8192 are {UNITS[2048]:,} and {UNITS[8192]:,} units. "
    f"A guess errs on {100 * (1 - 1 / CLASSES):.1f} %; "
    + (
        f"the training loss of these never left that of a guess: {listed(AT_CHANCE)}. "
        if AT_CHANCE
        else "every net that is there learned more than to guess. "
    )
    + (f"Under-trained, though they learned: {listed(LATE)}." if LATE else "No other net is under-trained.")
    + f"\n\n{told(('zfnet',), base='alexnet')}\n\nFrom one net each; in the paper it is {PAPER_NEW - PAPER_OLD:+.1f} points ({PAPER_NEW:.1f} against {PAPER_OLD:.1f} %), from one net each as well."
)

# %% [markdown]
# ## Table 3 from further seeds
#
# In chapter 3 most rows of table 3 are one net, trained once. Here every net is trained twice more with everything random drawn anew, and each is compared with the base of its own seed. With these nets chapter 3 shows three seeds of every row and takes them into its verdicts.
#
# The same nets are asked in two ways. *Each seed alone*: is the change beyond 0 for these two nets, on other images? The interval is over images and takes the nets as given. *Seeds drawn too*, as in chapter 3: is the mean change beyond 0 for other seeds and other images? That interval draws both anew (for `zfnet` from all its seeds), and speaks of the recipe. The answers need not be the same, and both stand below.
#
# A comparison with an under-trained net is *set aside*: it is neither counted nor does it decide anything. In the figure each base has a panel with a range of its own. A hollow dot is set aside; where the net or its base stayed at chance no dot is drawn, and the row says so (all numbers stand in the table `second_seeds`, which is kept with the results). Look for rows whose bars lie on different sides of 0, for bars that exclude 0 and yet do not overlap (there the interval over images is too narrow to speak of the recipe), and for a seed that moves all rows of a base to one side.
#
# Each row of table 3 is looked up once for every seed:


# %%
STEP = time.monotonic()
WHICH = ("first", "second", "third")
DECIDED = ("higher", "lower")


def later(name: str) -> tuple[str, ...]:
    """The second and the third seed of a net."""
    return recipes.seeds_of(name)[1 : len(WHICH)]


def printed_change(base: str, row: str) -> float:
    """Points by which the paper's val error of a row is above that of its base."""
    own = PRINTED[PRINTED["base_model"] == MODELS[base]].set_index("change")["val_top1_error"]
    return float(own[row] - own[own.index.str.startswith("none")].item())


def in_all(said: list[str]) -> str:
    """What the seeds decide, each asked alone: only what all that count decide in the same way; it takes two."""
    count = [one for one in said if one not in ("missing", "set aside")]
    if len(count) < 2:
        return "missing" if set(said) == {"missing"} else "too few seeds"
    return count[0] if len(set(count)) == 1 else "undecided"


assert in_all(["lower", "lower", "missing"]) == "lower" and in_all(["lower", "lower", "higher"]) == "undecided"

# %% [markdown]
# Every row, seed by seed, and the same nets with the seeds drawn too:


# %%
def by_seed(base: str, row: str, name: str) -> list[dict]:
    """A row of table 3 in every seed, each against the base of the same seed."""
    pairs = list(zip(WHICH, recipes.seeds_of(name), recipes.seeds_of(base), strict=False))  # of zfnet there are more
    changes = {which: change(own, other) for which, own, other in pairs}
    for which, *pair in pairs:
        there = not changes[which]["missing"]
        changes[which] |= {"at chance": there and at_chance(*pair), "set aside": under_trained(*pair) if there else ""}
    known = {"base": base, "net": name, "the paper": printed_change(base, row)}
    decided = {"each seed alone": in_all(["set aside" if one["set aside"] else one["error is"] for one in changes.values()])}
    return [{**known, "seed": which, **one, **decided, **drawn_too(name, base)} for which, one in changes.items()]


def drawn_too(name: str, base: str) -> dict:
    """What all seeds of a net and of its base say together, as in chapter 3: seeds and images drawn anew; of under-trained nets it decides nothing."""
    ours, theirs = ([WRONG[one] for one in recipes.seeds_of(first) if one in WRONG] for first in (name, base))
    if not ours or not theirs:
        return {"mean change": math.nan, "mean low": math.nan, "mean high": math.nan, "seeds drawn too": "missing"}
    found = seeds.difference(np.stack(ours), np.stack(theirs), generator=np.random.default_rng(SEED))
    word = error_rates.direction(found.interval) if found.seeds > 1 else "too few seeds"
    word = "not comparable" if regime.reasons(REGIMES, (name, base)) else word
    return {"mean change": 100 * found.value, "mean low": 100 * found.low, "mean high": 100 * found.high, "seeds drawn too": word}


# %% [markdown]
# All changes, seed by seed:

# %%
EACH = pd.DataFrame(found for base, rows in ROWS3.items() for row, name in rows.items() for found in by_seed(base, row, name)).astype(
    {"change": float, "change low": float, "change high": float}
)


def labelled(net: str) -> str:
    """A net with the seeds of which its change is set aside."""
    own = EACH[EACH["net"] == net]
    why = {"at chance": own[own["at chance"]], "under-trained": own[~own["at chance"] & own["set aside"].ne("")]}
    words = "; ".join(f"{word}: {', '.join(rows['seed'])}" for word, rows in why.items() if len(rows))
    return f"{net}\n{words}" if words else net


LEARNED = EACH.assign(row=EACH["net"].map(labelled), hollow=EACH["set aside"].ne(""))
LEARNED.loc[EACH["at chance"], ["change", "change low", "change high"]] = math.nan
seeds_figure = plot.beside(
    LEARNED.assign(seed=EACH["seed"] + " seed"),
    value="change",
    ends=("change low", "change high"),
    row="row",
    hue="seed",
    xlabel=f"change of the error, points ({len(VAL):,} val images)",
    printed=("the paper", "the paper, its data"),
    hollow=("hollow", "set aside: under-trained"),
    panel="base",
    title="Table 3 seed by seed",
)

# %% tags=["plumbing"]
results.save(
    "second_seeds",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=seeds_figure,
    table=EACH,
    data=PICTURES,
    facts=used(*(one for base, rows in ROWS3.items() for name in (base, *rows.values()) for one in (name, *later(name)))),
)
seeds_figure


# %% [markdown]
# What the figure shows is counted below, by each of the two ways. A row with dots on both sides of 0 cannot be decided in each seed alone; one whose dots lie far apart is seldom decided with the seeds drawn too.


# %% tags=["plumbing"]
def set_aside() -> str:
    """How many changes are set aside, and why."""
    there = EACH[EACH["missing"].eq("")]
    aside = there[there["set aside"].ne("")]
    chance = int(aside["at chance"].sum())
    if aside.empty:
        return f"None of {len(there)} changes is set aside."
    return f"{len(aside)} of {len(there)} changes are set aside: {chance} at chance, {len(aside) - chance} under-trained."


# %% tags=["plumbing"]
def parted(rows: pd.DataFrame) -> str:
    """Where each seed alone and the seeds drawn too decide a row of table 3 differently, in words."""
    alone, drawn = rows["each seed alone"], rows["seeds drawn too"]
    wide, firm = rows["net"][alone.isin(DECIDED) & drawn.eq("undecided")], rows["net"][alone.eq("undecided") & drawn.isin(DECIDED)]
    said = f"Decided alike in each seed alone: {alone.isin(DECIDED).sum()} of {len(rows)} rows. "
    said += f"Decided with the seeds drawn too, as in chapter 3: {drawn.isin(DECIDED).sum()} of {len(rows)}"
    said += f" ({listed(rows['net'][drawn.isin(DECIDED)])})." if drawn.isin(DECIDED).any() else "."
    if len(aside := rows["net"][drawn.eq("not comparable")]):
        said += f" Not comparable in that way, because some seed of the net or of its base is under-trained: {listed(aside)}."
    if len(wide):
        said += f" The two ways part at {listed(wide)}, decided in each seed and open with the seeds drawn too: seeds that agree in their sign may still lie so far apart that their mean is open."
    if len(firm):
        said += f" They part at {listed(firm)}, open in each seed alone or not alike in all, and decided with the seeds drawn too: what single seeds show too faintly, all may show together."
    return said


# %% tags=["plumbing"]
def summed_up() -> str:
    """Which changes hold in all seeds that count, in words."""
    own = EACH[EACH["set aside"].eq("")]
    wide = own.pivot(index="net", columns="seed", values="change").reindex(EACH["net"].unique())
    counts = wide.notna().sum(axis=1)
    same = int((np.sign(wide[counts >= 2]).std(axis=1) == 0).sum())
    rows = EACH.drop_duplicates("net")
    words = {word: rows["net"][rows["each seed alone"].eq(word)] for word in (*DECIDED, "undecided", "too few seeds", "missing")}
    lines = [
        f"Of {len(wide)} rows {int((counts >= 2).sum())} count from two seeds or more ({int((counts == len(WHICH)).sum())} from three); in {same} of these the changes of all seeds that count have the same sign. {set_aside()} Each seed alone:\n"
    ]
    lines += [f"- *{word}* in all that count: {listed(words[word])}" for word in DECIDED]
    lines += [f"- undecided: {listed(words['undecided'])}"]
    lines += [f"- too few seeds that count: {listed(words['too few seeds'])}"] if len(words["too few seeds"]) else []
    lines += [f"- missing: {listed(words['missing'])}"] if len(words["missing"]) else []
    return "\n".join([*lines, "", parted(rows)])


# %% [markdown]
# A base enters every row below it. If a base of some seed came out well or badly, all its rows of that seed move together, and that is one finding and not many:


# %% tags=["plumbing"]
def bases_moved() -> str:
    """In which seed a base itself moved, one line each; empty where none did."""
    lines = []
    for base, rows in ROWS3.items():
        for which, own in zip(WHICH[1:], later(base), strict=False):
            found = change(own, base)
            if found["error is"] in DECIDED and not under_trained(own, base):
                lines.append(
                    f"- In the {which} seed the base `{base}` itself errs {found['change']:+.2f} points against the first seed; that alone moves all {len(rows)} rows of this base by {-found['change']:+.2f} points in that seed."
                )
    return "\n".join(lines)


Markdown(
    f"{summed_up()}\n\n{bases_moved() or 'No base of a later seed that counts differs from that of the first by more than its interval over images.'}"
)

# %% [markdown]
# ### What the seed alone does
#
# The yardstick of chapter 3, now for every net of the table: the same net from a later seed against the first. *Change* is in points of the error, as above; a pair with an under-trained net is set aside.

# %%
ALONE = pd.DataFrame(
    {"net": own, "against": name, **change(own, name), "set aside": under_trained(own, name) if not absent(own, name) else ""}
    for base, rows in ROWS3.items()
    for name in (base, *rows.values())
    for own in later(name)
)
ALONE.drop(columns="missing").round(2)


# %% tags=["plumbing"]
def seed_moves() -> pd.DataFrame:
    """Pairs of nets that differ in their seed alone and count."""
    return ALONE[ALONE["set aside"].eq("")].dropna(subset=["change"]).assign(move=lambda rows: rows["change"].abs())


def yardstick() -> str:
    """How far the seed alone moves an error, beside the changes of table 3."""
    pairs, changes = seed_moves(), EACH.loc[EACH["set aside"].eq(""), "change"].dropna().abs()
    if pairs.empty or changes.empty:
        return "No net is there from two seeds that were trained enough."
    moves, most = pairs["move"], pairs.loc[pairs["move"].idxmax()]
    decided = int(pairs["error is"].isin(DECIDED).sum())
    return (
        f"The seed alone moves the error by {moves.median():.2f} points in the median, at most by {moves.max():.2f} (`{most['net']}` against `{most['against']}`; {len(moves)} pairs of nets that count, "
        f"{decided} of their differences beyond the interval over images). The changes of table 3 that count are {changes.median():.2f} points in the "
        f"median; {int((changes > moves.max()).sum())} of {len(changes)} are larger than any of the seed."
        + (
            f" The largest move is that of a base, `{most['against']}`: it is itself a part of the changes of that seed."
            if most["against"] in ROWS3
            else ""
        )
    )


Markdown(yardstick())

# %% [markdown]
# ## What a net costs
#
# A convolution multiplies and adds once for every weight at every place of its output. The cost is counted for one image. With as many maps `below` as the layer before has, its own `maps`, a filter of `kernel` x `kernel` and an output of `side` x `side` places:
#
# $$\text{cost} = \text{maps} \cdot \text{below} \cdot \text{kernel}^2 \cdot \text{side}^2$$
#
# By hand, for layers 3 to 5 at the paper's size, and by the library:


# %%
def cost_by_hand(below: int, maps: int, kernel: int, side: int) -> int:
    """Multiply-adds of a convolution: one a weight and place."""
    return maps * below * kernel**2 * side**2


WHOLE = architectures.multiply_adds(ZFNET)
BY_HAND = {"conv3": cost_by_hand(256, 384, 3, 13), "conv4": cost_by_hand(384, 384, 3, 13), "conv5": cost_by_hand(384, 256, 3, 13)}
assert BY_HAND == {layer: WHOLE[layer] for layer in BY_HAND}
Markdown(f"Layers 3 to 5 take {sum(BY_HAND.values()) / sum(WHOLE.values()):.0%} of the {sum(WHOLE.values()):,} multiply-adds of an image.")

# %% [markdown]
# ## Depth against width
#
# Table 3 takes layers out and lets the net get cheaper. If the error rises, is it for want of depth, or of multiply-adds? Here layer 4, or layers 3 and 4, are left out, and what is left of layers 3 to 5 is widened, all by one share, until the net costs at the paper's size what `zfnet` costs.

# %%
STEP = time.monotonic()
DEPTHS = ("zfnet", "zfnet-without-4-widened", "zfnet-without-3-4-widened")


def small(name: str) -> architectures.Architecture:
    """The net of a recipe as this profile trains it."""
    size = {"width": PROFILE.width, "image_size": PROFILE.image_size, "fc_units": PROFILE.fc_units, "classes": CLASSES}
    return architectures.scaled(recipes.recipe(name).paper, **size)


def relative(name: str) -> dict:
    """Maps, and cost and parameters as shares of zfnet's, at the paper's size and here."""
    row = {"net": name, "maps at full size": "-".join(str(conv.maps) for conv in recipes.recipe(name).paper.convs)}
    for where, one, base in (("full size", recipes.recipe(name).paper, ZFNET), ("here", small(name), small("zfnet"))):
        row[f"multiply-adds, {where}"] = sum(architectures.multiply_adds(one).values()) / sum(architectures.multiply_adds(base).values())
        row[f"parameters, {where}"] = sum(architectures.parameters(one).values()) / sum(architectures.parameters(base).values())
    return row


COSTS = pd.DataFrame(relative(name) for name in DEPTHS)
assert COSTS["multiply-adds, full size"].between(0.98, 1.02).all()
COSTS.round(3)

# %% [markdown]
# The cost is equal at the paper's size. A profile scales maps, units and the side of the picture apart, so here it is equal only nearly; and a wide layer 5 gives layer 6 more inputs, hence the parameters.
#
# In the next figure, look where the shallow, wide nets lie. If depth itself matters, they should lie to the right of `zfnet`; if only the cost counts, they should lie at the same place. The intervals are those of single errors; the words below the figure have the interval of the *difference*, which decides.

# %%
BEGAN = {name: own.began or "never" for name, own in REGIMES.items()}
DEPTH = pd.DataFrame(
    {
        **{"net": name, **error_of(name), **change(name, "zfnet")},
        "error is": word_of(name, "zfnet"),
        "began to learn by step": BEGAN.get(name),
    }
    for name in DEPTHS
)
DEPTH = DEPTH.reindex(
    columns=[
        *("net", "wrong", "n", "error %", "low %", "high %", "change", "change low", "change high", "error is"),
        *("began to learn by step", "missing"),
    ]
)
DEPTH.loc[0, ["change", "change low", "change high", "error is"]] = [math.nan, math.nan, math.nan, ""]  # zfnet itself
DEPTH = COSTS.merge(DEPTH, on="net")

# %% [markdown]
# The errors at equal cost, each with its 95 % interval over images:

# %%
depth_figure = plot.dots(
    DEPTH.assign(group=["all five", "fewer, wider", "fewer, wider"]),
    value="error %",
    ends=("low %", "high %"),
    row="net",
    hue="group",
    labels=[
        row.missing or f"{int(row.wrong):,} of {int(row.n):,}{', under-trained' if under_trained(row.net) else ''}"
        for row in DEPTH.itertuples()
    ],
    xlabel="top-1 error, %",
    title="Depth against width at equal cost",
)
results.save(
    "depth_width",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=depth_figure,
    table=DEPTH,
    data=PICTURES,
    facts=used(*DEPTHS),
)

# %%
depth_figure


# %% tags=["plumbing"]
LOOKED = f"Began to learn by step (looked at once an epoch, every {TRAINED['zfnet'].log['step'].iloc[0]:,} steps): "
Markdown(
    told(DEPTHS[1:])
    + "\n\nA net answers like a guess for its first steps (chapter 2), and what it loses there is delay, which a longer run might mend. "
    + LOOKED
    + ", ".join(f"`{name}` {BEGAN[name]}" for name in DEPTHS if name in BEGAN)
    + f", of {TRAINED['zfnet'].card['steps']:,}."
)

# %% [markdown]
# ## Dropout and batch norm
#
# In every training step the paper sets a random half of the units of layers 6 and 7 to 0 (*dropout*). Batch norm (Ioffe and Szegedy 2015) came later: every map $c$ of a convolution is centred and divided by its standard deviation, over all images of the batch and all places, then scaled and shifted by two learned numbers:
#
# $$y_c = \text{scale}_c \, \frac{x_c - \text{mean}_c}{\sqrt{\text{variance}_c + 10^{-5}}} + \text{shift}_c$$
#
# This is its form in training. A finished net takes means and variances that were kept from training, so its answer does not depend on the batch. By hand, and as the net does it between convolution and ReLU:


# %%
def batch_norm_by_hand(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Batch norm of maps (n, c, h, w) in training."""
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    return scale[:, None, None] * (x - mean) / (variance + 1e-5).sqrt() + shift[:, None, None]


tiny = architectures.scaled(recipes.recipe("zfnet-batch-norm").paper, width=1 / 8, image_size=112, fc_units=8, classes=2)
net = architectures.build(tiny, generator=torch.Generator().manual_seed(seed)).double().train()
x = torch.randn(4, 3, 112, 112, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 50
convolved = net.conv1(x)
by_hand = batch_norm_by_hand(convolved, net.batch1.weight, net.batch1.bias)
assert torch.allclose(by_hand, net.batch1(convolved), atol=1e-9)
Markdown(
    "By hand and by the net, the same. In layer 1 the order is "
    + " → ".join(f"`{name}`" for name, _ in net.named_children() if name.endswith("1"))
    + "."
)

# %% [markdown]
# Four nets: dropout or none, batch norm or none. With the error on *val* stands the error on as many pictures of *train*, by the finished nets, without dropout and with ten crops too. The *gap* is the val error minus the train error: how much worse a net does on images that it has not seen.
#
# Look at the learning curves first; their errors are counted during training, on one crop, for *train* and for the held-out split *dev*. Which net leaves chance soonest, and whose two lines part furthest at the end? The line of *train* may lie above that of *dev*: it is counted with dropout, on crops at random places and over an epoch in which the net still learns.

# %%
STEP = time.monotonic()
FOUR = ("zfnet", "zfnet-no-dropout", "zfnet-batch-norm", "zfnet-batch-norm-dropout")
SEEN = np.sort(np.random.default_rng(seed).permutation(PICTURES.indices("train"))[: len(VAL)])
SEEN_WRONG = {
    name: predictions.wrong(cached_predictions.of(TRAINED[name], PICTURES, SEEN, crops=crops.TEN), PICTURES.labels[SEEN])
    for name in FOUR
    if isinstance(TRAINED.get(name), Trained)  # of a net whose answers alone ship nobody knows what it says to these
}

# %% [markdown]
# Errors, gaps, and by how much a gap is wider than that of `zfnet`:


# %%
def gap(name: str) -> dict:
    """Errors on val and train, their gap, and by how much it is wider than zfnet's; percent and points."""
    if name in MISSING:
        return {}
    if name not in SEEN_WRONG:
        return {"began to learn by step": BEGAN[name], "missing": f"of {name} only answers ship, so its train error is not known"}
    val, train = WRONG[name].mean(), SEEN_WRONG[name].mean()
    row = {
        "train error %": 100 * train,
        "gap": 100 * (val - train),
        "began to learn by step": BEGAN[name],
    }
    if name == "zfnet":
        return row
    own, base = ((WRONG[one], SEEN_WRONG[one]) for one in (name, "zfnet"))
    wider = [100 * value for value in error_rates.gap_difference(own, base, generator=np.random.default_rng(SEED)).found]
    return {**row, "wider by": wider[0], "wider low": wider[1], "wider high": wider[2]}


def regularised(name: str) -> dict:
    """A row of the table."""
    one = recipes.recipe(name).paper
    known = {"net": name, "dropout": one.dropout, "batch norm": "batch" in one.convs[0].then}
    against = {**change(name, "zfnet"), "error is": word_of(name, "zfnet")} if name != "zfnet" else {}
    return {**known, **error_of(name), **against, **gap(name)}


COLUMNS = ["net", "dropout", "batch norm", "wrong", "n", "error %", "low %", "high %", "change", "change low", "change high", "error is"]

# %%
COLUMNS += ["train error %", "gap", "wider by", "wider low", "wider high", "began to learn by step", "missing"]
REGULARISED = pd.DataFrame(regularised(name) for name in FOUR).reindex(columns=COLUMNS)
REGULARISED["missing"] = REGULARISED["missing"].fillna("")
CURVES = pd.concat(
    pd.DataFrame(
        {
            "net": name,
            "split": split,
            "visits": log["step"] * PROFILE.batch,
            "loss": log[f"{split}_loss"],
            "error": log[f"{split}_wrong"] / log[f"{split}_n"],
        }
    )
    for name, log in ((name, TRAINED[name].log) for name in FOUR if name in TRAINED)
    for split in ("train", "dev")
)
CUT_AT = [step * PROFILE.batch for step in TRAINED["zfnet"].card["lr_drops"]]

# %% [markdown]
# The curves, against the training pictures seen:

# %%
regular_figure = plot.learning_curves(CURVES, {"zfnet": CUT_AT}, chance=1 - 1 / CLASSES, title="Dropout and batch norm")
results.save(
    "regularisation",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=regular_figure,
    table=REGULARISED,
    data=PICTURES,
    facts=used(*FOUR),
)
regular_figure

# %% [markdown]
# Look how far apart the two lines of a net end, and whose *dev* line ends lowest. The table counts both errors once more, after the training and without dropout:

# %%
REGULARISED.round(2).astype(object).fillna("")


# %% tags=["plumbing"]
def gaps_told() -> str:
    """What each of the other three nets does to the gap, one line each."""
    rows = REGULARISED.dropna(subset=["wider by"])
    words = {"higher": "wider", "lower": "narrower", "undecided": "undecided"}
    return "\n".join(
        f"- gap of `{row['net']}` minus that of `zfnet`: {row['wider by']:+.2f} points, 95 % interval {row['wider low']:+.2f} to "
        f"{row['wider high']:+.2f}: **{words[error_rates.direction((row['wider low'], row['wider high']))]}**, from one seed each."
        for row in rows.to_dict("records")
    )


ALONE_HERE = REGULARISED.dropna(subset=["gap"])


# %% tags=["plumbing"]
def parting() -> str:
    """By how much the two lines of each net lie apart at the end of the learning curves, in words."""
    last = CURVES.groupby(["net", "split"], sort=False)["error"].last().unstack()
    apart = 100 * (last["dev"] - last["train"])
    return (
        "At the end of the curves *dev* minus *train*, as drawn, is "
        + ", ".join(f"{points:+.1f} points for `{net}`" for net, points in apart.items())
        + "."
    )


# %% [markdown]
# Which of the four is foremost is asked on the images as well:


# %% tags=["plumbing"]
def foremost() -> str:
    """Which net has the widest gap and which the lowest error, and whether these images tell it from the next."""
    if len(ALONE_HERE) < 2:
        return "With the gap of one net alone there is none to set beside it."
    wide, best = ALONE_HERE.sort_values("gap", ascending=False), ALONE_HERE.sort_values("error %")
    pair = [(WRONG[net], SEEN_WRONG[net]) for net in wide["net"][:2]]
    told_apart = error_rates.gap_difference(*pair, generator=np.random.default_rng(SEED)).low > 0
    said = (
        f"Of the {len(ALONE_HERE)} nets whose gap is known, `{best['net'].iloc[0]}` has the lowest error ({best['error %'].iloc[0]:.2f} %)"
    )
    said += (
        "; "
        if change(*best["net"][:2])["error is"] == "lower"
        else f", but these images do not tell it from the next, `{best['net'].iloc[1]}`; "
    )
    own = f"`{wide['net'].iloc[0]}` ({wide['gap'].iloc[0]:.2f} points)"
    return said + (
        f"the widest gap is that of {own}."
        if told_apart
        else f"which gap is widest is open on these images (the largest as counted is that of {own})."
    )


Markdown(
    f"{parting()} The gaps below are those of the finished nets, with ten crops and without dropout.\n\n{told(FOUR[1:])}\n{gaps_told()}\n\n"
    f"{LOOKED}{', '.join(f'`{name}` {BEGAN[name]}' for name in ALONE_HERE['net'])}. {foremost()}"
)

# %% [markdown]
# ## Accuracy against cost
#
# `zfnet` with half, three quarters and one and a half times the maps of all five convolutional layers, beside every other net of this chapter; `zfnet-turned` is the one of chapter 9 that learned from turned pictures, here asked about upright ones. Nets that differ in their seed alone are one dot, the mean of their errors. Seeds that stayed at chance are left out; where all of a net did, the net is not drawn. The interval is over images, the nets taken as given. Both axes are logarithmic (that of the error only where no interval reaches 0). A net is on the *front* where no other is at least as cheap and at least as good, and better in one of the two. Look for nets far to the right of the front: others are as good for less.

# %% tags=["plumbing"]
STEP = time.monotonic()
WIDTHS = ("zfnet-half", "zfnet-three-quarters", "zfnet-three-halves")
FURTHER = (*DEPTHS[1:], *FOUR[1:], *WIDTHS, "zfnet-turned")


def family(name: str) -> str:
    """The first of the nets that differ from this one in their seed alone."""
    return recipes.seeds_of(name)[0]


def kind(name: str) -> str:
    """Which group of nets one belongs to."""
    if name in FURTHER:
        return "beyond the paper"
    return "Krizhevsky et al. and changes" if recipes.recipe(name).paper.name == "alexnet" else "the paper's net and changes"


# %% [markdown]
# One row for each kind of net, over all its seeds that are here:


# %%
def family_row(name: str, members: list[str]) -> dict:
    """Cost and mean error of nets that differ in their seed alone; the interval is over images."""
    mean = np.mean([WRONG[one] for one in members], axis=0)  # (n,), share of the nets that err
    samples = bootstrap.means(mean[:, None], generator=np.random.default_rng(SEED))[:, 0]
    _, low, high = bootstrap.interval(mean.mean(), samples)
    cost, base = (sum(architectures.multiply_adds(small(one)).values()) for one in (name, "zfnet"))
    stayed = sum(one in AT_CHANCE and one not in members for one in recipes.seeds_of(name))
    row = {
        "net": name,
        "kind": kind(name),
        "seeds": len(members),
        "seeds at chance": stayed,
        "multiply-adds": cost,
        "multiply-adds / zfnet": cost / base,
    }
    row["parameters"] = sum(architectures.parameters(small(name)).values())
    return {**row, "error %": 100 * mean.mean(), "low %": 100 * low, "high %": 100 * high}


FAMILIES: dict[str, list[str]] = {}
for name in [name for name in TRAINED if name not in AT_CHANCE] or TRAINED:  # all of them where none learned
    FAMILIES.setdefault(family(name), []).append(name)
COST = pd.DataFrame(family_row(name, members) for name, members in FAMILIES.items()).sort_values("multiply-adds", ignore_index=True)


def on_front(row: pd.Series) -> bool:
    """Whether no net costs at most as much and errs less, nor costs less and errs as much."""
    cheaper, better = COST["multiply-adds"] <= row["multiply-adds"], COST["error %"] <= row["error %"]
    strictly = (COST["multiply-adds"] < row["multiply-adds"]) | (COST["error %"] < row["error %"])
    return not (cheaper & better & strictly).any()


# %% [markdown]
# The figure names each net, with its seeds:


# %%
def dot_label(row: dict) -> str:
    """A net with the number of its seeds, where that is more than one or some stayed at chance."""
    count, all_there = row["seeds"], row["seeds"] + row["seeds at chance"]
    if count < all_there:
        return f"{row['net']} ({count} of {all_there} seeds learned)"
    return f"{row['net']} ({count} seeds)" if count > 1 else row["net"]


COST["on the front"] = [on_front(row) for _, row in COST.iterrows()]
cost_figure = plot.scatter(
    COST.assign(label=[dot_label(row) for row in COST.to_dict("records")]).sort_values("kind", ascending=False, kind="stable"),
    x="multiply-adds / zfnet",
    y="error %",
    ends=("low %", "high %"),
    hue="kind",
    label="label",
    xlabel=f"multiply-adds of an image, as a share of zfnet's ({sum(architectures.multiply_adds(small('zfnet')).values()) / 1e6:,.0f} million)",
    ylabel="top-1 error, ten crops, %",
    front="on the front",
    title="What accuracy costs",
)

# %% tags=["plumbing"]
results.save(
    "cost",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=cost_figure,
    table=COST,
    data=PICTURES,
    facts=used(*NAMES),
)
cost_figure

# %%
tables.neat(COST)

# %% tags=["plumbing"]
LEFT_OUT = f" Left out, because they stayed at chance: {', '.join(f'`{name}`' for name in AT_CHANCE)}." if AT_CHANCE else ""
if len(AT_CHANCE) == len(TRAINED):
    LEFT_OUT = " But no net left chance, so all are drawn and nothing can be read off them."
WORST = COST.loc[(COST["multiply-adds"].where(~COST["on the front"], -1)).idxmax()]
Markdown(
    f"The dearest net that is not on the front is `{WORST['net']}`: {WORST['multiply-adds / zfnet']:.2f} times the cost of `zfnet`, and another net is at least as good for no more.{LEFT_OUT}"
    if not COST["on the front"].all()
    else f"Every net that is drawn is on the front: each dearer one errs less.{LEFT_OUT}"
)

# %% tags=["plumbing"]
FRONT = COST[COST["on the front"]]


def front_seeds() -> str:
    """How sure the places on the front are: nets of one seed, and nets that were trained too little."""
    single, moves = int(FRONT["seeds"].eq(1).sum()), seed_moves()["move"]
    late = [net for net in FRONT["net"] if any(REGIMES[one].under_trained for one in FAMILIES[net])]
    said = f" {single} of {len(FRONT)} {'is' if single == 1 else 'are'} there from one seed" if single else ""
    if single and len(moves):
        said += (
            f"; a seed moves an error by {moves.median():.2f} points in the median and by {moves.max():.2f} at most, so their place is open"
        )
    return said + ("." if said else "") + (f" Under-trained, at least in one seed: {listed(late)}." if late else "")


Markdown(
    f"On the front, by the errors as they were counted: {listed(FRONT['net'])}. Whether neighbours on it "
    f"differ beyond chance is another question; where their intervals overlap, the order is open.{front_seeds()} The nets that differ from `zfnet` in their width alone:\n\n{told(WIDTHS)}"
)

# %% [markdown]
# ## From scratch, on more sizes and folds
#
# Chapter 10 trains nets on nothing but the few pictures of a fold, for some of the sizes and folds of its tables. Here all of both, by the same function: the learning rate of each size is the best on a held-out third of its training images in the first fold. What chapter 10 has trained is read from disk.

# %%
STEP = time.monotonic()
PLAN = PROFILE.transfer


def found_set() -> prepared_sets.PreparedSet | None:
    """The pictures for transfer, or none where the profile has none."""
    try:
        return registry.opened(PROFILE, "transfer", seed=SEED)
    except Problem:
        return None


OTHERS = found_set()
ASKED = sorted({*PLAN.sizes, *PLAN.scratch_sizes})
MEAN = PICTURES.mean()
if OTHERS is None:
    DRAWS, SIZES, WHY = [], [], {size: f"the profile {PROFILE.name} has no pictures for transfer" for size in ASKED}
else:
    DRAWS = experiments.draws(OTHERS, PROFILE, seed=seed)
    SIZES, WHY = experiments.possible(OTHERS, [size for size in ASKED if size > 1])
    WHY |= {size: "one image a class leaves none to choose the learning rate by" for size in ASKED if size == 1}
Markdown(
    f"Sizes: {', '.join(map(str, SIZES)) or 'none'}, each in {len(DRAWS)} folds."
    + "".join(f"\n- {size} is left out: {reason}." for size, reason in WHY.items())
)

# %% [markdown]
# The nets from scratch, one row each: *accuracy* and *train_error* are shares, *rate* is the learning rate, and *under_trained* says why a net does not count.


# %%
def trained_from_scratch() -> tuple[experiments.Outcome, pd.DataFrame]:
    """Train on every size and fold; return the answers and the runs whose loss was not finite."""
    outcome, stopped = experiments.Outcome("from scratch"), []
    for size in SIZES:
        try:
            rate, _ = from_scratch.best_rate(PROFILE, OTHERS, MEAN, DRAWS[0].train(size), seed=SEED)
        except from_scratch.NotTrained:
            continue
        for number, fold in enumerate(DRAWS):
            try:
                one = from_scratch.train(PROFILE, OTHERS, MEAN, fold.train(size), fold.test, rate=rate, seed=SEED + number)
            except from_scratch.NotTrained:
                continue
            except Diverged:
                stopped.append({"size": size, "fold": number, "rate": rate})
                continue
            known = {
                "train_error": one.train_error,
                "steps": one.steps,
                "rate": rate,
                "under_trained": regime.of_scratch(one, classes=len(OTHERS.classes)).under_trained,
                "ships": one.ships,
            }
            outcome.add(size, number, fold, OTHERS.labels, one.correct, **known)
    return outcome, pd.DataFrame(stopped, columns=["size", "fold", "rate"])


ANEW, STOPPED = trained_from_scratch()
ANEW.frame.round({"accuracy": 3, "train_error": 3})

# %%
STOPPED if len(STOPPED) else "no run diverged"

# %% [markdown]
# Beside them the softmax on layer 7 of the frozen `zfnet`, on the same training and test images. The difference is that of two class-mean accuracies, with the interval of folds that redraw from one pool (of a single fold: a bootstrap over test images within classes). Where the frozen net or one from scratch was not trained enough to be compared (chapter 2 has the rule), nothing is decided. Above 0 the frozen features are better.
#
# Folds that redraw from one pool share images, so the spread between them is multiplied by a factor that grows with the number of test images for each training image (chapter 10). At few images a class the interval is therefore wide, even where the folds agree.

# %%
SAME = [name for name in recipes.seeds_of("zfnet") if isinstance(TRAINED.get(name), Trained)]
if SIZES:
    SEVENTH = {7: feature_cache.LAYERS[7]}
    FROZENS = [
        experiments.probed("frozen layers 1-7", "softmax", layers[7], OTHERS, DRAWS, SIZES, seed=seed)
        for name in SAME
        for layers in [feature_cache.of(TRAINED[name], OTHERS, MEAN, layers=None if name == "zfnet" else SEVENTH)]
    ]
    FROZEN = FROZENS[0]
    MEANS = experiments.summary(pd.concat([FROZEN.frame, ANEW.frame])).set_index(["method", "size"])

# %% [markdown]
# Frozen against scratch, size by size:


# %%
def size_row(size: int) -> dict:
    """One size: both accuracies over the folds, and what freezing gains, in percent and points."""
    if size in WHY:
        return {"size": size, "missing": WHY[size]}
    own = ANEW.frame[ANEW.frame["size"] == size] if ANEW.rows else pd.DataFrame()
    row = {"size": size, "frozen %": MEANS.loc[(FROZEN.method, size), "accuracy"], "folds": len(own)}
    if own.empty:
        return {**row, "missing": "every run diverged" if size in set(STOPPED["size"]) else "no net was trained from scratch"}
    value, low, high, n = experiments.gain(FROZEN, ANEW, size, OTHERS, DRAWS, seed=SEED)
    enough = bool((own["under_trained"] == "").all()) and not REGIMES["zfnet"].under_trained
    words = {"higher": "better", "lower": "worse", "undecided": "undecided"}
    row |= {"scratch %": MEANS.loc[(ANEW.method, size), "accuracy"], "std over folds": MEANS.loc[(ANEW.method, size), "std"]}
    row |= {"largest training error %": 100 * own["train_error"].max(), "gain": 100 * value, "gain low": 100 * low, "gain high": 100 * high}
    return {
        **row,
        "n": n,
        "frozen is": words[error_rates.direction((low, high))] if enough else "not comparable: under-trained",
        "missing": "",
    }


# %% [markdown]
# And over the seeds of the frozen net, where there are several:


# %% tags=["plumbing"]
def over_seeds(id: str, sizes: list[int]) -> list[dict]:
    """A claim of chapter 10 once more, by its rule, over all seeds of zfnet and all folds; none where there is nothing to add to it."""
    if not sizes or not set(sizes) <= set(GAINS):
        return []
    own = ANEW.frame[ANEW.frame["size"].isin(sizes)]
    late = "; ".join(filter(None, [regime.reasons({name: REGIMES[name] for name in SAME}, ["zfnet"]), *own["under_trained"].unique()]))
    return [verdicts.smallest(id, [GAINS[size] for size in sizes], under_trained=late)]


TRIED = sorted(PLAN.scratch_sizes)
GAINS = {
    size: experiments.gain_over_seeds(FROZENS, ANEW, size, OTHERS, DRAWS, seed=SEED)
    for size in TRIED
    if len(SAME) > 1 and size in SIZES and size in set(ANEW.frame.get("size", ()))
}
FEWEST = 15 if 15 in TRIED else TRIED[0]
FROZEN_ROWS = [
    *over_seeds("frozen-beats-scratch-both-trained", [FEWEST]),
    *over_seeds("frozen-beats-scratch-at-most-both-trained", TRIED[-1:] if TRIED[-1] != FEWEST else []),
    *over_seeds("table4-frozen-minus-scratch", TRIED),
]
SCRATCH_COLUMNS = ["size", "folds", "frozen %", "scratch %", "std over folds", "largest training error %"]


# %% tags=["plumbing"]
def folds_of(rows: pd.DataFrame) -> str:
    """In how many folds some sizes were compared, in words."""
    few, many = int(rows["folds"].min()), int(rows["folds"].max())
    return f"{few} to {many} folds" if few != many else f"{many} fold{'s' if many > 1 else ''}"


# %% [markdown]
# One dot a size, with the 95 % interval of the gain. Where few folds have a net from scratch the interval is wide, and the title says how many they are.

# %%
SCRATCH_COLUMNS += ["gain", "gain low", "gain high", "n", "frozen is", "missing"]
SCRATCH = pd.DataFrame(size_row(size) for size in ASKED).reindex(columns=SCRATCH_COLUMNS)
drawn = SCRATCH.dropna(subset=["gain"])
scratch_figure = (
    plot.beside(
        drawn.assign(row=drawn["size"].map("{} a class".format)),
        value="gain",
        ends=("gain low", "gain high"),
        row="row",
        hue="frozen is",
        xlabel="gain of frozen features over training from scratch, points of accuracy",
        title=f"Frozen against from scratch, {folds_of(drawn)}",
    )
    if len(drawn)
    else None
)

# %% tags=["plumbing"]
results.save(
    "scratch_folds",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=scratch_figure,
    table=SCRATCH,
    rows=FROZEN_ROWS,
    data=OTHERS,
    facts={"net": TRAINED["zfnet"].folder.name, "folds": len(DRAWS), "left out": WHY},
)
scratch_figure

# %%
SCRATCH.round(2).astype(object).fillna("")

# %% tags=["plumbing"]
COMPARABLE = SCRATCH[SCRATCH["frozen is"].isin(["better", "worse", "undecided"])]
COMPARED = COMPARABLE[["gain"]].assign(images=COMPARABLE["size"], word=COMPARABLE["frozen is"])
Markdown(
    "No size compares in this profile."
    if COMPARABLE.empty
    else f"{len(COMPARABLE)} of {len(SCRATCH)} sizes compare, over {folds_of(COMPARABLE)}. Frozen features are "
    + "; ".join(f"{row.word} at {row.images} images a class ({row.gain:+.1f} points)" for row in COMPARED.itertuples())
    + "."
)

# %% [markdown]
# The claims of chapter 10 about table 4, over all seeds of `zfnet` that are trained and all folds. *n* counts test images, each once, also where several folds test it. Where chapter 10 and this chapter both decide a claim, the scoreboard of a run with `EXTRAS=1` shows the one from more seeds.


# %% tags=["plumbing"]
def seeds_told() -> str:
    """What the claims rest on that the table above does not, in words."""
    if not GAINS:
        return ""
    said = (
        f"Here the frozen features come from {len(SAME)} seeds of `zfnet`, in the table above from the first alone, so the values differ."
    )
    if set(TRIED) <= set(GAINS) and len(TRIED) > 1:
        least = min(TRIED, key=lambda size: GAINS[size][0].value)
        said += f" The claim about every number of images shows its smallest gain, here that at {least} images a class, the smallest of {len(TRIED)}."
    return said + "\n\n"


Markdown(
    seeds_told() + verdicts.told(*FROZEN_ROWS)
    or "The weights of `zfnet` are there from one seed only, or there is nothing to compare, so chapter 10 has the last word."
)

# %% [markdown]
# ## Compared with the paper
#
# Two parts have a counterpart in the paper: table 4, above, and the rows of table 3, here. Changes of the top-1 error in points; the paper's are those on the validation images of ImageNet, from one net a row, so only their signs compare. Empty is a seed that is missing or set aside. The numbers of units in the names are those of the paper's size.

# %%
COUNTED = EACH.assign(change=EACH["change"].where(EACH["set aside"].eq("")))
WIDE = COUNTED.pivot(index=["base", "net", "the paper", "each seed alone", "seeds drawn too"], columns="seed", values="change")
WIDE = WIDE.reset_index().set_index("net").loc[EACH["net"].unique()].reset_index().rename_axis(columns=None)
WIDE.round(2).astype(object).fillna("")


# %% tags=["plumbing"]
def signs() -> str:
    """How many of the paper's signs are found again, by each of the two ways of asking."""
    ways = {
        "each seed alone": "Decided alike in each seed alone that counts (two at least)",
        "seeds drawn too": "Decided with the seeds drawn too",
    }
    lines = []
    for column, words in ways.items():
        decided = WIDE[WIDE[column].isin(DECIDED)]
        like = int((np.sign(decided["the paper"]) == np.where(decided[column] == "higher", 1, -1)).sum())
        lines.append(
            f"- {words}: {len(decided)} of {len(WIDE)} changes"
            + (f"; with the sign that the paper prints: {like}." if len(decided) else ".")
        )
    return "\n".join(
        [
            *lines,
            "",
            "The others are undecided, rest on too few seeds, are not comparable or are missing, and say nothing for or against the paper.",
        ]
    )


Markdown(signs())

# %% [markdown]
# ## What we learned


# %% tags=["plumbing"]
def decided_in_all() -> str:
    """How many changes of table 3 the seeds that are here decide, together and each alone."""
    drawn, alone = WIDE["seeds drawn too"], WIDE["each seed alone"]
    if alone.isin(["missing", "too few seeds"]).all() and not drawn.isin(DECIDED).any():
        return "No change of table 3 is there from two seeds that were trained enough."
    said = [
        f"{way}, {word.isin(DECIDED).sum()} of {len(WIDE)} changes of table 3 {'is' if word.isin(DECIDED).sum() == 1 else 'are'} decided"
        + (f" ({listed(WIDE['net'][word.isin(DECIDED)])})" if word.isin(DECIDED).any() else "")
        for way, word in (("With seeds and images drawn together, as in chapter 3", drawn), ("Asked of each seed alone", alone))
    ]
    return ". ".join(said) + ". " + set_aside()


def freezing_in_short() -> str:
    """What freezing gains at the fewest and at the most images."""
    if COMPARABLE.empty:
        return "Whether frozen features beat training from scratch cannot be said here: no size compares in this profile."
    few, many = COMPARABLE.iloc[0], COMPARABLE.iloc[-1]
    if len(COMPARABLE) == 1:
        others = f"; the other {len(SCRATCH) - 1} sizes do not compare" if len(SCRATCH) > 1 else ""
        return f"Over {folds_of(COMPARABLE)}, frozen features gain {few['gain']:+.1f} points at {few['size']} images a class ({few['frozen is']}){others}."
    return (
        f"Over {folds_of(COMPARABLE)}, frozen features gain {few['gain']:+.1f} points at {few['size']} images a class ({few['frozen is']}) "
        f"and {many['gain']:+.1f} at {many['size']} ({many['frozen is']})."
    )


# %% tags=["plumbing"]
LACKING = [name for name in WIDE["net"] if name in MISSING]
Markdown(
    f"- {decided_in_all()}"
    + (
        f" {len(LACKING)} of these nets are missing here; `make reproduce EXTRAS=1 PROFILE={profile}` trains them and their later seeds."
        if LACKING
        else ""
    )
    + f"\n- {yardstick()}"
    + f"\n- Fewer, wider layers at equal cost, error against `zfnet`: {in_short(DEPTHS[1:])}."
    + f"\n- Dropout taken out, batch norm put in, error against `zfnet`: {in_short(FOUR[1:])}."
    + f"\n- {len(FRONT)} of {len(COST)} kinds of net are on the front of cost and error: {listed(FRONT['net'])}."
    + f"\n- {freezing_in_short()}"
)

# %% [markdown]
# ## Where we differ
#
# - Only tables 3 and 4 are in the paper. The claims about table 3 are decided in chapter 3, which takes in these seeds; of this chapter's own results those about table 4 alone stand on the scoreboard.
# - **Assumption**: a wider or narrower net starts from the paper's .01 at full size, whatever its width. A narrow one has weaker signals at the start, and may stay at chance longer.
# - **Assumption**: all nets take over the learning-rate drops of `zfnet`, and its rate. A net with batch norm might do better with others of its own.
# - **Assumption**: batch norm stands between convolution and ReLU; the contrast norms of layers 1 and 2 and the filter clipping stay.
# - Multiply-adds are those of convolutions and of fully connected layers; norms and pools are left out, and so are the learned numbers of a batch norm.
# - Three seeds are few: a direction that all of them share may still be luck (exercise 3).
#
# ## Exercises
#
# **1. Predict.** Two nets of one recipe differ in their seed only, and each errs on about 12 % of 2,000 pictures. By how many points do their errors differ in the median, if every picture is a coin of its own?
#
# <details><summary>Hint</summary>
#
# The difference of two such shares has the deviation sqrt(2 x .12 x .88 / 2000); half of all differences are smaller than .67 deviations.
#
# </details>

# %% tags=["solution"]
MEDIAN_DIFFERENCE = 0.7

# %% tags=["check"]
with exercises.check(MEDIAN_DIFFERENCE):
    COINS = np.random.default_rng(0).binomial(2000, 0.12, (20_000, 2)) / 20  # percent
    TOSSED = float(np.median(np.abs(np.diff(COINS, axis=1))))
    assert abs(MEDIAN_DIFFERENCE - TOSSED) < 0.1, "in percentage points; toss the coins in a simulation if the formula is new to you"

# %% [markdown]
# **2. Predict.** Two nets that differ in their seed only answer the *same* pictures, and both err on the hard ones. Is the difference of their errors then larger or smaller than for coins of their own?
# Answer with `"larger"` or `"smaller"`.

# %% tags=["solution"]
ON_THE_SAME_PICTURES = "smaller"

# %% tags=["check"]
with exercises.check(ON_THE_SAME_PICTURES):
    HARD = np.random.default_rng(0).random((4000, 500)) ** 8  # most pictures easy, some hard for both nets
    ERRORS = [(np.random.default_rng(number).random(HARD.shape) < HARD).mean(1) for number in (1, 2)]
    COIN_PAIRS = np.random.default_rng(3).binomial(500, HARD.mean(), (4000, 2)) / 500
    SHARED, COINS_OWN = np.std(ERRORS[0] - ERRORS[1]), np.std(COIN_PAIRS[:, 0] - COIN_PAIRS[:, 1])
    assert ON_THE_SAME_PICTURES == ("smaller" if SHARED < COINS_OWN else "larger"), "think of pictures that both nets get right for certain"

# %% [markdown]
# **3. Write the mechanism.** Suppose that no change of table 3 did anything, and that the errors of two nets differ by their seeds alone. Each pair of seeds would then agree in its sign by a toss of a coin.
# But the tosses are not independent: all rows of a base share its two nets, and where those are by luck good ones, every change looks bad in both. How likely is it, by simulation, that at least so many of so many pairs agree?


# %% tags=["solution"]
def chance_of_agreement(agree: int, rows: list[int], *, draws: int = 20_000) -> float:
    """Probability that at least `agree` pairs of seeds agree when nothing but luck moves an error; `rows` has the number of rows of each base."""
    generator, agreed = np.random.default_rng(0), np.zeros(draws, int)
    for count in rows:
        base, changed = generator.normal(size=(draws, 1, 2)), generator.normal(size=(draws, count, 2))  # errors from two seeds
        agreed += ((changed - base).prod(2) > 0).sum(1)
    return float((agreed >= agree).mean())


# %% tags=["check"]
with exercises.check():
    assert chance_of_agreement(0, [3]) == 1, "at least none of the pairs always agree"
    assert abs(chance_of_agreement(1, [1]) - 0.5) < 0.02, "a single pair agrees by a toss of a coin"
    assert chance_of_agreement(10, [10]) > 2 * 2**-10, "pairs that share a base agree more often than tosses of a coin"
    assert chance_of_agreement(4, [2, 2]) < chance_of_agreement(4, [4]), "two bases are more independent than one"

# %% [markdown]
# What the seeds of this chapter give, for each two of them:


# %%
def agreement(one: str, other: str) -> tuple[float, str]:
    """How many changes have one sign in two seeds, in words, and how likely at least so many are by luck."""
    signed = WIDE.dropna(subset=[one, other])
    signed = signed[signed[one] * signed[other] != 0]  # a change of exactly 0 has no sign
    agree = int((signed[one] * signed[other] > 0).sum())
    by_luck = chance_of_agreement(agree, signed["base"].value_counts().tolist())
    return by_luck, f"{one} and {other}: {agree} of {len(signed)} changes have one sign; at least so many by luck: {by_luck:.3f}"


AGREED = [agreement(one, other) for one, other in itertools.combinations(WHICH, 2)]
Markdown(
    "\n".join(f"- {said}" for _, said in AGREED)
    + f"\n\nThese pairs share seeds, so they are not independent. Least in favour of table 3: {max(AGREED)[1]}."
)

# %% [markdown]
# **4. Change it and explain.** Dropout .5 in layers 6 and 7 of `zfnet`, trained on the pictures of this profile for as long as here: would you take it out? Decide from the section on dropout and batch norm, and say what a net with a thousand times
# the pictures would change.
#
# <details><summary>Answer</summary>
#
# The row of `zfnet-no-dropout` decides: *change* says what taking it out did to the val error, *train error %* how much of its training pictures the net then has by heart, and *wider by* whether more than with dropout. An error that falls with an
# interval below 0 speaks for taking it out, whatever the gap does, but from one seed it only leans. Dropout is meant to keep a net from learning its training pictures by heart, and it makes every step noisier; what it costs shows at once, what
# it saves only where learning by heart would have hurt. With a thousand times the pictures a net of this size could not learn them by heart, and dropout would mostly cost; the paper's net has many more weights and sees each picture 70 times.
#
# </details>
#
# **5.** **Open.** Bouthillier et al. (2021, *Accounting for variance in machine learning benchmarks*) list sources of variance besides the seed of the weights. Which of them does this book hold fixed, and would any verdict of table 3
# survive if all of them moved?
#
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
