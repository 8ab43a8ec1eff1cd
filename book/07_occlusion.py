# %% [markdown]
# # Cover a part: occlusion
#
# **You will**
# - cover an image with a square, place by place, and ask the net what it still sees,
# - rebuild figure 7: where the strongest map is lowered most, and where the answer is lost,
# - score the method on many images beside three other methods, also by where the object is,
# - see how much depends on what fills the square.
#
# | | |
# | --- | --- |
# | In the paper | section 4.2, figure 7 |
# | The paper leaves open | size, steps and grey of the square (measured in its figure: 50 px of 224, steps of 6, a grey of about 124 of 255, near the mean); how its examples were chosen |
# | Needs | the net `zfnet` of the profile |
# | Takes | about two minutes on two cores, with toys or photographs |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %% tags=["plumbing"]
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
from zfutils.report import exercises, plot, results, verdicts
from zfutils.stats import bootstrap, pairing
from zfutils.training import runs
from zfutils.widgets import covered, square

pd.set_option("display.max_colwidth", None)

# %% tags=["plumbing"]
START = time.monotonic()
PROFILE = profiles.profile(profile)
SEED = seed
PICTURES = registry.at_hand(PROFILE, seed=seed)
SIZE = PROFILE.image_size
DEVICE = devices.device()
TRAINED = runs.trained(PROFILE, "zfnet", seed=seed)
NET = TRAINED.net().to(DEVICE)
VAL = PICTURES.indices("val")
REGIME = regime.of(TRAINED, PICTURES, name="zfnet", seed=seed)  # chapter 2 says when a net is under-trained
KNOWS_PARTS, KNOWS_OBJECTS = "parts" in PICTURES.facts["maps"], localization.knows_objects(PICTURES)
OBJECT, PLACE = ("the toy", "on the toy") if KNOWS_PARTS else ("the object's box", "in the object's box")


def signed(change: float) -> str:
    """A change of a probability with its sign, near 0 with its size."""
    return f"{change:+.3f}" if abs(change) >= 0.0005 or not change else f"{change:+.0e}"


Markdown(note([TRAINED], PICTURES))

# %% [markdown]
# ## By hand
#
# Does a net that says *dog* look at the dog, or at the lawn on which dogs are photographed? The simplest test needs no derivative and no look inside: hide a part of the picture and ask again. If the answer stays, the part was not needed.
#
# So the method is a loop. For every place of a square of `size` pixels, with its corner at (`top`, `left`),
#
# $$\text{found}_{ij} = \operatorname{softmax}\big(\text{net}(\text{covered}_{ij})\big)_{\text{label}}, \qquad \text{covered}_{ij} = \begin{cases} 0 & \text{inside the square at } (\text{top}_i, \text{left}_j) \\ \text{image} & \text{elsewhere} \end{cases}$$
#
# What is a square of zeros? The net's input is the picture minus the mean of the training pictures, so zero is not grey: it is the *mean picture*, what the training pictures show at that place on average. The paper's square has one grey, near
# that mean.


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


# %% [markdown]
# Which image? The correctly classified ones stand in an order drawn by the seed; the examples are taken first from those whose true class has a probability above one half, then from the rest, the surest first. From here on serves the first of them in which some
# square lowers that probability below half of what it was; if none of the first forty does, the very first. The library's sweep finds it, and must agree with the loop.

# %%
CROPS = crops.Crops(PICTURES, SIZE, device=DEVICE)
PROBABILITIES = predictions.probabilities(NET, CROPS, VAL)
CORRECT = VAL[PROBABILITIES.argmax(1) == PICTURES.labels[VAL]]
RIGHT_ROWS = np.random.default_rng(SEED).permutation(CORRECT)
OWN = pd.Series(PROBABILITIES[np.arange(len(VAL)), PICTURES.labels[VAL]], index=VAL)  # probability of the true class
SURE_ROWS = OWN[RIGHT_ROWS].clip(upper=0.5).sort_values(ascending=False, kind="stable").index.to_numpy()  # above one half all are equal


