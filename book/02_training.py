# %% [markdown]
# # Train the net
#
# **You will**
# - prepare a picture as the paper does: a square, ten crops, the mean subtracted,
# - write a step of the training by hand, filter clipping included,
# - watch two nets learn, and see when clipping acts at all,
# - count the errors of one net and of several together, and learn how far such a count can be trusted.
#
# | | |
# | --- | --- |
# | In the paper | section 3, section 4.1, table 2 |
# | The paper leaves open | how weights of "10⁻²" are drawn; when the learning rate is cut, and by how much; how often filters are clipped; which crops are averaged at test time; weight decay (none here) |
# | Needs | the nets `zfnet`, `alexnet` and `zfnet-unclipped` of the profile; for every row of table 2 also `zfnet-2` to `zfnet-5` and `zfnet-wide`, or their answers |
# | Takes | about five minutes on two cores, once the nets are trained; one when their answers are on disk |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %% tags=["plumbing"]
import functools
import itertools
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display

from zfutils.analysis import error_rates, regime, signals
from zfutils.core import keys, profiles
from zfutils.data import registry
from zfutils.models import architectures, cached_predictions, crops, filters, predictions, recipes
from zfutils.models.architectures import ZFNET
from zfutils.models.shipped_answers import Answered
from zfutils.models.trained import note
from zfutils.paper import claims, numbers
from zfutils.report import exercises, plot, results, tables, verdicts
from zfutils.stats import bootstrap, seeds
from zfutils.training import clipping, descent, runs, schedule, train_all, trainer
from zfutils.training.trainer import Settings
from zfutils.transfer import own_pictures
from zfutils.widgets import descents, epochs, starts

pd.set_option("display.max_colwidth", None)

START = time.monotonic()
PROFILE, SEED = profiles.profile(profile), seed
PICTURES = registry.at_hand(PROFILE, seed=seed)
SIZE = PROFILE.image_size
CLASSES = len(PICTURES.classes)
CPU = torch.device("cpu")

# %% [markdown]
# ## A picture, prepared
#
# The paper scales the smaller side of every picture to 256 pixels, cuts the middle 256 x 256, and trains on windows of 224. Here both are
# scaled by the profile. Every picture is decoded once and kept as bytes.

# %% tags=["plumbing"]
COUNTS = PICTURES.table["split"].value_counts(sort=False)
LEFT_OUT = {*PICTURES.facts.get("left_out", ()), *PICTURES.facts.get("left_train", ())}
Markdown(
    f"{', '.join(f'{count:,} {split}' for split, count in COUNTS.items())} pictures of {CLASSES} classes, "
    f"{PICTURES.facts['size']} x {PICTURES.facts['size']} pixels; the nets see windows of {SIZE} x {SIZE}. "
    + (f"Training pictures that something is measured with too, or nearly, were taken out before: {len(LEFT_OUT)}. " if LEFT_OUT else "")
    + "What each split is for:"
)

# %%
USES = {
    "train": "the weights are learned here",
    "dev": "every choice:\nwhen the rate falls",
    "val": "only reported: errors of table 2",
}
SPLITS = [{"set": profile, "split": split, "images": int(count), "use": USES[split]} for split, count in COUNTS.items()]
plot.splits_diagram(
    pd.DataFrame(SPLITS), uses={profile: f"{CLASSES} classes, pictures of {PICTURES.facts['size']} x {PICTURES.facts['size']} pixels"}
)

# %% [markdown]
# Look at the short bar in the middle. The paper watches the validation error to cut the rate and then reports that same error; a split of its own for choices keeps the reported number clean, at the price of a few training pictures.

# %% [markdown]
# The mean over all training pictures is taken pixel by pixel and subtracted. Nothing is divided, so inputs lie in about ±128: this is what
# the numbers of section 3 (deviation .01, radius .1) belong to. The mean tells what all pictures share, which should be little.

# %%
plot.pictures(np.rint(PICTURES.mean())[None].astype(np.uint8), ["mean training picture"], columns=1, cell=1.8)

# %% [markdown]
# ## Ten crops
#
# Four corners and the centre, each also mirrored: not random windows, ten fixed ones. They are ten training images for one, and at test
# time their probabilities are averaged.


# %%
def ten_crops_by_hand(picture: np.ndarray, size: int) -> np.ndarray:
    """The ten crops of a picture (side, side, 3), uint8 (10, size, size, 3)."""
    far, middle = len(picture) - size, (len(picture) - size) // 2
    five = [picture[t : t + size, left : left + size] for t, left in ((0, 0), (0, far), (far, 0), (far, far), (middle, middle))]
    return np.stack([*five, *(crop[:, ::-1] for crop in five)])


ROW = PICTURES.indices("train")[0]
CROPS = ten_crops_by_hand(np.asarray(PICTURES.images[ROW]), SIZE)
plot.crops(np.asarray(PICTURES.images[ROW]), crops.crop_corners(PICTURES.facts["size"], SIZE), SIZE, CROPS)

# %% [markdown]
# `zfutils.models.crops.Crops` cuts the same ten and subtracts the mean of the very pixels that it cut:

# %%
INPUTS = crops.Crops(PICTURES, SIZE, device=CPU)
kept = INPUTS.batch(np.full(10, ROW), np.arange(10))  # (10, 3, size, size)
by_hand = CROPS.astype(np.float32) - ten_crops_by_hand(PICTURES.mean(), SIZE)
assert np.array_equal(kept.permute(0, 2, 3, 1).numpy(), by_hand)
f"inputs from {kept.min():.0f} to {kept.max():.0f}"

# %% [markdown]
# ## Before the first step
#
# Weights "initialised to 10⁻²" cannot mean that all are equal: equal filters get equal gradients and stay equal. **Assumption**: Gaussian,
# mean 0, deviation .01, biases 0. In a narrow net the deviation is larger, by the square root of the inputs that a unit has in the paper's
# net over those that it has here, so that signals keep the sizes that they have there. How large are they on their way up?

# %%
ARCHITECTURE = architectures.scaled(ZFNET, width=PROFILE.width, image_size=SIZE, fc_units=PROFILE.fc_units, classes=CLASSES)
FRESH = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(seed)).eval()
BATCH = INPUTS.batch(PICTURES.indices("train")[:128], crops.CENTRE)


def signal_sizes(net: torch.nn.Sequential, x: torch.Tensor) -> pd.DataFrame:
    """Root mean square of the output of every learned layer."""
    rows = []
    for name, layer in net.named_children():
        x = layer(x)
        if name.startswith(("conv", "fc")):
            rows.append({"layer": name, "root mean square": float(x.pow(2).mean().sqrt())})
    return pd.DataFrame(rows)


with torch.no_grad():
    SIGNALS = signal_sizes(FRESH, BATCH)
    LOGITS = FRESH(BATCH)
plot.bars(
    SIGNALS,
    x="root mean square",
    y="layer",
    labels=[f"{size:.3g}" for size in SIGNALS["root mean square"]],
    xlabel="root mean square of the output",
)

# %%
LABELS = torch.from_numpy(PICTURES.labels[PICTURES.indices("train")[:128]])
GUESS = float(F.cross_entropy(LOGITS, LABELS))
assert abs(GUESS - math.log(CLASSES)) < 0.05  # the model returns logits, and before training they say nothing
SIZES = list(SIGNALS.itertuples(index=False, name=None))
GROWN = ", ".join(f"from {below} to {above}" for (below, small), (above, large) in itertools.pairwise(SIZES) if large > small)
GROWN = f" (not {GROWN})" if GROWN else ""
Markdown(
    f"Signals shrink on their way up{GROWN} until the logits are nearly 0, so the loss starts at {GUESS:.4f}, that of a guess among {CLASSES} "
    f"classes (ln {CLASSES} = {math.log(CLASSES):.4f}). Gradients shrink the same way on their way down: such a net stays at chance for "
    "a while before it begins to learn."
)

# %% [markdown]
# ### Why .01 is delicate
#
# `zfutils.analysis.signals` measures the same. Every layer multiplies the signal by some number, most of them alike, and each is proportional
# to the deviation: over eight layers twice the deviation makes up to 2⁸ = 256 times the signal. We say that a signal *dies* when the logits
# have a root mean square below .001 (two classes then differ in probability by about a thousandth of it), and that it
# *explodes* above 10 (a net that has learnt nothing is nearly sure of one class). **Assumption**: both bounds are ours. Look how narrow the
# range between them is, and at inputs in ±1, as most nets of today take them.
#
# **Try**: find the smallest and the largest deviation at which the signal lives, for both ranges of the input. Is .01 in both?

