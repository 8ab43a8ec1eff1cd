# %% [markdown]
# # Build the net
#
# **You will**
# - work out every size of the paper's net by hand and find the paddings that the paper does not print,
# - count its parameters and see where they sit,
# - see how much of the picture one unit looks at,
# - compare the first-layer filters of three trained nets, with numbers for what the paper only describes.
#
# | | |
# | --- | --- |
# | In the paper | section 3, section 4.1, figure 3, figure 6 (a) (b) (c) |
# | The paper leaves open | paddings and rounding; constants of the contrast norm; what a *dead* filter is; what *mid frequencies* are |
# | Needs | the nets `zfnet`, `alexnet` and `zfnet-unclipped` of the profile |
# | Takes | about half a minute on two cores, once the nets are trained |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %%
import time

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown

from zfutils import claims, clipping, data, devices, filters, images, likeness, nets, norm, paper, plot, profiles, results, training
from zfutils.nets import ALEXNET, ZFNET

START = time.monotonic()
PROFILE = profiles.profile(profile)
PICTURES = data.opened(PROFILE, seed=seed)

# %% [markdown]
# ## Sizes, by hand
#
# A window of `kernel` pixels that moves by `stride` fits so often into a side of `size` pixels. Rounding down leaves out what does not
# fill a window; rounding up (*ceil mode*) lets the last window hang over the border.
#
# The paper prints 110 after layer 1. Look which padding gives that.


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
assert BY_HAND == {stage: nets.shapes(ZFNET)[stage][1] for stage in BY_HAND}
BY_HAND

# %% [markdown]
# `zfutils.nets` says the same. Now against the paper's figure 3, row by row: our computed size and maps beside the printed ones.

# %%
PRINTED = paper.table("fig3_architecture")


def compare_sizes() -> pd.DataFrame:
    """Every stage of figure 3: printed and computed."""
    shapes, rows = nets.shapes(ZFNET), []
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
COUNTS = nets.parameters(ZFNET)
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
assert FIELDS == {stage: field for stage, (field, _) in nets.receptive_fields(ZFNET).items()}
FIELDS

# %% [markdown]
# A formula can be wrong in the same way twice, so ask a net: with positive weights throughout, which pixels have any influence on one
# unit of layer 3? Exactly a square of the side above.


# %%
def influence(stage: str) -> int:
    """Side of the square of pixels that move the middle unit of a stage, measured by the gradient."""
    thin = nets.build(nets.scaled(ZFNET, width=1 / 32, fc_units=8, classes=2), generator=torch.Generator().manual_seed(0)).double()
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
# ## Contrast norm
#
# After the pools of layers 1 and 2 every value is divided by a power of the energy of the five maps around its own, at the same place.
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
by_hand, kept = contrast_norm_by_hand(x), norm.ContrastNorm(8).double()(torch.from_numpy(x)[None])[0].numpy()
assert np.abs(by_hand - kept).max() < 1e-6  # the constants are kept in float32

# %% [markdown]
# ## What changed from Krizhevsky et al.
#
# The rows come from the two nets of this book; the replication follows Krizhevsky et al. 2012.

# %%
CHANGES = pd.DataFrame(columns=["alexnet (replication)", "zfnet (this paper)"])
CHANGES.loc["filters of layer 1"] = [f"{conv.kernel}x{conv.kernel}, stride {conv.stride}" for conv in (ALEXNET.convs[0], ZFNET.convs[0])]
CHANGES.loc["filters of layer 2"] = [f"{conv.kernel}x{conv.kernel}, stride {conv.stride}" for conv in (ALEXNET.convs[1], ZFNET.convs[1])]
CHANGES.loc["shape after conv1"] = [" x ".join(map(str, nets.shapes(net)["conv1"])) for net in (ALEXNET, ZFNET)]
CHANGES.loc["shape after conv2"] = [" x ".join(map(str, nets.shapes(net)["conv2"])) for net in (ALEXNET, ZFNET)]
CHANGES.loc["after layer 1"] = [" → ".join(net.convs[0].then) for net in (ALEXNET, ZFNET)]
CHANGES.loc["layers split in two halves"] = [
    ", ".join(str(place) for place, conv in enumerate(net.convs, 1) if conv.groups > 1) or "none" for net in (ALEXNET, ZFNET)
]
CHANGES.loc["parameters"] = [f"{sum(nets.parameters(net).values()):,}" for net in (ALEXNET, ZFNET)]
CHANGES

