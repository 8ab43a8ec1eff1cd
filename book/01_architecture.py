# %% [markdown]
# # Build the net
#
# **You will**
# - work out every size of the paper's net by hand and find the paddings that the paper does not print,
# - count its parameters and see where they sit,
# - compare the first-layer filters of three trained nets, with numbers for what the paper only describes,
# - take layers out and change their sizes, and see what that does to the error.
#
# | | |
# | --- | --- |
# | In the paper | section 3, section 4.1, section 5.1, figure 3, figure 6 (a) (b) (c), table 3 |
# | The paper leaves open | paddings and rounding; constants of the contrast norm; what a *dead* filter is; what *mid frequencies* are; how the rest is joined where layers are out; how training errors were counted |
# | Needs | the nets `zfnet`, `alexnet` and `zfnet-unclipped` of the profile; for every row of table 3 also its ten changed nets |
# | Takes | about five minutes on two cores, once the nets are trained; one when their answers are on disk |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %%
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown

from zfutils.analysis import error_rates, first_layer, regime
from zfutils.attribution import activations, receptive_field
from zfutils.core import profiles
from zfutils.data import registry
from zfutils.models import architectures, cached_predictions, crops, devices, local_response_norm, predictions, recipes
from zfutils.models.architectures import ALEXNET, ZFNET
from zfutils.models.trained import note
from zfutils.paper import claims, numbers
from zfutils.report import exercises, plot, results, verdicts
from zfutils.stats import bootstrap, multiple, seeds
from zfutils.training import clipping, runs, train_all
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
# A window of `kernel` pixels slides along a side of `size` pixels, `padding` pixels wider at both ends, in steps of `stride`. It stops
#
# $$\text{out} = \left\lfloor \frac{\text{size} + 2\,\text{padding} - \text{kernel}}{\text{stride}} \right\rfloor + 1$$
#
# times. Rounding down leaves out the pixels that do not fill a last window; rounding up (*ceil mode*) lets that window hang over the border.
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
        "pool5": out_size(conv5, 3, 2),
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
SIZES.drop(columns="key")

# %% [markdown]
# ## Parameters
#
# A filter has one weight for every pixel it sees in every map below, and one bias. Nearly all parameters of this net sit in two layers.

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

# %%
CONV_SHARE = sum(count for name, count in COUNTS.items() if name.startswith("conv")) / TOTAL
Markdown(
    f"The five convolutional layers, which all pictures of this book look into, hold {CONV_SHARE:.1%} of the parameters; "
    f"layers 6 and 7 hold {(COUNTS['fc6'] + COUNTS['fc7']) / TOTAL:.1%}."
)

# %% [markdown]
# ## What one unit looks at
#
# Going up one layer, the field grows by `kernel - 1` steps, and a step grows by the stride. By hand:


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