# %%
MEASURED = signals.sizes(FRESH, BATCH)
assert np.allclose(SIGNALS["root mean square"], [MEASURED[layer] for layer in SIGNALS["layer"]], rtol=1e-5)
FIRST_WEIGHTS = starts.Starts(ARCHITECTURE, BATCH[:8], seed).sliders()
STATES = [{"std": std, "inputs": "±128"} for std in (0.01, 0.005, 0.02, 0.05)] + [{"std": std, "inputs": "±1"} for std in (0.01, 0.02)]
FIRST_WEIGHTS.figure(STATES, columns=3, cell=3.6)

# %%
FIRST_WEIGHTS


# %%
def living(divisor: float) -> str:
    """The deviations at which a signal lives, for inputs divided by a number."""
    found = []
    for std in np.geomspace(0.001, 0.1, 21):
        drawn = torch.Generator().manual_seed(SEED)
        net = architectures.build(architectures.with_std(ARCHITECTURE, float(std)), generator=drawn).eval()
        *_, logits = signals.sizes(net, BATCH[:8] / divisor).values()
        found += [std] if signals.fate(logits) == "lives" else []
    return f"from about {min(found):.2g} to {max(found):.2g}" if found else "nowhere between .001 and .1"


Markdown(
    f"With inputs in ±128 the signal lives at deviations {living(1)}, with inputs in ±1 {living(128)}. A layer multiplies it by "
    f"{signals.gain(MEASURED):.2f} at .01; only near 1 would depth not matter. The paper's .01 belongs to its inputs, which are divided by nothing."
)

# %% [markdown]
# ## One step, by hand
#
# Stochastic gradient descent with momentum .9: the velocity v keeps nine tenths of itself and takes up the gradient of the loss L; the
# weights w move against it, by the learning rate η:
#
# $$v \leftarrow .9\, v + \nabla L(w), \qquad w \leftarrow w - \eta\, v$$
#
# Two steps on one weight vector, by hand and by the library:

# %%
generator = torch.Generator().manual_seed(seed)
weight, gradients = torch.randn(5, generator=generator, dtype=torch.float64), torch.randn(2, 5, generator=generator, dtype=torch.float64)
library = torch.nn.Parameter(weight.clone())
optimizer = torch.optim.SGD([library], lr=0.01, momentum=0.9)
velocity = torch.zeros(5, dtype=torch.float64)
for gradient in gradients:
    velocity = 0.9 * velocity + gradient
    weight = weight - 0.01 * velocity
    library.grad = gradient.clone()
    optimizer.step()
assert torch.allclose(weight, library.detach(), atol=1e-15)

# %% [markdown]
# ### Rate and momentum in a valley
#
# What the two numbers do is seen where the answer is known: on the loss (x² + 25 y²) / 2, flat along x and 25 times as steep along y. By
# hand and by the library:

# %%
CURVATURES, point, velocity = np.array([1.0, 25.0]), np.array([-9.0, 1.6]), np.zeros(2)
by_hand = [point]
for _ in range(10):
    velocity = 0.9 * velocity + CURVATURES * point  # the gradient is (x, 25 y)
    point = point - 0.02 * velocity
    by_hand.append(point)
assert np.allclose(by_hand, descent.path(by_hand[0], CURVATURES, rate=0.02, momentum=0.9, steps=10))

# %% [markdown]
# The steep axis limits the rate, and the flat one then takes long. Look how a larger rate first helps, then zigzags, then runs away, and what
# momentum does for the flat axis at a rate that is safe for the steep one. The steep axis is drawn larger, so the long ellipses of equal loss
# look like circles. The loss is on a log scale; the dashed line is its start.
#
# **Try**: without momentum, find the rate that is quickest. With momentum .9, how much larger may the rate be before the path runs away? At
# which momentum is a rate of .02 quickest, and what is wrong with .98?

# %%
VALLEY = descents.Descents().sliders()
VALLEY.figure(
    [{"rate": rate, "momentum": m} for rate, m in ((0.02, 0), (0.076, 0), (0.082, 0), (0.02, 0.5), (0.02, 0.9), (0.02, 0.98))],
    columns=2,
    cell=5,
)

# %%
VALLEY

# %% tags=["plumbing"]
Markdown(
    "\n".join(
        f"- rate {rate:g}, momentum {momentum:g}: {descent.verdict(CURVATURES, rate=rate, momentum=momentum)}."
        for rate, momentum in ((0.02, 0.0), (0.076, 0.0), (0.082, 0.0), (0.02, 0.9), (0.082, 0.9), (0.16, 0.9))
    )
)

# %% tags=["plumbing"]
STRETCH = max(CURVATURES) / min(CURVATURES)
BEST_ALONE, BEST_HEAVY = (STRETCH - 1) / (STRETCH + 1), math.sqrt(0.9)  # what a step leaves, each at its best rate
EVEN = (1 - BEST_HEAVY) / min(CURVATURES)  # the rate at which a step leaves as much of the flat axis with .9 as without
assert np.allclose([abs(descent.modes(CURVATURES, rate=EVEN, momentum=own)[0]) for own in (0, 0.9)], BEST_HEAVY)
Markdown(
    f"Momentum nearly doubles the rate at which the steep axis runs away; it pays with swings. At one and the same rate below {EVEN:.3f} the flat axis comes down faster with .9, "
    "above it slower. "
    f"Each at its best rate, a step leaves {BEST_ALONE:.3f} of the distance without momentum and {BEST_HEAVY:.3f} with .9: in a valley that is stretched {STRETCH:g} "
    f"times momentum .9 does not pay yet, in one that is stretched more than {(1 + BEST_HEAVY) / (1 - BEST_HEAVY):.0f} times it does. "
    "A net is such a valley in millions of dimensions whose curvatures nobody knows, and which change while it learns."
)

# %% [markdown]
# ## Filter clipping
#
# After every step (**assumption**: the paper does not say how often), a filter whose root mean square exceeds its radius is scaled back to it. The radius is the paper's .1,
# ten times the deviation that its filters start with; in a narrower net, where a layer starts with a larger one, it is ten times that.


# %%
def clip_by_hand(weight: torch.Tensor, radius: float) -> int:
    """Clip the filters of a weight (maps, channels, k, k) in place; return how many."""
    clipped = 0
    for filter in weight:
        rms = float((filter**2).mean() ** 0.5)
        if rms > radius:
            filter *= radius / rms
            clipped += 1
    return clipped


large = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(seed)).double()
RADII = filters.radii(ARCHITECTURE)
with torch.no_grad():
    large.conv1.weight *= torch.linspace(0.1, 20, ARCHITECTURE.convs[0].maps)[:, None, None, None]
by_hand = large.conv1.weight.detach().clone()
assert clip_by_hand(by_hand, RADII["conv1"]) == int(filters.clip(large, RADII)[0]) > 0
assert torch.allclose(by_hand, large.conv1.weight.detach(), atol=1e-15)

# %% [markdown]
# ## The whole loop, by hand
#
# All parts of a step are there, but for the gradients: these come from PyTorch, which applies the chain rule backwards through the same layers. Together they are the training of this book. A step takes the next pictures in the order of the seed, each in one
# of its ten crops, and brings them up to the loss of their classes, the mean negative logarithm of the probability that the net gives to
# the truth:
#
# $$L = -\frac{1}{n} \sum_{i=1}^{n} \log p_{y_i}(x_i)$$
#
# Dropout silences every unit of layers 6 and 7 with probability .5 and doubles the others, so that the next layer gets as much on average as it
# will at test time, when all speak.


# %%
def dropout_by_hand(x: torch.Tensor) -> torch.Tensor:
    """Half of the values are kept and doubled."""
    return x * torch.empty_like(x).bernoulli_(0.5) / 0.5


