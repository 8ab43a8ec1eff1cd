# %% [markdown]
# # Build the net
#
# **You will**
# - work out every size of the paper's net by hand and find the paddings that the paper does not print,
# - count its parameters and see where they sit,
# - run one forward pass by hand, from pixels to probabilities,
# - see what the contrast norm does to the values at one place of a picture, and which of its constants decides.
#
# | | |
# | --- | --- |
# | In the paper | section 3, figure 3 |
# | The paper leaves open | paddings and rounding; constants of the contrast norm |
# | Needs | the net `zfnet` of the profile, for its real signals in one section; everything else is arithmetic |
# | Takes | about a minute on two cores |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %% tags=["plumbing"]
import time

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown

from zfutils.attribution import activations, receptive_field
from zfutils.core import profiles
from zfutils.data import registry
from zfutils.models import architectures, crops, local_response_norm
from zfutils.models.architectures import ALEXNET, ZFNET
from zfutils.models.trained import note
from zfutils.paper import claims, numbers
from zfutils.report import exercises, plot, results, tables
from zfutils.training import runs
from zfutils.widgets import drawing
from zfutils.widgets.normed import Normed
from zfutils.widgets.seen import Seen

pd.set_option("display.max_colwidth", None)

START = time.monotonic()
PROFILE, SEED = profiles.profile(profile), seed
PICTURES = registry.at_hand(PROFILE, seed=seed)

# %% [markdown]
# ## Sizes, by hand
#
# A window of `kernel` pixels slides along a side of `size` pixels, `padding` pixels wider at both ends, in steps of `stride`. It takes
#
# $$\text{out} = \left\lfloor \frac{\text{size} + 2\,\text{padding} - \text{kernel}}{\text{stride}} \right\rfloor + 1$$
#
# positions. Rounding down leaves out the pixels that do not fill a last window; rounding up (*ceil mode*) lets that window hang over the border.
#
# The paper prints 110 after layer 1. Look for the padding that gives it.


