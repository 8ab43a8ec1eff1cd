# %% [markdown]
# # Look inside: the deconvnet
#
# **You will**
# - find the switches of a small pool by hand, and bring a signal down by un-pooling, rectifying and filtering,
# - do the same for one unit of a trained net, then for every layer,
# - see what excites the maps of five layers, and name some of them,
# - measure what the nine pictures of a map have in common.
#
# | | |
# | --- | --- |
# | In the paper | sections 2.1 and 4; figures 1 and 2 |
# | The paper leaves open | whether two of the nine may come from one image; whether the strongest activation is taken before or after the pool; how contrast was enhanced; how the maps were drawn |
# | Needs | the net `zfnet` of the profile |
# | Takes | about a minute on two cores with toys, some minutes with photographs, once the net is trained |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %% tags=["plumbing"]
import itertools
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from IPython.display import Markdown

from zfutils.analysis import class_purity, evolution, localization, similarity
from zfutils.attribution import activations, batched_deconv, deconv, receptive_field, top_nine, topk
from zfutils.attribution.deconvnet import Deconvnet, unpool
from zfutils.attribution.units import Unit
from zfutils.core import profiles
from zfutils.data import registry
from zfutils.models import architectures, crops, devices, predictions
from zfutils.models.trained import note
from zfutils.paper import claims
from zfutils.report import exercises, plot, results, verdicts
from zfutils.stats import bootstrap
from zfutils.training import runs
from zfutils.widgets.projected import Projected

pd.set_option("display.max_colwidth", None)

# %% tags=["plumbing"]
START = time.monotonic()
PROFILE = profiles.profile(profile)
SEED = seed
PICTURES = registry.at_hand(PROFILE, seed=seed)
SIZE = PROFILE.image_size
DEVICE = devices.device()
LAYERS = evolution.LAYERS
INPUTS = crops.Crops(PICTURES, SIZE, device=DEVICE)
TRAINED = runs.trained(PROFILE, "zfnet", seed=seed)
NET = TRAINED.net().to(DEVICE)
VAL = PICTURES.indices("val")
FEW = "no map has enough winners in this profile"  # why a claim cannot be decided, where it cannot
NETS_USED = {"nets": {"zfnet": TRAINED.folder.name}}
Markdown(note([TRAINED], PICTURES))

# %% [markdown]
# ## Two paths
#
# A unit deep in the net is excited by a picture. By *what* in the picture? The paper's answer is to run the net backwards from that one unit: undo each layer, down to the pixels. So two paths stand side by side, as in the paper's figure 1: the net carries the
# picture up, the *deconvnet* carries one value of one map down.

# %%
plot.paths_diagram()

# %% [markdown]
# Read it from the lower right to the lower left. One may turn at any layer: who starts from a map before its pool, as this chapter does in layer 5, leaves that layer's switches unused. The contrast norms of layers 1 and 2 are passed over on the way down. Nothing is learned on the way down: the filters are the net's own, transposed. Look where the two paths meet, besides at the top: at the dashed arrows. Without these *switches* the left path would be the same for every picture that
# gives the unit the same value; they are what ties a projection to this picture.
#
# ## Switches, by hand
#
# Two of the three kinds of layer can be undone after a fashion. The third, the pool, has thrown something away: it keeps the largest value of each window and forgets where it was. So while the net runs, the deconvnet notes the place of each maximum, the *switch*:
#
# $$\text{pooled}_{ij} = \max_{(a, b) \in \text{window}_{ij}} x_{ab}, \qquad \text{places}_{ij} = \operatorname*{arg\,max}_{(a, b) \in \text{window}_{ij}} x_{ab}$$
#
# The paper's windows are 3 x 3 with a stride of 2. They overlap, so one maximum may serve several.