def loss_by_hand(net: torch.nn.Sequential, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean loss of images, with dropout at work."""
    x = images
    for name, layer in net.named_children():
        x = dropout_by_hand(x) if name.startswith("drop") else layer(x)
    log_probabilities = x - x.exp().sum(1, keepdim=True).log()
    return -log_probabilities[torch.arange(len(labels)), labels].mean()


# %% [markdown]
# Ten steps, then, with a small net on the pictures of this profile. What is drawn, the order, the crops and the dropout, follows from seed and
# step, so the library can be asked for the very same ten.

# %%
SMALL = architectures.scaled(ZFNET, width=1 / 8, image_size=SIZE, fc_units=64, classes=CLASSES)
TEN_STEPS = Settings("zfnet", SMALL, epochs=1, seed=seed, batch=8, learning_rate=0.01, lr_drops=())


def train_by_hand(settings: Settings, steps: int) -> tuple[torch.nn.Sequential, list[float]]:
    """A net after some steps on the first batches, and the loss of each."""
    net = architectures.build(settings.architecture, generator=torch.Generator().manual_seed(settings.seed)).train()
    weights, losses = dict(net.named_parameters()), []
    velocity = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    radii = filters.radii(settings.architecture)
    indices, which = trainer.order(settings, PICTURES.indices("train"), 0)
    for step in range(steps):
        batch = slice(step * settings.batch, (step + 1) * settings.batch)
        images, labels = INPUTS.batch(indices[batch], which[batch]), torch.from_numpy(PICTURES.labels[indices[batch]])
        torch.manual_seed(int(keys.digest("dropout", settings.seed, step, 0), 16) % 2**63)
        loss = loss_by_hand(net, images, labels)
        gradients = torch.autograd.grad(loss, list(weights.values()))
        with torch.no_grad():
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
                velocity[name] = settings.momentum * velocity[name] + gradient
                weight -= settings.learning_rate * velocity[name]
            for name, radius in radii.items():
                clip_by_hand(getattr(net, name).weight, radius)
        losses.append(float(loss.detach()))
    return net, losses


_, LOSSES = train_by_hand(TEN_STEPS, 10)


# %%
def apart(steps: int) -> float:
    """How far the two nets are apart after some steps, as a share of the way that ours went from its first weights."""
    with tempfile.TemporaryDirectory() as folder:
        library = trainer.Trainer(TEN_STEPS, PICTURES, Path(folder) / "steps", device=CPU, dtype=torch.float32)
        for _ in range(steps):
            library.advance()
    start = architectures.build(SMALL, generator=torch.Generator().manual_seed(SEED))
    nets = (train_by_hand(TEN_STEPS, steps)[0], library.net, start)
    mine, theirs, first = (torch.cat([weight.detach().flatten() for weight in net.parameters()]) for net in nets)
    return float((mine - theirs).norm() / (mine - first).norm())


AFTER_TWO, AFTER_TEN = apart(2), apart(len(LOSSES))
assert AFTER_TWO < 1e-3, "momentum and dropout have acted by then; clipping, which no filter needs so early, was compared above"
Markdown(
    f"After two steps the weights of the two nets are apart by {AFTER_TWO:.1g} of the way they went, after {len(LOSSES)} by {AFTER_TEN:.1g}: the loop above *is* the library's training. "
    + (
        "More than rounding can come of it: a pool takes the largest value, and where two are equal to rounding the nets may take different ones. "
        if AFTER_TEN > 1e-4
        else ""
    )
    + f"The losses lie between {min(LOSSES):.3f} and {max(LOSSES):.3f}, where a guess among {CLASSES} classes has {math.log(CLASSES):.3f}: ten steps teach nothing."
)

# %% [markdown]
# One part is missing: when the learning rate is cut. The paper lowered it by hand when the errors stopped falling. The rule of this book,
# but for the latest moments (below), in eight lines, for a list of losses on the dev split, one an epoch; the library's rule beside it, on
# losses that fall, stall, fall and stall:


# %%
def cuts_by_hand(losses: list[float], patience: float) -> list[int]:
    """Epochs after which the rate is cut: none of the last ones brought a loss 1 % below the best."""
    best, since, cuts = math.inf, 0, []
    for epoch, loss in enumerate(losses, 1):
        if loss < 0.99 * best or best > 0.9 * math.log(CLASSES):  # still at chance: nothing to stall
            best, since = min(loss, best), epoch
        elif epoch - since >= patience and len(cuts) < len(PROFILE.latest_drops):
            cuts, since = [*cuts, epoch], epoch
    return cuts


CHANCE = math.log(CLASSES)
STALLING = [CHANCE * share for share in (1, 1, 0.8, 0.6, 0.5, 0.5, 0.5, 0.5, 0.4, 0.395, 0.397, 0.396, 0.396, 0.396)]
RULE = schedule.Schedule(0.01, len(STALLING), CLASSES, PROFILE.latest_drops)
for epoch, loss in enumerate(STALLING, 1):
    RULE.after_epoch(epoch, loss)
CUTS = cuts_by_hand(STALLING, schedule.PATIENCE * len(STALLING))
assert RULE.lr_drops == CUTS
plot.lines(
    pd.DataFrame({"epoch": range(1, len(STALLING) + 1), "loss": STALLING, "split": "dev"}),
    x="epoch",
    y="loss",
    hue="split",
    xlabel="epoch",
    ylabel="loss",
    marks={"chance": CHANCE},
    moments={f"cut {number}": epoch for number, epoch in enumerate(CUTS, 1)},
    title="When the rate is cut",
)

# %% tags=["plumbing"]
Markdown(
    f"With made-up losses over {len(STALLING)} epochs: cuts after epochs {', '.join(map(str, CUTS))}, each when {schedule.PATIENCE:.0%} of the run brought no loss "
    "1 % below the best."
)

# %% [markdown]
# ### Does clipping ever act?
#
# The filters start at a tenth of their radius (at the paper's width at a root mean square of .01). Whether they grow that far is a question of fact. Below, the largest
# filter of any layer, as a share of the radius of its layer, after every epoch.

# %%
NAMES = ("zfnet", "alexnet", "zfnet-unclipped")
TRAINED = {name: runs.trained(PROFILE, name, seed=seed) for name in ("zfnet", "alexnet")}
TRAINED["zfnet-unclipped"] = clipping.unclipped(PROFILE, seed=seed)  # zfnet itself where clipping never acted
LOGS = {name: found.log for name, found in TRAINED.items()}
SAME = TRAINED["zfnet-unclipped"].folder == TRAINED["zfnet"].folder  # clipping never acted
DRAWN = {"zfnet": "zfnet = zfnet-unclipped"} if SAME else {"zfnet": "zfnet", "zfnet-unclipped": "zfnet-unclipped"}
SHARES = ("largest_rms_over_radius", "largest_rms_over_radius_first_layer")
FIRST_LEADS = [name for name in DRAWN if np.allclose(*(LOGS[name][column] for column in SHARES))]  # any layer's largest is layer 1's
growth = pd.concat(
    pd.DataFrame({"net": f"{DRAWN[name]}, {where}", "visits": log["step"] * PROFILE.batch, "share": log[column]})
    for name, log in LOGS.items()
    if name in DRAWN
    for where, column in zip(["any layer = layer 1"] if name in FIRST_LEADS else ["any layer", "layer 1"], SHARES, strict=False)
)
growth_figure = plot.lines(
    growth,
    x="visits",
    y="share",
    hue="net",
    xlabel="images seen",
    ylabel="largest filter RMS / radius",
    marks={"radius": 1.0},
    title="How large filters grow",
)
growth_figure


# %% tags=["plumbing"]
def times(count: int) -> str:
    """How often, in words; a filter that is scaled back in two steps counts twice."""
    return f"{count:,} time{'' if count == 1 else 's'}"


ZFNET_LOG = LOGS["zfnet"]
ACTED = int(ZFNET_LOG["clipped"].sum())
FIRST = ZFNET_LOG.loc[ZFNET_LOG["clipped"] > 0, "epoch"]
results.save(
    "clipping",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - START,
    figure=growth_figure,
    table=growth,
    data=PICTURES,
    facts={"nets": {name: found.folder.name for name, found in TRAINED.items()}},
)

# %% tags=["plumbing"]
IN_LAYER1 = int(ZFNET_LOG["clipped_first_layer"].sum())
Markdown(
    f"{note(TRAINED.values(), PICTURES)}\n\nIn the training of zfnet "
    + (
        f"a filter was scaled back {times(ACTED)}, {'always' if IN_LAYER1 == ACTED else f'{times(IN_LAYER1)} of these'} in layer 1; first in epoch {int(FIRST.iloc[0])}."
        if ACTED
        else "no filter was scaled back: *clipped* and *unclipped* are one and the same net."
    )
    + f" {'Without clipping the' if ACTED else 'The'} largest filter ends an epoch at up to {LOGS['zfnet-unclipped'][SHARES[0]].max():.2f} times the radius."
    + (f" In {' and '.join(f'`{name}`' for name in FIRST_LEADS)} it is always one of layer 1." if FIRST_LEADS else "")
)


# %% tags=["plumbing"]
def listed(values: tuple[float, ...]) -> str:
    """Numbers in a sentence."""
    *first, last = (f"{value:g}" for value in values)
    return f"{', '.join(first)} and {last}"


def told(found: tuple[clipping.Trial, clipping.Trial] | None) -> str:
    """What the short runs showed."""
    if found is None:
        return "It acts at none of them that trains at all."
    clipped, free = found
    largest = free.log["largest_rms_over_radius"].max()
    return (
        f"At a learning rate of **{clipped.rate:g}** (the profile's is {PROFILE.learning_rate:g}) clipping acts: "
        f"a filter was scaled back {times(int(clipped.log['clipped'].sum()))} in {len(clipped.log)} epochs; without it the largest filter reaches "
        f"{largest:.2f} times the radius."
    )


FOUND = None if ACTED else clipping.first_that_acts(PROFILE, PICTURES, seed=seed)
SHORT = max(1, PROFILE.epochs // clipping.SHARE)  # epochs of a short run
RISING = (
    f"Short runs of `zfnet`, {SHORT} of the {PROFILE.epochs} epochs each, look for the first of some rising rates, {listed(clipping.rates(PROFILE))}, at which it acts. "
    "With and without clipping they start alike, and their rate is never cut. "
)
None if ACTED else Markdown(RISING + told(FOUND))

# %%
if FOUND is None:  # it acts in the run itself, or at no rate
    shown = None
else:
    first_layers = {f"at rate {one.rate:g}, {'clipped' if one.clips else 'not clipped'}": one.filters() for one in FOUND}
    scale = max(float(np.abs(weight).max()) for weight in first_layers.values())
    shown = plot.filters({caption: crops.to_display(weight, scale=scale) for caption, weight in first_layers.items()}, columns=8)
shown

# %% [markdown]
# ## Watch them learn
#
# The learning rate was lowered by hand. **Assumption**: it is cut when the loss on the dev split has not fallen by 1 % for 15 % of the run,
# and at the latest after some fixed shares of it. `alexnet` takes over the cuts of `zfnet`, and sees the same images in
# the same crops, so that the two can be compared. Errors on train are counted during training, with dropout at work.

# %% tags=["plumbing"]
PAPER_BATCH, PAPER_RATE = Settings.batch, Settings.learning_rate  # section 3
Markdown(
    f"The paper takes {PAPER_BATCH} pictures a step and starts at a rate of {PAPER_RATE:g}. The profile `{profile}` takes {PROFILE.batch} "
    f"and starts at {PROFILE.learning_rate:g}; "
    + (
        "that is the same."
        if (PROFILE.batch, PROFILE.learning_rate) == (PAPER_BATCH, PAPER_RATE)
        else f"the rate for one picture is then {PROFILE.learning_rate / PROFILE.batch / (PAPER_RATE / PAPER_BATCH):.3g} times the paper's."
    )
    + f" A cut multiplies it by {PROFILE.drop_factor:g}; cuts come at the latest after {listed(tuple(100 * share for share in PROFILE.latest_drops))} % of the run."
)

# %%
curves = pd.concat(
    pd.DataFrame(
        {
            "net": name,
            "split": split,
            "visits": log["step"] * PROFILE.batch,
            "loss": log[f"{split}_loss"],
            "error": log[f"{split}_wrong"] / log[f"{split}_n"],
        }
    )
    for name, log in LOGS.items()
    if name != "zfnet-unclipped"
    for split in ("train", "dev")
)
CARDS = {name: found.card for name, found in TRAINED.items()}
learning = plot.learning_curves(
    curves,
    {name: [step * PROFILE.batch for step in CARDS[name]["lr_drops"]] for name in ("zfnet", "alexnet")},
    chance=1 - 1 / CLASSES,
    title="Learning curves",
)
learning


# %% tags=["plumbing"]
def learned(name: str) -> str:
    """When a net left chance, when its rate was cut, and where it ended."""
    log, card = LOGS[name], CARDS[name]
    step = error_rates.left_chance(log, CLASSES)
    first = (
        f"its training loss is first below {schedule.LEARNING:.0%} of a guess's in epoch {log.loc[log['step'] == step, 'epoch'].item()}"
        if step
        else "it never left chance"
    )
    cuts = ", ".join(f"{step / card['steps'] * card['settings']['epochs']:.1f}" for step in card["lr_drops"])
    latest = [math.ceil(share * card["steps"]) for share in PROFILE.latest_drops]
    if list(card["lr_drops"]) == latest and name == "zfnet":
        cuts += ", the latest moments allowed, " + (
            "for its dev loss had never stalled so long"
            if (log["dev_loss"] < schedule.LEARNING * math.log(CLASSES)).any()
            else "for nothing is cut earlier at chance"
        )
    train, dev = (log[f"{split}_wrong"].iloc[-1] / log[f"{split}_n"].iloc[-1] for split in ("train", "dev"))
    meet = ", so that its two lines lie on each other" if abs(train - dev) < 0.01 else ""  # a hundredth of the figure's height
    seen = error_rates.left_chance(log, CLASSES, loss="dev_loss")
    early = sum(seen is None or at < seen for at in card["lr_drops"])
    cut = f"the rate was cut after epoch {cuts or '(never)'}"
    cut += f", {early} of {len(card['lr_drops'])} times before its dev loss was seen below that" if early else ""
    return (
        f"- `{name}`: {first}; {cut}; at the end it errs on {train:.1%} of the training images (with dropout) and {dev:.1%} of dev{meet}."
    )


# %% tags=["plumbing"]
def flat(name: str) -> int:
    """How many epochs from the first on a net's dev loss is that of a guess, to 1 %."""
    return int((LOGS[name]["dev_loss"] / math.log(CLASSES) - 1).abs().lt(0.01).cummin().sum())


FLAT = " and ".join(f"`{name}` (its dev loss, {flat(name)} epochs)" for name in ("zfnet", "alexnet") if flat(name) > 1)
LEFT = any(error_rates.left_chance(LOGS[name], CLASSES) for name in ("zfnet", "alexnet"))
LOOK = [f"the flat start of {FLAT}"] if FLAT else []
LOOK += ["the fall, with steps down where the rate is cut (with smaller steps the weights settle)"] if LEFT else []


def above(name: str) -> str:
    """In how many epochs a net errs on a larger share of train, with dropout, than of dev."""
    log = LOGS[name]
    higher = log["train_wrong"] / log["train_n"] > log["dev_wrong"] / log["dev_n"]
    return f"{higher.sum()} of {len(log)} epochs of `{name}`{'' if higher.iloc[-1] else ' (not in the last)'}"


Markdown(
    (f"Look for {' and '.join(LOOK)}. " if LOOK else "")
    + f"The error on train, counted with dropout, lies above that on dev in {above('zfnet')} and in {above('alexnet')}.\n\n"
    + "\n".join(learned(name) for name in ("zfnet", "alexnet"))
)

# %% [markdown]
# What section 3 prints of the training, beside what this profile takes:

# %%
NETS_STD = ARCHITECTURE.stds[1]  # of layer 2: with fewer maps below it the deviation grows, and the clip radius with it
SECTION3 = {
    "batch": PROFILE.batch,
    "momentum": Settings.momentum,
    "learning_rate": PROFILE.learning_rate,
    "dropout": ZFNET.dropout,
    "weight_std": NETS_STD,
    "bias": ZFNET.convs[0].bias,
    "clip_radius": filters.RADIUS * NETS_STD / architectures.INIT_STD,
    "epochs": PROFILE.epochs,
    "crops": len(crops.TEN),
    "resized_side": PROFILE.prepared_size,
    "input_side": PROFILE.image_size,
}
SECTION3_PAPER = {name: numbers.number(f"section3/{name.replace('_', '-')}/value")["paper"] for name in SECTION3}
pd.DataFrame({"the paper": SECTION3_PAPER, f"profile {profile}": SECTION3}).rename(
    index=lambda name: name.replace("_", " ") + (", layer 2" if name in ("weight_std", "clip_radius") else "")
)


# %% tags=["plumbing"]
def section3_row(name: str, ours: float) -> dict:
    """Scoreboard row of a number of section 3: what this profile takes."""
    row = results.number(f"section3/{name.replace('_', '-')}/value", ours, profile=PROFILE, n=1)
    return row | {"reason": f"the profile {PROFILE.name} takes another" if row["status"] == claims.DIFFERS else ""}


results.save(
    "learning_curves",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - START,
    figure=learning,
    table=curves,
    rows=[section3_row(name, ours) for name, ours in SECTION3.items()],
    data=PICTURES,
)

# %% [markdown]
# ### Epoch by epoch
#
# The first-layer filters as they were at the paper's epochs (of its 70; here the same shares of the run), with a cursor on the curves. On one
# scale for all epochs one sees them grow; on its own scale each epoch shows its pattern, and noise looks as loud as a filter. Look when the
# loss leaves that of a guess, and whether the filters have a pattern before. In the titles too an epoch is one of 70, so 35 is the middle of
# the run, wherever the profile's own count of epochs stands then; the cursor shows where that is on the curves.
#
# **Try**: step through the epochs on one scale, then each on its own. At which epoch can you tell edges from noise, and do the filters still
# change after the learning rate was cut? Compare with `alexnet`.

# %%
EPOCHS = epochs.Epochs({name: TRAINED[name] for name in ("zfnet", "alexnet")}, PROFILE.batch).sliders()
KEPT = EPOCHS.controls["epoch"].options
SHOWN = [0, *(epoch for epoch in KEPT if epoch in (5, 20, KEPT[-1]))]
EPOCHS.figure([{"epoch": epoch, "scale": scale} for scale in epochs.SCALES for epoch in SHOWN], columns=len(SHOWN), cell=2.6)

# %%
EPOCHS


# %%
def turned(name: str) -> str:
    """How like the first and the last first-layer filters of a net are: the mean cosine."""
    first, last = (net.conv1.weight.detach().flatten(1) for net in (TRAINED[name].checkpoint(0), TRAINED[name].net()))
    return f"`{name}`: {float(F.cosine_similarity(first, last).mean()):.2f}"


Markdown(
    "Mean cosine of a first-layer filter before training and after it (1: it has kept its direction, and what one sees is its random start): "
    + ", ".join(turned(name) for name in ("zfnet", "alexnet"))
    + "."
)

# %% tags=["plumbing"]
SHIPPED_START = own_pictures.start_of(PROFILE, seed=seed)
START_WORDS = (
    "### From a net that ships\n\nA few hundred pictures teach no net of this size to see: from random weights it would stay at the loss of a guess. In a profile of own "
    "pictures a net whose like was trained on photographs and ships therefore starts from that one, with a new last layer, at a tenth of the rate (*fine-tuning*); "
    "others start from random weights and are not compared with it. What does that bring over the same net left as it is (*frozen*), with a softmax on its layer 7, and over a net from "
    "random weights?"
    if SHIPPED_START
    else f"A net of one's own pictures starts from one that ships when there are fewer than {profiles.profile('folder').scratch_from:,} of them; here every net starts "
    "from random weights."
)
Markdown(START_WORDS) if SHIPPED_START or PROFILE.scratch_from else None  # the other profiles train every net from random weights

# %% tags=["plumbing"]
if SHIPPED_START:
    WAYS = own_pictures.compared(PROFILE, PICTURES, seed=seed)
    shown = WAYS.assign(**{column: (100 * WAYS[column]).round(1) for column in ("error", "low", "high")}).rename(
        columns={"error": "error %", "low": "low %", "high": "high %", "steps": "steps of training"}
    )
    told_start = Markdown(
        f"`{SHIPPED_START}` is the start. Of the ways that were tried, *{WAYS.loc[WAYS['error'].idxmin(), 'way']}* errs least here; where two intervals overlap the "
        "order may be chance. The pages of this book show the fine-tuned net."
    )
    display(shown, told_start)

# %% [markdown]
# Why a profile may take smaller batches: a net first stays at chance for many steps, perhaps because signals and gradients start so small,
# and when the profiles were made the number of these steps hardly depended on the batch. Where pictures are few, small batches get it
# through them in fewer *visits* (a visit is one picture seen once in training). How long did it take here?


# %% tags=["plumbing"]
def began(log: pd.DataFrame) -> str:
    """When a net began to learn."""
    step, rule = error_rates.left_chance(log, CLASSES), f"an epoch's mean training loss below {schedule.LEARNING:.0%} of ln {CLASSES}"
    if step is None:
        return f"never had {rule}: it is still at chance"
    return (
        f"first had {rule} within {step:,} of its {int(log['step'].iloc[-1]):,} steps. In batches of {PROFILE.batch} these are "
        f"{step * PROFILE.batch:,} visits; in batches of {PAPER_BATCH} as many steps are {step * PAPER_BATCH:,}"
    )


Markdown("\n".join(f"- `{name}` {began(LOGS[name])}." for name in ("zfnet", "alexnet")))

# %% [markdown]
# ## Table 2: the nets
#
# The table has five rows of the paper's own nets: the replication; the net of figure 3; (a) five of those that differ in their seed only,
# their probabilities averaged; (b) one with more maps in layers 3, 4 and 5; all six together. The list shows what is trained of them, and the
# seconds that it took or is likely to take (of what ships, on the machine that trained it, by the clock and beside other work); *val error* is
# a share, of one crop. Where the state is *answers ship*, the weights of a net do not come with the book, but which pictures it got wrong
# does. Then rows (a) and (a) + (b) are what those nets got wrong together, as long as none of them was trained here.

# %%
SEEDS = recipes.TOGETHER["five-zfnets"]
FIVE, WIDE, SIX = "(a) five zfnets", "(b) zfnet-wide", "(a) + (b), six nets"
MEMBERS = {
    "alexnet": ("alexnet",),
    "zfnet": ("zfnet",),
    FIVE: SEEDS,
    WIDE: ("zfnet-wide",),
    SIX: recipes.TOGETHER["six-nets"],
    "zfnet-unclipped": ("zfnet-unclipped",),
}
MORE = (*SEEDS[1:], "zfnet-wide")
MISSING = error_rates.missing(PROFILE, list(MORE), seed=seed)
TRAINED |= {name: net for name in MORE if (net := runs.answered(PROFILE, name, seed=seed))}
KNOWN = {row: TRAINED[name] for row, (name, *rest) in MEMBERS.items() if not rest and name in TRAINED}
# Averaged are probabilities, so without the nets it takes what these answered together.
TOGETHER = {row: error_rates.answered_together(PROFILE, name, seed=seed) for row, name in ((FIVE, "five-zfnets"), (SIX, "six-nets"))}
KNOWN |= {row: found for row, found in TOGETHER.items() if found}
NETS_NEEDED = ["zfnet", "alexnet", *((clipping.UNCLIPPED,) if ACTED else ()), *MORE]
tables.neat(train_all.table(PROFILE, NETS_NEEDED, seed=seed), own={"val_error": 4})


# %%
def lacking(*rows: str) -> str:
    """Which nets some rows lack, in words; a row whose answers are known lacks none."""
    return error_rates.missing_words(MISSING, members(*(row for row in rows if row not in KNOWN)))


def members(*rows: str) -> list[str]:
    """The nets of some rows, each once."""
    return list(dict.fromkeys(name for row in rows for name in MEMBERS[row]))


ABSENT = {row: reason for row in MEMBERS if (reason := lacking(row))}
SHOWN = [found for row, found in (TRAINED | KNOWN).items() if row in MORE or row in TOGETHER]
Markdown(
    ("\n".join(f"- *{row}* stays empty: {reason}." for row, reason in ABSENT.items()) or "Nothing is missing.")
    + (f"\n\n{note(SHOWN, PICTURES)}" if any(isinstance(found, Answered) for found in SHOWN) else "")
)

# %% [markdown]
# How each was trained. All saw the same number of images, and the learning rate of all was cut at the steps that `zfnet` found. A net that has
# not learned to the end says little about what it could learn. So in all chapters a net is called *under-trained* when one of three things
# holds: it never left chance; it errs on a larger share of its training images than the paper's net of that kind (table 3, next chapter); or its
# training loss still fell by more than a tenth in the last fifth of the run, unless it errs on fewer than 5 % of its training images (in the
# rules: `analysis.regime`). This training error is counted after training, without dropout, on the centre crops of as many training images,
# drawn by the seed, as there are in val; that of the learning curves is another. Claims that compare how well nets do, or lean on how well one does, are then *not comparable*. Claims about one given net, such as those about its
# projections, are decided all the same, *for this net*. `-again` and `-third` at the end of a name are the second and third seed of a recipe.

# %%
PRINTED_AS = {"alexnet": "krizhevsky-replication-none-1-convnet", "zfnet-wide": "zf-fig3-layers-3-4-5-512-1024-512-maps"}
ROWS3 = {name: PRINTED_AS.get(name, "") for name in ("zfnet", "alexnet", "zfnet-wide", "zfnet-unclipped")}
REGIMES = regime.of_seeds(PROFILE, ROWS3, PICTURES, seed=seed)
REGIMES.setdefault("zfnet-unclipped", REGIMES["zfnet"])  # the same net where clipping never acted
tables.neat(
    pd.DataFrame(
        [
            {
                "net": name,
                "seed": card["seed"],
                "epochs": card["settings"]["epochs"],
                "image visits": card["visits"],
                "cuts after epoch": ", ".join(f"{step / card['steps'] * card['settings']['epochs']:.1f}" for step in card["lr_drops"]),
                "began to learn by step": REGIMES[name].began or "never",
                "training error %": round(100 * REGIMES[name].train_error, 1),
                "under-trained": REGIMES[name].under_trained or "no",
                "of steps": card["steps"],
                "times a filter was scaled back": card["clipped"],
                "images/s": card.get("images_per_second", "not kept"),
                "seconds": round(card.get("seconds", 0)) or "not kept",
                "number type": card["dtype"],
                "device": card.get("device", "not kept"),
            }
            for name, card in ((name, found.card) for name, found in TRAINED.items())
        ]
    ),
    1,
)

# %% [markdown]
# ## Table 2: errors
#
# Each count comes with its 95 % interval (Wilson): with few images two nets may differ by luck. One crop and ten crops side by side; the
# paper does not say which it used, ten is likely. With few classes the top-5 error says little, so top-2 and the mean log loss stand beside it.

# %%
MIDWAY = time.monotonic()
VAL = PICTURES.indices("val")
TRUTH = PICTURES.labels[VAL]


@functools.cache
def guesses(row: str, which: tuple[int, ...]) -> np.ndarray:
    """Probabilities of a row's nets, all of which are here, for the val images, averaged over crops and nets."""
    return cached_predictions.averaged([cached_predictions.of(TRAINED[name], PICTURES, VAL, crops=which) for name in MEMBERS[row]])


def wrong_of(row: str, top: int = 1) -> np.ndarray:
    """Which val images a row gets wrong, ten crops."""
    if row in KNOWN:
        return cached_predictions.wrong(KNOWN[row], PICTURES, VAL, crops=crops.TEN, top=top)
    return predictions.wrong(guesses(row, crops.TEN), TRUTH, top=top)


def counts_of(row: str, which: tuple[int, ...]) -> dict[str, float]:
    """Errors of a row, and its log loss."""
    if row in KNOWN:
        return error_rates.counted_of(KNOWN[row], PICTURES, VAL, crops=which)
    return error_rates.counted(guesses(row, which), TRUTH)


# %% [markdown]
# Every row with one crop and with ten:


# %%
def error_row(row: str, which: tuple[int, ...]) -> dict:
    """Errors of a row of the table, or why it is missing."""
    counts = {"missing": ABSENT[row]} if row in ABSENT else counts_of(row, which)
    return {"net": row, "nets": len(MEMBERS[row]), "crops": len(which), **counts}


WRONG = {row: wrong_of(row) for row in MEMBERS if row not in ABSENT}
TABLE2 = pd.DataFrame([error_row(row, which) for row in MEMBERS for which in ((crops.CENTRE,), crops.TEN)]).convert_dtypes()
tables.neat(TABLE2)

# %% [markdown]
# How much does the seed alone decide? Those of the five nets of row (a) that are here, one by one, ten crops.

# %%
ALONE = {name: cached_predictions.wrong(TRAINED[name], PICTURES, VAL, crops=crops.TEN) for name in SEEDS if name in TRAINED}


def spread() -> pd.DataFrame:
    """Top-1 errors of these nets in percent, with mean, deviation, least and largest."""
    rates = pd.Series({name: 100 * wrong.mean() for name, wrong in ALONE.items()})
    row = {**rates, "mean": rates.mean(), "std": rates.std(), "least": rates.min(), "largest": rates.max()}
    return pd.DataFrame([row], index=["top-1 error %"]).round(2).astype(object).fillna("")


spread()

# %%
OTHER_ALEXNETS = {
    name: cached_predictions.wrong(net, PICTURES, VAL, crops=crops.TEN)
    for name in recipes.seeds_of("alexnet")[1:]
    if (net := runs.answered(PROFILE, name, seed=seed))
}
BY_SEED = {"zfnet": list(ALONE.values()), "alexnet": [WRONG["alexnet"], *OTHER_ALEXNETS.values()]}
RANGES = {name: 100 * float(np.ptp([wrong.mean() for wrong in nets])) for name, nets in BY_SEED.items() if len(nets) > 1}
FIRST_RANGE, *OTHER_RANGES = [f"{len(BY_SEED[name])} seeds of `{name}` {{}}within {points:.1f}" for name, points in RANGES.items()] or [""]
SEED_WORDS = f"The errors of {FIRST_RANGE.format('lie ')} points of each other" + "".join(
    f", those of {own.format('')}" for own in OTHER_RANGES
)
Markdown(
    f"{SEED_WORDS}: that is what a difference between two nets of one seed each has to be seen against. "
    "How sharply two recipes can be compared is limited by the one whose seeds scatter more."
    if RANGES
    else "There is one seed of each: nothing tells a difference of recipes from one of seeds."
)


# %%
def drawn_errors() -> pd.DataFrame:
    """Top-1 errors, ten crops, of every row of the table and of every seed, in percent, to draw."""
    kinds = {"alexnet": "replication", **dict.fromkeys(OTHER_ALEXNETS, "replication"), FIVE: "averaged", WIDE: "wide", SIX: "averaged"}
    rows = []
    for name in dict.fromkeys(["alexnet", *OTHER_ALEXNETS, *(["zfnet-unclipped"] if ACTED else []), *SEEDS, WIDE, FIVE, SIX]):
        wrong = (WRONG | ALONE | OTHER_ALEXNETS).get(name)
        if wrong is None:  # named above, with the reason
            continue
        error = predictions.error_rate(wrong)
        low, high = error.interval()
        row = {"row": name, "kind": kinds.get(name, "as in figure 3"), "label": f"{error.wrong:,} of {error.n:,}"}
        rows.append(row | {"error": 100 * error.rate, "low": 100 * low, "high": 100 * high})
    return pd.DataFrame(rows)


DRAWN = drawn_errors()
table2_figure = plot.dots(
    DRAWN,
    value="error",
    ends=("low", "high"),
    row="row",
    hue="kind",
    labels=DRAWN["label"].tolist(),
    xlabel=f"top-1 error of {len(TRUTH):,} val images, ten crops, %",
    title="Table 2: one net and several",
)
table2_figure

# %% [markdown]
# Is the paper's net better than the replication? Are several better than one, and more maps better than fewer? All nets answered the same
# images, so a difference is resampled image by image, after the seeds of each recipe: another seed may turn what one seed shows, so from one a
# verdict leans at most. Half the width of such an interval is the spread of the draws times Student's t, which may be large for two or three
# seeds: so it may reach beyond what every net shows, even beyond an error of 0 or 100 %. The rules were written down before the nets were trained; they stand folded under the verdicts.

# %%
IDS = ("zfnet-beats-alexnet", "ensembles-help", "wider-middle-layers-help", "table2-order")
STUCK = [name for name, own in REGIMES.items() if own.began is None]
SLUGS = {
    "authors-replication-of-krizhevsky-et-al-1-convnet": "alexnet",
    "1-convnet-as-in-fig-3": "zfnet",
    "a-5-convnets-as-in-fig-3": FIVE,
    "b-1-convnet-as-in-fig-3-with-layers-3-4-5-512-1024-512-maps": WIDE,
    "6-convnets-a-and-b-combined": SIX,
}


def of_seeds(row: str) -> np.ndarray:
    """Wrong answers of a row's recipe from each seed that is trained, bool (seeds, n)."""
    return error_rates.of_seeds(PROFILE, MEMBERS[row][0], PICTURES, VAL, which=crops.TEN, seed=SEED)


OVER_SEEDS = {row: of_seeds(row) for row in ("alexnet", "zfnet", WIDE) if row not in ABSENT}
DIFFERENCE = seeds.difference(OVER_SEEDS["zfnet"], OVER_SEEDS["alexnet"], generator=np.random.default_rng(seed))


# %% [markdown]
# What is decided, claim by claim:


# %%
def decided(id: str, rows: tuple[str, ...], decide: Callable[[], tuple[str, seeds.Estimate]], threshold: float | None = 0.0) -> dict:
    """Scoreboard row of a claim about the errors of some rows, or why it cannot be decided."""
    if reason := lacking(*rows) or runs.starts_apart(PROFILE, members(*rows), seed=SEED):
        return results.claim(id, claims.NOT_COMPARABLE, n=0, reason=reason)
    status, found = decide()
    return verdicts.compared(id, status, found, len(TRUTH), under_trained=regime.reasons(REGIMES, members(*rows)), threshold=threshold)


# %%
def below(row: str, other: str) -> tuple[str, seeds.Estimate]:
    """Whether the error of a row lies below that of another."""
    found = seeds.difference(OVER_SEEDS[row], OVER_SEEDS[other], generator=np.random.default_rng(SEED))
    return claims.when_below(found.interval), found


def gain() -> tuple[str, seeds.Estimate]:
    """What averaging these five nets brings; they are the five seeds."""
    value, low, high = error_rates.ensemble_gain(WRONG[FIVE], np.stack(list(ALONE.values())), generator=np.random.default_rng(SEED))
    return claims.when_below((low, high)), seeds.Estimate(value, low, high, math.nan, len(ALONE))


def log_odds(means: np.ndarray) -> np.ndarray:
    """Log-odds of an error of the first recipe minus that of the second, (draws, 2) to (draws,)."""
    kept = np.clip(means, 1e-6, 1 - 1e-6)
    odds = np.log(kept / (1 - kept))
    return odds[:, 0] - odds[:, 1]


# %%
def order() -> tuple[str, seeds.Estimate]:
    """Log-odds of zfnet against alexnet, and whether the five rows rise with the paper's."""
    odds = seeds.measured((OVER_SEEDS["zfnet"], OVER_SEEDS["alexnet"]), log_odds, generator=np.random.default_rng(SEED))
    theirs = np.array([numbers.number(f"table2/{slug}/val_top1_error")["paper"] for slug in SLUGS])
    weights = (theirs - theirs.mean()) / ((theirs - theirs.mean()) ** 2).sum()  # of the slope of a straight line
    slope = bootstrap.mean(np.stack([WRONG[row] for row in SLUGS.values()], 1) @ weights, generator=np.random.default_rng(SEED), draws=2000)
    return claims.all_of([claims.when_below(odds.interval), claims.when_above(slope[1:])]), odds


VERDICTS = [
    decided(IDS[0], ("zfnet", "alexnet"), lambda: below("zfnet", "alexnet")),
    decided(IDS[1], (FIVE,), gain),
    decided(IDS[2], (WIDE, "zfnet"), lambda: below(WIDE, "zfnet")),
    decided(IDS[3], tuple(SLUGS.values()), order, None),
]

# %% [markdown]
# The first and the last claim compare `zfnet` with `alexnet` in two units: points, and log-odds, in which a point is more the nearer an error
# lies to 0 or 100 %. So one interval may leave 0 out and the other not.

# %% tags=["plumbing"]
Markdown(verdicts.told(*VERDICTS) + "".join(f"\n\nBut *{name}* never left chance." for name in STUCK))

# %% [markdown]
# Is the error of a net without clipping different? One net of each, so the interval is over images alone.

# %%
CLIP_DIFFERENCE = bootstrap.paired_difference(WRONG["zfnet"], WRONG["zfnet-unclipped"], generator=np.random.default_rng(seed))
UNFIT = "; ".join(filter(None, (REGIMES[name].under_trained for name in ("zfnet", "zfnet-unclipped"))))
Markdown(
    "The error of `zfnet` minus that of `zfnet-unclipped` is {:+.2f} points, 95 % interval {:+.2f} to {:+.2f}.".format(
        *(100 * value for value in CLIP_DIFFERENCE)
    )
    + ("" if ACTED else " Clipping never acted: they are one net.")
    + (f" Mind: {UNFIT}." if ACTED and UNFIT else "")
)

# %% [markdown]
# Every number of the paper's table gets a row on the scoreboard. The rows of other groups are not for us to measure, and where labels are
# hidden, as on the paper's test split, nobody can do so at home: our val split, which no choice has seen, stands in.


# %% tags=["plumbing"]
def compared(key: str) -> dict:
    """Scoreboard row of a number of table 2, in percent, ten crops."""
    _, slug, column = key.split("/")
    row = SLUGS.get(slug)
    if row is None:
        return results.absent(key, "another group's net, not one that the paper trained")
    if column.startswith("test"):
        return results.absent(key, "no test split with hidden labels here; val stands in")
    if row in ABSENT:
        return results.absent(key, ABSENT[row])
    error = predictions.error_rate(wrong_of(row, top=1 if "top1" in column else 5))
    row_of = results.number(key, 100 * error.rate, profile=PROFILE, n=error.n, interval=tuple(100 * end for end in error.interval()))
    return results.of_regime(row_of, REGIMES[MEMBERS[row][0]].words, regime.reasons(REGIMES, MEMBERS[row]))


# %% tags=["plumbing"]
PRINTED = numbers.numbers()
NUMBERS = [compared(key) for key in PRINTED.loc[PRINTED["place"] == "table 2", "key"]]
results.save(
    "table2",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - MIDWAY,
    figure=table2_figure,
    table=TABLE2,
    rows=[*NUMBERS, *VERDICTS],
    data=PICTURES,
    facts={"nets": {name: found.folder.name for name, found in (KNOWN | TRAINED).items()}, "missing": ABSENT},
)
Markdown(
    f"zfnet - alexnet, top-1, ten crops: **{100 * DIFFERENCE.value:+.2f} points**, 95 % interval {100 * DIFFERENCE.low:+.2f} to "
    f"{100 * DIFFERENCE.high:+.2f}, n = {len(TRUTH):,}: the mean of {len(OVER_SEEDS['zfnet'])} `zfnet` and {len(OVER_SEEDS['alexnet'])} `alexnet`; the rows "
    "above are the first seed of each."
)

# %% [markdown]
# ## Compared with the paper

# %%
OWN = [row for row in NUMBERS if row["key"].split("/")[1] in SLUGS and not row["key"].endswith("test_top5_error")]
COMPARED = pd.DataFrame(
    {
        "net": SLUGS[row["key"].split("/")[1]],
        "number": row["key"].split("/")[2].replace("_", " ") + " %",
        "paper": numbers.number(row["key"])["paper"],
        "ours": "" if row["ours"] is None else f"{row['ours']:.2f}",
        "interval": "" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}",
        "n": row["n"],
        "status": row["status"],
        "why": row["reason"],
    }
    for row in OWN
)
tables.neat(COMPARED)