# %%
def out_size(size: int, kernel: int, stride: int, padding: int = 0, *, up: bool = False) -> int:
    """Windows along one side."""
    room = size + 2 * padding - kernel
    return (-(-room // stride) if up else room // stride) + 1


pd.DataFrame(
    {
        "padding": padding,
        "conv1, 7x7 / 2, of 224": out_size(224, 7, 2, padding),
        "pool1, 3x3 / 2, of 110, rounded down": out_size(110, 3, 2, padding),
    }
    for padding in (0, 1)
).set_index("padding")

# %% [markdown]
# 110 needs a padding of 1. The 55 after the pool can be had in two ways: padding 1, or no padding and rounding up.
#
# **Assumption**: pools round up, as in the code that the authors built on. The whole chain then is:


# %%
def sizes_by_hand() -> dict[str, int]:
    """Side of the maps after every stage of the paper's net."""
    conv1 = out_size(224, 7, 2, 1)
    pool1 = out_size(conv1, 3, 2, up=True)
    conv2 = out_size(pool1, 5, 2)
    pool2 = out_size(conv2, 3, 2, up=True)
    conv3 = conv4 = conv5 = out_size(pool2, 3, 1, 1)
    return {
        "conv1": conv1,
        "pool1": pool1,
        "conv2": conv2,
        "pool2": pool2,
        "conv3": conv3,
        "conv4": conv4,
        "conv5": conv5,
        "pool5": out_size(conv5, 3, 2, up=True),
    }


BY_HAND = sizes_by_hand()
assert BY_HAND == {stage: architectures.shapes(ZFNET)[stage][1] for stage in BY_HAND}
BY_HAND

# %% [markdown]
# The library's net has the same sizes; the assertion above would have stopped the page otherwise. Now against the paper's figure 3, row by
# row: computed sizes and maps beside the printed ones.

# %%
PRINTED = numbers.table("fig3_architecture")


def windows(stage: str) -> dict[str, int]:
    """Side and stride of the windows of a convolution or pool; nothing for what has none."""
    kind, number = stage.rstrip("12345678"), int(stage[-1]) if stage[-1].isdigit() else 0
    if kind == "conv":
        return {"our kernel": ZFNET.convs[number - 1].kernel, "our stride": ZFNET.convs[number - 1].stride}
    return {"our kernel": 3, "our stride": 2} if kind == "pool" else {}


# %%
def compare_sizes() -> pd.DataFrame:
    """Every stage of figure 3: printed and computed."""
    shapes, rows = architectures.shapes(ZFNET), []
    for row in PRINTED.itertuples():
        number = row.layer.removeprefix("layer")
        stage = {"input": "input", "output": "fc8"}.get(row.layer) or {"conv": "conv", "full": "fc"}.get(row.op[:4], "pool") + number
        maps, *sides = shapes[stage]
        rows.append(
            {
                "stage": stage,
                "key": f"figure3/{row.layer}-{'-'.join(row.op.replace('+', ' ').split())}",
                "printed size": row.out_size,
                "our size": sides[0] if sides else 1,
                "printed maps": row.out_maps,
                "our maps": maps,
                **windows(stage),
            }
        )
    return pd.DataFrame(rows)


SIZES = compare_sizes()
assert (SIZES["printed size"] == SIZES["our size"]).all() and (SIZES["printed maps"] == SIZES["our maps"]).all()
tables.neat(SIZES.drop(columns="key"))

# %% [markdown]
# ## Parameters
#
# A filter has one weight for every pixel it sees in every map below, and one bias. Most parameters of this net sit in two layers.

# %%
COUNTS = architectures.parameters(ZFNET)
TOTAL = sum(COUNTS.values())
assert TOTAL == 62_357_608
frame = pd.DataFrame({"layer": list(COUNTS), "parameters": list(COUNTS.values())})
plot.bars(
    frame,
    x="parameters",
    y="layer",
    labels=[f"{count:,} ({count / TOTAL:.1%})" for count in COUNTS.values()],
    xlabel="parameters, biases included",
    title=f"{TOTAL:,} parameters",
)

# %% tags=["plumbing"]
CONV_SHARE = sum(count for name, count in COUNTS.items() if name.startswith("conv")) / TOTAL
Markdown(
    f"The five convolutional layers, which all pictures of this book look into, hold {CONV_SHARE:.1%} of the parameters; "
    f"layers 6 and 7 hold {(COUNTS['fc6'] + COUNTS['fc7']) / TOTAL:.1%}."
)

# %% [markdown]
# ## What one unit looks at
#
# The *receptive field* of a unit is the square of pixels that it depends on. Let *step* be the distance in pixels between two neighbours of a
# map. Going up one layer, the field grows by (`kernel` - 1) times the step; then the step is multiplied by the stride. By hand:


# %%
def fields_by_hand() -> dict[str, int]:
    """Side of the receptive field after every stage, pixels of the input."""
    stages = [
        ("conv1", 7, 2),
        ("pool1", 3, 2),
        ("conv2", 5, 2),
        ("pool2", 3, 2),
        ("conv3", 3, 1),
        ("conv4", 3, 1),
        ("conv5", 3, 1),
        ("pool5", 3, 2),
    ]
    field, step, found = 1, 1, {}
    for name, kernel, stride in stages:
        field, step = field + (kernel - 1) * step, step * stride
        found[name] = field
    return found


FIELDS = fields_by_hand()
assert FIELDS == {stage: field for stage, (field, _) in architectures.receptive_fields(ZFNET).items()}
FIELDS

# %% [markdown]
# A formula can be wrong in the same way twice, so ask a net: with positive weights throughout, which pixels have any influence on one
# unit of layer 3? Exactly a square of the side above.


# %%
def influence(stage: str) -> int:
    """Side of the square of pixels that move the middle unit of a stage, measured by the gradient."""
    thin = architectures.build(
        architectures.scaled(ZFNET, width=1 / 32, fc_units=8, classes=2), generator=torch.Generator().manual_seed(0)
    ).double()
    x = torch.rand(1, 3, 224, 224, dtype=torch.float64, requires_grad=True)
    y = x
    for name, layer in thin.named_children():
        if name.startswith("conv"):
            layer.weight.data.abs_()
        # A maximum passes the gradient of one pixel only; the mean of the window passes that of all and has the same field.
        y = torch.nn.functional.avg_pool2d(y, 3, 2, ceil_mode=True) if name.startswith("pool") else layer(y)
        if name == stage:
            break
    middle = y.shape[-1] // 2
    y[0, :, middle, middle].sum().backward()
    return int((x.grad[0].abs().sum(0) > 0).any(0).sum())


assert influence("conv3") == FIELDS["conv3"] and influence("conv4") == FIELDS["conv4"]
Markdown(f"Measured: {influence('conv3')} px for layer 3, {influence('conv4')} px for layer 4.")

# %% tags=["plumbing"]
COVERED = [stage for stage, field in FIELDS.items() if field >= PROFILE.image_size]
Markdown(
    f"In the profile `{profile}` the input has {PROFILE.image_size} px. "
    + (
        f"The field of one unit of {' or '.join(COVERED)} is at least as wide as the picture; a unit near the middle sees all of it, one in a corner looks beyond the edge and misses the far side."
        if COVERED
        else "No unit below layer 6 sees the whole picture."
    )
)

# %% [markdown]
# ### Change a layer
#
# One layer of the paper's net gets other windows, and the sizes above it follow. Bars are hatched where a size is not the printed one. Beside
# them the pixels that one unit sees, in a picture scaled to 224 px; striped is what lies beyond its border, where there is padding or nothing
# at all. Look how far a change in layer 1 reaches, and how much of a field in the corner is no picture.
#
# **Try**: find another kernel and padding of layer 1 that give all printed sizes. What becomes of `pool5` where layer 2 moves
# by 1, as in Krizhevsky's net? And how much of what the corner unit of `conv5` sees is padding?

# %%
EXAMPLE = PICTURES.indices("val")[:1]
PRINTED_SIDES = {row.stage: row.side for row in SIZES.rename(columns={"printed size": "side"}).itertuples() if row.stage in BY_HAND}
ONE_UNIT = Seen(ZFNET, drawing.resized(np.asarray(PICTURES.images[EXAMPLE[0]]), ZFNET.image_size), PRINTED_SIDES).sliders()
STATES = [
    {"unit": "conv3"},
    {"unit": "conv5", "place": (0.1, 0.2)},
    {"padding": 0},
    {"layer": "conv3", "kernel": 11, "stride": 4, "padding": 0, "unit": "pool5"},
]
ONE_UNIT.figure(STATES, cell=3.0)

# %%
ONE_UNIT

# %% tags=["plumbing"]
UNPADDED = architectures.chain(architectures.with_windows(ZFNET, "conv1", kernel=7, stride=2, padding=0))
CONV5 = receptive_field.on_paper(ZFNET, "conv5")
OVER = [CONV5.beyond((row, column)) for row in range(BY_HAND["conv5"]) for column in range(BY_HAND["conv5"])]
Markdown(
    f"Without its one pixel of padding layer 1 changes {sum(windows.side != BY_HAND[windows.stage] for windows in UNPADDED)} of the "
    f"{len(UNPADDED)} sizes, and the last is {UNPADDED[-1].side} all the same: rounding hides it. "
    f"Of the {len(OVER)} units of a map of `conv5`, {sum(share > 0 for share in OVER)} look beyond the border, the one in the first corner "
    f"with {OVER[0]:.0%} of its field."
)

# %% [markdown]
# ## Contrast norm
#
# After the pools of layers 1 and 2 every value is divided by a power of the energy of the five maps around its own, at the same place:
#
# $$y_c = \frac{x_c}{\left(k + \alpha \sum_{c'=c-2}^{c+2} x_{c'}^2\right)^{\beta}}$$
#
# The paper draws the norm and gives no constants. **Assumption**: those of Krizhevsky et al., `k = 2, alpha = 1e-4, beta = .75`, with
# `alpha` times the plain sum (the usual libraries divide their `alpha` by 5, so theirs would be 5e-4).


# %%
def contrast_norm_by_hand(x: np.ndarray) -> np.ndarray:
    """The norm of values (maps, h, w), map by map."""
    y = np.empty_like(x)
    for c in range(len(x)):
        neighbours = x[max(0, c - 2) : c + 3]
        y[c] = x[c] / (2 + 1e-4 * (neighbours**2).sum(0)) ** 0.75
    return y


x = np.random.default_rng(seed).normal(0, 50, (8, 4, 4))
by_hand, kept = contrast_norm_by_hand(x), local_response_norm.LocalResponseNorm(8).double()(torch.from_numpy(x)[None])[0].numpy()
assert np.abs(by_hand - kept).max() < 1e-6  # the constants are kept in float32

# %% [markdown]
# What do the constants do? Random weights give signals too small to show it, so here, and only here, this chapter borrows a trained net (chapter 2 trains it).
# Below, all maps of layer 1 at one place of a picture, as the net has them before its norm and after it, and by what each is multiplied. Look at a place with much energy and at a quiet one: which constant decides at each?
#
# **Try**: make `alpha` so small that the lower line becomes flat; then raise `window`, the number of maps in the sum, from 1 to 11 and see which maps are pressed down by
# *others*; then find what `beta` would make all strong values equal when `window` is 1.

# %%
TRAINED = runs.trained(PROFILE, "zfnet", seed=seed)
NORM_NET = TRAINED.net()
NORM_INPUTS = crops.Crops(PICTURES, PROFILE.image_size, device=torch.device("cpu"))
NORM_IMAGE = NORM_INPUTS.batch(EXAMPLE, crops.CENTRE)
POOL1 = activations.of(NORM_NET, NORM_IMAGE, ["pool1"])["pool1"][0]  # (maps, h, w)
AT_ONE_PLACE = Normed(POOL1, NORM_INPUTS.pictures(NORM_IMAGE)[0])
NORMED, QUIET = AT_ONE_PLACE.sliders(), {"place": AT_ONE_PLACE.quietest()}
NORMED.figure([{}, QUIET, {**QUIET, "k": 0.5}, {"alpha": 1e-3}, {"window": 1}, {"window": 11}], columns=3, cell=3.3)

# %%
NORMED

# %% tags=["plumbing"]
Markdown(note([TRAINED], PICTURES))

# %% tags=["plumbing"]
FACTOR = local_response_norm.LocalResponseNorm(len(POOL1)).factor(POOL1[None])[0]
Markdown(
    f"Where nothing is active a value keeps 2^-.75 = {2**-0.75:.2f} of itself, which `k` and `beta` decide alone. In this picture, half of all values keep less "
    f"than {float(FACTOR.median()):.2f}, one in a hundred less than {float(FACTOR.flatten().quantile(0.01)):.2f}: there `alpha` times the energy of the five maps outweighs `k`."
    if float(FACTOR.flatten().quantile(0.01)) < 0.5 * 2**-0.75
    else f"In this picture the signals are so small that the norm hardly does more than multiply by 2^-.75 = {2**-0.75:.2f}: one value in a hundred keeps "
    f"less than {float(FACTOR.flatten().quantile(0.01)):.3f}. In a net that has learnt they are larger."
)

# %% [markdown]
# ## One forward pass, by hand
#
# Everything that the net does to a picture is five small functions, one after the other. A convolution lays every filter over every window
# and sums the products; a ReLU keeps what is positive; a pool keeps the largest value of each window; the norm stands above; a fully
# connected layer weighs all values at once. At the end the softmax turns scores, the *logits* z, into probabilities:
#
# $$y_m(i, j) = b_m + \sum_{c, u, v} w_{m,c}(u, v)\; x_c(s\,i + u,\; s\,j + v), \qquad p_k = \frac{e^{z_k}}{\sum_l e^{z_l}}$$


# %%
def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Filters (maps, channels, k, k) over values (channels, h, w)."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    k = weight.shape[-1]
    side = (x.shape[1] - k) // stride + 1
    y = np.empty((len(weight), side, side))
    for i, j in np.ndindex(side, side):
        window = x[:, stride * i : stride * i + k, stride * j : stride * j + k]
        y[:, i, j] = np.tensordot(weight, window, 3) + bias
    return y


def pool(x: np.ndarray, *, up: bool) -> np.ndarray:
    """Largest values of 3x3 windows in steps of 2; rounding up, the last window may be cut off by the border."""
    side = out_size(x.shape[1], 3, 2, up=up)
    y = np.empty((len(x), side, side))
    for i, j in np.ndindex(side, side):
        y[:, i, j] = x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2))
    return y


