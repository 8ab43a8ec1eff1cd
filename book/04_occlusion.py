# %% [markdown]
# # Cover a part: occlusion
#
# **You will**
# - move a square over an image and ask the net at every place,
# - rebuild figure 7: where the strongest map falls, and where the answer does,
# - score the method on pictures whose objects are known, beside three other methods,
# - see what the filling of the square changes.
#
# | | |
# | --- | --- |
# | In the paper | section 4.2, figure 7 |
# | The paper leaves open | size, step and grey of the square (measured in its figure: 50 px of 224, steps of 6, about the mean); how examples were chosen |
# | Needs | the net `zfnet` of the profile |
# | Takes | about two minutes on two cores, with toys or photographs |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %%
import time

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown

from zfutils.analysis import heatmap_metrics, localization, regime
from zfutils.attribution import deconv, occlusion, rules, saliency, top_nine, topk
from zfutils.core import profiles
from zfutils.data import registry
from zfutils.models import crops, devices, predictions
from zfutils.models.trained import note
from zfutils.paper import claims, numbers
from zfutils.report import plot, results, verdicts
from zfutils.stats import bootstrap
from zfutils.training import runs
from zfutils.widgets import covered, square

START = time.monotonic()
PROFILE = profiles.profile(profile)
SEED = seed
PICTURES = registry.at_hand(PROFILE, seed=seed)
SIZE = PROFILE.image_size
DEVICE = devices.device()
TRAINED = runs.trained(PROFILE, "zfnet", seed=seed)
NET = TRAINED.net().to(DEVICE)
VAL = PICTURES.indices("val")
REGIME = regime.of(TRAINED, PICTURES, name="zfnet", seed=seed)  # chapter 1 says when a net is under-trained
KNOWS_PARTS = "parts" in PICTURES.facts["maps"]
Markdown(note([TRAINED], PICTURES))

# %% [markdown]
# ## By hand
#
# The method is a loop: cover, ask, move on. The paper covers with grey. Here the square is 0 once the mean is subtracted, and that is not grey but the *mean picture*: what the training pictures show at that place on average.
# For the net it is as near to nothing as can be; the pictures below show it as it is.


# %%
def occlude_by_hand(net: torch.nn.Module, image: torch.Tensor, label: int, size: int, stride: int) -> np.ndarray:
    """Probability of a class with the square at every position, one image at a time."""
    places = range(0, image.shape[1] - size + 1, stride)
    found = np.zeros((len(places), len(places)))
    for i, top in enumerate(places):
        for j, left in enumerate(places):
            covered = image.clone()
            covered[:, top : top + size, left : left + size] = 0
            found[i, j] = net(covered[None]).softmax(1)[0, label]
    return found