# %% tags=["plumbing"]
WHY = pd.Series([row["reason"] for row in NUMBERS if row not in OWN]).value_counts()
Markdown(
    f"The other {WHY.sum()} numbers of the table are not comparable: "
    + "; ".join(f"{count} ({reason})" for reason, count in WHY.items())
    + "."
)


# %%
def printed(number: str) -> float:
    """A number of the paper's table 2, in percent."""
    return numbers.number(f"table2/{number}")["paper"]


ALEX_BEGAN, ALEX_CUTS = error_rates.left_chance(LOGS["alexnet"], CLASSES, loss="dev_loss"), CARDS["alexnet"]["lr_drops"]
CUT_FIRST = (
    " The cuts are those of `zfnet`; for `alexnet` the first came before it was seen to have left chance, so part of the difference may be the schedule's."
    if ALEX_CUTS and (ALEX_BEGAN is None or ALEX_CUTS[0] < ALEX_BEGAN)
    else ""
)
REPLICA, ONE = "authors-replication-of-krizhevsky-et-al-1-convnet", "1-convnet-as-in-fig-3"
GAP = printed(f"{ONE}/val_top1_error") - printed(f"{REPLICA}/val_top1_error")
Markdown(
    f"The paper's gap between its net and its replication is {GAP:+.1f} points of top-1 error on 1,000 classes, from one net each, without an "
    f"interval; ours is {100 * DIFFERENCE.value:+.2f}, the mean of {len(OVER_SEEDS['zfnet'])} `zfnet` minus that of {len(OVER_SEEDS['alexnet'])} `alexnet`, on {CLASSES} classes, "
    f"with a 95 % interval from {100 * DIFFERENCE.low:+.2f} to {100 * DIFFERENCE.high:+.2f}; that `zfnet` beats `alexnet` is *{VERDICTS[0]['status']}*."
    + (f" {SEED_WORDS}." if RANGES else "")
    + CUT_FIRST
)