# %%
def pool_by_hand(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maxima of 3x3 windows with stride 2, cut off at the far border, and the row and column of each."""
    side = -(-(len(x) - 3) // 2) + 1
    pooled, places = np.zeros((side, side)), np.zeros((side, side, 2), int)
    for i, j in np.ndindex(side, side):
        window = x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        row, column = np.unravel_index(window.argmax(), window.shape)
        pooled[i, j], places[i, j] = window[row, column], (2 * i + row, 2 * j + column)
    return pooled, places


SMALL = np.array([[1.0, 2, 0, 1], [3, 9, 4, 0], [2, 5, 8, 6], [0, 7, 1, 3]])
POOLED, PLACES = pool_by_hand(SMALL)


# %% [markdown]
# On the way down, every value goes to its switch. Where several windows share one, the values are **added**, as in the gradient of the pool; only so no signal is lost:
#
# $$\text{below}_{ab} = \sum_{ij:\ \text{places}_{ij} = (a, b)} \text{signal}_{ij}$$
#
# In the picture: which of the framed maxima is the switch of more than one window, and what arrives there?


# %%
def unpool_by_hand(signal: np.ndarray, places: np.ndarray, side: int) -> np.ndarray:
    """Every value at the place of its maximum, added."""
    below = np.zeros((side, side))
    for i, j in np.ndindex(signal.shape):
        below[tuple(places[i, j])] += signal[i, j]
    return below


ABOVE = np.array([[1.0, 2], [3, 4]])
plot.switches(SMALL, POOLED, PLACES, ABOVE, unpool_by_hand(ABOVE, PLACES, 4), title="Pooling and un-pooling by hand")

# %% tags=["plumbing"]
SWITCHES, SERVED = np.unique(PLACES.reshape(-1, 2), axis=0, return_counts=True)
BUSIEST = tuple(SWITCHES[SERVED.argmax()].tolist())
Markdown(
    f"The {SERVED.sum()} windows have {len(SWITCHES)} switches. The {SMALL[BUSIEST]:.0f} in row {BUSIEST[0]}, column {BUSIEST[1]} serves {SERVED.max()} of them, and there "
    f"{unpool_by_hand(ABOVE, PLACES, 4)[BUSIEST]:.0f} arrives, the sum of what they send. All that goes down, {ABOVE.sum():.0f}, comes out."
)

# %% [markdown]
# The library's pool and `unpool` give the same.

# %%
pooled, flat = F.max_pool2d(torch.from_numpy(SMALL)[None, None], 3, 2, ceil_mode=True, return_indices=True)
assert np.array_equal(pooled[0, 0].numpy(), POOLED)
assert np.array_equal(unpool(torch.from_numpy(ABOVE)[None, None], flat, (4, 4))[0, 0].numpy(), unpool_by_hand(ABOVE, PLACES, 4))

# %% [markdown]
# ## Rectify, filter
#
# After un-pooling the signal is rectified, $\max(R, 0)$, because features are never negative and their reconstruction should not be either. Then it is filtered with the same filters, transposed: every value lays its filter down, scaled by itself. For a stride
# `stride`, with $m$ over the maps and $(i, j)$ over the places of the signal,
#
# $$\text{below}_{c,\ i \cdot \text{stride} + u,\ j \cdot \text{stride} + v} \mathrel{+}= \text{signal}_{m,i,j} \cdot \text{filters}_{m,c,u,v}$$
#
# The biases take no part.


# %%
def filter_by_hand(signal: np.ndarray, filters: np.ndarray, stride: int) -> np.ndarray:
    """Lay the filters (maps, channels, k, k) down at every value of a signal (maps, h, w)."""
    maps, channels, k, _ = filters.shape
    _, height, width = signal.shape
    below = np.zeros((channels, (height - 1) * stride + k, (width - 1) * stride + k))
    for m, i, j in np.ndindex(maps, height, width):
        below[:, i * stride : i * stride + k, j * stride : j * stride + k] += signal[m, i, j] * filters[m]
    return below


SIGNAL = np.maximum(np.random.default_rng(SEED).normal(size=(4, 5, 5)), 0)
FILTERS = np.random.default_rng(SEED + 1).normal(size=(4, 3, 3, 3))
library = F.conv_transpose2d(torch.from_numpy(SIGNAL)[None], torch.from_numpy(FILTERS), stride=2)[0].numpy()
assert np.allclose(filter_by_hand(SIGNAL, FILTERS, 2), library, atol=1e-12)

# %% [markdown]
# ## One real unit
#
# Now for a unit of the trained net. The image is chosen by a rule: of the val images, the one whose true class gets the highest probability. The unit is the map of layer 3 with the strongest activation in it. Everything is in float64, so
# that a rounding error cannot be taken for a difference.

# %%
GUESSES = predictions.probabilities(NET, INPUTS, VAL)
BEST = int(VAL[GUESSES[np.arange(len(VAL)), PICTURES.labels[VAL]].argmax()])
EXACT = TRAINED.net().double()
IMAGE = top_nine.centre_crops(PICTURES, SIZE, np.array([BEST]), torch.device("cpu")).double()
ANSWERS = activations.of(EXACT, IMAGE, ["conv3"])["conv3"][0]
UNIT = Unit("conv3", int(ANSWERS.amax((1, 2)).argmax()))
Markdown(
    f"The image shows *{PICTURES.classes[PICTURES.labels[BEST]]}*; the unit is **{UNIT}**, with an activation of {float(ANSWERS[UNIT.map].max()):.3g}."
)

# %% [markdown]
# Up, noting the switches, then down. The contrast norms are skipped on the way down (the conference version of the paper says so), and the pixels are not rectified. On the way up each layer leaves three things in `trace`: itself, its switches, and the
# size of what entered it.


# %%
def up_by_hand(net: torch.nn.Sequential, image: torch.Tensor, last: str) -> tuple[torch.Tensor, list]:
    """Features of a layer, and for every layer up to it: the layer, its switches, the size of what entered it."""
    x, trace = image, []
    for name, layer in net.named_children():
        switches, size = None, x.shape[2:]
        if isinstance(layer, torch.nn.MaxPool2d):
            x, switches = F.max_pool2d(x, 3, 2, ceil_mode=True, return_indices=True)
        else:
            x = layer(x)
        trace.append((layer, switches, size))
        if name == last:
            break
    return x, trace


# %% [markdown]
# The way down takes one activation, sets all others to zero, and undoes the layers in reverse order: un-pool, rectify, filter.


# %%
def down_by_hand(signal: torch.Tensor, trace: list) -> torch.Tensor:
    """Bring a signal down through the layers of a trace."""
    for layer, switches, size in reversed(trace):
        if isinstance(layer, torch.nn.MaxPool2d):
            signal = unpool(signal, switches, size)
        elif isinstance(layer, torch.nn.ReLU):
            signal = signal.clamp(min=0)
        elif isinstance(layer, torch.nn.Conv2d):
            missing = [
                side - ((out - 1) * layer.stride[0] - 2 * layer.padding[0] + layer.kernel_size[0])
                for side, out in zip(size, signal.shape[2:], strict=True)
            ]
            signal = F.conv_transpose2d(signal, layer.weight, None, layer.stride, layer.padding, missing, layer.groups)
    return signal


def project_by_hand(net: torch.nn.Sequential, image: torch.Tensor, unit: Unit) -> torch.Tensor:
    """Bring the strongest activation of a map down to pixels."""
    x, trace = up_by_hand(net, image, unit.layer)
    signal = torch.zeros_like(x)
    place = x[0, unit.map].flatten().argmax()
    signal[0, unit.map].view(-1)[place] = x[0, unit.map].flatten()[place]  # all other activations are zero
    return down_by_hand(signal, trace)[0]


with torch.no_grad():
    BY_HAND = project_by_hand(EXACT, IMAGE, UNIT)
FOUND = deconv.project(EXACT, IMAGE, unit=UNIT)
assert (BY_HAND - FOUND.pixels).abs().max() < 1e-10 * BY_HAND.abs().max()

# %% [markdown]
# The library's `deconv.project` gives the same pixels. They are signed, so they are drawn with zero at grey. What of the image can you find again, and where is the projection grey?


# %%
def seen(image: torch.Tensor) -> np.ndarray:
    """An input of the net (3, h, w) as a picture: the mean is added again."""
    offset = (PICTURES.facts["size"] - SIZE) // 2
    mean = PICTURES.mean()[offset : offset + SIZE, offset : offset + SIZE]
    return np.clip(np.moveaxis(image.detach().cpu().numpy(), 0, -1) + mean, 0, 255).astype(np.uint8)


def drawn(pixels: np.ndarray) -> np.ndarray:
    """A projection as a picture: zero is grey 128, and the largest 2 % of what is not zero are black or white."""
    return crops.to_display(pixels, scale=top_nine.display_scale(pixels))


plot.pictures(
    np.stack([seen(IMAGE[0]), drawn(FOUND.pixels.numpy())]),
    ["image", str(UNIT)],
    columns=2,
    cell=2.6,
    title="One unit, brought down to pixels",
)

# %%
OWN_FIELD = receptive_field.of(EXACT, IMAGE, UNIT.layer)
TOP_ROW, LEFT_COLUMN, BOTTOM_ROW, RIGHT_COLUMN = OWN_FIELD.inside(FOUND.at)


def half_of(pixels: np.ndarray) -> float:
    """Smallest share of a picture's area that holds half of a projection's energy, the squared pixels; NaN where all are zero."""
    energy = np.sort((pixels.astype(float) ** 2).sum(0).ravel())[::-1]
    return float((energy.cumsum() < 0.5 * energy.sum()).sum() + 1) / energy.size if energy.any() else float("nan")


Markdown(
    f"The receptive field of this place takes {(BOTTOM_ROW - TOP_ROW) * (RIGHT_COLUMN - LEFT_COLUMN) / SIZE**2:.0%} of the picture; outside it all is zero. Inside, the projection is concentrated: half of "
    f"its energy, the sum of squares, lies on {half_of(FOUND.pixels.numpy()):.1%} of the picture's area."
)

# %% [markdown]
# ## Figure 1: the two paths
#
# The same unit, one layer in slow motion: on the right a layer of the convnet, upwards; on the left its layer of the deconvnet, downwards. The paper draws this as a diagram; here the pictures are real, for the map of layer 1 whose signal has the largest sum on its way down, negative values counted as negative; only the lowest picture on the left adds up all maps.
# Follow the left column: un-pooling scatters a coarse signal over single pixels, and filtering turns each of them into a small edge or blob.

# %%
EXPLICIT = Deconvnet(EXACT)
ASCENT = EXPLICIT.up(IMAGE)
TOP = torch.zeros_like(ASCENT.outputs["conv3"])
TOP[0, UNIT.map][FOUND.at] = FOUND.activation
ORDER = [name for name, _ in EXACT.named_children()]


def signal_at(layer: str) -> torch.Tensor:
    """The signal as it stands at the output of a layer on the way down."""
    upper = EXACT[ORDER.index(layer) + 1 : ORDER.index("conv3") + 1]
    return Deconvnet(upper.eval()).down(TOP, "conv3", ASCENT)


AT_POOL = signal_at("pool1")
CARRIER = int(AT_POOL[0].sum((1, 2)).argmax())
UNPOOLED = unpool(AT_POOL, ASCENT.switches["pool1"], tuple(ASCENT.inputs["pool1"].shape[2:]))


def one_map(values: torch.Tensor) -> np.ndarray:
    """One map as a picture, zero at grey."""
    plane = values[0, CARRIER].numpy()
    return drawn(np.stack([plane] * 3))


# %%
up = [
    ("layer below: the image", seen(IMAGE[0])),
    (f"feature map {CARRIER} of layer 1", one_map(ASCENT.outputs["conv1"])),
    ("rectified", one_map(ASCENT.outputs["relu1"])),
    ("pooled", one_map(ASCENT.outputs["pool1"])),
]
down = [
    ("reconstruction from the layer above", one_map(AT_POOL)),
    ("un-pooled", one_map(UNPOOLED)),
    ("rectified", one_map(UNPOOLED.clamp(min=0))),
    ("reconstruction: pixels", drawn(FOUND.pixels.numpy())),
]
steps = {"up": ("filter: F", "rectify", "max pool"), "down": ("un-pool", "rectify", "filter:\nF transposed")}
figure1 = plot.two_paths(up, down, steps, title=f"Figure 1: layer 1 on the way down from {UNIT} (left) and on the way up")
figure1

# %% tags=["plumbing"]
FILLED, STANDING = UNPOOLED[0, CARRIER] != 0, ASCENT.outputs["relu1"][0, CARRIER] > 0
SIZES = AT_POOL[0].abs().sum((1, 2))  # of the signal in each map, by absolute value
Markdown(
    f"Up: the ReLU leaves {float(STANDING.double().mean()):.0%} of map {CARRIER} above zero. Down: the signal has {int((AT_POOL[0, CARRIER] != 0).sum())} values at the pool, and un-pooling puts them on {int(FILLED.sum())} of "
    f"{FILLED.numel():,} places of the layer, {float(FILLED.double().mean()):.1%}. Rectifying then removes {float((UNPOOLED[0, CARRIER] < 0).sum() / max(int(FILLED.sum()), 1)):.0%} of these, the negative ones. "
    f"The map was chosen by its sum with signs; by absolute value, which counts what is rectified away as well, it carries {float(SIZES[CARRIER] / SIZES.sum()):.0%} of all that comes down to the pool and is number {int((SIZES > SIZES[CARRIER]).sum()) + 1} of {len(SIZES)} maps."
)

# %% [markdown]
# Below: a piece of that map in numbers, where the signal is strongest. Framed are the switches. Look for a maximum that several windows share: there more than one number of the small table arrives.

# %%
AMONG = AT_POOL[0, CARRIER]
row, column = np.unravel_index(int(AMONG.argmax()), AMONG.shape)
row, column = min(max(row - 1, 0), AMONG.shape[0] - 4), min(max(column - 1, 0), AMONG.shape[1] - 4)
RECTIFIED = ASCENT.outputs["relu1"][0, CARRIER]
cut = np.s_[2 * row : 2 * row + 9, 2 * column : 2 * column + 9]
flat = ASCENT.switches["pool1"][0, CARRIER, row : row + 4, column : column + 4]
places = np.stack([flat // RECTIFIED.shape[1] - 2 * row, flat % RECTIFIED.shape[1] - 2 * column], -1)
piece = np.s_[row : row + 4, column : column + 4]
SMALL_SIGNAL = AMONG[piece].numpy()
figure1_switches = plot.switches(
    RECTIFIED[cut].numpy(),
    ASCENT.outputs["pool1"][0, CARRIER][piece].numpy(),
    places,
    SMALL_SIGNAL,
    unpool_by_hand(SMALL_SIGNAL, places, 9),
    title="Figure 1, below: pooling and un-pooling",
)
figure1_switches

# %% tags=["plumbing"]
SHARED_HERE = len(places.reshape(-1, 2)) - len(np.unique(places.reshape(-1, 2), axis=0))
Markdown(
    f"In this piece {len(places.reshape(-1, 2))} windows have {len(places.reshape(-1, 2)) - SHARED_HERE} switches"
    + (f"; overwriting instead of adding would lose the signal of {SHARED_HERE} of them." if SHARED_HERE else ": none is shared.")
    + (
        " A window that is zero all over has its first place as its switch, so a signal may come down where nothing was active; the rule of the gradient would stop it there (chapter 6)."
        if (ASCENT.outputs["pool1"][0, CARRIER][piece] == 0).any()
        else ""
    )
)

# %% tags=["plumbing"]
for name, figure in (("figure1", figure1), ("figure1_switches", figure1_switches)):
    results.save(
        name,
        profile=PROFILE,
        seed=seed,
        seconds=time.monotonic() - START,
        figure=figure,
        data=PICTURES,
        facts={**NETS_USED, "unit": str(UNIT)},
    )

# %% [markdown]
# ## Every layer
#
# The way down is the same from any layer. For the strongest map of each of the five in the same image, by hand and by the library: do the pixels agree, and on how much of the picture does half of the projection's energy lie? A field is small in the lower layers, so that share stands beside that of the field.


# %%
def by_both_ways(layer: str) -> dict:
    """The strongest map of a layer, brought down by hand and by the library."""
    unit = Unit(layer, int(activations.of(EXACT, IMAGE, [layer])[layer][0].amax((1, 2)).argmax()))
    with torch.no_grad():
        hand = project_by_hand(EXACT, IMAGE, unit)
    found = deconv.project(EXACT, IMAGE, unit=unit)
    top, left, bottom, right = receptive_field.of(EXACT, IMAGE, layer).inside(found.at)
    return {
        "unit": str(unit),
        "largest relative difference": float((hand - found.pixels).abs().max() / hand.abs().max()),
        "area with half of the energy": half_of(found.pixels.numpy()),
        "field": (bottom - top) * (right - left) / SIZE**2,
        "pixels": drawn(found.pixels.numpy()),
    }


EVERY = pd.DataFrame([by_both_ways(layer) for layer in LAYERS])
assert (EVERY["largest relative difference"] < 1e-10).all()
plot.pictures(
    np.stack([seen(IMAGE[0]), *EVERY["pixels"]]), ["image", *EVERY["unit"]], columns=6, cell=1.9, title="The strongest map of every layer"
)

# %% tags=["plumbing"]
Markdown(
    f"By hand and by the library the pixels differ by at most {EVERY['largest relative difference'].max():.0e} of the largest, rounding in float64. "
    + "Half of the energy lies on "
    + "; ".join(
        f"{row['area with half of the energy']:.1%} of the picture for {row['unit']} (its field: {row['field']:.1%})"
        for row in EVERY.to_dict("records")
    )
    + ". From here on the library does the work: `deconv.project` reaches the same pictures by autograd, for any net, and refuses what it cannot follow."
)

# %% [markdown]
# ## The nine strongest
#
# One picture says little about a unit. For every map, take the nine val images that excite it most. By hand that is a loop over images; one pass of `topk.scan` does it for all maps of all layers. Two of the nine never come from one image, or nine places in
# one picture would pass for nine examples.

# %%
SOME = VAL[:24]
few = top_nine.centre_crops(PICTURES, SIZE, SOME, DEVICE)
by_hand = [(-float(activations.of(NET, few[n : n + 1], ["conv3"])["conv3"][0, UNIT.map].max()), n) for n in range(len(SOME))]
several = topk.scan(NET, few, layers=["conv3"])["conv3"]
assert [n for value, n in sorted(by_hand)[:9] if value < 0] == [n for n in several.indices[UNIT.map].tolist() if n != topk.NOBODY]

# %%
TOP = topk.scanned(PROFILE, NET, TRAINED.folder.name, PICTURES, "val", layers=LAYERS)
FIELDS = {layer: receptive_field.of(EXACT, IMAGE, layer) for layer in LAYERS}

# %% [markdown]
# In the table: how many maps have nine winners, how many no image excites at all, and how much of the picture a unit sees.

# %%
pd.DataFrame(
    {
        "layer": layer,
        "maps": len(top.indices),
        "with nine winners": len(top.active()),
        "never active": int((~top.alive[:, 0]).sum()),
        "receptive field, px": FIELDS[layer].size[0],
        "of the picture": "all of it" if FIELDS[layer].covers else f"{FIELDS[layer].size[0] / SIZE:.0%} of a side",
    }
    for layer, top in TOP.items()
)

# %% tags=["plumbing"]
DEAD = {layer: int((~top.alive[:, 0]).sum()) for layer, top in TOP.items()}
WHOLE_SEEN = [layer for layer, field in FIELDS.items() if field.covers]
Markdown(
    (
        f"Most dead maps, {max(DEAD.values())}, are in {max(DEAD, key=DEAD.get)}. "
        if any(DEAD.values())
        else "Every map is excited by some image. "
    )
    + (
        f"From {WHOLE_SEEN[0]} on a field is at least as large as the picture, so there a patch is no smaller than the picture."
        if WHOLE_SEEN
        else "No layer has a field as large as the picture."
    )
)

# %% [markdown]
# ## Figure 2: what excites a map
#
# On the left the projections, nine a map; on the right the patches that caused them. The maps are drawn by the seed, and the small number in the corner of each is the one that the explorer and the sliders take. Grey is zero, and the nine tiles of a map share one scale. A patch is the receptive field; grey parts of it lie beyond the border of the
# picture. Where the field takes nearly all of the picture or more, all of the picture is shown.
#
# Two things to look for. Down the layers: do the nine of a map come to show the same *thing* rather than the same edge or colour? Within a map: do the patches differ more than the projections? The paper names a mesh and text in layer 3, dog faces and birds' legs in layer
# 4, keyboards and dogs in layer 5.

# %%
MIDWAY = time.monotonic()
SHOWN = {"conv1": (9, 3), "conv2": (16, 4), "conv3": (12, 4), "conv4": (10, 2), "conv5": (10, 2)}
RNG = np.random.default_rng(SEED)
DRAWN = {layer: top_nine.draw(TOP[layer], count, RNG) for layer, (count, _) in SHOWN.items()}
NINE = {layer: top_nine.of(NET, PICTURES, SIZE, TOP[layer], layer=layer, maps=maps) for layer, maps in DRAWN.items() if len(maps)}

# %% [markdown]
# A block of the figure: projections beside patches; for layer 1 the filters themselves, as in the paper.


# %%
def field_words(layer: str) -> str:
    """What is shown of a layer: its fields or whole pictures."""
    side = FIELDS[layer].size[0]
    return f"field {side} px: all is shown" if batched_deconv.fills(side, SIZE) else f"field {side} px"


def block(layer: str) -> list[plot.Page]:
    """Projections and patches of a layer."""
    projections, patches = NINE[layer].tiles(PICTURES, SIZE)
    places = {"columns": SHOWN[layer][1], "numbers": NINE[layer].maps}
    words = f"layer {layer[-1]}: "
    if layer == "conv1":
        weight = NET.conv1.weight.detach().cpu().numpy()[NINE[layer].maps]
        first = plot.nine_page(words + "filters", crops.to_display(weight, scale=float(np.abs(weight).max()))[:, None], **places)
    else:
        first = plot.nine_page(words + "projections", projections, **places)
    return [first, plot.nine_page(f"patches ({field_words(layer)})", patches, **places)]


# %%
BLOCKS = {layer: block(layer) for layer in NINE}
PAGE_ROWS = [
    [*BLOCKS.get("conv1", []), *BLOCKS.get("conv2", [])],
    BLOCKS.get("conv3", []),
    [*BLOCKS.get("conv4", []), *BLOCKS.get("conv5", [])],
]
figure2 = plot.pages(
    [row for row in PAGE_ROWS if row], title="Figure 2: the nine strongest activations of random maps, projected, and their patches"
)
figure2

# %% [markdown]
# Three maps of the figure by name, each chosen by a rule: of layer 5 the one whose nine winners show one class most often, the first of several; of layers 1 and 2, whose patches are small, the one whose nine patches agree most clearly on a colour (the distance of their common colour from grey is largest beside the spread of their nine mean colours); of layers 3 to 5 the most
# grid-like, whose projections have the largest share of their power at one single frequency, as a mesh or lines of text have. What is called a mesh has a bound of ours.


# %%
def place_of(layer: str, n: int) -> str:
    """The n-th map of a layer in the figure, by the number in its corner."""
    return f"map {NINE[layer].maps[n]} of layer {layer[-1]}"


MESHED = 0.05  # share of the power at one frequency, from which on it is called a mesh


def spread_of_colour(patches: np.ndarray) -> np.ndarray:
    """How far the mean colours of the nine patches of a map lie from their mean, (maps,), of 255."""
    means = patches.reshape(*patches.shape[:2], -1, 3).mean(2)
    return np.linalg.norm(means - means.mean(1, keepdims=True), axis=2).mean(1)


def from_grey(patches: np.ndarray) -> np.ndarray:
    """How far the channels of the mean colour of the nine patches of a map lie apart, (maps,), of 255: 0 for a grey."""
    return np.ptp(patches.reshape(len(patches), -1, 3).mean(1), axis=1)


def grid_share(projections: np.ndarray) -> np.ndarray:
    """Largest share of a projection's power at one frequency of at least 4 cycles a tile, mean of the nine, (maps,)."""
    grey = projections.astype(float).sum(2)
    window = np.hanning(grey.shape[-1] + 2)[1:-1]
    power = np.abs(np.fft.fft2((grey - grey.mean((2, 3), keepdims=True)) * window[:, None] * window)) ** 2
    cycles = np.abs(np.fft.fftfreq(grey.shape[-1], 1 / grey.shape[-1]))
    fine = np.hypot(cycles[:, None], cycles) >= 4
    return (np.where(fine, power, 0).max((2, 3)) / np.maximum(power.sum((2, 3)), 1e-12)).mean(1)


# %%
NAMED_UNITS: list[str] = []
if "conv5" in NINE:
    WON = PICTURES.labels[NINE["conv5"].indices]
    COUNTED = np.array([np.bincount(nine, minlength=len(PICTURES.classes)) for nine in WON])
    purest = int(COUNTED.max(1).argmax())
    ALIKE = np.flatnonzero(COUNTED.max(1) == COUNTED[purest].max())[1:]  # the others that show one class as often
    NAMED_UNITS.append(
        f"**Class**: {place_of('conv5', purest)} shows *{PICTURES.classes[COUNTED[purest].argmax()]}* {COUNTED[purest].max()} times of 9; the median of the maps shown is {np.median(COUNTED.max(1)):.0f}. "
        + (
            f"{'Maps' if len(ALIKE) > 1 else 'Map'} {', '.join(map(str, NINE['conv5'].maps[ALIKE]))} {'show' if len(ALIKE) > 1 else 'shows'} one class as often."
            if len(ALIKE)
            else "No other shows one class as often."
        )
    )

# %%
SPREADS = {layer: spread_of_colour(found.patches) for layer, found in NINE.items() if layer in LAYERS[:2]}
CHROMAS = {layer: from_grey(NINE[layer].patches) for layer in SPREADS}
AGREED = {layer: CHROMAS[layer] / np.maximum(spread, 1) for layer, spread in SPREADS.items()}
if SPREADS:
    layer = max(AGREED, key=lambda name: AGREED[name].max())
    one = int(AGREED[layer].argmax())
    NAMED_UNITS.append(
        f"**Colour**: the strongest and the weakest channel of the common colour of {place_of(layer, one)} lie {CHROMAS[layer][one]:.0f} of 255 apart, and its nine patches lie {SPREADS[layer][one]:.0f} from that colour; the medians of its layer are {np.median(CHROMAS[layer]):.0f} and {np.median(SPREADS[layer]):.0f}."
        + (
            ""
            if AGREED[layer][one] > 1
            else " So its patches lie farther from their common colour than that lies from grey: no map shown stands for a colour."
        )
    )

# %%
GRIDS = {layer: grid_share(found.projections) for layer, found in NINE.items() if layer in LAYERS[2:]}
if GRIDS:
    layer = max(GRIDS, key=lambda name: GRIDS[name].max())
    own, usual = GRIDS[layer].max(), np.median(GRIDS[layer])
    side = NINE[layer].projections.shape[-1]
    STRIPES = grid_share(np.broadcast_to(np.sin(2 * np.pi * 5 * np.arange(side) / side), (1, 1, 1, side, side)))[0]
    NAMED_UNITS.append(
        f"**Grid**: {place_of(layer, int(GRIDS[layer].argmax()))} has {own:.1%} of the power of its projections at one frequency, against {usual:.1%} for the median of its layer"
        + (
            ": the nearest thing to the paper's mesh."
            if own > 1.5 * usual and own > MESHED
            else f". It is the most grid-like of those shown by this rule, but {1 - own:.1%} of the power lies at other frequencies, where plain stripes would leave {1 - STRIPES:.0%}: look at its patches before calling it a mesh."
            if own > 1.5 * usual
            else ". That is no clear lead; a mesh whose spacing changes from picture to picture escapes this rule, so the eye has the last word."
        )
    )
Markdown("\n\n".join(NAMED_UNITS) or "No map of this profile has nine winners.")

# %% [markdown]
# ## One unit, nine pictures
#
# Try it: go through the nine ranks of one map, then through the maps of a layer. What stays in the projections while the patches change? And how strong is a map beside the others of its layer: which tiles share one scale of display decides what you
# see of that. (Leave the rule and the switches as they are: chapter 6 is about them.)
#
# Below stand two maps of one layer. Upper row: the unit from above in its first, fifth and ninth picture. Lower row: the weakest map of the layer in its first picture, three times: on the scale of the layer, of the map, and of the tile alone.

# %%
ONE_UNIT = Projected(NET, PICTURES, INPUTS, TOP).sliders(UNIT)
LEADERS = TOP[UNIT.layer].values[:, 0]
WEAKEST = int(np.where(LEADERS > 0, LEADERS, np.inf).argmin())
NUMBER, RANKED, SCALED = ONE_UNIT.controls["map"].value, (1, 5, 9), ("layer", "map", "tile")
rows = [*({"rank": rank} for rank in RANKED), *({"map": WEAKEST, "scale": scale} for scale in SCALED)]
names = [*(f"map {NUMBER}, rank {rank}" for rank in RANKED), *(f"map {WEAKEST}, scale of the {scale}" for scale in SCALED)]
ONE_UNIT.figure(rows, names=names, title=f"Two maps of layer {UNIT.layer[-1]}", columns=3, cell=3.1)

# %%
ONE_UNIT

# %% tags=["plumbing"]
Markdown(
    f"The strongest activation of map {WEAKEST} is {LEADERS[WEAKEST] / LEADERS.max():.1%} of that of the strongest map of its layer. A tile that is stretched on its own always looks strong; "
    "that a map is weak can be seen only where maps share a scale. Figure 2 has a scale for each map: it compares the nine tiles of a map, and does not show which maps are weak."
)

# %% [markdown]
# ## Do patches vary more than projections?
#
# The paper says of figure 2 that the patches of a map vary more than its projections: a projection keeps to that structure within its own patch which the map responds to. In numbers: the mean cosine between two of the nine projections, against that between two of the nine patches (as the net sees them, mean subtracted). Any two pictures of
# this kind are somewhat alike, so from each the mean cosine with the nine tiles of another map is subtracted: what is left is what the tiles of *one map* share.

# %%
MANY = {layer: top_nine.draw(TOP[layer], 64, np.random.default_rng(SEED)) for layer in LAYERS[1:]}


def beyond(tiles: np.ndarray, n: int) -> float:
    """How alike the nine tiles of a map (maps, 9, ...) are beyond those of the next one."""
    return similarity.mean_pairs(tiles[n]) - similarity.mean_between(tiles[n], tiles[(n + 1) % len(tiles)])


def variation(layer: str) -> pd.DataFrame:
    """One row a map: how alike its projections are, and how alike its patches."""
    if len(MANY[layer]) < 2:
        return pd.DataFrame(columns=["layer", "map", "projections", "patches"])
    found = top_nine.of(NET, PICTURES, SIZE, TOP[layer], layer=layer, maps=MANY[layer])
    patches = found.inputs(PICTURES, SIZE)
    return pd.DataFrame(
        {"layer": layer, "map": number, "projections": beyond(found.projections, n), "patches": beyond(patches, n)}
        for n, number in enumerate(found.maps)
    )


# %% [markdown]
# Positive: projections share more than patches do, which is the paper's sentence.

# %% tags=["plumbing"]
VARIATION = pd.concat([variation(layer) for layer in LAYERS[1:]], ignore_index=True)
VARIES = bootstrap.mean((VARIATION["projections"] - VARIATION["patches"]).to_numpy(float), generator=np.random.default_rng(SEED))
VARY_ROW = verdicts.decided(
    "patches-vary-more-than-projections-of-their-map", claims.when_above(VARIES[1:]), VARIES, len(VARIATION), otherwise=FEW
)
results.save(
    "figure2",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - MIDWAY,
    figure=figure2,
    table=VARIATION,
    rows=[VARY_ROW],
    data=PICTURES,
    facts=NETS_USED,
)
Markdown(verdicts.told(VARY_ROW))

# %%
VARIED = VARIATION.groupby("layer")[["projections", "patches"]].mean()
VARIED.round(3)

# %% tags=["plumbing"]
AHEAD = [layer for layer in VARIED.index if VARIED.loc[layer, "projections"] > VARIED.loc[layer, "patches"]]
Markdown(
    ("Projections share more than patches, as the paper says, in " + (", ".join(AHEAD) or "no layer") + f" (of {len(VARIED)}). ")
    + (
        ""
        if VARY_ROW["status"] == claims.AGREES
        else "A guess at the reason: a projection has fine structure, edges that come out a few pixels apart from picture to picture, and a cosine of pixels counts these as different; the eye, which forgives a shift, does not. Patches share their broad colours, which a cosine rewards. "
        "So the measure may miss what the paper saw; a measure that allows shifts was not tried."
    )
)

# %% [markdown]
# ## What the nine share
#
# The paper reads a hierarchy off figure 2: corners and colours in layer 2, textures in layer 3, parts of classes in layer 4, whole objects in layer 5. In numbers: how often two winners of one map show the same class, fall on the same part (where the pictures know
# their parts), or have patches of one colour (three levels a channel), minus how often two winners of *different* maps do:
#
# $$\text{excess} = P(\text{same kind} \mid \text{one map}) - P(\text{same kind} \mid \text{two maps})$$
#
# If there is a hierarchy, the line of the class should rise with the layers and that of the colour fall.

# %%
STEP = time.monotonic()
KNOWS_PARTS = "parts" in PICTURES.facts["maps"]


def of_all(layer: str) -> tuple[np.ndarray, np.ndarray, batched_deconv.Regions]:
    """Maps, indices and projections of all winners of the maps of a layer that have nine."""
    top = TOP[layer]
    maps = top.active()
    indices, positions = top.indices[maps].reshape(-1), top.positions[maps].reshape(-1, 2)
    found = batched_deconv.project(
        NET,
        lambda wanted: INPUTS.batch(wanted, crops.CENTRE),
        layer=layer,
        indices=indices,
        maps=np.repeat(maps, 9),
        positions=positions,
    )
    return maps, indices, found


# %% [markdown]
# The colour is that of the patch. Where parts are known, a winner counts as showing the part on which most of the energy of its projection falls.


# %%
def shared(layer: str) -> pd.DataFrame:
    """Excess of class, part and colour for every map of a layer."""
    if not len(TOP[layer].active()):
        return pd.DataFrame(columns=["layer", "map", "kind", "excess"])
    maps, rows, found = of_all(layer)
    patches = topk.patches(PICTURES, SIZE, rows, found.corners, found.pixels.shape[-1])
    kinds = {"class": PICTURES.labels[rows], "colour": class_purity.colours(patches)}
    if KNOWS_PARTS:
        kinds["part"] = class_purity.parts(localization.energy(found, SIZE), localization.part_maps(PICTURES, SIZE, rows))
    return pd.concat(
        pd.DataFrame({"layer": layer, "map": maps, "kind": kind, "excess": class_purity.excess(of_winners.reshape(len(maps), 9))})
        for kind, of_winners in kinds.items()
    )


# %%
HIERARCHY = pd.concat([shared(layer) for layer in LAYERS], ignore_index=True)
hierarchy_figure = plot.lines(
    HIERARCHY.groupby(["layer", "kind"], as_index=False)["excess"].mean(),
    x="layer",
    y="excess",
    hue="kind",
    xlabel="",
    ylabel="shared by two winners, above chance",
    marks={"chance": 0.0},
    title="What the nine winners of a map share",
)
hierarchy_figure

# %% tags=["plumbing"]
ONE_CLASS = HIERARCHY[HIERARCHY["kind"] == "class"].dropna()
HIGH, LOW = (ONE_CLASS.loc[ONE_CLASS["layer"] == layer, "excess"].to_numpy(float) for layer in ("conv5", "conv2"))
DEPTH = bootstrap.mean_difference(HIGH, LOW, generator=np.random.default_rng(SEED))
DEPTH_ROW = verdicts.decided("classes-come-with-depth", claims.when_above(DEPTH[1:]), DEPTH, min(len(HIGH), len(LOW)), otherwise=FEW)
results.save(
    "hierarchy",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - STEP,
    figure=hierarchy_figure,
    table=HIERARCHY,
    rows=[DEPTH_ROW],
    data=PICTURES,
    facts=NETS_USED,
)
Markdown(verdicts.told(DEPTH_ROW))

# %% tags=["plumbing"]
MEANS = HIERARCHY.astype({"excess": float}).pivot_table(index="layer", columns="kind", values="excess")
FALLS, RISES = (
    {kind: [pair for pair in itertools.pairwise(MEANS.index) if sign * MEANS[kind].diff()[pair[1]] > 0] for kind in MEANS}
    for sign in (-1, 1)
)


def against(kind: str, turns: dict, word: str) -> str:
    """Where the line of a kind runs against what a hierarchy would let one expect."""
    steps = [f"from layer {one[-1]} to {other[-1]} ({MEANS[kind][one]:.2f} to {MEANS[kind][other]:.2f})" for one, other in turns[kind]]
    return f"The line of the {kind} {word} {' and '.join(steps)}. " if steps else f"The line of the {kind} never {word}. "


MOST = {layer: np.array([np.bincount(PICTURES.labels[nine]).max() for nine in top.indices[top.active()]]) for layer, top in TOP.items()}
Markdown(
    "All nine winners show one class in "
    + ", ".join(f"{(most == 9).sum()} of {len(most)} maps of layer {layer[-1]}" for layer, most in MOST.items())
    + ".\n\n"
    + (against("class", FALLS, "falls") if "class" in MEANS else "")
    + (against("part", FALLS, "falls") if "part" in MEANS else "")
    + (against("colour", RISES, "rises") if "colour" in MEANS else "")
    + (
        f"The claim compares layer 5 with layer 2; against layer 1, whose field of {FIELDS['conv1'].size[0]} px shows no whole object, the difference is {MEANS['class']['conv5'] - MEANS['class']['conv1']:+.2f}."
        if {"conv1", "conv5"} <= set(MEANS.index)
        else ""
    )
)

# %% [markdown]
# ## Compared with the paper
#
# The paper's figures have no numbers, so its sentences became claims with a measure and a rule, written down before the run. The reasons for what does not agree stand with the readings above.

# %% tags=["plumbing"]
verdicts.table(VARY_ROW, DEPTH_ROW)

# %% [markdown]
# ## What we learned

# %% tags=["plumbing"]
Markdown(
    "- "
    + (
        f"How specific is a unit? Two winners of one map show the same class in {100 * HIGH.mean():.0f} of 100 pairs more than winners of different maps in layer 5, and in {100 * LOW.mean():.0f} more in layer 2; the claim that classes come with depth: *{DEPTH_ROW['status']}*.\n"
        if len(HIGH) and len(LOW)
        else "Whether units become more specific with depth cannot be said here: too few maps have nine winners.\n"
    )
    + f"- Do the projections of a map share more than its patches? They are ahead in {', '.join(AHEAD) or 'none of the layers'} (claim: *{VARY_ROW['status']}*).\n"
    + "- One path serves all layers: un-pool at the switches, rectify, filter with the transposed filters. By hand and by the library it gives the same pixels, "
    f"and in the one image shown half of the energy of a projection lies on {EVERY['area with half of the energy'].min():.1%} to {EVERY['area with half of the energy'].max():.1%} of the picture's area."
)

# %% [markdown]
# ## Where we differ
#
# - **Assumption**: the nine of a map come from nine images; the strongest activation is taken before the pool; each map of figure 2 has one linear scale, and the largest 2 % of what is not zero are cut off, which is how we read "contrast enhanced".
# - **Assumption**: contrast norms are skipped on the way down, as the conference version says.
# - Scaled nets and other pictures; in a scaled profile the fields of the upper layers cover nearly the whole picture.
# - A projection starts from one activation. The paper names that limit itself: the joint activity of a layer is not seen.

# %% [markdown]
# ## Exercises
#
# **1. Predict.** A map of 5 x 5 values has its one maximum in the middle, and the pool is the paper's: 3 x 3 with a stride of 2. The signal that comes down is 1 in each of the pooled cells. What stands in the middle after un-pooling,
# (a) with values that share a switch added, as here, (b) with `nn.MaxUnpool2d`, where the last value written stays? Give both: `IN_THE_MIDDLE = (..., ...)`, (a) first.
#
# <details><summary>Hint</summary>
#
# Which windows contain row 2, column 2, counting from 0? The pooled map has 2 x 2 cells.
#
# </details>

# %% tags=["solution"]
IN_THE_MIDDLE = (4.0, 1.0)

# %% tags=["check"]
with exercises.check(IN_THE_MIDDLE):
    PEAK = torch.zeros(1, 1, 5, 5)
    PEAK[0, 0, 2, 2] = 1.0
    PEAK_POOLED, PEAK_SWITCHES = F.max_pool2d(PEAK, 3, 2, return_indices=True)
    ONES = torch.ones_like(PEAK_POOLED)
    ADDED, OVERWRITTEN = unpool(ONES, PEAK_SWITCHES, (5, 5)), F.max_unpool2d(ONES, PEAK_SWITCHES, 3, 2)
    assert IN_THE_MIDDLE[0] == float(ADDED[0, 0, 2, 2]), "(a): count the windows that contain the middle; each sends down a 1"
    assert IN_THE_MIDDLE[1] == float(OVERWRITTEN[0, 0, 2, 2]), (
        "(b): nothing is added or averaged here, the last of several equal values stays"
    )

# %% [markdown]
# <details><summary>Answer</summary>
#
# All four windows contain the middle. Adding keeps the whole signal, as the gradient of the pool does; overwriting loses three quarters of it, and loses most where the map has a clear peak: where the picture is most interesting.
#
# </details>
#
# **2. Read a table.** The table under *The nine strongest* gives the receptive field of layer 5 in pixels. In the paper's net the field has 139 pixels a side. What share of the picture's *area* does a unit in the middle of layer 5 see (a) at the paper's
# 224 pixels, (b) at 112? Give both, to two decimals: `SEEN_SHARE = (..., ...)`, (a) first. At which of the two can a figure show that a projection is local?
#
# <details><summary>Hint</summary>
#
# A share of an area: square the ratio of the sides, and nothing sees more than the whole picture.
#
# </details>

# %% tags=["solution"]
SEEN_SHARE = (0.39, 1.0)

# %% tags=["check"]
with exercises.check(SEEN_SHARE):
    for side, answer in zip((224, 112), SEEN_SHARE, strict=True):
        field = receptive_field.on_paper(architectures.scaled(architectures.ZFNET, image_size=side), "conv5").size[0]
        assert abs(answer - min(1, field / side) ** 2) < 0.01, (
            f"at {side} px: how many of its {side}² pixels lie in a square of {field} px?"
        )

# %% [markdown]
# <details><summary>Answer</summary>
#
# At the paper's size only: there a projection of layer 5 leaves three fifths of the picture grey by construction. At half that size the field of a middle unit is the picture. This is why chapter 6 tests *zero outside the field* on a net with 224 pixels.
#
# </details>

# %% [markdown]
# **3. Write the mechanism.** The paper filters with "transposed" filters, *flipped vertically and horizontally*. Show that this is the same thing: for a stride of 1 and no padding, bring a signal down with an ordinary convolution, `F.conv2d`.
#
# <details><summary>Hint</summary>
#
# Three steps: exchange the roles of maps and channels (`transpose(0, 1)`), turn each filter by 180 degrees (`flip`), and pad the signal so that the result is as large as what the convolution saw on the way up.
#
# </details>


# %% tags=["solution"]
def filter_down(signal: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """A signal (n, maps, h, w) brought down through filters (maps, channels, k, k): (n, channels, h + k - 1, w + k - 1)."""
    return F.conv2d(signal, filters.transpose(0, 1).flip(2, 3), padding=filters.shape[-1] - 1)


# %% tags=["check"]
with exercises.check():
    DRAW = torch.Generator().manual_seed(0)
    SIX_FILTERS, SENT = torch.randn(6, 3, 3, 3, generator=DRAW).double(), torch.randn(1, 6, 4, 5, generator=DRAW).double()
    ENTERED = torch.zeros(1, 3, 6, 7, dtype=torch.double, requires_grad=True)
    (F.conv2d(ENTERED, SIX_FILTERS) * SENT).sum().backward()  # the transposed map is the gradient of the map
    GIVEN = filter_down(SENT, SIX_FILTERS)
    assert GIVEN.shape == ENTERED.grad.shape, f"expected the shape that entered on the way up, {tuple(ENTERED.grad.shape)}"
    assert torch.allclose(GIVEN, ENTERED.grad), "the shape is right, but autograd brings down other values: are the filters turned round?"

# %% [markdown]
# **4. Change it and explain.** Everything on the way down but the rectifier is linear. Which multiples of a signal come down as the same multiples of its picture? Write how far `down(factor * signal)` is from `factor * down(signal)`, as
# a share of the length of the latter, and predict for the factors 2 and -1 whether the gap is zero.
#
# <details><summary>Hint</summary>
#
# `(…).norm()`. For the prediction: max(2 R, 0) = 2 max(R, 0). And max(-R, 0)?
#
# </details>


# %% tags=["solution"]
def scaling_gap(down: Callable[[torch.Tensor], torch.Tensor], signal: torch.Tensor, factor: float) -> float:
    """Distance of a multiple of a signal, brought down, from the multiple of its picture, over the length of the latter."""
    expected = factor * down(signal)
    return float((down(factor * signal) - expected).norm() / expected.norm())


# %% tags=["check"]
with exercises.check():
    SOME_SIGNAL = torch.tensor([1.0, -2.0, 3.0])
    assert scaling_gap(lambda signal: 5 * signal, SOME_SIGNAL, -1) == 0, "for a linear way down the gap is 0, whatever the factor"
    assert scaling_gap(lambda signal: signal.clamp(min=0), SOME_SIGNAL, 2) == 0, "a rectifier takes a positive factor through unchanged"
    assert abs(scaling_gap(lambda signal: signal.clamp(min=0), SOME_SIGNAL, -1) - 1.4**0.5) < 1e-6, (
        "for a rectifier and -1: it gives [0, 2, 0], expected were [-1, 0, -3]. How long is the difference, how long is what was expected?"
    )

# %% [markdown]
# <details><summary>Answer</summary>
#
# Positive multiples only. So it does not matter whether a projection starts with the activation itself or with a 1, which changes its contrast and no more. A negative signal would bring down something else altogether, and two
# signals together need not give the sum of their pictures: chapter 6 measures that.
#
# </details>
#
# **5.** **Open.** Borowski et al. (2021, *Exemplary natural images explain CNN activations better than state-of-the-art feature visualization*) let people predict which of two pictures excites a unit more, after they saw its strongest natural
# pictures or synthetic ones. Design the like for figure 2: what would your readers see, what would they be asked, and how would you tell whether the projections help beyond the patches?

# %% [markdown]
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