def softmax(z: np.ndarray) -> np.ndarray:
    """Probabilities of logits (classes,)."""
    odds = np.exp(z - z.max())  # a common factor changes no ratio, and keeps the exponentials small
    return odds / odds.sum()


# %% [markdown]
# The paper's net, thin and with random weights, on one picture. Dropout does nothing once training is over. Look at the shapes: they are
# those of the chain above, for a smaller picture.

# %%
THIN = architectures.scaled(ZFNET, width=1 / 32, image_size=PROFILE.image_size, fc_units=16, classes=len(PICTURES.classes))
THIN_NET = architectures.build(THIN, generator=torch.Generator().manual_seed(seed)).double().eval()
IMAGE = crops.Crops(PICTURES, PROFILE.image_size, device=torch.device("cpu")).batch(EXAMPLE, crops.CENTRE).double()


# %%
def forward_by_hand(net: torch.nn.Sequential, x: np.ndarray) -> tuple[np.ndarray, dict[str, tuple[int, ...]]]:
    """Logits of an image (3, side, side), and the shape after every step."""
    shapes = {"input": x.shape}
    for name, layer in net.named_children():
        weight, bias = (
            value.detach().numpy() if value is not None else None
            for value in (getattr(layer, "weight", None), getattr(layer, "bias", None))
        )
        match name.rstrip("12345678"):
            case "conv":
                x = convolve(x, weight, bias, layer.stride[0], layer.padding[0])
            case "relu":
                x = np.maximum(x, 0)
            case "pool":
                x = pool(x, up=layer.ceil_mode)
            case "norm":
                x = contrast_norm_by_hand(x)
            case "flatten":
                x = x.reshape(-1)
            case "fc":
                x = weight @ x + bias
        shapes[name] = x.shape
    return x, shapes