# %% [markdown]
# Some numbers of this table circulate with another meaning, and the paper itself has two slips:

# %% tags=["plumbing"]
OTHERS, TOP5 = "krizhevsky-et-al-2012-1-convnet", "val_top5_error"
SOURCE = numbers.table("table2_imagenet_errors")
NOTE = SOURCE.loc[SOURCE["model"].str.startswith("Gunji"), "note"].item()
Markdown(
    f"- The best entry without a convnet has a test top-5 error of {printed('gunji-et-al-2012-best-non-convnet/test_top5_error')} in the table; "
    f"the {NOTE}.\n"
    f"- The gain of {printed(f'{OTHERS}/{TOP5}') - printed(f'{ONE}/{TOP5}'):.1f} points, which the text calls one on *test*, is one on "
    f"*validation*: {printed(f'{OTHERS}/{TOP5}')} of Krizhevsky et al. to {printed(f'{ONE}/{TOP5}')}, one net each (top-1: "
    f"{printed(f'{OTHERS}/val_top1_error') - printed(f'{ONE}/val_top1_error'):.1f} points). No test number of the single net is printed.\n"
    f"- {printed(f'a-5-convnets-as-in-fig-3/{TOP5}')} is what *five* nets reach together, and belongs beside the "
    f"{printed(f'krizhevsky-et-al-2012-5-convnets/{TOP5}')} of Krizhevsky's five. It is not the effect of the new architecture on one net.\n"
    f"- {printed('6-convnets-a-and-b-combined/test_top5_error')} is the test error of all six; on validation they have "
    f"{printed(f'6-convnets-a-and-b-combined/{TOP5}')}."
)