# %% [markdown]
# Two slips that circulate: layer 2 did *not* go from stride 4 to 2 (only layer 1 did; layer 2 went from 1 to 2), and in Krizhevsky's net
# the split layers are 2, 4 and 5, not 3, 4 and 5 as the paper's text has it.
#
# ## Figure 3
#
# Above, the net at the paper's size: our computed sizes in blue, the printed ones in grey. Below, the net that this profile trains.


# %%
def drawing(architecture: nets.Architecture, printed: dict[str, str]) -> pd.DataFrame:
    """Stages to draw, with what leads to each."""
    shapes, rows = nets.shapes(architecture), []
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


WORDS = {
    row["stage"]: f"{row['printed maps']} x {row['printed size']} x {row['printed size']}"
    if row["printed size"] > 1
    else f"{row['printed maps']}"
    for row in SIZES.to_dict("records")
}
OURS = nets.scaled(ZFNET, width=PROFILE.width, image_size=PROFILE.image_size, fc_units=PROFILE.fc_units, classes=len(PICTURES.classes))
OUR_TOTAL = sum(nets.parameters(OURS).values())
figure3 = plot.architecture(
    {
        f"The paper's net: {TOTAL:,} parameters (blue: computed here, grey: printed in the paper)": drawing(ZFNET, WORDS),
        f"The net of profile '{profile}': {OUR_TOTAL:,} parameters": drawing(OURS, {}),
    }
)
figure3