# %%
COVERED = [stage for stage, field in FIELDS.items() if field >= PROFILE.image_size]
Markdown(
    f"In the profile `{profile}` the input has {PROFILE.image_size} px. "
    + (
        f"One unit of {', '.join(COVERED)} sees at least as much as the whole picture."
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

# %%
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
# What do the constants do? Below, all maps of layer 1 at one place of a picture, as the trained net has them before its norm and after it,
# and by what each is multiplied. Look at a place with much energy and at a quiet one: which constant decides at each?
#
# **Try**: make `alpha` so small that the lower line becomes flat; then raise `n` from 1 to 11 and see which maps are pressed down by
# *others*; then find what `beta` would make all strong values equal when `n` is 1.

# %%
NORM_NET = runs.trained(PROFILE, "zfnet", seed=seed).net()
NORM_INPUTS = crops.Crops(PICTURES, PROFILE.image_size, device=torch.device("cpu"))
NORM_IMAGE = NORM_INPUTS.batch(EXAMPLE, crops.CENTRE)
POOL1 = activations.of(NORM_NET, NORM_IMAGE, ["pool1"])["pool1"][0]  # (maps, h, w)
AT_ONE_PLACE = Normed(POOL1, NORM_INPUTS.pictures(NORM_IMAGE)[0])
NORMED, QUIET = AT_ONE_PLACE.sliders(), {"place": AT_ONE_PLACE.quietest()}
NORMED.figure([{}, QUIET, {**QUIET, "k": 0.5}, {"alpha": 1e-3}, {"window": 1}, {"window": 11}], columns=3, cell=3.3)

# %%
NORMED

# %%
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

# %%
Markdown(
    f"The library gives the same {len(PROBABILITIES)} probabilities. They lie between {PROBABILITIES.min():.4f} and {PROBABILITIES.max():.4f}, "
    f"all near 1/{len(PROBABILITIES)} = {1 / len(PROBABILITIES):.4f}: with random weights of deviation .01 hardly any signal arrives at the top, "
    "and the net has no opinion. Chapter 2 gives it one."
)

# %% [markdown]
# ## What changed from Krizhevsky et al.
#
# The rows come from the two nets of this book; the replication follows Krizhevsky et al. 2012.

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
# Read it from left to right: the picture shrinks in two leaps, at layers 1 and 2, while the number of maps grows; from layer 3 on only the
# maps change. A map is a picture that says *where* something is. After `pool5` that is gone: layer 6 weighs every place of every map freely.

# %%
FIRST_TWO, REST = (
    {stage: BY_HAND[stage] for stage in stages} for stages in (("conv1", "pool1", "conv2", "pool2"), ("conv3", "conv4", "conv5"))
)
Markdown(
    f"Between the picture and `pool2` the side falls from {ZFNET.image_size} to {FIRST_TWO['pool2']}, one place for {ZFNET.image_size / FIRST_TWO['pool2']:.0f} pixels; "
    f"through layers 3 to 5 it stays {REST['conv5']}. What enters layer 6 are {BY_HAND['pool5']} x {BY_HAND['pool5']} places of {ZFNET.convs[-1].maps} maps, "
    f"{BY_HAND['pool5'] ** 2 * ZFNET.convs[-1].maps:,} numbers for the {3 * ZFNET.image_size**2:,} of the picture. In the profile `{profile}` layer 6 sees "
    f"{architectures.shapes(OURS)['pool5'][1]} x {architectures.shapes(OURS)['pool5'][1]} places of {architectures.shapes(OURS)['pool5'][0]} maps."
)

# %%
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
# ## Figure 6 (a) (b) (c): the first layer
#
# Three trained nets: (a) the paper's net without filter clipping, (b) the replication of Krizhevsky et al. with 11x11 filters, (c) the
# paper's net with 7x7 filters. Where clipping never acted (chapter 2), (a) and (c) are one net. Grey is zero; one scale for all filters of a net, so that a filter that dominates is seen to.

# %%
MIDWAY = time.monotonic()
NAMES = {"(a) zfnet without clipping": "zfnet-unclipped", "(b) alexnet, 11x11 stride 4": "alexnet", "(c) zfnet, 7x7 stride 2": "zfnet"}
TRAINED = {name: runs.trained(PROFILE, name, seed=seed) for name in ("zfnet", "alexnet")}
TRAINED["zfnet-unclipped"] = clipping.unclipped(PROFILE, seed=seed)  # zfnet itself where clipping never acted
NETS = {name: found.net().to(devices.device()) for name, found in TRAINED.items()}
WEIGHTS = {name: net.conv1.weight.detach().cpu().numpy().astype(np.float64) for name, net in NETS.items()}
figure6 = plot.filters(
    {
        f"{caption}: {len(WEIGHTS[name])} filters, scale ±{np.abs(WEIGHTS[name]).max():.3f}": crops.to_display(
            WEIGHTS[name], scale=float(np.abs(WEIGHTS[name]).max())
        )
        for caption, name in NAMES.items()
    },
    columns=11 if PROFILE.width == 1 else 6,
)
figure6

# %%
Markdown(note(TRAINED.values(), PICTURES))

# %% [markdown]
# The paper says: without clipping a few features dominate; with 11x11 filters many are dead, and there are very high and very low
# frequencies with little in between. It gives no measure. Ours, written down before the nets were trained:

# %%
FIRST_LAYER_IDS = (
    "fewer-dead-first-layer-filters",
    "first-layer-covers-mid-frequencies-beyond-its-window",
    "unclipped-filter-dominates-where-it-outgrows-the-radius",
)
Markdown("\n".join(f"- **{id}**: {claims.claim(id).measure} {claims.claim(id).rule}" for id in FIRST_LAYER_IDS))

# %%
INPUTS = crops.Crops(PICTURES, PROFILE.image_size, device=devices.device())
VAL = PICTURES.indices("val")
STRONGEST = {name: first_layer.strongest(net, INPUTS, VAL) for name, net in NETS.items()}
DEAD = {name: first_layer.dead(WEIGHTS[name], STRONGEST[name]) for name in NETS}
BANDS = {name: first_layer.band_shares(WEIGHTS[name]) for name in NETS}
FIRST_LAYER = pd.DataFrame(
    [
        {
            "net": name,
            "filters": len(DEAD[name]),
            "dead": int(DEAD[name].sum()),
            **dict(zip(("low", "middle", "high"), BANDS[name].mean(0).round(3), strict=True)),
            "largest RMS / median": round(first_layer.dominance(WEIGHTS[name]), 2),
        }
        for name in NETS
    ]
)
FIRST_LAYER

# %% [markdown]
# How to look at the three pages: an edge filter is half light, half dark along a line; a colour filter is one blotch without lines; what is
# grey all over has learnt nothing. By number:


# %%
def first_layer_reading(name: str) -> str:
    """The largest filter of a net, the one with the clearest stripes, and how many are dead."""
    sizes = np.sqrt((WEIGHTS[name] ** 2).mean((1, 2, 3)))
    striped = int(BANDS[name][:, 1].argmax())
    return (
        f"- `{name}`: {int(DEAD[name].sum())} of {len(DEAD[name])} filters are dead. Filter {int(sizes.argmax())} is the largest, {sizes.max() / np.median(sizes):.1f} times the median; "
        f"filter {striped} has the largest share of its energy in the middle band, {BANDS[name][striped, 1]:.0%}: look there for stripes."
    )


Markdown("\n".join(first_layer_reading(name) for name in NETS) + "\n\nFilters are counted from 0, row by row.")

# %% [markdown]
# The spectra behind the bands. A filter that has hardly left its random start has a flat spectrum; look how far each net has come from it.


# %%
def initial_weight(name: str) -> np.ndarray:
    """First-layer weights of a net before training."""
    return TRAINED[name].checkpoint(0).conv1.weight.detach().numpy()


def spectra() -> pd.DataFrame:
    """Mean spectrum of the first layer of every net, and of one before training."""
    stacks = {**WEIGHTS, "zfnet before training": initial_weight("zfnet")}
    parts = []
    for name, weight in stacks.items():
        frequency, energy = first_layer.spectrum(weight)
        # The last bin also holds the corners of the square beyond half a cycle; it would dwarf the rest.
        parts.append(pd.DataFrame({"net": name, "frequency": frequency[:-1], "energy": energy.mean(0)[:-1]}))
    return pd.concat(parts)


plot.spectra(spectra(), first_layer.EDGES, title="Energy of the first-layer filters by frequency")

# %% [markdown]
# ### The verdicts
#
# Two recipes are compared over nets, and each over those of its seeds that are trained: one net may have many dead filters by luck.

# %%
FILTERS = min(len(DEAD["zfnet"]), len(DEAD["alexnet"]))
RADIUS = architectures.clip_radii(TRAINED["zfnet-unclipped"].architecture)["conv1"]


def first_layers(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Dead filters of layer 1 and their middle share beyond noise, one array a seed of a recipe."""
    dead, middle = [], []
    for other in recipes.seeds_of(name):
        if runs.is_there(PROFILE, other, seed=SEED):
            net = runs.trained(PROFILE, other, seed=SEED).net().to(devices.device())
            weight = net.conv1.weight.detach().cpu().numpy().astype(np.float64)
            dead.append(first_layer.dead(weight, first_layer.strongest(net, INPUTS, VAL)).astype(float))
            middle.append(first_layer.middle_beyond_noise(weight, generator=np.random.default_rng(SEED)))
    return dead, middle


def dominance_ratio(indices: np.ndarray) -> float:
    """Logarithm of the dominance of one filter without clipping over that with it, of some filters."""
    without, clipped = (first_layer.dominance(WEIGHTS[name][indices]) for name in ("zfnet-unclipped", "zfnet"))
    return float(np.log(without / clipped))


# %% [markdown]
# Without clipping a filter can dominate only where it outgrows the radius; where none does, there is nothing to compare.


# %%
def outgrown() -> dict:
    """Whether a filter dominates where none is scaled back."""
    unclipped, clipped = WEIGHTS["zfnet-unclipped"], WEIGHTS["zfnet"]
    largest = float(np.sqrt((unclipped**2).mean((1, 2, 3))).max()) / RADIUS
    if largest <= 1.5:
        reason = f"the largest filter of layer 1 has {largest:.2f} radii without clipping, so there is nothing to dominate"
        return results.claim(FIRST_LAYER_IDS[2], claims.NOT_COMPARABLE, n=len(clipped), reason=reason)
    found = bootstrap.measured(dominance_ratio, len(clipped), generator=np.random.default_rng(SEED))
    status = claims.at_most_leans(claims.when_above(found[1:]), 1)
    return verdicts.decided(FIRST_LAYER_IDS[2], status, found, len(clipped), otherwise="", reason="no run trains a second zfnet-unclipped")


def first_layer_verdicts() -> list[dict]:
    """The three claims about the first layer."""
    if apart := runs.starts_apart(PROFILE, ("zfnet", "alexnet"), seed=SEED):
        return [*(results.claim(id, claims.NOT_COMPARABLE, n=0, reason=apart) for id in FIRST_LAYER_IDS[:2]), outgrown()]
    ours, theirs = first_layers("zfnet"), first_layers("alexnet")
    fewer, middle = (seeds.difference_of_units(*sides) for sides in zip(ours, theirs, strict=True))
    return [
        verdicts.compared(FIRST_LAYER_IDS[0], claims.when_below(fewer.interval), fewer, FILTERS),
        verdicts.compared(FIRST_LAYER_IDS[1], claims.when_above(middle.interval), middle, FILTERS),
        outgrown(),
    ]


# %%
VERDICTS = first_layer_verdicts()
results.save(
    "figure6_filters",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - MIDWAY,
    figure=figure6,
    table=FIRST_LAYER,
    rows=VERDICTS,
    data=PICTURES,
    facts={"nets": {name: found.folder.name for name, found in TRAINED.items()}},
)
pd.DataFrame(VERDICTS)

# %% [markdown]
# ## Table 3: what is changed
#
# Which parts of the net matter? The paper takes layers out of the replication and changes the sizes of layers in both nets; every changed
# net is trained anew. How the rest is joined where layers are out is not said. **Assumption**: the next layer takes what the last kept one
# gives. Look at what reaches the softmax, and at where the parameters go.

# %%
VARIANTS = {
    "alexnet": "krizhevsky-replication-none-1-convnet",
    "alexnet-without-3-4": "krizhevsky-replication-removed-layers-3-4",
    "alexnet-without-7": "krizhevsky-replication-removed-layer-7",
    "alexnet-without-6-7": "krizhevsky-replication-removed-layers-6-7",
    "alexnet-without-3-4-6-7": "krizhevsky-replication-removed-layers-3-4-6-7",
    "alexnet-2048": "krizhevsky-replication-layers-6-7-2048-units",
    "alexnet-8192": "krizhevsky-replication-layers-6-7-8192-units",
    "zfnet": "zf-fig3-none-as-in-fig-3",
    "zfnet-2048": "zf-fig3-layers-6-7-2048-units",
    "zfnet-8192": "zf-fig3-layers-6-7-8192-units",
    "zfnet-wide": "zf-fig3-layers-3-4-5-512-1024-512-maps",
    "zfnet-wide-8192": "zf-fig3-layers-6-7-8192-units-and-layers-3-4-5-512-1024-512-maps",
}


# %% [markdown]
# The same nets at the paper's size and at that of the profile:


# %%
def in_profile(architecture: architectures.Architecture) -> architectures.Architecture:
    """A net of the paper at the sizes of the profile."""
    size = {"width": PROFILE.width, "image_size": PROFILE.image_size, "fc_units": PROFILE.fc_units, "classes": len(PICTURES.classes)}
    return architectures.scaled(architecture, **size)


def reaches_softmax(architecture: architectures.Architecture) -> str:
    """Shape of what the softmax takes."""
    *_, (_, shape) = [(stage, shape) for stage, shape in architectures.shapes(architecture).items() if stage != "fc8"]
    return " x ".join(map(str, shape))


def rewired(name: str) -> dict:
    """What a net consists of, at the paper's size and here."""
    full = recipes.recipe(name).paper
    here = in_profile(full)
    return {
        "net": name,
        "layers": " ".join(layer.removeprefix("conv").removeprefix("fc") for layer in full.layers),
        "maps": "-".join(str(conv.maps) for conv in full.convs),
        "units": "-".join(map(str, full.fcs)) or "none",
        "into the softmax": reaches_softmax(full),
        "parameters": sum(architectures.parameters(full).values()),
        "multiply-adds": sum(architectures.multiply_adds(full).values()),
        "into the softmax, here": reaches_softmax(here),
        "parameters, here": sum(architectures.parameters(here).values()),
        "multiply-adds, here": sum(architectures.multiply_adds(here).values()),
    }


# %%
REWIRED = pd.DataFrame([rewired(name) for name in VARIANTS]).set_index("net")
ABLATION = numbers.table("table3_ablation")
for count, known in zip(REWIRED["parameters"], ABLATION["params_computed"], strict=True):
    assert pd.isna(known) or count == known
REWIRED.map(lambda cell: cell if isinstance(cell, str) else f"{cell:,}")

# %%
BASE_COUNT = architectures.parameters(ALEXNET)
HIDDEN = BASE_COUNT["fc6"] + BASE_COUNT["fc7"]
MIDDLE = BASE_COUNT["conv3"] + BASE_COUNT["conv4"]
FULL = REWIRED["parameters"]
Markdown(
    f"Layers 6 and 7 hold {HIDDEN / FULL['alexnet']:.1%} of the replication's parameters, layers 3 and 4 only {MIDDLE / FULL['alexnet']:.1%}. "
    f"Without layers 6 and 7 the softmax sits on {reaches_softmax(recipes.recipe('alexnet-without-6-7').paper)} maps and grows from "
    f"{BASE_COUNT['fc8']:,} to {architectures.parameters(recipes.recipe('alexnet-without-6-7').paper)['fc8']:,} parameters; the whole net shrinks to "
    f"{FULL['alexnet-without-6-7'] / FULL['alexnet']:.0%}, and with layers 3 and 4 out as well to "
    f"{FULL['alexnet-without-3-4-6-7'] / FULL['alexnet']:.0%}. Dropout lives in layers 6 and 7: where they are out, so is dropout."
)

# %% [markdown]
# ## Table 3: errors
#
# The paper prints training and validation errors, and does not say how either was counted. **Assumption**: ten crops averaged for the
# validation errors, as in table 2; for the training error the centre crop, counted after training on as many training images as there are
# validation images, drawn by the seed, the same for all nets. Which nets are there, and what they took or are likely to take in seconds:

# %%
THIRD = time.monotonic()
MISSING = error_rates.missing(PROFILE, list(VARIANTS), seed=seed)
TRAINED |= {name: runs.trained(PROFILE, name, seed=seed) for name in VARIANTS if name not in MISSING}
train_all.table(PROFILE, list(VARIANTS), seed=seed)

# %%
DRAWN = regime.training_images(PICTURES, seed=seed, images=len(VAL))


def wrong(name: str, indices: np.ndarray, which: tuple[int, ...], top: int) -> np.ndarray:
    """Which images a net gets wrong, bool (n,)."""
    return predictions.wrong(cached_predictions.of(TRAINED[name], PICTURES, indices, crops=which), PICTURES.labels[indices], top=top)


def of_seeds(indices: np.ndarray, which: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Which images the nets of every row get wrong, from each seed that is trained, bool (seeds, n)."""
    return {name: error_rates.of_seeds(PROFILE, name, PICTURES, indices, which=which, seed=SEED) for name in PRESENT}


PRESENT = [name for name in VARIANTS if name not in MISSING]
WRONG = {
    "train_top1_error": {name: wrong(name, DRAWN, (crops.CENTRE,), 1) for name in PRESENT},
    "val_top1_error": {name: wrong(name, VAL, crops.TEN, 1) for name in PRESENT},
    "val_top5_error": {name: wrong(name, VAL, crops.TEN, 5) for name in PRESENT},
}
VAL_CENTRE = {name: wrong(name, VAL, (crops.CENTRE,), 1) for name in PRESENT}  # for the gap to the training error, one crop each
TEN, CENTRE, SEEN = of_seeds(VAL, crops.TEN), of_seeds(VAL, (crops.CENTRE,)), of_seeds(DRAWN, (crops.CENTRE,))


# %% [markdown]
# Beside each error stands its change against the unchanged net of the same base, here and in the paper:


# %%
def base_of(name: str) -> str:
    """The unchanged net of a row."""
    return name.split("-")[0]


def printed(name: str, column: str) -> float:
    """The paper's error of a net, in percent."""
    return numbers.number(f"table3/{VARIANTS[name]}/{column}")["paper"]


def printed_change(name: str) -> float:
    """What the paper's top-1 error of a net on val is above that of its own base, in points."""
    return printed(name, "val_top1_error") - printed(base_of(name), "val_top1_error")


def error_row(name: str) -> dict:
    """Errors of a net as counts and in percent, and the difference to its base."""
    if name in MISSING:
        return {"net": name, "missing": MISSING[name]}
    row = {"net": name}
    for column, words in (("train_top1_error", "train top-1"), ("val_top1_error", "val top-1"), ("val_top5_error", "val top-5")):
        error = predictions.error_rate(WRONG[column][name])
        row |= {f"{words} wrong": error.wrong, f"{words} n": error.n, f"{words} %": round(100 * error.rate, 2)}
    if name != base_of(name):
        found = seeds.difference(TEN[name], TEN[base_of(name)], generator=np.random.default_rng(SEED))
        row |= {"change": 100 * found.value, "low": 100 * found.low, "high": 100 * found.high, "p": found.p, "seeds": found.seeds}
        row |= {"status": error_rates.direction(found.interval, found.seeds)}
    return row


# %%
TABLE3 = pd.DataFrame([error_row(name) for name in VARIANTS])
TABLE3 = TABLE3.reindex(
    columns=list(dict.fromkeys([*TABLE3, "change", "low", "high", "p", "seeds", "status"]))
)  # also where no changed net is there
TABLE3["change in the paper"] = [printed_change(name) if name != base_of(name) else None for name in VARIANTS]
TABLE3["p, Holm"] = multiple.holm(TABLE3["p"].astype(float))
TABLE3 = TABLE3.round({column: 4 if column.startswith("p") else 2 for column in TABLE3}).convert_dtypes()
TABLE3.astype(object).fillna("")

# %% [markdown]
# Before reading changes of error, see how far each training came. Nets answer like a guess for their first steps (chapter 2), and one that
# leaves chance late has less of the run left: part of a change may be that delay and no lack of ability. The same rule for every net: its
# comparisons are *under-trained* when it never left chance, when it errs on more of its training images than the paper prints for that row,
# or when its training loss still fell by more than a tenth in the last fifth of the run (unless it errs on fewer than 5 % of them).

# %%
BEGAN = {name: error_rates.left_chance(TRAINED[name].log, len(PICTURES.classes)) for name in PRESENT}
ROWS3 = {name: VARIANTS[name] for name in PRESENT}
REGIMES = regime.of_seeds(PROFILE, ROWS3, PICTURES, seed=seed, images=len(VAL))  # every seed that enters a comparison
STUCK = [name for name in PRESENT if REGIMES[name].began is None]
pd.DataFrame(
    {
        "net": name,
        "began to learn by step": step or "never",
        "of": TRAINED[name].card["steps"],
        "clipped filters": TRAINED[name].card["clipped"],
        "training error %": round(100 * REGIMES[name].train_error, 1),
        "the paper's %": 100 * REGIMES[name].printed,
        "loss fell at last by %": round(100 * REGIMES[name].fall, 1),
        "under-trained": REGIMES[name].under_trained or "no",
    }
    for name, step in BEGAN.items()
)

# %%
Markdown(
    f"**Still at chance at the end of their training: {', '.join(f'`{name}`' for name in STUCK)}.** Their errors say that they did not begin to learn in this run, and "
    "nothing of what they could learn; so does every difference and every verdict that they enter."
    if STUCK
    else "Every net that is here left chance."
)

# %% [markdown]
# The changes of the top-1 error against the unchanged net, with an interval over seeds first and images second: *higher* and *lower* are said
# only where it leaves 0 out, and from one seed a change *leans* at most. Ten changes are decided at once, so Holm's p stands beside each.
# Beside them the change that the paper prints, on its own thousand classes.


# %%
def drawn_changes() -> pd.DataFrame:
    """Changes of all changed nets, to draw."""
    frame = TABLE3.astype(object)[[name != base_of(name) for name in TABLE3["net"]]].reset_index(drop=True)
    frame["base"] = [f"change of {base_of(name)}" for name in frame["net"]]
    frame["label"] = [
        "missing" if pd.isna(row.change) else f"{row.change:+.2f}  {row.status}{', at chance' * (row.net in STUCK)}"
        for row in frame[["net", "change", "status"]].itertuples()
    ]
    for column in ("change", "low", "high", "change in the paper"):
        frame[column] = pd.to_numeric(frame[column])
    return frame


CHANGED = drawn_changes()
table3 = plot.dots(
    CHANGED,
    value="change",
    ends=("low", "high"),
    row="net",
    hue="base",
    labels=CHANGED["label"].tolist(),
    beside=("change in the paper", "the paper, 1000 classes"),
    zero=True,
    xlabel=f"change of the top-1 error, points; {len(VAL):,} val images, {len(PICTURES.classes)} classes, ten crops",
    title="Table 3: what a change of the net does to its error",
)
table3

# %% [markdown]
# Does a net overfit? The gap between its errors on validation and on training images says how much of what it learnt belongs to the images
# that it saw. Here both errors are counted on the centre crop; the paper's are those of its table.


# %%
def gap_row(name: str) -> dict:
    """Gap between validation and training error of a net, in points."""
    row = {"net": name, "gap in the paper": printed(name, "val_top1_error") - printed(name, "train_top1_error")}
    if name in MISSING:
        return {**row, "missing": MISSING[name]}
    train, val = (predictions.error_rate(some[name]) for some in (WRONG["train_top1_error"], VAL_CENTRE))
    return {
        **row,
        "train wrong": train.wrong,
        "train n": train.n,
        "val wrong": val.wrong,
        "val n": val.n,
        "gap": 100 * (val.rate - train.rate),
    }


pd.DataFrame([gap_row(name) for name in VARIANTS]).round(2).convert_dtypes().astype(object).fillna("")

# %% [markdown]
# Three claims of section 5.1, and the pattern of the table. Earlier rules did not say their sentences: three quarters of the excess came from
# single removals that improved the net; a net at chance made it harder to differ on the size of layers 6 and 7; and a gap wider than that of
# `zfnet` may come from the middle layers alone. The rules below took their places (`zfutils/paper/claims.yml` lists what was retired, and why).

# %%
IDS = ("depth-matters-and-no-removal-helps", "hidden-units-change-little", "large-nets-overfit-more-than-wide-ones", "table3-signs")
LITTLE = 0.03  # 3 points, the rule's
Markdown("\n".join(f"- **{id}**: {claims.claim(id).measure} {claims.claim(id).rule}" for id in IDS))


# %%
REMOVALS = ("alexnet-without-3-4", "alexnet-without-6-7", "alexnet-without-3-4-6-7")


def changed(name: str) -> str:
    """Whether the error of a changed net is `higher`, `lower` or `undecided` against its base; a word for tables."""
    return TABLE3.set_index("net").loc[name, "status"]


def combined(names: tuple[str, ...], weights: tuple[float, ...]) -> seeds.Estimate:
    """A weighted sum of the errors of some nets on val, over seeds first and images second."""
    return seeds.measured([TEN[name] for name in names], lambda means: means @ np.array(weights), generator=np.random.default_rng(SEED))


def depth() -> tuple[str, seeds.Estimate, float | None]:
    """What two removals cost together beyond the sum of what each costs; that there is a rise, and that no single removal helps."""
    excess = combined((REMOVALS[2], REMOVALS[0], REMOVALS[1], "alexnet"), (1, -1, -1, 1))
    rise, *single = (combined((name, "alexnet"), (1, -1)) for name in (REMOVALS[2], *REMOVALS[:2]))
    helps = [claims.DIFFERS if one.high < 0 else claims.AGREES for one in single]
    return claims.all_of([claims.when_above(excess.interval), claims.when_above(rise.interval), *helps]), excess, None


def hidden_units() -> tuple[str, seeds.Estimate, float | None]:
    """The four changes by the size of layers 6 and 7, and the one farthest from 0."""
    changes = [combined((name, base_of(name)), (1, -1)) for name in SIZED]
    within = [claims.when_below((max(-one.high, one.low, 0.0), max(-one.low, one.high)), LITTLE) for one in changes]
    return claims.all_of(within), max(changes, key=lambda one: abs(one.value)), None


# %% [markdown]
# Overfitting is read off gaps, the pattern of the table off the signs of its changes:


# %%
def overfitting() -> tuple[str, seeds.Estimate, float | None]:
    """How much wider the gap is in the largest net, than in zfnet and than in zfnet-wide."""
    answers = {name: (CENTRE[name], SEEN[name]) for name in OVERFITTING}
    gaps = [
        error_rates.gap_difference(answers[OVERFITTING[0]], answers[name], generator=np.random.default_rng(SEED))
        for name in OVERFITTING[1:]
    ]
    return claims.all_of(claims.when_above(one.interval) for one in gaps), gaps[0], None


def signs() -> tuple[str, seeds.Estimate, float | None]:
    """Mean change in the direction that the paper prints, within each base."""
    found = []
    for base in ("alexnet", "zfnet"):
        names = [name for name in VARIANTS if base_of(name) == base != name]
        directions = np.sign([printed_change(name) for name in names])
        found.append(combined((*names, base), (*(directions / len(names)), -directions.mean())))
    return claims.all_of(claims.when_above(one.interval) for one in found), min(found, key=lambda one: one.value), None


def decided(id: str, needs: tuple[str, ...], decide: Callable[[], tuple[str, seeds.Estimate, float | None]]) -> dict:
    """Scoreboard row of a claim; not comparable where a net that it needs is missing or was under-trained."""
    if reason := "; ".join(MISSING[name] for name in needs if name in MISSING) or runs.starts_apart(PROFILE, needs, seed=SEED):
        return results.claim(id, claims.NOT_COMPARABLE, n=0, reason=reason)
    status, found, threshold = decide()
    return verdicts.compared(id, status, found, len(VAL), under_trained=regime.reasons(REGIMES, needs), threshold=threshold)


# %%
SIZED = ("alexnet-2048", "alexnet-8192", "zfnet-2048", "zfnet-8192")
OVERFITTING = ("zfnet-wide-8192", "zfnet", "zfnet-wide")
ABLATION_VERDICTS = [
    decided(IDS[0], (*REMOVALS, "alexnet"), depth),
    decided(IDS[1], (*SIZED, "alexnet", "zfnet"), hidden_units),
    decided(IDS[2], OVERFITTING, overfitting),
    decided(IDS[3], tuple(VARIANTS), signs),
]
Markdown(verdicts.told(*ABLATION_VERDICTS))

# %% [markdown]
# A rule is one number; the statement behind it has parts. Does each part hold?


# %%
def parts() -> str:
    """The parts of the statement on depth, one by one, with a warning where the rule is met for another reason."""
    lines = [
        f"- `{name}`: the paper {printed_change(name):+.1f} points, here "
        + (f"missing ({MISSING[name]})" if name in MISSING else f"**{changed(name)}**")
        + (", never left chance" if name in STUCK else "")
        for name in REMOVALS
    ]
    if "alexnet" in BEGAN and BEGAN["alexnet"] and any(BEGAN.get(name) and BEGAN[name] < BEGAN["alexnet"] for name in REMOVALS):
        lines.append(
            f"\nThe whole net began to learn by step {BEGAN['alexnet']:,}, later than "
            + ", ".join(f"`{name}` ({BEGAN[name]:,})" for name in REMOVALS if BEGAN.get(name) and BEGAN[name] < BEGAN["alexnet"])
            + ". In a run this short a net with fewer layers may be better only because it starts sooner."
        )
    return "\n".join(lines)


Markdown(parts())

# %% [markdown]
# The same three measures for the numbers that the paper prints:

# %%
BOTH, FIRST, SECOND = (printed_change(f"alexnet-without-{layers}") for layers in ("3-4-6-7", "3-4", "6-7"))
UNITS = {name: printed_change(name) for name in ("alexnet-2048", "alexnet-8192", "zfnet-2048", "zfnet-8192")}
PAPER_GAP = {name: printed(name, "val_top1_error") - printed(name, "train_top1_error") for name in ("zfnet", "zfnet-wide-8192")}
Markdown(
    f"- Without layers 3 and 4 the error rises by {FIRST:.1f} points, without 6 and 7 by {SECOND:.1f}, without all four by {BOTH:.1f}: "
    f"{BOTH - FIRST - SECOND:.1f} more than the sum.\n"
    f"- Other sizes of layers 6 and 7 change it by {', '.join(f'{change:+.1f} ({name})' for name, change in UNITS.items())} points; the largest "
    f"is {max(abs(change) for change in UNITS.values()):.1f}.\n"
    f"- The gap between validation and training is {PAPER_GAP['zfnet']:.1f} points for the net of figure 3 and "
    f"{PAPER_GAP['zfnet-wide-8192']:.1f} with wide middle layers and 8192 units, {PAPER_GAP['zfnet-wide-8192'] - PAPER_GAP['zfnet']:.1f} more."
)

# %% [markdown]
# Where the table is easily misread:

# %%
TRAIN_7, TRAIN_67 = (printed(name, "train_top1_error") for name in ("alexnet-without-7", "alexnet-without-6-7"))


def ours_in_words(name: str, column: str) -> str:
    """Our error of a net in percent, or that it is missing."""
    return "missing" if name in MISSING else f"{100 * WRONG[column][name].mean():.2f} %"


def both_in_words(name: str) -> str:
    """The paper's top-1 and top-5 error of a net."""
    return f"{printed(name, 'val_top1_error')} / {printed(name, 'val_top5_error')}"


Markdown(
    f"- *Without layer 7* and *without layers 6 and 7* both have the training error {TRAIN_7} and {TRAIN_67}, though the latter net is far "
    f"smaller and errs more on validation ({printed('alexnet-without-7', 'val_top1_error')} and {printed('alexnet-without-6-7', 'val_top1_error')}): "
    f"possibly a misprint. Ours are {ours_in_words('alexnet-without-7', 'train_top1_error')} and "
    f"{ours_in_words('alexnet-without-6-7', 'train_top1_error')}.\n"
    f"- Taking out layers 6 and 7 raises the error from {printed('alexnet', 'val_top1_error')} to {printed('alexnet-without-6-7', 'val_top1_error')} "
    f"({printed_change('alexnet-without-6-7'):+.1f}); the {printed('alexnet-without-7', 'val_top1_error')} that is at times quoted as the start "
    "is that of the net without layer 7.\n"
    f"- {printed('alexnet-without-3-4', 'val_top1_error')}, {printed('alexnet-without-6-7', 'val_top1_error')} and "
    f"{printed('alexnet-without-3-4-6-7', 'val_top1_error')} are top-1 errors of changes of the *replication*; the paper took no layer out of its "
    "own net.\n"
    f"- 8192 units are no small gain for the paper's net but a loss: {both_in_words('zfnet')} (top-1 / top-5) becomes "
    f"{both_in_words('zfnet-8192')}. For the replication they change {both_in_words('alexnet')} to {both_in_words('alexnet-8192')}."
)

# %%
TABLE3_KEYS = [f"table3/{slug}/{column}" for slug in VARIANTS.values() for column in WRONG]
assert set(TABLE3_KEYS) == set(numbers.numbers().loc[numbers.numbers()["place"] == "table 3", "key"])


def compared(name: str, column: str) -> dict:
    """Scoreboard row of a number of table 3, in percent."""
    key = f"table3/{VARIANTS[name]}/{column}"
    if name in MISSING:
        return results.absent(key, MISSING[name])
    error = predictions.error_rate(WRONG[column][name])
    row = results.number(key, 100 * error.rate, profile=PROFILE, n=error.n, interval=tuple(100 * end for end in error.interval()))
    return results.of_regime(row, REGIMES[name].words, REGIMES[name].under_trained)


ABLATION_NUMBERS = [compared(name, column) for name in VARIANTS for column in WRONG]
results.save(
    "table3",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - THIRD,
    figure=table3,
    table=TABLE3,
    rows=[*ABLATION_NUMBERS, *ABLATION_VERDICTS],
    data=PICTURES,
    facts={"nets": {name: TRAINED[name].folder.name for name in PRESENT}, "missing": MISSING, "train_images": len(DRAWN)},
)

# %% [markdown]
# ## Compared with the paper

# %%
AGREEING = sum(row["status"] == claims.AGREES for row in rows)
Markdown(
    f"- Figure 3: {AGREEING} of {len(rows)} printed sizes, numbers of maps, kernels and strides agree with ours.\n"
    f"- Parameters: {TOTAL:,}; the paper prints no number.\n"
    + "\n".join(f"- {row['key'].removeprefix('claim/')}: **{row['status']}** {row['reason']}" for row in [*VERDICTS, *ABLATION_VERDICTS])
)


# %%
def beside(name: str) -> dict:
    """Errors of a net in percent: the paper's, and ours with the interval."""
    row = {"net": name}
    for column in WRONG:
        words, number = column.replace("_error", "").replace("_top", " top-"), compared(name, column)
        row[f"{words}, paper"] = printed(name, column)
        row[f"{words}, ours"] = "" if number["ours"] is None else f"{number['ours']:.2f} ({number['low']:.2f} to {number['high']:.2f})"
    return row


pd.DataFrame([beside(name) for name in VARIANTS])

# %%
STATUSES = pd.Series([f"{row['status']}{': ' if row['reason'] else ''}{row['reason']}" for row in ABLATION_NUMBERS]).value_counts()
Markdown(
    f"Of the {len(ABLATION_NUMBERS)} numbers of table 3: " + "; ".join(f"{count} {status}" for status, count in STATUSES.items()) + ". "
    "On other pictures the errors themselves do not compare; the direction of a change may."
)

# %% [markdown]
# ## What we learned


# %%
def largest_change() -> str:
    """The change of table 3 that moved the error most, among the nets that are here."""
    known = TABLE3.dropna(subset=["change"]) if "change" in TABLE3 else TABLE3[:0]
    if known.empty:
        return "Which change of the net moves its error most is open here: no changed net was trained."
    row = known.loc[known["change"].astype(float).abs().idxmax()]
    return (
        f"Of the {len(known)} changes that were trained, `{row['net']}` moves the error most: {float(row['change']):+.1f} points ({row['status']}); "
        f"in the paper it is {printed_change(row['net']):+.1f}."
    )


Markdown(
    f"- {AGREEING} of the {len(rows)} sizes, maps, kernels and strides that the paper prints follow from one rule, with a padding and a rounding that it does not print.\n"
    f"- The {CONV_SHARE:.0%} of the parameters that lie in the five convolutional layers do most of the work: {sum(cost for stage, cost in architectures.multiply_adds(ZFNET).items() if stage.startswith('conv')) / sum(architectures.multiply_adds(ZFNET).values()):.0%} of all multiplications.\n"
    f"- {largest_change()}"
)

# %% [markdown]
# ## Where we differ
#
# - **Assumption**: padding 1 in layers 1, 3, 4 and 5; pools round up. The paper prints neither; the sizes leave little choice.
# - **Assumption**: the constants of the contrast norm are those of Krizhevsky et al.
# - **Assumption**: what a dead filter and a middle frequency are (formulas above).
# - **Assumption**: where layers are out, the next takes what the last kept one gives; training errors are counted on centre crops after
#   training, validation errors on ten crops.
# - All nets of table 3 see the same images in the same crops as often, and the learning rate of all is cut at the steps that `zfnet` found;
#   the paper lowered it by hand. A net that learns more slowly than `zfnet` is at a disadvantage here.
# - The trained nets are scaled (see the second row of figure 3), saw other pictures, and far fewer of them, than the paper's: their
#   first layers are noisier than printed. The claims are about the difference between two nets that were trained alike.
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
# **5. Predict.** At one place of a picture only map 10 of 96 grows; all other values before the contrast norm stay. How many maps change after it?

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

# %%
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