# %% [markdown]
# ## What we learned

# %% tags=["plumbing"]
BEST_ROW = min((row for row in WRONG if row in SLUGS.values()), key=lambda row: WRONG[row].mean())
CLIPPED_TOO = {name: TRAINED[name].card["clipped"] for name in SEEDS[1:] if name in TRAINED}
FAR = "differs from" if min(CLIP_DIFFERENCE[1:]) > 0 or max(CLIP_DIFFERENCE[1:]) < 0 else "does not surely differ from"
WITHOUT_CLIPPING = (
    "The paper calls it crucial for layer 1. The error of the net with it {} that of the net without it ({:+.1f} points, {:+.1f} to {:+.1f}), one net of each".format(
        FAR, *(100 * value for value in CLIP_DIFFERENCE)
    )
    + (", both as they are, under-trained" if UNFIT else "")
    + "; what it does to the look of the filters is asked in chapter 5."
    if ACTED
    else ""
)
UNJUDGED = sum(row["status"] == claims.NOT_COMPARABLE for row in VERDICTS)
Markdown(
    "- A net stays at the loss of a guess for a while, perhaps until its signals are large enough: `zfnet` "
    + (f"left it, by its training loss, within {REGIMES['zfnet'].began:,} of its" if REGIMES["zfnet"].began else "never left it in")
    + f" {CARDS['zfnet']['steps']:,} steps. A run that ends before proves nothing.\n"
    f"- Filter clipping scaled a filter back {times(ACTED)} in the training of `zfnet`"
    + (f"; from other seeds {', '.join(f'{times(count)} (`{name}`)' for name, count in CLIPPED_TOO.items())}" if CLIPPED_TOO else "")
    + f". {WITHOUT_CLIPPING}\n"
    + f"- Of the paper's rows of table 2 that are here *{BEST_ROW}* errs least, on {100 * WRONG[BEST_ROW].mean():.1f} % of the val images. "
    + (f"{SEED_WORDS}. " if RANGES else "")
    + (f"Of the {len(VERDICTS)} verdicts on table 2 {UNJUDGED} are *{claims.NOT_COMPARABLE}*." if UNJUDGED else "")
)