# %%
rows = [
    results.number(f"{row['key']}/{column}", ours, profile=PROFILE, n=1)
    for row in SIZES.to_dict("records")
    for column, ours in (("out_size", row["our size"]), ("out_maps", row["our maps"]))
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
TRAINED = {name: training.trained(PROFILE, name, seed=seed) for name in ("zfnet", "alexnet")}
TRAINED["zfnet-unclipped"] = clipping.unclipped(PROFILE, seed=seed)  # zfnet itself where clipping never acted
NETS = {name: found.net().to(devices.device()) for name, found in TRAINED.items()}
WEIGHTS = {name: net.conv1.weight.detach().cpu().numpy().astype(np.float64) for name, net in NETS.items()}
figure6 = plot.filters(
    {
        f"{caption}: {len(WEIGHTS[name])} filters, scale ±{np.abs(WEIGHTS[name]).max():.3f}": images.to_display(
            WEIGHTS[name], scale=float(np.abs(WEIGHTS[name]).max())
        )
        for caption, name in NAMES.items()
    },
    columns=11 if PROFILE.width == 1 else 6,
)
figure6

# %% [markdown]
# The paper says: without clipping a few features dominate; with 11x11 filters many are dead, and there are very high and very low
# frequencies with little in between. It gives no measure. Ours, written down before the nets were trained:

# %%
Markdown(
    "\n".join(
        f"- **{id}**: {claims.claim(id).measure} {claims.claim(id).rule}"
        for id in ("fewer-dead-first-layer-filters", "first-layer-mid-frequencies", "unclipped-filter-dominates")
    )
)

# %%
CUTS = images.Crops(PICTURES, PROFILE.image_size, device=devices.device())
VAL = PICTURES.indices("val")
STRONGEST = {name: filters.strongest(net, CUTS, VAL) for name, net in NETS.items()}
DEAD = {name: filters.dead(WEIGHTS[name], STRONGEST[name]) for name in NETS}
BANDS = {name: filters.band_shares(WEIGHTS[name]) for name in NETS}
FIRST_LAYER = pd.DataFrame(
    [
        {
            "net": name,
            "filters": len(DEAD[name]),
            "dead": int(DEAD[name].sum()),
            **dict(zip(("low", "middle", "high"), BANDS[name].mean(0).round(3), strict=True)),
            "largest RMS / median": round(filters.dominance(WEIGHTS[name]), 2),
        }
        for name in NETS
    ]
)
FIRST_LAYER

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
        frequency, energy = filters.spectrum(weight)
        # The last bin also holds the corners of the square beyond half a cycle; it would dwarf the rest.
        parts.append(pd.DataFrame({"net": name, "frequency": frequency[:-1], "energy": energy.mean(0)[:-1]}))
    return pd.concat(parts)


plot.spectra(spectra(), filters.EDGES, title="Energy of the first-layer filters by frequency")

# %% [markdown]
# ### The verdicts

# %%
CHANCE = np.random.default_rng(seed)
FILTERS = min(len(DEAD["zfnet"]), len(DEAD["alexnet"]))
CLIPPED = int(TRAINED["zfnet"].log["clipped_first_layer"].sum())


def verdicts() -> list[dict]:
    """The three claims about the first layer."""
    fewer = likeness.mean_difference(DEAD["zfnet"].astype(float), DEAD["alexnet"].astype(float), generator=CHANCE)
    middle = likeness.mean_difference(BANDS["zfnet"][:, 1], BANDS["alexnet"][:, 1], generator=CHANCE)
    ratio = filters.dominance(WEIGHTS["zfnet-unclipped"]) / filters.dominance(WEIGHTS["zfnet"])
    dominates = claims.AGREES if ratio >= 1.5 else claims.DIFFERS if ratio <= 1.1 else claims.UNDECIDED
    reason = ""
    if CLIPPED == 0:
        dominates, reason = claims.NOT_COMPARABLE, "no filter of layer 1 was ever clipped"
    return [
        results.claim("fewer-dead-first-layer-filters", claims.when_below(fewer[1:]), value=fewer[0], interval=fewer[1:], n=FILTERS),
        results.claim("first-layer-mid-frequencies", claims.when_above(middle[1:]), value=middle[0], interval=middle[1:], n=FILTERS),
        results.claim("unclipped-filter-dominates", dominates, value=ratio, n=len(DEAD["zfnet"]), reason=reason),
    ]


VERDICTS = verdicts()
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
# ## Compared with the paper

# %%
AGREEING = sum(row["status"] == claims.AGREES for row in rows)
Markdown(
    f"- Figure 3: {AGREEING} of {len(rows)} printed sizes and numbers of maps agree with ours.\n"
    f"- Parameters: {TOTAL:,}; the paper prints no number.\n"
    + "\n".join(f"- {row['key'].removeprefix('claim/')}: **{row['status']}** {row['reason']}" for row in VERDICTS)
)

# %% [markdown]
# ## Where we differ
#
# - **Assumption**: padding 1 in layers 1, 3, 4 and 5; pools round up. The paper prints neither; the sizes leave little choice.
# - **Assumption**: the constants of the contrast norm are those of Krizhevsky et al.
# - **Assumption**: what a dead filter and a middle frequency are (formulas above).
# - The trained nets are scaled (see the second row of figure 3), saw other pictures, and far fewer of them, than the paper's: their
#   first layers are noisier than printed. The claims are about the difference between two nets that were trained alike.
#
# ## Exercises
#
# 1. Which padding and rounding would give a first layer of 111 x 111?
# 2. Write the number of multiplications of a convolutional layer. Which layer of the paper's net costs most?


# %% tags=["solution"]
def multiplications(maps_below: int, maps: int, kernel: int, side: int, groups: int = 1) -> int:
    """Multiplications of a convolutional layer for one picture: one for every weight at every place."""
    return maps_below // groups * kernel**2 * maps * side**2


# %%
BELOW = (3, 96, 256, 384, 384)
COST = {
    f"conv{place}": multiplications(below, conv.maps, conv.kernel, BY_HAND[f"conv{place}"])
    for place, (below, conv) in enumerate(zip(BELOW, ZFNET.convs, strict=True), 1)
}
assert COST["conv1"] == 3 * 49 * 96 * 110 * 110
max(COST, key=COST.get)

# %% [markdown]
# ## Provenance

# %%
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