with torch.no_grad():
    LOGITS, STEPS = forward_by_hand(THIN_NET, IMAGE[0].numpy())
    PROBABILITIES = THIN_NET(IMAGE).softmax(1)[0].numpy()
assert np.abs(softmax(LOGITS) - PROBABILITIES).max() < 1e-9
Markdown(" → ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in STEPS.items()))

# %% tags=["plumbing"]
Markdown(
    f"The library gives the same {len(PROBABILITIES)} probabilities. They lie between {PROBABILITIES.min():.4f} and {PROBABILITIES.max():.4f}, "
    f"all near 1/{len(PROBABILITIES)} = {1 / len(PROBABILITIES):.4f}: with small random weights hardly any signal arrives at the top, "
    "and the net has no opinion. Chapter 2 gives it one."
)

# %% [markdown]
# ## What changed from Krizhevsky et al.
#
# To compare fairly, the authors trained Krizhevsky's net again themselves: this *replication* is called `alexnet` here. Some of its layers are
# split into two halves, because two graphics cards shared the work in 2012. The rows come from the two nets of this book.

# %%
CHANGES = pd.DataFrame(columns=["alexnet (replication)", "zfnet (this paper)"])
CHANGES.loc["filters of layer 1"] = [f"{conv.kernel}x{conv.kernel}, stride {conv.stride}" for conv in (ALEXNET.convs[0], ZFNET.convs[0])]
CHANGES.loc["filters of layer 2"] = [f"{conv.kernel}x{conv.kernel}, stride {conv.stride}" for conv in (ALEXNET.convs[1], ZFNET.convs[1])]
CHANGES.loc["shape after conv1"] = [" x ".join(map(str, architectures.shapes(net)["conv1"])) for net in (ALEXNET, ZFNET)]
CHANGES.loc["shape after conv2"] = [" x ".join(map(str, architectures.shapes(net)["conv2"])) for net in (ALEXNET, ZFNET)]
CHANGES.loc["after layer 1"] = [" → ".join(net.convs[0].then) for net in (ALEXNET, ZFNET)]
CHANGES.loc["layers split in two halves"] = [
    ", ".join(str(place) for place, conv in enumerate(net.convs, 1) if conv.groups > 1) or "none" for net in (ALEXNET, ZFNET)
]
CHANGES.loc["parameters"] = [f"{sum(architectures.parameters(net).values()):,}" for net in (ALEXNET, ZFNET)]
CHANGES

# %% [markdown]
# Two slips that circulate: layer 2 did *not* go from stride 4 to 2 (only layer 1 did; layer 2 went from 1 to 2), and in Krizhevsky's net
# the split layers are 2, 4 and 5, not 3, 4 and 5 as the paper's text has it.
#
# ## Figure 3
#
# Above, the net at the paper's size: our computed sizes in blue, the printed ones in grey. Below, the net that this profile trains.


# %%
def drawing(architecture: architectures.Architecture, printed: dict[str, str]) -> pd.DataFrame:
    """Stages to draw, with what leads to each."""
    shapes, rows = architectures.shapes(architecture), []
    texts = {"input": "mean image\nsubtracted"}
    for place, conv in enumerate(architecture.convs, 1):
        texts[f"conv{place}"] = f"{conv.kernel}x{conv.kernel}, stride {conv.stride}\nReLU"
        normed = "\ncontrast norm" if "norm" in conv.then else ""
        texts[f"pool{place}"] = f"max 3x3, stride 2{normed}"
    texts |= {"fc6": "ReLU\ndropout .5", "fc7": "ReLU\ndropout .5", "fc8": "softmax"}
    for stage, text in texts.items():
        if stage in shapes:
            maps, *sides = shapes[stage]
            rows.append({"stage": stage, "side": sides[0] if sides else 1, "maps": maps, "text": text, "printed": printed.get(stage, "")})
    return pd.DataFrame(rows)


# %%
WORDS = {
    row["stage"]: f"{row['printed maps']} x {row['printed size']} x {row['printed size']}"
    if row["printed size"] > 1
    else f"{row['printed maps']}"
    for row in SIZES.to_dict("records")
}
OURS = architectures.scaled(
    ZFNET, width=PROFILE.width, image_size=PROFILE.image_size, fc_units=PROFILE.fc_units, classes=len(PICTURES.classes)
)
OUR_TOTAL = sum(architectures.parameters(OURS).values())
figure3 = plot.architecture(
    {
        f"The paper's net: {TOTAL:,} parameters (blue: computed here, grey: printed in the paper)": drawing(ZFNET, WORDS),
        f"The net of profile '{profile}': {OUR_TOTAL:,} parameters": drawing(OURS, {}),
    }
)
figure3

# %% [markdown]
# Read it from left to right: the picture shrinks in two leaps, at layers 1 and 2, while the number of maps grows; through layers 3 to 5
# only the number of maps changes, and `pool5` halves the picture once more. (The heights are not to scale.) A map is a picture that says *where* something is. Up to `pool5` that holds, on 6 x 6 places. A unit of layer 6 gives it up: it weighs every place of every map and answers with one number.

# %% tags=["plumbing"]
FIRST_TWO, REST = (
    {stage: BY_HAND[stage] for stage in stages} for stages in (("conv1", "pool1", "conv2", "pool2"), ("conv3", "conv4", "conv5"))
)
Markdown(
    f"Between the picture and `pool2` the side falls from {ZFNET.image_size} to {FIRST_TWO['pool2']}, one place for {ZFNET.image_size / FIRST_TWO['pool2']:.0f} pixels; "
    f"through layers 3 to 5 it stays {REST['conv5']}. What enters layer 6 are {BY_HAND['pool5']} x {BY_HAND['pool5']} places of {ZFNET.convs[-1].maps} maps, "
    f"{BY_HAND['pool5'] ** 2 * ZFNET.convs[-1].maps:,} numbers for the {3 * ZFNET.image_size**2:,} of the picture. In the profile `{profile}` layer 6 sees "
    f"{architectures.shapes(OURS)['pool5'][1]} x {architectures.shapes(OURS)['pool5'][1]} places of {architectures.shapes(OURS)['pool5'][0]} maps."
)

# %% tags=["plumbing"]
rows = [
    results.number(f"{row['key']}/{column}", ours, profile=PROFILE, n=1)
    for row in SIZES.to_dict("records")
    for column, ours in (("out_size", row["our size"]), ("out_maps", row["our maps"]))
] + [
    results.number(f"{row['key']}/{column}", row[f"our {column}"], profile=PROFILE, n=1)
    for row in SIZES.dropna(subset=["our kernel"]).to_dict("records")
    for column in ("kernel", "stride")
]
results.save("figure3", profile=PROFILE, seed=seed, seconds=time.monotonic() - START, figure=figure3, table=SIZES, rows=rows)

# %% [markdown]
# ## Compared with the paper

# %% tags=["plumbing"]
AGREEING = sum(row["status"] == claims.AGREES for row in rows)
Markdown(
    f"- Figure 3: {AGREEING} of {len(rows)} printed sizes, numbers of maps, kernels and strides agree with ours.\n"
    f"- Parameters: {TOTAL:,}; the paper prints no number."
)

# %% [markdown]
# ## What we learned

# %% tags=["plumbing"]
WORK = architectures.multiply_adds(ZFNET)
Markdown(
    f"- {AGREEING} of the {len(rows)} sizes, maps, kernels and strides that the paper prints follow from one rule, with a padding and a rounding that it does not print.\n"
    f"- The {CONV_SHARE:.0%} of the parameters that lie in the five convolutional layers do most of the work: "
    f"{sum(cost for stage, cost in WORK.items() if stage.startswith('conv')) / sum(WORK.values()):.0%} of all multiplications.\n"
    f"- One unit of layer 5 sees {FIELDS['conv5']} of {ZFNET.image_size} pixels a side, and {sum(share > 0 for share in OVER) / len(OVER):.0%} of the units of such a map look beyond the border."
)

# %% [markdown]
# ## Where we differ
#
# - **Assumption**: padding 1 in layers 1, 3, 4 and 5; pools round up. The paper prints neither; the sizes leave little choice.
# - **Assumption**: the constants of the contrast norm are those of Krizhevsky et al.
# - The trained net is scaled (see the second row of figure 3), and saw other pictures than the paper's, and far fewer of them: the
#   signals that the norm works on here are those of that net.
#
# ## Exercises
#
# Write into the first cell of each exercise, run it and the one below. The solutions are folded under the checks.
#
# **1. Predict.** With the padding of 1 the first layer is 110 x 110. Which padding makes it 111 x 111, still rounding down?
#
# <details><summary>Hint</summary>
#
# Two pixels more, one on each side, are one step of the window.
#
# </details>

# %% tags=["solution"]
PADDING_FOR_111 = 2

# %% tags=["check"]
with exercises.check(PADDING_FOR_111):
    SIDE = (224 + 2 * PADDING_FOR_111 - 7) // 2 + 1
    assert SIDE == 111, f"that gives {SIDE} x {SIDE}"

# %% [markdown]
# **2. Read a figure.** Which layer of the paper's net holds most parameters? Answer from the bar chart, with its name.

# %% tags=["solution"]
LARGEST_LAYER = "fc6"

# %% tags=["check"]
with exercises.check(LARGEST_LAYER):
    HELD = architectures.parameters(ZFNET)
    assert LARGEST_LAYER in HELD, f"layers are called {', '.join(HELD)}"
    assert HELD[LARGEST_LAYER] == max(HELD.values()), (
        f"{LARGEST_LAYER} holds {HELD[LARGEST_LAYER] / sum(HELD.values()):.0%} of them; some layer holds more"
    )

# %% [markdown]
# **3. Write the mechanism.** How many multiplications does a convolutional layer take for one picture? Which layer of the paper's net costs
# most: is it the one with most parameters?
#
# <details><summary>Hint</summary>
#
# Every weight is used once at every place. In a layer split into `groups`, a filter sees only its share of the maps below.
#
# </details>


# %% tags=["solution"]
def multiplications(maps_below: int, maps: int, kernel: int, side: int, groups: int = 1) -> int:
    """Multiplications of a convolutional layer for one picture: one for every weight at every place."""
    return maps_below // groups * kernel**2 * maps * side**2


# %% tags=["check"]
with exercises.check():
    assert multiplications(3, 96, 7, 110) == 3 * 49 * 96 * 110 * 110, "layer 1: 3 x 7 x 7 weights a filter, 96 filters, 110 x 110 places"
    assert multiplications(96, 256, 5, 27, groups=2) == multiplications(48, 256, 5, 27), "in two groups a filter sees half of the maps"
    COSTS = architectures.multiply_adds(ALEXNET)
    assert multiplications(96, 256, 5, 27, groups=2) == COSTS["conv2"], "layer 2 of alexnet should cost what the library counts"

# %% [markdown]
# <details><summary>Answer</summary>
#
# Layer 2 costs most, and layer 6 has most parameters. A weight of layer 6 is used once, a weight of layer 2 at every place of its maps.
#
# </details>
#
# **4. Change it and explain.** Write the side of the receptive field for any stack of windows, and use it: what would one unit of `conv5` see
# if layer 1 moved by 4 pixels instead of 2?
#
# <details><summary>Hint</summary>
#
# Keep two numbers: the field so far, and the distance in pixels between two neighbours of the current layer.
#
# </details>


# %% tags=["solution"]
def field(windows: list[tuple[int, int]]) -> int:
    """Side in pixels of what one unit sees through windows (kernel, stride), from the picture up."""
    side, step = 1, 1
    for kernel, stride in windows:
        side, step = side + (kernel - 1) * step, step * stride
    return side


# %% tags=["check"]
with exercises.check():
    assert field([(7, 2)]) == 7, "one unit of layer 1 sees its own window"
    assert field([(3, 1), (3, 1)]) == 5, "two 3x3 windows see 5 pixels"
    TO_CONV5 = [(7, 2), (3, 2), (5, 2), (3, 2), (3, 1), (3, 1), (3, 1)]
    assert field(TO_CONV5) == architectures.receptive_fields(ZFNET)["conv5"][0], "the library says otherwise for conv5 of the paper's net"

# %% [markdown]
# <details><summary>Answer</summary>
#
# With a stride of 4, `field([(7, 4), (3, 2), …])` is nearly twice as large: every step above layer 1 is twice as long, and only the seven
# pixels of the first window stay what they were. The picture would be covered by fewer units, each of which sees more of it.
#
# </details>
#
# **5. Predict.** At one place of a picture no value is 0, and only map 10 of 96 grows; all other values before the contrast norm stay. How many maps change after it?

# %% tags=["solution"]
CHANGED_MAPS = 5

# %% tags=["check"]
with exercises.check(CHANGED_MAPS):
    PLACE = torch.full((1, 96, 1, 1), 50.0)
    GROWN = PLACE.clone()
    GROWN[0, 10] = 100.0
    NORM = local_response_norm.LocalResponseNorm(96)
    MOVED = int((NORM(GROWN) != NORM(PLACE)).sum())
    assert CHANGED_MAPS == MOVED, "the sum in the norm runs over a window of maps: which windows hold map 10?"

# %% [markdown]
# **6.** **Open.** Simonyan and Zisserman (2014, section 2.3) replace one 7x7 layer by three of 3x3. Compare fields, parameters and
# multiplications of the two with the functions above. Which argument for small filters do they give that no count can show?
#
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