# %% [markdown]
# ## Where we differ
#
# - **Assumption**: Gaussian weights; cuts of the learning rate by the factor and at the moments given above; clipping after every step; ten crops at test time; no weight
#   decay and no colour noise, which the paper does not mention.
# - **Assumption**: the replication is trained by the paper's recipe too, without clipping, and with the biases of 1 that Krizhevsky et al. have.
# - **Assumption**: the five nets of row (a) differ in their seed alone, that is in first weights, order, crops and dropout; their class
#   probabilities are averaged. The paper leaves both open.
# - A profile may take other batches and another rate than the paper (above).
# - Scaled nets, other pictures, a much shorter run: the errors themselves do not compare, the difference between two nets may where both have learned enough.
#
# ## Exercises
#
# **1. Predict.** A net that has learnt nothing gives every one of 1,000 classes the same probability. What is its loss, to two decimals?
#
# <details><summary>Hint</summary>
#
# The loss is the negative natural logarithm of the probability of the true class.
#
# </details>

# %% tags=["solution"]
LOSS_OF_A_GUESS = 6.91

# %% tags=["check"]
with exercises.check(LOSS_OF_A_GUESS):
    EXACT = float(F.cross_entropy(torch.zeros(1, 1000), torch.tensor([7])))
    assert abs(LOSS_OF_A_GUESS - EXACT) < 0.006, "natural logarithm, of one in a thousand, with the sign turned"