CROPS = crops.Crops(PICTURES, SIZE, device=DEVICE)
PROBABILITIES = predictions.probabilities(NET, CROPS, VAL)
CORRECT = VAL[PROBABILITIES.argmax(1) == PICTURES.labels[VAL]]
RIGHT_ROWS = np.random.default_rng(SEED).permutation(CORRECT)
FIRST = top_nine.centre_crops(PICTURES, SIZE, RIGHT_ROWS[:1], DEVICE)[0]
LABEL = int(PICTURES.labels[RIGHT_ROWS[0]])
with torch.no_grad():
    by_hand = occlude_by_hand(NET, FIRST, LABEL, SIZE // 4, SIZE // 8)
at_once = occlusion.sweep(NET, FIRST, size=SIZE // 4, stride=SIZE // 8)
assert np.allclose(by_hand, at_once.probabilities[..., LABEL], atol=1e-5)
Markdown(f"{at_once}: the loop and the batched sweep agree to {np.abs(by_hand - at_once.probabilities[..., LABEL]).max():.0e}.")

# %% [markdown]
# ## Drag the square
#
# Try it: drag the square over the object and off it, then make it smaller, then fill it otherwise. Look at the marks, the shares of the uncovered picture: which class takes what the true one loses? Is there a small place that costs more than a large one elsewhere?
# The row shows the place of the loop above that costs least and the one that costs most, and there another filling and a smaller square.

# %%
FILLS = {"mean picture": occlusion.mean_grey, "image mean": occlusion.image_mean, "blur": occlusion.blur, "noise": occlusion.noise}
COVERED = covered.Covered(NET, FIRST, LABEL, CROPS, PICTURES.classes, FILLS)
BEST, WORST = (square.value(*heatmap_metrics.lowest(at_once, sign * at_once.probabilities[..., LABEL]), SIZE) for sign in (-1, 1))
DRAGGED = COVERED.dragged()
DRAGGED.figure([{"square": BEST}, {"square": WORST}, {"square": WORST, "fill": "noise"}, {"square": WORST, "size": SIZE // 8}], cell=3.3)

# %%
DRAGGED

# %% [markdown]
# ## Figure 7
#
# Three images, by rule: the first three, in an order drawn by the seed, that are classified correctly and show different classes. (a) The image and the square. (b) Summed activity of the layer-5
# map that is strongest in the unoccluded image. (c) That map's projection in this image (framed) and in the three other val images that excite it most. (d) Probability of the true class.
# (e) Most probable class, with the number of positions.

# %%
STEP = time.monotonic()
EXAMPLES: list[int] = []
for row in RIGHT_ROWS.tolist():
    if len(EXAMPLES) < 3 and PICTURES.labels[row] not in PICTURES.labels[EXAMPLES]:
        EXAMPLES.append(row)
TOP5 = topk.scanned(PROFILE, NET, TRAINED.folder.name, PICTURES, "val", layers=("conv1", "conv2", "conv3", "conv4", "conv5"))["conv5"]


def drawn(pixels: np.ndarray) -> np.ndarray:
    """A projection as a picture: zero is grey 128."""
    return crops.to_display(pixels, scale=top_nine.display_scale(pixels))


def probed(row: int) -> tuple[plot.Probed, occlusion.Sweep]:
    """All that a row of figure 7 shows."""
    image = CROPS.batch(np.array([row]), crops.CENTRE)[0]
    found = occlusion.sweep(NET, image)
    label = int(PICTURES.labels[row])
    others = [int(other) for other in TOP5.indices[found.map] if other not in (row, topk.NOBODY)][:3]
    shown = [row, *others, *[row] * (3 - len(others))]
    projections = deconv.project_each(
        NET, top_nine.centre_crops(PICTURES, SIZE, np.array(shown), DEVICE), layer="conv5", maps=torch.full((4,), found.map)
    )
    middle = (len(found.tops) // 2, len(found.lefts) // 2)
    framed = (int(found.tops[middle[0]]), int(found.lefts[middle[1]]), found.size)
    seen = CROPS.pictures(occlusion.cover(image, found.centre(*middle), found.size)[None])[0]
    captions = ["this image", *(PICTURES.classes[PICTURES.labels[other]] for other in shown[1:])]
    tiles = np.stack([drawn(pixels) for pixels in projections.cpu().numpy()])
    name = PICTURES.classes[label]
    return plot.Probed(
        name, seen, framed, found.activity, tiles, captions, found.probabilities[..., label], found.labels, PICTURES.classes
    ), found


PROBED = [probed(row) for row in EXAMPLES]
figure7 = plot.occlusion([one for one, _ in PROBED], title="Figure 7: occlusion")
FIGURE7 = pd.DataFrame(
    {
        "example": one.label,
        "P unoccluded": float(found.base_probabilities[PICTURES.classes.index(one.label)]),
        "P lowest": float(one.probability.min()),
        "P median": float(np.median(one.probability)),
        "P highest": float(one.probability.max()),
        "positions": one.probability.size,
        "positions with the true class": int((one.classes == PICTURES.classes.index(one.label)).sum()),
        "classes": len(np.unique(one.classes)),
    }
    for one, found in PROBED
)


def printed_rows() -> list[dict]:
    """Scoreboard rows of figure 7: how the square moves, and what was read off the paper's three images."""
    printed, (side, stride) = numbers.numbers(), occlusion.scaled(224)
    along = len(range(0, 224 - side + 1, stride))
    built = {"square_side": side, "stride": stride, "positions": along**2, "shown_square_top": 14 * stride, "shown_square_left": 2 * stride}
    rows = []
    for row in printed[printed["place"] == "figure 7"].itertuples():
        column = row.key.split("/")[-1]
        if row.kind == numbers.BUILT:
            rows.append(results.number(row.key, built[column], profile=PROFILE, n=1))
        else:
            rows.append(results.absent(row.key, "the paper's three images are in no set of this profile; the table of ours stands beside"))
    return rows


results.save(
    "figure7",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=figure7,
    table=FIGURE7,
    rows=printed_rows(),
    data=PICTURES,
    facts={"net": TRAINED.folder.name},
)
figure7

# %%
FIGURE7.round(3)

# %% [markdown]
# The paper's three examples, decoded from its figure: the same panels (b), (d) and (e), and the same table.

# %%
THEIRS = numbers.table("fig7_occlusion_maps")
PANELS = ("b_layer5_strongest_map_activity_relative", "d_probability_true_class", "e_most_probable_class")
NAMES = sorted(THEIRS.loc[THEIRS["panel"] == PANELS[2], "value"].unique())


def their_map(example: str, panel: str) -> np.ndarray:
    """A decoded map of the paper, (30, 30): numbers, or names of classes."""
    some = THEIRS[(THEIRS["example_true_class"] == example) & (THEIRS["panel"] == panel)]
    return some.pivot(index="grid_row", columns="grid_col", values="value").to_numpy()


DECODED = {}
for example in dict.fromkeys(THEIRS["example_true_class"]):
    activity, probability, named = (their_map(example, panel) for panel in PANELS)
    DECODED[example] = (activity.astype(float), probability.astype(float), np.searchsorted(NAMES, named.astype(str)))
plot.decoded(DECODED, NAMES, title="The paper's figure 7, decoded")

# %%
pd.DataFrame(
    {
        "example": example,
        "P lowest": probability.min(),
        "P median": np.median(probability),
        "P highest": probability.max(),
        "positions": probability.size,
        "positions with the true class": int((np.array(NAMES)[classes] == example).sum()),
        "classes": len(np.unique(classes)),
    }
    for example, (_, probability, classes) in DECODED.items()
).round(3)

# %% [markdown]
# ## Open a cell of the map
#
# Try it: move the pointer over the map (or the arrow keys, cell by cell), and see the picture with the square there and the classes that the net then names. Look for the edge of the dark region: does the square there touch the object, and which class wins inside?
# The row shows the first example's cells with the lowest and the highest probability, and the middle one.

# %%
OPENED, MAP = COVERED.swept(PROBED[0][1]), PROBED[0][1].probabilities[..., LABEL]
CELLS = [divmod(int(flat), len(MAP)) for flat in (MAP.argmin(), MAP.argmax(), MAP.size // 2 + len(MAP) // 2)]
OPENED.figure([{"cell": square.value(row + 0.5, column + 0.5, len(MAP))} for row, column in CELLS], columns=3, cell=3.3)

# %%
OPENED

# %% [markdown]
# ## What fills the square
#
# The mean picture is a picture too: it can look like something. Four fillings on the same image.

# %%
FILLED = {name: occlusion.sweep(NET, FIRST, fill=fill, layer=None).probabilities[..., LABEL] for name, fill in FILLS.items()}
shades = np.stack([np.repeat(np.repeat(np.rint(255 * found).astype(np.uint8), 4, 0), 4, 1) for found in FILLED.values()])
framed = np.pad(shades, ((0, 0), (1, 1), (1, 1)), constant_values=128)
plot.pictures(
    framed, list(FILLED), columns=4, cell=2.0, title=f"P({PICTURES.classes[LABEL]}), black 0 to white 1, by what fills the square"
)

# %%
pd.DataFrame(np.corrcoef([found.ravel() for found in FILLED.values()]), index=list(FILLED), columns=list(FILLED)).round(2)

# %% [markdown]
# ## Scored
#
# With toys the object is known. For every correctly classified image that was drawn: how much do the log-odds of the true class fall with the square on the toy (at least half of it inside), and clear of
# the toy? Which part matters most, chosen on every other image of its class, and does it matter on the rest? Steps are twice the paper's, to save time.

# %%
STEP = time.monotonic()
SCORED = RIGHT_ROWS[: 240 if KNOWS_PARTS else 48]
SQUARE, STRIDE = occlusion.scaled(SIZE, steps=2)
INPUT = top_nine.centre_crops(PICTURES, SIZE, SCORED, DEVICE)
SWEEPS = [occlusion.sweep(NET, image, size=SQUARE, stride=STRIDE) for image in INPUT]
LABELS = PICTURES.labels[SCORED]
DROPS = [found.base_log_odds[label] - found.log_odds[..., label] for found, label in zip(SWEEPS, LABELS, strict=True)]
PARTS = localization.part_maps(PICTURES, SIZE, SCORED) if KNOWS_PARTS else None
Markdown(f"{len(SCORED)} images; {SWEEPS[0]}.")


# %%
def on_the_toy(n: int) -> dict:
    """Drops on the toy and clear of it, and whether the lowest place lies on the toy - on its own, and on another image's."""
    on, off = heatmap_metrics.on_and_off(SWEEPS[n], PARTS[n] > 0)
    row, column = heatmap_metrics.lowest(SWEEPS[n], -DROPS[n])
    other = PARTS[(n + 1) % len(PARTS)]
    return {
        "image": int(SCORED[n]),
        "class": PICTURES.classes[LABELS[n]],
        "on the toy": heatmap_metrics.mean_where(DROPS[n], on),
        "clear of it": heatmap_metrics.mean_where(DROPS[n], off),
        "points at the toy": bool(PARTS[n][row, column]),
        "by chance": bool(other[row, column]),
    }


def part_drop(n: int, part: int) -> float:
    """Drop with at least half of a part covered; NaN where the image does not show it."""
    return heatmap_metrics.mean_where(DROPS[n], heatmap_metrics.on_part(SWEEPS[n], PARTS[n] == part))


def best_part(members: np.ndarray) -> int:
    """The part whose covering costs most, on average over the images that show it; 0 where none can be told."""
    means = {}
    for part in np.unique(PARTS[members]).tolist():
        drops = [drop for n in members if part and np.isfinite(drop := part_drop(n, part))]
        if drops:
            means[part] = float(np.mean(drops))
    return max(means, key=means.get) if means else 0


def part_drops(label: int) -> list[dict]:
    """For one class: its strongest part by every other image, scored on the rest."""
    members = np.flatnonzero(LABELS == label)
    part = best_part(members[::2])
    found = []
    for n in members[1::2] if part else []:
        on, _ = heatmap_metrics.on_and_off(SWEEPS[n], PARTS[n] > 0)
        elsewhere = on & ~heatmap_metrics.on_part(SWEEPS[n], PARTS[n] == part)
        drops = {"covered": part_drop(n, part), "elsewhere": heatmap_metrics.mean_where(DROPS[n], elsewhere)}
        found.append({"class": PICTURES.classes[label], "part": PICTURES.facts["parts"][part - 1], **drops})
    return found


def interval(values: pd.Series) -> tuple[float, float, float]:
    """Mean and its interval, missing values left out."""
    return bootstrap.mean(values.dropna().to_numpy(float), generator=np.random.default_rng(SEED))


NO_MASKS = "these pictures bring no masks" if not KNOWS_PARTS else "no image has both places on the toy and clear of it"
ON_TOY = pd.DataFrame(
    [on_the_toy(n) for n in range(len(SCORED))] if KNOWS_PARTS else [],
    columns=["image", "class", "on the toy", "clear of it", "points at the toy", "by chance"],
)
ON_PART = pd.DataFrame(
    [row for label in np.unique(LABELS) for row in part_drops(int(label))] if KNOWS_PARTS else [],
    columns=["class", "part", "covered", "elsewhere"],
)
HURTS, PART_HURTS = (ON_TOY["on the toy"] - ON_TOY["clear of it"]).astype(float), (ON_PART["covered"] - ON_PART["elsewhere"]).astype(float)
HURT, PART_HURT = interval(HURTS), interval(PART_HURTS)
TOY_ROWS = [
    verdicts.decided("occluding-the-object-hurts", claims.when_above(HURT[1:]), HURT, int(HURTS.notna().sum()), otherwise=NO_MASKS),
    verdicts.decided(
        "occluding-the-part-hurts-more", claims.when_above(PART_HURT[1:]), PART_HURT, int(PART_HURTS.notna().sum()), otherwise=NO_MASKS
    ),
]
Markdown(verdicts.told(*TOY_ROWS))

# %%
ON_PART.groupby(["class", "part"], as_index=False)[["covered", "elsewhere"]].mean().sort_values("covered", ascending=False).head(12).round(
    2
)

# %% [markdown]
# Does the strongest map fall where its projection lies? The projection's energy inside the square, at every position, against the fall of the map's activity; and the same with another image's projection.

# %%
MAPS5 = torch.tensor([found.map for found in SWEEPS])
ENERGY = (deconv.project_each(NET, INPUT, layer="conv5", maps=MAPS5) ** 2).sum(1).cpu().numpy()


def falls_with(n: int, energy: np.ndarray) -> float:
    """Correlation over the positions of the map's fall with the energy under the square; NaN where one of them is flat."""
    falls, under = SWEEPS[n].base_activity - SWEEPS[n].activity, SWEEPS[n].covered(energy)
    return float(np.corrcoef(falls.ravel(), under.ravel())[0, 1]) if falls.std() > 0 and under.std() > 0 else float("nan")


CORRELATION = pd.DataFrame(
    {"own projection": falls_with(n, ENERGY[n]), "another image's": falls_with(n, ENERGY[(n + 1) % len(ENERGY)])}
    for n in range(len(SCORED))
)
FALLS = interval(CORRELATION["own projection"] - CORRELATION["another image's"])
FALL_ROW = verdicts.decided(
    "a-map-falls-where-its-projection-lies",
    claims.when_above(FALLS[1:]),
    FALLS,
    int(CORRELATION.notna().all(axis=1).sum()),
    otherwise="no map of layer 5 answers",
)


def drop_is_local() -> dict:
    """The pattern of figure 7: much is lost at the worst position, little at most; thresholds from the paper's three images."""
    shares = np.array([heatmap_metrics.left_over(found.probabilities[..., label]) for found, label in zip(SWEEPS, LABELS, strict=True)])
    worst, usual = (bootstrap.mean(column, generator=np.random.default_rng(SEED)) for column in shares.T)
    status = claims.all_of([claims.when_below(worst[1:], 0.11), claims.when_above(usual[1:], 0.24)])
    row = verdicts.decided("figure7-drop-is-local", status, worst, len(shares), otherwise="no image is answered rightly", threshold=None)
    return results.of_regime(row, REGIME.words, REGIME.under_trained)


LOCAL_ROW = drop_is_local()
Markdown(
    verdicts.told(FALL_ROW)
    + f" (Own {CORRELATION['own projection'].mean():.2f}, another's {CORRELATION[CORRELATION.columns[1]].mean():.2f}.)\n\n"
    + verdicts.told(LOCAL_ROW)
)

# %% [markdown]
# ## Beside other methods
#
# Gradient, guided backpropagation and Grad-CAM give heat maps too, at a fraction of the cost. Where does each point? (Chance: the same point on another image's toy.) And how fast does the answer die when the hottest cells
# are deleted first? This second score needs no mask; it asks what the net needs, not where the object is. The lower the mean of the curve, the better.

# %%
METHODS = {"gradient": rules.GRADIENT, "guided backpropagation": rules.GUIDED}
TARGETS = torch.from_numpy(LABELS).to(DEVICE)
HEATS = {name: saliency.by_rules(NET, INPUT, TARGETS, ways).cpu().numpy() for name, ways in METHODS.items()}
HEATS["Grad-CAM"] = saliency.grad_cam(NET, INPUT, TARGETS).cpu().numpy()
HEATS["occlusion"] = np.stack([heatmap_metrics.spread(found, drops) for found, drops in zip(SWEEPS, DROPS, strict=True)])
HEATS["random"] = np.random.default_rng(SEED).random((len(SCORED), SIZE, SIZE))
SHARES = np.linspace(0, 1, 11)
FEW = range(min(48, len(SCORED)))
CURVES = {
    name: np.stack([heatmap_metrics.deletion(NET, INPUT[n], heat[n], int(LABELS[n]), shares=SHARES) for n in FEW])
    for name, heat in HEATS.items()
}


def points(name: str, shift: int) -> float:
    """Share of images in which the hottest pixel lies on the toy of the image `shift` further on."""
    hits = [PARTS[(n + shift) % len(PARTS)][heatmap_metrics.highest(HEATS[name][n])] > 0 for n in range(len(SCORED))]
    return float(np.mean(hits))


METHOD_TABLE = pd.DataFrame(
    {
        "method": name,
        "points at the toy": points(name, 0) if KNOWS_PARTS else None,
        "by chance": points(name, 1) if KNOWS_PARTS else None,
        "n": len(SCORED),
        "deletion, mean of the curve": float(CURVES[name].mean()),
        "n (deletion)": len(FEW),
    }
    for name in HEATS
)
deletion_figure = plot.lines(
    pd.DataFrame(
        {"share": share, "P": value, "method": name}
        for name, found in CURVES.items()
        for share, value in zip(SHARES, found.mean(0), strict=True)
    ),
    x="share",
    y="P",
    hue="method",
    xlabel="share of the image deleted, hottest first",
    ylabel="mean P(true class)",
    title="Deletion curves",
)
results.save(
    "occlusion_scores",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=deletion_figure,
    table=METHOD_TABLE,
    rows=[*TOY_ROWS, FALL_ROW, LOCAL_ROW],
    data=PICTURES,
    facts={"net": TRAINED.folder.name},
)
deletion_figure

# %%
METHOD_TABLE.round(3)

# %% [markdown]
# ## Compared with the paper

# %%
verdicts.table(*TOY_ROWS, FALL_ROW, LOCAL_ROW)

# %% [markdown]
# ## Where we differ
#
# - **Assumption**: square and steps as measured in the paper's figure, scaled to our images; the filling is the mean picture, where the paper's square has one grey near the mean.
# - **Assumption**: the strongest map is the one with the largest sum over its places.
# - Drops are in log-odds: a probability near 1 hides how much was lost.
# - Every position is a full pass through the net; speed comes from batches only.
#
# ## Exercises
#
# 1. Invert the experiment: hide everything *but* the square. Write it for one position.


# %% tags=["solution"]
def only_the_square(image: torch.Tensor, top: int, left: int, size: int) -> torch.Tensor:
    """The image with all but a square set to 0: there the net sees the mean picture."""
    kept = torch.zeros_like(image)
    kept[:, top : top + size, left : left + size] = image[:, top : top + size, left : left + size]
    return kept


# %%
seen = only_the_square(FIRST, 3, 5, 20)
assert torch.equal(seen[:, 3:23, 5:25], FIRST[:, 3:23, 5:25]) and int((seen != 0).any(0).sum()) <= 400

# %% [markdown]
# ## Provenance

# %%
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