def yields(row: int) -> bool:
    """Whether a square of a quarter of the side takes an image below half of its true class's probability somewhere."""
    image, label = top_nine.centre_crops(PICTURES, SIZE, np.array([row]), DEVICE)[0], PICTURES.labels[row]
    coarse = occlusion.sweep(NET, image, size=SIZE // 4, stride=SIZE // 8, layer=None)
    return bool(coarse.probabilities[..., label].min() < 0.5 * coarse.base_probabilities[label])


FIRST_ROW = next((row for row in SURE_ROWS[:40].tolist() if yields(row)), int(SURE_ROWS[0]))
FIRST, LABEL = top_nine.centre_crops(PICTURES, SIZE, np.array([FIRST_ROW]), DEVICE)[0], int(PICTURES.labels[FIRST_ROW])
with torch.no_grad():
    by_hand = occlude_by_hand(NET, FIRST, LABEL, SIZE // 4, SIZE // 8)
at_once = occlusion.sweep(NET, FIRST, size=SIZE // 4, stride=SIZE // 8)
assert np.allclose(by_hand, at_once.probabilities[..., LABEL], atol=1e-5)
Markdown(f"{at_once}: the loop and the batched sweep agree to {np.abs(by_hand - at_once.probabilities[..., LABEL]).max():.0e}.")

# %% [markdown]
# How far is the mean picture from one grey?

# %% tags=["plumbing"]
CUT = (PICTURES.facts["size"] - SIZE) // 2
MEAN_PICTURE = np.asarray(PICTURES.mean())[CUT : CUT + SIZE, CUT : CUT + SIZE]
UNEVEN = float(np.abs(MEAN_PICTURE - MEAN_PICTURE.mean((0, 1))).mean())
Markdown(
    f"The mean picture of this training set has the mean colour ({', '.join(f'{value:.0f}' for value in MEAN_PICTURE.mean((0, 1)))}) of 255; from that one colour its pixels "
    f"differ by {UNEVEN:.1f} on average and by up to {np.abs(MEAN_PICTURE - MEAN_PICTURE.mean((0, 1))).max():.0f}. The paper's grey has 123 to 125."
)

# %% [markdown]
# ## Drag the square
#
# Try it: drag the square over the object and off it, make it smaller, fill it with something else. The marks are the probabilities of the uncovered picture: which class takes what the true one loses? Is there a small place that costs more than a large one
# elsewhere? Besides the *mean picture* of the training set there are three fillings of the picture's own: the *image mean* (its own mean colour), a *blur* (means over windows of a quarter of the side) and *noise* (independent values with the mean and the deviation of each colour). The row below shows the place of the loop above that costs least there, the one that costs most there, and at the latter another filling and a smaller square. (The loop tries few places, and its square is a little larger: the sweeps further down find other lowest and highest values.)

# %%
FILLS = {"mean picture": occlusion.mean_grey, "image mean": occlusion.image_mean, "blur": occlusion.blur, "noise": occlusion.noise}
COVERED = covered.Covered(NET, FIRST, LABEL, CROPS, PICTURES.classes, FILLS)
BEST, WORST = (square.value(*heatmap_metrics.lowest(at_once, sign * at_once.probabilities[..., LABEL]), SIZE) for sign in (-1, 1))
DRAGGED = COVERED.dragged()
STATES = [{"square": BEST}, {"square": WORST}, {"square": WORST, "fill": "noise"}, {"square": WORST, "size": SIZE // 8}]
DRAGGED.figure(STATES, names=("costs least", "costs most", "there, noise", f"there, {SIZE // 8} px"), cell=3.3)

# %%
DRAGGED

# %% [markdown]
# The same places in numbers. Does the net only lose some of its confidence there, or does it name another class?

# %%
MILD_AT, WORST_AT = (heatmap_metrics.lowest(at_once, sign * at_once.probabilities[..., LABEL]) for sign in (-1, 1))
USUAL = occlusion.scaled(SIZE)[0]
TRIES = {
    "where it costs least in the loop": occlusion.cover(FIRST, MILD_AT, USUAL),
    "where it costs most in the loop": occlusion.cover(FIRST, WORST_AT, USUAL),
    "there, filled with noise": occlusion.cover(FIRST, WORST_AT, USUAL, fill=occlusion.noise),
    f"there, with {SIZE // 8} px a side": occlusion.cover(FIRST, WORST_AT, SIZE // 8),
}
with torch.no_grad():
    TRIED = {name: NET(image[None]).softmax(1)[0].cpu().numpy() for name, image in TRIES.items()}
Markdown(
    f"Uncovered, *{PICTURES.classes[LABEL]}* has a probability of {at_once.base_probabilities[LABEL]:.3f}. With a square of {USUAL} px it has "
    + "; ".join(f"{some[LABEL]:.3f} {name} (most probable: *{PICTURES.classes[some.argmax()]}*)" for name, some in TRIED.items())
    + f". The loop itself, with a square of {at_once.size} px at {by_hand.size} places, has {by_hand.min():.3f} at its lowest and {by_hand.max():.3f} at its highest."
)

# %% [markdown]
# ## Figure 7
#
# Three images by a rule: in the order of the examples above, the first three that show different classes. (a) The image with the square in its middle position. (b) Summed activity of the layer-5
# map that is strongest in the uncovered image. (c) That map's projection in this image (framed) and in the three other val images that excite it most. (d) Probability of the true class.
# (e) Most probable class, with the number of positions. A cell of a map is a position of the square: the top left one has the square in the top left corner, so a map covers the picture less half a square on each side.
# The colours of (b) begin at the lowest value of the map, which need not be 0; those of (d) run from 0 to the highest probability of the row.
#
# Compare (b) with (d). The paper's point is that the two need not agree: in its first example both fall on the dog's face; in the second the strongest map reads the text on the car while the answer hangs on the wheel; in the third the map is on the human faces while
# the answer hangs on the dog.

# %%
STEP = time.monotonic()
EXAMPLES: list[int] = []
for row in SURE_ROWS.tolist():
    if len(EXAMPLES) < 3 and PICTURES.labels[row] not in PICTURES.labels[EXAMPLES]:
        EXAMPLES.append(row)
TOP5 = topk.scanned(PROFILE, NET, TRAINED.folder.name, PICTURES, "val", layers=("conv1", "conv2", "conv3", "conv4", "conv5"))["conv5"]

# %% [markdown]
# One row of the figure: a sweep of the image, and the projections of the map that the sweep followed.


# %%
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
        name, seen, framed, found.activity, found.map, tiles, captions, found.probabilities[..., label], found.labels, PICTURES.classes
    ), found


PROBED = [probed(row) for row in EXAMPLES]

# %%
figure7 = plot.occlusion([one for one, _ in PROBED], title="Figure 7: occlusion")
figure7

# %% [markdown]
# Look at (e) first: where is the true class lost, and to which class? Then think the square of (a) moved to that place; under *Open a cell of the map* it stands there.

# %%
SAID: list[str] = []
for (one, found), row in zip(PROBED, EXAMPLES, strict=True):
    label = PICTURES.classes.index(one.label)
    lost, named = one.classes != label, f"- *{one.label}* (P uncovered {found.base_probabilities[label]:.2f})"
    if not lost.any():
        SAID.append(f"{named} is lost nowhere: it stays the most probable class at all {lost.size} positions.")
        continue
    taker = int(np.bincount(one.classes[lost], minlength=len(PICTURES.classes)).argmax())
    words = f"{named} is lost at {lost.sum()} of {lost.size} positions, most often to *{PICTURES.classes[taker]}* ({int((one.classes[lost] == taker).sum())})."
    if KNOWS_OBJECTS:
        on = found.covered(localization.objects(PICTURES, SIZE, np.array([row]))[0]) / found.size**2
        words += f" There the square lies {PLACE} with {on[lost].mean():.0%} of its area on average"
        words += f", elsewhere with {on[~lost].mean():.0%}." if (~lost).any() else "."
        if (~lost).any() and on[lost].mean() < on[~lost].mean():
            words += f" So hiding the object hardly explains the loss: what stands around it may speak for the class, or the square may look like a part of a *{PICTURES.classes[taker]}*. Neither was tested; what a square adds is the subject of *What fills the square*."
    SAID.append(words)

# %% tags=["plumbing"]
SHARED_MAPS = {
    number: [one.label for one, _ in PROBED if one.followed == number] for number in dict.fromkeys(one.followed for one, _ in PROBED)
}
SAID += [
    f"- Panel (b) follows the same map, {number}, for {' and '.join(f'*{label}*' for label in labels)}: these rows are not independent."
    for number, labels in SHARED_MAPS.items()
    if len(labels) > 1
]
Markdown(
    "\n".join(SAID)
    + (
        ""
        if KNOWS_OBJECTS
        else "\n\nThese pictures bring neither masks nor boxes: whether the square then lies on the object is for the eye to say. Where the lowest places lie stands below the table."
    )
)

# %% [markdown]
# The same in numbers, with the rows of the scoreboard: how the square moves is the paper's; the paper's three photographs are not among these pictures.

# %%
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


# %% tags=["plumbing"]
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
FIGURE7.round(3)

# %% [markdown]
# Compare *P highest* with *P unoccluded*: a square may raise the probability, and where none of its positions keeps it, the square costs wherever it lies. Then compare the middle position, which (a) shows, with the lowest one: is it the object that the net needs, or
# what surrounds it?


# %% tags=["plumbing"]
def costs(one: plot.Probed, found: occlusion.Sweep) -> str:
    """Where a square costs most in an example, what the square of (a) costs, and whether any position raises the probability."""
    chances, base = one.probability, float(found.base_probabilities[PICTURES.classes.index(one.label)])
    middle = float(chances[len(found.tops) // 2, len(found.lefts) // 2])
    down, along = (place / SIZE for place in heatmap_metrics.lowest(found, chances))
    higher = int((chances > base + 0.001).sum())
    said = f"- *{one.label}*: {base:.3f} uncovered, {middle:.3f} with the square of (a), {chances.min():.3f} at the lowest place, {down:.0%} of the way down and {along:.0%} from the left. "
    if higher:
        said += f"{higher} of {chances.size} positions raise the probability by more than 0.001, to at most {chances.max():.3f}."
    elif chances.max() < base - 0.001:
        said += f"No position keeps the uncovered probability: even the best leaves {chances.max():.3f}, so the square costs wherever it lies, and a low value alone shows no place."
    else:
        said += "No position raises the probability by more than 0.001."
    if middle > base + 0.001:
        return f"{said} The square of (a), in the middle, raises it by {middle - base:.3f}: what it covers does not speak for the class."
    return said + (" The square of (a) does not lower it by more than 0.001." if middle >= base - 0.001 else "")


Markdown("\n".join(costs(one, found) for one, found in PROBED))

# %% [markdown]
# The paper's three examples, decoded from its figure: the same panels (b), (d) and (e), and the same table. All maps of (d) share one scale from 0 to 1 here: the car wheel never gets far.

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
THEIR_FIGURE7 = pd.DataFrame(
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
)
THEIR_FIGURE7.round(3)

# %% [markdown]
# Now the paper's own observation as a number, for its three examples and ours: do the strongest map and the answer hang on the same place? Compared are (b) and (d): their correlation over the positions, and how far apart the two lowest places are, in sides of the
# image. Were the strongest map the reason for the answer, the correlation would be high and the distance small. (Not 1 and not 0: a probability near 1 hardly moves while the activity falls. The paper's Pomeranian, where both fall on the face,
# shows what to expect.)


# %%
def map_and_answer(activity: np.ndarray, probability: np.ndarray, step: float) -> dict:
    """How alike (b) and (d) are: correlation over positions, distance of the two lowest positions in sides of the image."""
    lows = [np.array(np.unravel_index(some.argmin(), some.shape)) for some in (activity, probability)]
    flat = activity.std() == 0 or probability.std() == 0
    together = float("nan") if flat else float(np.corrcoef(activity.ravel(), probability.ravel())[0, 1])
    return {"correlation of (b) and (d)": together, "lowest places apart": float(np.linalg.norm(lows[0] - lows[1])) * step}


SIDE_STEPS = {"ours": occlusion.scaled(SIZE)[1] / SIZE, "the paper": occlusion.STRIDE / occlusion.SIDE}
TOGETHER = pd.DataFrame(
    [{"whose": "ours", "example": one.label, **map_and_answer(one.activity, one.probability, SIDE_STEPS["ours"])} for one, _ in PROBED]
    + [
        {"whose": "the paper", "example": example, **map_and_answer(activity, probability, SIDE_STEPS["the paper"])}
        for example, (activity, probability, _) in DECODED.items()
    ]
)
TOGETHER.round(2)

# %% tags=["plumbing"]
OWN_TOGETHER, THEIR_TOGETHER = (TOGETHER[TOGETHER["whose"] == whose].set_index("example") for whose in ("ours", "the paper"))
LEAST, MOST = (
    f"*{some.index[0]}* ({some.iloc[0]['correlation of (b) and (d)']:.2f})"
    for some in (THEIR_TOGETHER.sort_values("correlation of (b) and (d)", ascending=ascending) for ascending in (True, False))
)
APART = 2**0.5 * occlusion.SIZE / occlusion.SIDE  # from there on two squares cannot overlap
SURE = FIGURE7.set_index("example")["P unoccluded"] > 0.5  # of a class that hardly leads, the lowest place says little
GOES_WITH = 0.3  # a bound of ours: from there on the two go together over the positions
OWN_R = OWN_TOGETHER["correlation of (b) and (d)"]  # NaN where one of the two does not move: nothing to read
FAR = OWN_TOGETHER["lowest places apart"] >= APART
DIVIDED, LOOSE, NEAR = (
    OWN_TOGETHER.index[SURE & OWN_R.notna() & kind].tolist() for kind in (FAR, ~FAR & ~(OWN_R > GOES_WITH), ~FAR & (OWN_R > GOES_WITH))
)


def starred(names: list[str]) -> str:
    """Names in italics."""
    return ", ".join(f"*{name}*" for name in names)


# %% tags=["plumbing"]
Markdown(
    f"In the paper's maps the two go together most for {MOST} and least for {LEAST}. "
    + (
        ""
        if SURE.all()
        else "Of ours the net gives at most one half, uncovered, to "
        + starred(SURE.index[~SURE])
        + ": there the lowest place says little, and is not read. "
    )
    + (
        "In ours the square that lowers the strongest map most and the square that costs the answer most do not overlap for "
        + starred(DIVIDED)
        + ": there the strongest map and the answer have their lowest places apart, as with the faces beside the paper's dog. Whether the answer rests on what lies there, or the square itself looks like something, *What fills the square* asks. "
        if DIVIDED
        else ""
    )
    + (
        f"For {starred(LOOSE)} the two lowest places are so near that the squares may overlap, but over the positions the two do not go together (a correlation of at most {GOES_WITH}, a bound of ours). "
        if LOOSE
        else ""
    )
    + (
        f"For {starred(NEAR)} the two lowest places are so near that the squares may overlap, and the two go together over the positions (a correlation above {GOES_WITH}): no split like the paper's between the faces, which excite the strongest map, and the dog, which the decision needs."
        if NEAR
        else ""
    )
)

# %% [markdown]
# ## Open a cell of the map
#
# Try it: move over the map with the pointer (or cell by cell with the arrow keys); you see the picture with the square there and the classes that the net then names. Look for the edge of the dark region: does the square there touch the object, and which class wins
# inside? The row below shows, for the image of the loop above, the cells with the lowest and the highest probability, and the middle one.

# %%
SWEPT = dict(zip(EXAMPLES, (found for _, found in PROBED), strict=True)).get(FIRST_ROW) or occlusion.sweep(NET, FIRST)
OPENED, MAP = COVERED.swept(SWEPT), SWEPT.probabilities[..., LABEL]
CELLS = [divmod(int(flat), len(MAP)) for flat in (MAP.argmin(), MAP.argmax(), MAP.size // 2 + len(MAP) // 2)]
STATES = [{"cell": square.value(row + 0.5, column + 0.5, len(MAP))} for row, column in CELLS]
OPENED.figure(STATES, names=("lowest", "highest", "middle"), title="Three cells of the map, opened", columns=3, cell=3.3)

# %%
OPENED

# %% tags=["plumbing"]
DARK = MAP < 0.5 * SWEPT.base_probabilities[LABEL]
TOUCHES = SWEPT.covered(localization.objects(PICTURES, SIZE, np.array([FIRST_ROW]))[0]) > 0 if KNOWS_OBJECTS else None
Markdown(
    "; ".join(
        f"{name}: P {MAP[cell]:.2f}, most probable *{PICTURES.classes[SWEPT.labels[cell]]}*"
        for name, cell in zip(("Lowest cell", "highest cell", "middle"), CELLS, strict=True)
    )
    + f". At {DARK.sum()} of {DARK.size} positions less than half of the uncovered probability is left"
    + (
        f"; at {int((DARK & TOUCHES).sum())} of these the square touches {OBJECT} (of all {DARK.size} positions at {int(TOUCHES.sum())})."
        if KNOWS_OBJECTS
        else "."
    )
)

# %% [markdown]
# ## What fills the square
#
# A square hides, and it also adds: edges of its own, and whatever it is filled with. The mean picture is a picture too and may look like something. Four fillings on the same image: if the maps differ, part of each shows the filling and not the object.

# %%
FILLED = {name: occlusion.sweep(NET, FIRST, fill=fill, layer=None).probabilities[..., LABEL] for name, fill in FILLS.items()}
plot.heat_maps(FILLED, title=f"P({PICTURES.classes[LABEL]}) by what fills the square")

# %% [markdown]
# Do the dark regions lie at one place, and are they of one size? In the table: the correlation of each two maps over the positions.

# %%
ALIKE = pd.DataFrame(np.corrcoef([found.ravel() for found in FILLED.values()]), index=list(FILLED), columns=list(FILLED))
ALIKE.round(2)

# %% tags=["plumbing"]
CHANGES = {name: found.mean() - at_once.base_probabilities[LABEL] for name, found in FILLED.items()}
PAIRED = pd.Series({(one, other): ALIKE.loc[one, other] for n, one in enumerate(FILLED) for other in list(FILLED)[n + 1 :]})
BELOW_HALF = np.array([found < 0.5 * at_once.base_probabilities[LABEL] for found in FILLED.values()])
TAKEN = BELOW_HALF.sum(0)  # under how many fillings a position leaves less than half
AT_LEAST = [int((TAKEN >= count).sum()) for count in range(1, len(FILLED) + 1)]
WITHOUT = {name: int(np.delete(BELOW_HALF, n, axis=0).all(0).sum()) for n, name in enumerate(FILLED)}
ODD = max(WITHOUT, key=WITHOUT.get)  # the filling without which the others share most
RAISES = {name: int((found > at_once.base_probabilities[LABEL] + 0.001).sum()) for name, found in FILLED.items()}


# %% tags=["plumbing"]
def shared() -> str:
    """How many fillings take half of the probability at one position, and which of them stands in the way."""
    if not AT_LEAST[0]:
        return "No filling takes half of the probability at any position of this image, so it cannot show what a filling adds. "
    counts = ", ".join(f"{count} or more at {some}" for count, some in enumerate(AT_LEAST[:-1], 1))
    said = f"How many fillings leave less than half of the probability, over {TAKEN.size} positions: {counts}, all {len(FILLED)} at {AT_LEAST[-1]}. "
    if WITHOUT[ODD] > AT_LEAST[-1]:
        said += f"Without *{ODD}* the other {len(FILLED) - 1} share {WITHOUT[ODD]}. "
    if AT_LEAST[-1] == AT_LEAST[0]:
        return said + "So these losses do not depend on the filling. "
    if AT_LEAST[-1]:
        return said + "Where all take half the loss does not depend on the filling, elsewhere it does. "
    if WITHOUT[ODD]:
        return said + f"So what is lost there does not hang on one filling alone, but *{ODD}* does not take it. "
    return said + "No position is shared by all but one of them: in this image losses of that size depend on the filling. "


# %% [markdown]
# Does the mean change have one sign under all fillings? And how many positions lose half under every one of them?

# %% tags=["plumbing"]
Markdown(
    f"Mean change of the probability over the positions, from {at_once.base_probabilities[LABEL]:.3f} uncovered: "
    + ", ".join(f"{signed(change)} (*{name}*)" for name, change in CHANGES.items())
    + ". "
    + (
        f"Positions at which a square raises it by more than 0.001: {', '.join(f'{count} (*{name}*)' for name, count in RAISES.items())}. "
        if any(RAISES.values())
        else "With no filling does a square raise it by more than 0.001 anywhere. "
    )
    + shared()
    + (
        f"The two maps that agree least are those of *{PAIRED.idxmin()[0]}* and *{PAIRED.idxmin()[1]}*, with a correlation of {PAIRED.min():.2f}."
        if PAIRED.notna().any()
        else "Where a map is flat its correlation is not defined."
    )
)

# %% [markdown]
# ## Scored
#
# Three pictures are three anecdotes; here are many. The measure is the drop in log-odds of the true class from the uncovered image, where it has the probability $p$, to the square at position $(i, j)$, where it has $p_{ij}$:
#
# $$\text{DROPS}_{ij} = \log\frac{p}{1-p} - \log\frac{p_{ij}}{1-p_{ij}}$$
#
# A net that is certain hides its losses: from .999 to .990 the probability hardly moves, and yet the odds fall by a factor of ten.
#
# The images are correctly classified ones, drawn by the seed. Steps are twice the paper's, to save time.

# %%
STEP = time.monotonic()
SCORED = RIGHT_ROWS[: 240 if KNOWS_PARTS else 48]
SQUARE, STRIDE = occlusion.scaled(SIZE, steps=2)
INPUT = top_nine.centre_crops(PICTURES, SIZE, SCORED, DEVICE)
SWEEPS = [occlusion.sweep(NET, image, size=SQUARE, stride=STRIDE) for image in INPUT]
LABELS = PICTURES.labels[SCORED]
DROPS = [found.base_log_odds[label] - found.log_odds[..., label] for found, label in zip(SWEEPS, LABELS, strict=True)]
OBJECTS = localization.objects(PICTURES, SIZE, SCORED) if KNOWS_OBJECTS else None
PARTS = localization.part_maps(PICTURES, SIZE, SCORED) if KNOWS_PARTS else None
Markdown(f"{len(SCORED)} images; {SWEEPS[0]}.")

# %% tags=["plumbing"]
HOW_SCORED = (
    "First the whole object: how much larger is the drop with at least half of the square on it than with the square clear of it? "
    "Objects mostly stand in the middle of their pictures, and a square in the middle may cost more wherever the object is. So chance is taken off: what the image's drops give with the other images' objects, plus what their drops give with its object, minus the mean of all such strange pairs. "
    '"Points at it": the place that costs most, the middle of the square there, lies on the object; by chance alike. '
)
Markdown(
    HOW_SCORED
    + "Then its parts. The strongest part of a class is chosen on one half of its images and scored on the other, so that a part cannot win by luck alone. "
    "Left out are images in which the part, or the rest of the toy without it, is never covered. "
    "Mind a rival that is not ruled out: how much of the toy a square hides is not held equal between the two."
    if KNOWS_PARTS
    else HOW_SCORED
    + "The object is the box that people drew around it. A box holds more than its object, so some squares in it hide nothing of the object; and one that leaves no room beside it says nothing, so that the images that count are those of small boxes. "
    "Parts are known of toys alone, and the cells that score them stay empty here."
    if KNOWS_OBJECTS
    else "These pictures bring neither masks nor boxes, so it cannot be scored how much more is lost with the square on the object than beside it; the cells that do it stay empty here."
)


# %%
def on_the_object() -> pd.DataFrame:
    """What an object costs more than what is clear of it, in the images that have both, and by chance; where the worst place points, in all images."""
    costs = heatmap_metrics.costs(SWEEPS[0], np.stack(DROPS), OBJECTS)
    both = np.isfinite(costs).all(0)
    worst = [heatmap_metrics.lowest(found, -drops) for found, drops in zip(SWEEPS, DROPS, strict=True)]
    points = np.array([OBJECTS[:, row, column] for row, column in worst], float)
    table = pd.DataFrame({"image": SCORED, "class": [PICTURES.classes[label] for label in LABELS]})
    table.loc[both, ["costs more", "costs more, by chance"]] = np.stack(pairing.own_and_chance(costs[np.ix_(both, both)]), 1)
    table["points at it"], table["points at it, by chance"] = pairing.own_and_chance(points)
    return table


NO_OBJECTS = (
    "fewer than two images have both places on the object and clear of it"
    if KNOWS_OBJECTS
    else "these pictures bring neither masks nor boxes"
)
NO_MASKS = NO_OBJECTS if KNOWS_PARTS else "these pictures bring no masks"
COLUMNS = ["image", "class", "costs more", "costs more, by chance", "points at it", "points at it, by chance"]
ON_OBJECT = on_the_object().reindex(columns=COLUMNS) if KNOWS_OBJECTS else pd.DataFrame(columns=COLUMNS)


# %%
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


# %% [markdown]
# Two claims need the object, and all means get an interval:


# %%
def interval(values: pd.Series) -> tuple[float, float, float]:
    """Mean and its interval, missing values left out."""
    return bootstrap.mean(values.dropna().to_numpy(float), generator=np.random.default_rng(SEED))


ON_PART = pd.DataFrame(
    [row for label in np.unique(LABELS) for row in part_drops(int(label))] if KNOWS_PARTS else [],
    columns=["class", "part", "covered", "elsewhere"],
)
HURTS, PART_HURTS = (
    (ON_OBJECT["costs more"] - ON_OBJECT["costs more, by chance"]).astype(float),
    (ON_PART["covered"] - ON_PART["elsewhere"]).astype(float),
)
HURT, PART_HURT = interval(HURTS), interval(PART_HURTS)
OBJECT_ROWS = [
    verdicts.decided("occluding-its-own-object-hurts", claims.when_above(HURT[1:]), HURT, int(HURTS.notna().sum()), otherwise=NO_OBJECTS),
    verdicts.decided(
        "occluding-the-part-hurts-more", claims.when_above(PART_HURT[1:]), PART_HURT, int(PART_HURTS.notna().sum()), otherwise=NO_MASKS
    ),
]
Markdown(verdicts.told(*OBJECT_ROWS)) if KNOWS_OBJECTS else None

# %% tags=["plumbing"]
BY_CLASS = HURTS.dropna().groupby(ON_OBJECT["class"]).agg(["mean", "size"])
BY_CLASS = BY_CLASS.loc[BY_CLASS["size"] >= 5, "mean"].sort_values()  # the extremes of single images say nothing of their classes
Markdown(
    f"{int(HURTS.notna().sum())} of {len(ON_OBJECT)} images have both kinds of positions. In them a square {PLACE} costs {ON_OBJECT['costs more'].mean():+.2f} log-odds more than one clear of it, by chance {ON_OBJECT['costs more, by chance'].mean():+.2f}. "
    f"A difference of 1 in log-odds is a factor of {np.e:.1f} in the odds: the {HURT[0]:+.2f} that are left are a factor of {np.exp(abs(HURT[0])):,.3g}. "
    + (
        f"The object matters most for *{BY_CLASS.index[-1]}* ({BY_CLASS.iloc[-1]:+.2f} beyond chance) and least for *{BY_CLASS.index[0]}* ({BY_CLASS.iloc[0]:+.2f}). "
        if len(BY_CLASS) > 1
        else ""
    )
    + f"The place that costs most lies {PLACE} in {ON_OBJECT['points at it'].mean():.0%} of {len(ON_OBJECT)} images, by chance in {ON_OBJECT['points at it, by chance'].mean():.0%}."
    if HURTS.notna().any()
    else f"Nothing to read here: {NO_OBJECTS}."
) if KNOWS_OBJECTS else None

# %%
PART_MEANS = ON_PART.groupby(["class", "part"], as_index=False)[["covered", "elsewhere"]].mean().sort_values("covered", ascending=False)
PART_MEANS.round(2) if KNOWS_PARTS else None

# %% tags=["plumbing"]
LEAD = (PART_MEANS["covered"] - PART_MEANS["elsewhere"]).astype(float).dropna()
FIRST_PART, NO_LEAD = PART_MEANS.loc[LEAD.idxmax()] if len(LEAD) else None, int((LEAD <= 0).sum())
Markdown(
    "The parts that cost most stand first; one that matters costs more than the rest of its own toy. "
    f"The clearest case is the *{FIRST_PART['part']}* of *{FIRST_PART['class']}*: {FIRST_PART['covered']:.2f} with the part covered, {FIRST_PART['elsewhere']:.2f} with the square elsewhere on the toy. "
    f"In {NO_LEAD} of {len(LEAD)} classes the part that was chosen does not lead on the other half of the images"
    + (": there the choice was luck, or the class rests on several parts." if NO_LEAD else ".")
    if len(LEAD)
    else f"Nothing to read here: {NO_MASKS}."
) if KNOWS_PARTS else None

# %% [markdown]
# Now panel (b) against panel (c). If a projection shows what excites its map, then covering it must lower the map. At every position: the projection's energy inside the square against the fall of the map's activity, as a correlation over positions; and the same with
# another image's projection, because both maps tend to be high in the middle of a picture.

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

# %% [markdown]
# And the pattern of figure 7 (d) on many images: is nearly all lost at the worst position, and much more left at the median position? The two thresholds come from the paper's three images: twice the largest share that is left at the worst position, half the smallest at the median position. (They rest on the ends of the printed scales, .054 and .987, .006 and .295, .002 and .754; the decoded maps have 64 levels, so their extremes are rounded inwards.)

# %% tags=["plumbing"]
LEFT_OVER = np.array([heatmap_metrics.left_over(found.probabilities[..., label]) for found, label in zip(SWEEPS, LABELS, strict=True)])


def drop_is_local() -> dict:
    """The pattern of figure 7: much is lost at the worst position, little at most; thresholds from the paper's three images."""
    shares = LEFT_OVER
    worst, usual = (bootstrap.mean(column, generator=np.random.default_rng(SEED)) for column in shares.T)
    status = claims.all_of([claims.when_below(worst[1:], 0.11), claims.when_above(usual[1:], 0.24)])
    row = verdicts.decided("figure7-drop-is-local", status, worst, len(shares), otherwise="no image is answered rightly", threshold=None)
    return results.of_regime(row, REGIME.words, REGIME.under_trained)


LOCAL_ROW = drop_is_local()
OFTENEST, OFTEN = max(zip(*np.unique(MAPS5.numpy(), return_counts=True), strict=True), key=lambda pair: pair[1])
Markdown(
    f"The {len(MAPS5)} images follow {len(np.unique(MAPS5.numpy()))} different maps; map {OFTENEST} is the strongest in {OFTEN} of them. "
    f"Correlation with the own projection {CORRELATION['own projection'].mean():.2f}, with another's {CORRELATION[CORRELATION.columns[1]].mean():.2f}.\n\n"
    + verdicts.told(FALL_ROW, LOCAL_ROW)
)

# %% tags=["plumbing"]
AHEAD = (CORRELATION["own projection"] > CORRELATION["another image's"])[CORRELATION.notna().all(axis=1)]
Markdown(
    (
        f"A map follows its own projection more closely than another image's in {AHEAD.mean():.0%} of {len(AHEAD)} images. "
        if len(AHEAD)
        else ""
    )
    + f"At its worst position a square leaves {LEFT_OVER[:, 0].mean():.0%} of the highest probability, at the median position {LEFT_OVER[:, 1].mean():.0%}; the rule asks for less than 11 % and more than 24 %. "
    f"Of {len(LEFT_OVER)} images {int((LEFT_OVER[:, 0] < 0.11).sum())} meet the first and {int((LEFT_OVER[:, 1] > 0.24).sum())} the second."
    + (
        ""
        if LOCAL_ROW["status"] == claims.AGREES
        else " Where the first fails, no square that was tried hides enough: the object may be larger than the square, or the net may know it by more than one part. Neither was tested."
    )
)

# %% [markdown]
# ## Beside other methods
#
# *Gradient* and *guided backpropagation* (chapter 6) give a heat map too, at a fraction of the cost: the size of what comes down from the class to each pixel. *Grad-CAM* weighs each map of the last convolutional layer by the mean gradient of
# the class with respect to it, adds the maps up and keeps what is positive. Two scores:
#
# - *Where does it point?* The share of images whose hottest pixel lies on the object, that is on the toy, or in the box of a photograph; by chance, on the objects of the other images. The score is the lead over chance, because large objects in the middle are easily hit.
# - *How fast does the answer die?* The picture is cut into blocks of 8 x 8 pixels, here called cells; the hottest are deleted first, that is, replaced by the mean picture. This needs no mask; it asks what the net needs, not where the object is. The lower the mean of the curve, the better.
#
# The last line, random cells, is what a method must beat. Mind that occlusion has an advantage in the second score: it was made by covering with the mean picture, and deletion covers with the mean picture. In the first one its map is
# spread over the pixels, and near the border a pixel's value rests on few squares, so its numbers are not those of the worst *square* above.

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


def pointing(name: str) -> dict:
    """Share of images in which the hottest pixel lies on the object, the same by chance, and the lead with its interval."""
    if not KNOWS_OBJECTS or len(SCORED) < 2:  # one image alone has no chance
        return {}
    rows, columns = np.array([heatmap_metrics.highest(heat) for heat in HEATS[name]]).T
    own, chance = pairing.own_and_chance(OBJECTS[:, rows, columns].T.astype(float))
    lead, low, high = bootstrap.mean(own - chance, generator=np.random.default_rng(SEED))
    shares = {"points at the object": own.mean(), "by chance": chance.mean()}
    return shares | {"lead": lead, "low": low, "high": high, "n": len(SCORED)}


# %%
METHOD_TABLE = pd.DataFrame(
    {
        "method": name,
        **pointing(name),
        "deletion, mean of the curve": float(CURVES[name].mean()),
        "n (deletion)": len(FEW),
    }
    for name in HEATS
)

# %% [markdown]
# The deletion curves: a good map makes its curve fall early.

# %%
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
    rows=[*OBJECT_ROWS, FALL_ROW, LOCAL_ROW],
    data=PICTURES,
    facts={"net": TRAINED.folder.name},
)
deletion_figure

# %%
METHOD_TABLE.round(3)

# %% tags=["plumbing"]
AREAS = METHOD_TABLE.set_index("method")["deletion, mean of the curve"].astype(float)
POINTING = METHOD_TABLE.set_index("method").drop("random")
BEST = POINTING["lead"].idxmax() if "lead" in POINTING else None
WORSE = [name for name in AREAS.index.drop("random") if AREAS[name] >= AREAS["random"]]
Markdown(
    f"By deletion *{AREAS.idxmin()}* is best ({AREAS.min():.3f}; random cells {AREAS['random']:.3f}; {len(FEW)} images and no interval, so take the order of the methods as a hint); "
    + (
        f"{', '.join(WORSE)} {'does' if len(WORSE) == 1 else 'do'} no better than random cells. "
        if WORSE
        else "every method beats random cells. "
    )
    + (
        f"By pointing *{BEST}* is farthest beyond chance: its hottest pixel lies {PLACE} in {POINTING['points at the object'][BEST]:.0%} of {len(SCORED)} images, by chance in {POINTING['by chance'][BEST]:.0%} (lead {100 * POINTING['lead'][BEST]:.0f} points, {100 * POINTING['low'][BEST]:.0f} to {100 * POINTING['high'][BEST]:.0f}). "
        + (f"Not beyond chance: {', '.join(BLIND)}. " if (BLIND := POINTING.index[POINTING["low"] <= 0].tolist()) else "")
        + (
            "The two scores choose the same method."
            if BEST == AREAS.idxmin()
            else "The two scores choose different methods, and need not agree: a net may need the surroundings, and a method may point well at a place that the net does not need."
        )
        if BEST
        else ""
    )
)

# %% [markdown]
# ## Compared with the paper
#
# Section 4.2 has no numbers, so its sentences became claims with a measure and a rule, written down before the run; that on the object replaces an earlier one, which took no chance off (chapter 0 lists it with why). Those about how well the net answers are barred where it was still learning; those about what this net does are not (chapter 2).

# %% tags=["plumbing"]
verdicts.table(*OBJECT_ROWS, FALL_ROW, LOCAL_ROW)

# %% [markdown]
# ## What we learned

# %% tags=["plumbing"]
STRONG_CLAIM = OBJECT_ROWS[0]
READ = OWN_R[SURE if SURE.any() else ~SURE].dropna()
Markdown(
    "- "
    + (
        f"A square {PLACE} costs {STRONG_CLAIM['ours']:+.2f} log-odds beyond chance more than one clear of it, 95 % interval {STRONG_CLAIM['low']:+.2f} to {STRONG_CLAIM['high']:+.2f} (*{STRONG_CLAIM['status']}*, by the rule of the claim that the net locates the object; {STRONG_CLAIM['n']} images).\n"
        if STRONG_CLAIM["ours"] is not None
        else "Whether the net looks at the object is not scored: these pictures bring neither masks nor boxes, or too few leave room beside the object.\n"
    )
    + (
        "- The strongest map and the answer need not go together: "
        if DIVIDED or LOOSE
        else "- Where the two were read, the strongest map and the answer go together: "
        if NEAR
        else "- The strongest map and the answer: "
        if SURE.any()
        else "- The strongest map and the answer, in images of which the net is not sure: "
    )
    + (
        "over the positions of the square they have correlations of "
        + ", ".join(f"{value:.2f} ({name})" for name, value in READ.items())
        + "; 1 would mean that they hang on the same places.\n"
        if len(READ)
        else "here one of the two does not move with the square.\n"
    )
    + f"- What fills the square is part of the question: over four fillings the mean change of the probability in one image runs from {signed(min(CHANGES.values()))} to {signed(max(CHANGES.values()))}"
    + (f", and the two maps that agree least have a correlation of {PAIRED.min():.2f}." if PAIRED.notna().any() else ".")
)

# %% [markdown]
# ## Where we differ
#
# - **Assumption**: square and steps are those measured in the paper's figure, scaled to our images; the filling is the mean picture, where the paper's square has one grey near the mean.
# - **Assumption**: the strongest map is the one with the largest sum over its places.
# - Drops are in log-odds, because a probability near 1 hides how much was lost.
# - The scored sweeps take steps twice as long as the paper's, so the worst place may be missed: what is left there is what it is at most.
# - A part is chosen once for its class: the interval of that claim speaks of other images, with the parts that were chosen.

# %% [markdown]
# ## Exercises
#
# **1. Predict.** The paper's square has 50 of 224 pixels and moves in steps of 6. How many positions does it have? And how many would it have with steps of 1 pixel?
#
# <details><summary>Hint</summary>
#
# The first row of the square runs from 0 to the last one that leaves room for 50 pixels. Count both ends, then think of two directions.
#
# </details>

# %% tags=["solution"]
POSITIONS = (900, 30_625)

# %% tags=["check"]
with exercises.check(POSITIONS):
    for stride, answer in zip((6, 1), POSITIONS, strict=True):
        ALONG = sum(1 for top in range(224) if top % stride == 0 and top + 50 <= 224)
        assert answer != ALONG, f"steps of {stride}: that is one direction; the square moves in two"
        assert answer == ALONG**2, f"steps of {stride}: count the rows from 0 on where a square of 50 px still fits into 224"

# %% [markdown]
# **2. Read a figure.** In the paper's decoded figure 7, at what share of the positions does the net still name the true class: Pomeranian, car wheel, Afghan hound? Two decimals. The wheel's share is the odd one out. Is that because the square hides the wheel so
# often?
#
# <details><summary>Hint</summary>
#
# The table under the figure counts the positions; divide. For the question look at *P highest* of the car wheel.
#
# </details>

# %% tags=["solution"]
KEPT_SHARES = (0.98, 0.14, 0.85)

# %% tags=["check"]
with exercises.check(KEPT_SHARES):
    PRINTED = numbers.table("fig7_occlusion_maps")
    NAMED_MAP = PRINTED[PRINTED["panel"] == "e_most_probable_class"]
    for position, (example, some) in enumerate(NAMED_MAP.groupby("example_true_class", sort=False)):
        share = float((some["value"] == example).mean())
        assert abs(KEPT_SHARES[position] - share) < 0.006, f"{example}: positions with the true class over all positions"

# %% [markdown]
# <details><summary>Answer</summary>
#
# No. Even at its best position the car wheel has less than a third of the probability: the net prefers *cab* or *racer* at five positions of six. The most probable class alone hides this, and a map of the probability of a class that seldom leads can still be read: it says
# where the evidence for the wheel lies.
#
# </details>
#
# **3. Write the mechanism.** Invert the experiment: hide everything *but* the square. Write it for one position. What does the net see outside?
#
# <details><summary>Hint</summary>
#
# Start from a picture of zeros, which is the mean picture for the net, and copy one square. The image that was given must stay as it was.
#
# </details>


# %% tags=["solution"]
def only_the_square(image: torch.Tensor, top: int, left: int, size: int) -> torch.Tensor:
    """The image with all but a square set to 0: there the net sees the mean picture."""
    kept = torch.zeros_like(image)
    kept[:, top : top + size, left : left + size] = image[:, top : top + size, left : left + size]
    return kept


# %% tags=["check"]
with exercises.check():
    WHOLE = torch.arange(1.0, 181.0).reshape(3, 6, 10)
    GIVEN, BESIDE = WHOLE.clone(), only_the_square(WHOLE, 1, 4, 3)
    assert BESIDE.shape == WHOLE.shape, "the net needs a picture of the same size"
    assert torch.equal(WHOLE, GIVEN), "the image that was given has changed: work on a copy"
    assert BESIDE[:, 1:4, 4:7].eq(WHOLE[:, 1:4, 4:7]).all(), "inside the square the image should be what it was; rows first, then columns"
    assert int(BESIDE.ne(0).sum()) == 3 * 3 * 3, "outside the square something other than 0 is left"

# %% [markdown]
# Now over the whole image: at each position the probability of the true class with the square hidden, and with nothing but the square to see.

# %%
with torch.no_grad():
    ALONE = [
        float(NET(only_the_square(FIRST, int(top), int(left), at_once.size)[None]).softmax(1)[0, LABEL])
        for top in at_once.tops
        for left in at_once.lefts
    ]
HIDDEN = at_once.probabilities[..., LABEL].ravel()
Markdown(
    f"Hidden at its worst position, a square of {at_once.size} px leaves a probability of {HIDDEN.min():.3f}. Shown alone at its best position it gives {max(ALONE):.3f}; "
    f"by chance it would be {1 / len(PICTURES.classes):.3f}. What is *necessary* and what is *sufficient* are two questions."
)

# %% [markdown]
# **4. Change it and explain.** One position takes a probability from .999 to .990, another from .60 to .50. Which hides more evidence? Write the drop in log-odds, and answer with it.
#
# <details><summary>Hint</summary>
#
# The log-odds of p are log(p / (1 - p)); the drop is *before* minus *after*.
#
# </details>


# %% tags=["solution"]
def log_odds_drop(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far the log-odds of a class fall between two arrays of probabilities."""
    return np.log(before / (1 - before)) - np.log(after / (1 - after))


# %% tags=["check"]
with exercises.check():
    LOGITS = np.array([3.0, 0.5, -2.0, 8.0]), np.array([1.0, 0.75, -2.0, 2.0])
    CHANCES = [torch.from_numpy(logits).sigmoid().numpy() for logits in LOGITS]  # of two classes: the log-odds are the logits
    DROPPED = np.asarray(log_odds_drop(*CHANCES))
    assert DROPPED.shape == (4,), "one drop for each pair of probabilities is wanted"
    assert DROPPED[0] > 0 > DROPPED[1], "a drop is positive where the probability falls, negative where it rises"
    assert np.allclose(DROPPED, LOGITS[0] - LOGITS[1]), (
        "with two classes the drop should be the difference of the logits, natural logarithm"
    )

# %%
PAIRS = pd.DataFrame({"before": [0.999, 0.60], "after": [0.990, 0.50]})
PAIRS["fall in P"], PAIRS["drop in log-odds"] = PAIRS["before"] - PAIRS["after"], log_odds_drop(PAIRS["before"], PAIRS["after"])
PAIRS.round(3)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The first, by far: it loses a factor of ten in the odds, although the probability hardly moves. A map of probabilities is blind where the net is certain, which is why the scores of this chapter are in log-odds.
#
# </details>
#
# **5. Change it and explain.** Write a filling that keeps every colour of the image and destroys its structure: the image's own pixels in an order drawn at random. Predict whether its map will be more like that of the *mean picture* or of *noise*.
#
# <details><summary>Hint</summary>
#
# Flatten height and width, index both with one `torch.randperm` for all three channels (a pixel is a triple), and reshape.
#
# </details>


# %% tags=["solution"]
def shuffled(image: torch.Tensor) -> torch.Tensor:
    """The pixels of an image (3, h, w) in another order, the same for one image size."""
    order = torch.randperm(image.shape[1] * image.shape[2], generator=torch.Generator().manual_seed(0))
    return image.flatten(1)[:, order.to(image.device)].reshape(image.shape)


# %% tags=["check"]
with exercises.check():
    NUMBERED = torch.arange(48.0).reshape(3, 4, 4)
    MIXED = shuffled(NUMBERED)
    assert MIXED.shape == NUMBERED.shape, "the filling must have the shape of the image"
    assert not torch.equal(MIXED, NUMBERED), "the pixels stand where they were"
    assert torch.equal(MIXED.flatten().sort().values, NUMBERED.flatten()), "every value of the image should appear exactly once"
    assert (MIXED[1] - MIXED[0]).eq(16).all() and (MIXED[2] - MIXED[1]).eq(16).all(), "the three values of a pixel must move together"
    assert torch.equal(shuffled(NUMBERED), MIXED), "two calls give two fillings: seed the order, so that a map can be made again"

# %% [markdown]
# The correlation of its map with those of the four fillings:

# %%
SHUFFLED = occlusion.sweep(NET, FIRST, fill=shuffled, layer=None).probabilities[..., LABEL]
LIKE_SHUFFLED = pd.Series({name: np.corrcoef(SHUFFLED.ravel(), found.ravel())[0, 1] for name, found in FILLED.items()}, name="shuffled")
LIKE_SHUFFLED.to_frame().T.round(2)

# %% tags=["plumbing"]
Markdown(
    f"The map of *shuffled* is most like that of *{LIKE_SHUFFLED.idxmax()}* ({LIKE_SHUFFLED.max():.2f}) and least like that of *{LIKE_SHUFFLED.idxmin()}* ({LIKE_SHUFFLED.min():.2f})."
    + ("" if LIKE_SHUFFLED.max() >= 0.5 else " It is much like none of them; why was not tested.")
    if LIKE_SHUFFLED.notna().any()
    else "Where a map is flat its correlation is not defined."
)

# %% [markdown]
# **6.** **Open.** A square is one shape of many. Fong and Vedaldi (*Interpretable explanations of black boxes by meaningful perturbation*, ICCV 2017) *learn* the mask: the smallest one whose blurring destroys the answer. Hooker et al. (*A benchmark for
# interpretability methods in deep neural networks*, NeurIPS 2019) object that a net has never seen pictures with holes, and train it anew on such pictures before it is scored. Which of the measurements of this chapter would you trust less after reading the second, and how would you
# repeat the deletion curves their way with toys, where a net is trained in minutes?

# %% [markdown]
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