# %% [markdown]
# **2. Read a figure.** In *Rate and momentum in a valley* the steep axis has curvature 25. At momentum 0, above which learning rate does the
# path run away?
#
# <details><summary>Hint</summary>
#
# A step multiplies the distance from the bottom by 1 - rate x curvature. When is that larger than 1 in size?
#
# </details>

# %% tags=["solution"]
LARGEST_RATE = 0.08

# %% tags=["check"]
with exercises.check(LARGEST_RATE):
    WALK = {
        share: descent.path(np.array([0.0, 1.0]), np.array([1.0, 25.0]), rate=share * LARGEST_RATE, momentum=0.0, steps=200)
        for share in (0.98, 1.02)
    }
    ENDS = {share: abs(np.asarray(walk)[-1][1]) for share, walk in WALK.items()}
    assert ENDS[0.98] < 1, "a little below your rate the path already runs away"
    assert ENDS[1.02] > 1, "a little above your rate the path still comes down"

# %% [markdown]
# **3. Write the mechanism.** The interval of an error rate after Wilson needs only two counts. Write it, and see that it stays sensible when
# nothing was wrong:
#
# $$\frac{r + \frac{z^2}{2n} \pm z \sqrt{\frac{r (1 - r)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}, \qquad r = \frac{\text{wrong}}{n},\quad z = 1.959964$$


# %% tags=["solution"]
def wilson(wrong: int, n: int) -> tuple[float, float]:
    """95 % interval of the rate wrong / n after Wilson."""
    z, rate = 1.959964, wrong / n
    middle, half = rate + z * z / (2 * n), z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


# %% tags=["check"]
with exercises.check():
    assert np.allclose(wilson(30, 200), predictions.ErrorRate(30, 200).interval()), "30 wrong of 200 should give the library's interval"
    assert 0 <= wilson(0, 20)[0] < 1e-9 and wilson(0, 20)[1] > 0.1, "with 0 wrong of 20 the rate may still well be above .1"

# %% [markdown]
# **4. Write the mechanism.** Dropout without its factor: at test time all units speak, so the next layer would get twice as much as it is used to. Write the
# test-time version of a dropout that keeps values *undoubled* in training: what must be done to the values when nothing is dropped?


# %% tags=["solution"]
def at_test_time(x: torch.Tensor, kept: float) -> torch.Tensor:
    """Values of a layer at test time, if in training a share `kept` of them was passed on unchanged."""
    return x * kept


# %% tags=["check"]
with exercises.check():
    VALUES = torch.rand(200, generator=torch.Generator().manual_seed(0))
    for KEEPS in (0.5, 0.8):
        MASKS = torch.rand(4000, 200, generator=torch.Generator().manual_seed(1)) < KEEPS
        ON_AVERAGE = (MASKS * VALUES).sum(1).mean()
        assert abs(at_test_time(VALUES, KEEPS).sum() / ON_AVERAGE - 1) < 0.01, "the sum at test time should be the mean sum in training"

# %% [markdown]
# **5. Change it and explain.** Clip to a radius of .02: `with torch.no_grad(): clip_by_hand(large.conv1.weight, 0.02)`. Most filters now have the same
# size. What does that do to the learning rate that a filter *feels*, that is, to the change of its direction in a step?
#
# <details><summary>Answer</summary>
#
# A step turns a filter by an angle of about the step's length divided by the filter's. Smaller filters turn faster, as if their learning
# rate had grown. What clipping takes away is size alone; a ReLU passes it on unchanged, and later weights can make up for it.
#
# </details>
#
# **6.** **Open.** Why does a net of this kind wait so long at the loss of a guess? He et al. (2015, *Delving deep into rectifiers*, section 2.2) choose the first
# weights so that signals neither die nor explode. Which deviation would their rule give for each layer of the paper's net, and where does it
# lie in the range of *Why .01 is delicate*?
#
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
