# %% [markdown]
# # Spot the mistake: a museum of deconvnet bugs
#
# Eight mistakes found in public reproductions of this paper. None of them stops the program, and most give a picture that looks plausible by itself. So each is shown here beside the right one, with the damage that it does to our own trained net and the
# test that catches it.
#
# **You will**
# - make each mistake in a line or two,
# - see how little it shows, and measure how much it does,
# - take home a test for each,
# - tell right from wrong in a quiz, by eye.
#
# | | |
# | --- | --- |
# | In the paper | section 2.1, figures 2, 4 and 6 |
# | The paper leaves open | what becomes of values that share a switch; whether the nine of a map may come from one image; how projections are scaled for display |
# | Needs | the net `zfnet` of the profile |
# | Takes | half a minute with toys, a minute with photographs |

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
from torch import nn

from zfutils.analysis import similarity
from zfutils.attribution import activations, deconv, receptive_field, rules, top_nine, topk
from zfutils.attribution.deconvnet import Deconvnet, unpool
from zfutils.core import profiles
from zfutils.data import registry
from zfutils.models import crops, devices
from zfutils.models.trained import note
from zfutils.report import exercises, plot, results, tables
from zfutils.stats import bootstrap
from zfutils.training import runs
from zfutils.widgets import drawing
from zfutils.widgets.blink import Pair, WhichIsWrong

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
Markdown(note([TRAINED], PICTURES))

# %% [markdown]
# ## Right, to begin with
#
# All exhibits use the same images, val images drawn by the seed, and in each the unit of layer 3, and the one of layer 5, that is most active.

# %%
ROWS = np.sort(np.random.default_rng(SEED).permutation(VAL)[:64])
INPUT = top_nine.centre_crops(PICTURES, SIZE, ROWS, DEVICE)
EXPLICIT = Deconvnet(NET)
ASCENT = EXPLICIT.up(INPUT)
LAYERS = ("conv3", "conv5")
MAPS = {layer: ASCENT.outputs[layer].amax((2, 3)).argmax(1) for layer in LAYERS}
Markdown(
    f"{len(ROWS)} images; in them {len(set(MAPS['conv3'].tolist()))} different maps of layer 3 and {len(set(MAPS['conv5'].tolist()))} of layer 5."
)

# %% [markdown]
# The way down has three steps, and every mistake below changes one of them. With $R$ the signal that comes down, the right steps are
#
# $$\text{unpool}(R)_p = \sum_{q\,:\,\text{switches}_q = p} R_q, \qquad \text{rectified}(R) = \max(R, 0), \qquad \text{filtered}(R) = W^{\top} R$$
#
# Values $q$ whose windows share a maximum at the place $p$ are *added*; the ReLU acts on the signal itself; the filters are transposed, and nothing is added to them.


# %%
def rectified(signal: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
    """The deconvnet's ReLU: the forward input does not matter."""
    return signal.clamp(min=0)


def filtered(layer: nn.Conv2d, signal: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """Transposed filters, no bias, the exact size of what entered on the way up."""
    return torch.nn.grad.conv2d_input(
        (len(signal), layer.in_channels, *size), layer.weight, signal, layer.stride, layer.padding, layer.dilation, layer.groups
    )


def seed_of(layer: str) -> torch.Tensor:
    """One value an image: the strongest activation of its map."""
    values = ASCENT.outputs[layer]
    signal, lines = torch.zeros_like(values), torch.arange(len(values), device=DEVICE)
    flat = values[lines, MAPS[layer]].flatten(1)
    signal[lines, MAPS[layer]] = (
        torch.zeros_like(flat).scatter_(1, flat.argmax(1, keepdim=True), flat.amax(1, keepdim=True)).view_as(values[:, 0])
    )
    return signal


# %% [markdown]
# The loop over the layers takes the three steps as arguments, so that a mistake is one argument. With the right ones it gives what the library gives, which the last line asserts.


# %%
@torch.no_grad()
def bring_down(layer: str, *, pool_step: Callable = unpool, relu_step: Callable = rectified, conv_step: Callable = filtered) -> np.ndarray:
    """The projection of one unit an image, (n, 3, size, size), with the steps given."""
    signal = seed_of(layer)
    names = [name for name, _ in NET.named_children()]
    for name in reversed(names[: names.index(layer) + 1]):
        module, entered = NET.get_submodule(name), ASCENT.inputs[name]
        if isinstance(module, nn.MaxPool2d):
            signal = pool_step(signal, ASCENT.switches[name], tuple(entered.shape[2:]))
        elif isinstance(module, nn.ReLU):
            signal = relu_step(signal, entered)
        elif isinstance(module, nn.Conv2d):
            signal = conv_step(module, signal, entered.shape[2:])
    return signal.cpu().numpy()


RIGHT = {layer: bring_down(layer) for layer in LAYERS}
for layer in LAYERS:
    kept = deconv.project_each(NET, INPUT, layer=layer, maps=MAPS[layer]).cpu().numpy()
    assert np.allclose(RIGHT[layer], kept, atol=1e-4 * np.abs(kept).max())

# %% [markdown]
# Each exhibit looks the same: the image, the right projection and the wrong one, both on the scale of the right one. The damage is measured over all images, by
#
# $$\text{cosine} = \frac{\langle \text{wrong}, \text{right} \rangle}{\lVert \text{wrong} \rVert \, \lVert \text{right} \rVert}$$
#
# which is 1 where the two are the same picture up to its brightness, and 0 where they have nothing in common. The image shown is always the one in which a unit of layer 5 is most active.

# %%
SHOWN = int(ASCENT.outputs["conv5"].amax((1, 2, 3)).argmax())
EXHIBITS: list[dict] = []
WRONG: dict[int, dict[str, np.ndarray]] = {}  # projections by exhibit and layer


def picture(row: int) -> np.ndarray:
    """One of the images as it is."""
    offset = (PICTURES.facts["size"] - SIZE) // 2
    return np.asarray(PICTURES.images[ROWS[row], offset : offset + SIZE, offset : offset + SIZE])


# %%
def note_cosines(number: int, title: str, wrong: dict[str, np.ndarray]) -> None:
    """Note the damage of a mistake, by layer."""
    for layer, pictures in wrong.items():
        similar = similarity.cosine(RIGHT[layer], pictures)
        mean, low, high = bootstrap.mean(similar, generator=np.random.default_rng(SEED))
        EXHIBITS.append(
            {
                "mistake": number,
                "what": title,
                "measure": f"cosine to the right one, {layer}",
                "value": mean,
                "low": low,
                "high": high,
                "n": len(similar),
            }
        )


def note_number(number: int, title: str, measure: str, value: float, n: int) -> None:
    """Note a damage that is one number."""
    EXHIBITS.append({"mistake": number, "what": title, "measure": measure, "value": float(value), "low": None, "high": None, "n": n})


# %% [markdown]
# What shows an exhibit, what says how large its damage is, and what holds its test to account.


# %%
def side_by_side(title: str, wrong: dict[str, np.ndarray]) -> object:
    """Image, right and wrong pictures of both layers, with one scale a layer."""
    tiles, captions = [picture(SHOWN)], ["image"]
    for layer, pictures in wrong.items():
        scale = top_nine.display_scale(RIGHT[layer][SHOWN])
        tiles += [crops.to_display(RIGHT[layer][SHOWN], scale=scale), crops.to_display(pictures[SHOWN], scale=scale)]
        captions += [f"{layer}: right", f"{layer}: wrong"]
    return plot.pictures(np.stack(tiles), captions, columns=5, cell=1.9, title=title)


# %%
def reading(number: int) -> str:
    """What a mistake does to the projections: over all images, in the one that is shown, and where it is worst."""
    said = []
    for layer, pictures in WRONG[number].items():
        similar = similarity.cosine(RIGHT[layer], pictures)
        worst = int(similar.argmin())
        said.append(
            f"{layer} {similar.mean():.2f} on average ({similar[SHOWN]:.2f} in the image shown; lowest {similar[worst]:.2f}, "
            f"in an image of the class {PICTURES.classes[PICTURES.labels[ROWS[worst]]]})"
        )
    return f"Cosine of wrong and right: {'; '.join(said)}. On average the damage is larger in {worst_layer(number)}."


def worst_layer(number: int) -> str:
    """The layer in which a mistake does more damage."""
    means = {layer: similarity.cosine(RIGHT[layer], pictures).mean() for layer, pictures in WRONG[number].items()}
    return min(means, key=means.get)


def catches(test: Callable[[object], bool], *, right: object, wrong: object) -> None:
    """A test is worth something only if it passes what is right and fails what is wrong."""
    assert test(right) and not test(wrong)


# %% [markdown]
# ## 1. `nn.MaxUnpool2d` on overlapping windows
#
# The library's un-pooling *writes* each value to its switch. The paper's windows overlap, so two of them may share a switch; then the last one wins, also when it writes a zero, and the unit that is being shown is gone. Look for strokes
# that are paler in the wrong pictures, or gone.


# %%
def overwriting(signal: torch.Tensor, switches: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The library's layer."""
    return nn.MaxUnpool2d(3, 2)(signal, switches, output_size=size)


def erased(pool: str) -> float:
    """Share of maps whose strongest value does not survive un-pooling when all others are zero."""
    pooled, entered = ASCENT.outputs[pool], ASCENT.inputs[pool]
    flat = pooled.flatten(2)
    one = torch.zeros_like(flat).scatter_(2, flat.argmax(2, keepdim=True), flat.amax(2, keepdim=True)).view_as(pooled)
    survived = overwriting(one, ASCENT.switches[pool], tuple(entered.shape[2:])).flatten(2).amax(2)
    active = flat.amax(2) > 0
    return float((survived[active] == 0).double().mean())


LOST = {pool: erased(pool) for pool in ("pool1", "pool2", "pool5")}
WRONG1 = {layer: bring_down(layer, pool_step=overwriting) for layer in LAYERS}
WRONG[1] = WRONG1
note_cosines(1, "MaxUnpool2d on overlapping windows", WRONG1)
for pool, share in LOST.items():
    note_number(1, "MaxUnpool2d on overlapping windows", f"strongest value erased, share of active maps, {pool}", share, len(ROWS))
side_by_side("1. Overwriting instead of adding", WRONG1)


# %%
def keeps_the_sum(step: Callable) -> bool:
    """Un-pooling loses no signal."""
    signal = torch.rand_like(ASCENT.outputs["pool1"][:1])
    return torch.allclose(
        step(signal, ASCENT.switches["pool1"][:1], tuple(ASCENT.inputs["pool1"].shape[2:])).sum(), signal.sum(), rtol=1e-4
    )


catches(keeps_the_sum, right=unpool, wrong=overwriting)
Markdown(
    "The strongest value of a map is erased in "
    + ", ".join(f"{share:.0%} of the active maps of {pool}" for pool, share in LOST.items())
    + f". {reading(1)} The test asks whether un-pooling keeps the sum of the signal; adding does, overwriting does not."
)

# %% [markdown]
# ## 2. The bias that came with `ConvTranspose2d`
#
# A new `ConvTranspose2d` brings a small random bias. Copy the filters in, forget the bias, and it is added everywhere. It is drawn uniformly between $-b$ and $b$ with $b = 1 / \sqrt{\text{maps below} \cdot \text{kernel\_size}^2}$, so it is largest where the signal arrives at the three colours. Look at the parts of the picture that should be empty.


# %%
def with_default_bias(layer: nn.Conv2d, signal: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """Filters, and the bias that a new transposed layer of these sizes is born with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        fresh = nn.ConvTranspose2d(layer.out_channels, layer.in_channels, layer.kernel_size, groups=layer.groups)
    return filtered(layer, signal, size) + fresh.bias.detach().to(signal)[:, None, None]


WRONG2 = {layer: bring_down(layer, conv_step=with_default_bias) for layer in LAYERS}
WRONG[2] = WRONG2
note_cosines(2, "default bias left in ConvTranspose2d", WRONG2)
TOUCHED = {name: float((np.abs(pictures["conv3"]).sum(1) > 0).mean()) for name, pictures in (("right", RIGHT), ("wrong", WRONG2))}
for name, share in TOUCHED.items():
    note_number(2, "default bias left in ConvTranspose2d", f"share of the picture touched, conv3, {name}", share, len(ROWS))
side_by_side("2. A random bias on the way down", WRONG2)

# %%
FIELD = receptive_field.of(NET, INPUT[:1], "conv3")
PLACE = ASCENT.outputs["conv3"][SHOWN, MAPS["conv3"][SHOWN]].flatten().argmax().item()
AT = divmod(PLACE, ASCENT.outputs["conv3"].shape[3])


def is_zero_outside_the_field(pictures: np.ndarray) -> bool:
    """A unit's projection ends where its receptive field ends."""
    top, left, bottom, right = FIELD.inside(AT)
    outside = pictures[SHOWN].copy()
    outside[:, top:bottom, left:right] = 0
    return not outside.any()


catches(is_zero_outside_the_field, right=RIGHT["conv3"], wrong=WRONG2["conv3"])
Markdown(
    f"A right projection of layer 3 touches {TOUCHED['right']:.0%} of the picture, with the bias {TOUCHED['wrong']:.0%}. {reading(2)} "
    "A haze may be faint in one layer and plain to see in another; the test asks for exact zeros outside the receptive field and catches both."
)

# %% [markdown]
# ## 3. Guided backpropagation sold as the deconvnet
#
# Three methods differ in one line, in what a ReLU does with the signal $R$ on its way down, where $x$ entered it on the way up:
#
# $$\underbrace{\max(R, 0)}_{\text{deconvnet}} \qquad \underbrace{R \cdot [x > 0]}_{\text{gradient}} \qquad \underbrace{\max(R, 0) \cdot [x > 0]}_{\text{guided}}$$
#
# Guided backpropagation (Springenberg et al., 2015) is a method of its own, and often gives the prettier picture; it is not the paper's. Look at both layers: in which of them would a glance have told you?


# %%
def guided(signal: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
    """Rectified, and only where the unit was active."""
    return signal.clamp(min=0) * (entered > 0)


WRONG3 = {layer: bring_down(layer, relu_step=guided) for layer in LAYERS}
WRONG[3] = WRONG3
note_cosines(3, "guided backpropagation", WRONG3)
side_by_side("3. Guided backpropagation", WRONG3)

# %% tags=["plumbing"]
Markdown(reading(3))

# %% [markdown]
# The test: a signal that comes down must pass a ReLU that was *off* on the way up.


# %%
def passes_a_relu_that_was_off(step: Callable) -> bool:
    """The deconvnet's ReLU does not look at the way up."""
    return step(torch.tensor([2.0, -3.0]), torch.tensor([-1.0, -1.0])).tolist() == [2.0, 0.0]


catches(passes_a_relu_that_was_off, right=rectified, wrong=guided)

# %% [markdown]
# ## 4. No ReLU on the way down
#
# Un-pool and filter only, as if the way down were linear. The negative parts of the signal then travel on and cancel what they should not. Look for contrast that was not there.


# %%
def unrectified(signal: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
    """Nothing done."""
    return signal


WRONG4 = {layer: bring_down(layer, relu_step=unrectified) for layer in LAYERS}
WRONG[4] = WRONG4
note_cosines(4, "no ReLU on the way down", WRONG4)
catches(passes_a_relu_that_was_off, right=rectified, wrong=unrectified)
side_by_side("4. Never rectified", WRONG4)

# %% tags=["plumbing"]
Markdown(f"{reading(4)} The test is that of exhibit 3: a signal of -3 must not pass a ReLU.")

# %% [markdown]
# ## 5. A ReLU on the pixels too
#
# The loop rectifies after every filter, the last one included. But pixels are signed: darker than the mean is as much a finding as brighter, and that half is thrown away. Look for what is darker than the grey of the background.

# %%
WRONG5 = {layer: np.maximum(RIGHT[layer], 0) for layer in LAYERS}
WRONG[5] = WRONG5
note_cosines(5, "ReLU on the pixels", WRONG5)
THROWN = float(np.mean([(np.minimum(one, 0) ** 2).sum() / max((one**2).sum(), 1e-30) for one in RIGHT["conv3"]]))
note_number(5, "ReLU on the pixels", "share of the energy thrown away, conv3", THROWN, len(ROWS))
catches(lambda pictures: (pictures < 0).any(), right=RIGHT["conv3"], wrong=WRONG5["conv3"])
side_by_side("5. Pixels rectified", WRONG5)

# %% tags=["plumbing"]
Markdown(
    f"{THROWN:.0%} of the energy (the sum of squares) of layer 3's projections is thrown away. {reading(5)} The test is one line: a right projection has negative pixels."
)

# %% [markdown]
# ## 6. A ReLU that the hooks do not see
#
# The usual code registers a backward hook on every `nn.ReLU`. A net that calls `F.relu` has no such module: nothing is rewritten, nothing complains, and what comes out is the plain gradient.


# %%
class Functional(nn.Module):
    """The same net, its ReLUs written as functions."""

    def __init__(self, net: nn.Sequential):
        super().__init__()
        self.layers = nn.ModuleDict({name: layer for name, layer in net.named_children() if not isinstance(layer, nn.ReLU)})
        self.order = [name for name, _ in net.named_children()]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.order:
            x = self.layers[name](x) if name in self.layers else F.relu(x)
        return x


# %% [markdown]
# The deconvnet as one finds it, and the same net with its ReLUs as functions. The function counts how many ReLUs it rewrote.


# %%
def by_hooks(net: nn.Module, layer: nn.Module, maps: torch.Tensor) -> tuple[np.ndarray, int]:
    """The deconvnet as one finds it: hooks on `nn.ReLU`. Returns the pictures and how many ReLUs were rewritten."""
    relus = [module for module in net.modules() if isinstance(module, nn.ReLU)]
    hooks = [relu.register_full_backward_hook(lambda module, below, above: (above[0].clamp(min=0),)) for relu in relus]
    found = {}
    hooks.append(layer.register_forward_hook(lambda module, inputs, output: found.update(output=output)))
    try:
        pixels = INPUT.clone().requires_grad_(True)
        net(pixels)
        strongest = found["output"][torch.arange(len(maps)), maps].flatten(1).amax(1)
        return torch.autograd.grad(strongest.sum(), pixels)[0].cpu().numpy(), len(relus)
    finally:
        for hook in hooks:
            hook.remove()


def as_strong(pictures: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Each picture brought to the length of the right one."""
    lengths, wanted = (np.linalg.norm(some.reshape(len(some), -1), axis=1) for some in (pictures, right))
    return pictures * (wanted / np.maximum(lengths, 1e-30))[:, None, None, None]


# %% [markdown]
# The hooks start from a 1 where the deconvnet starts from the activation itself. So the wrong pictures are brought to the length of the right ones; else their strength would give them away, or hide them.

# %%
FUNCTIONAL = Functional(NET).eval()
FOUND6 = {layer: by_hooks(FUNCTIONAL, FUNCTIONAL.layers[layer], MAPS[layer]) for layer in LAYERS}
WRONG6 = {layer: pictures for layer, (pictures, _) in FOUND6.items()}
WRONG[6] = WRONG6
note_cosines(6, "functional ReLU escapes the hooks", WRONG6)
PLAIN = deconv.project_each(NET, INPUT, layer="conv3", maps=MAPS["conv3"], rules=rules.GRADIENT).cpu().numpy()
SAME = float(similarity.cosine(WRONG6["conv3"], PLAIN).mean())
note_number(6, "functional ReLU escapes the hooks", "cosine to the plain gradient, conv3", SAME, len(ROWS))
SCALED6 = {layer: as_strong(pictures, RIGHT[layer]) for layer, pictures in WRONG6.items()}
side_by_side("6. Hooks that were never called (brought to the same size)", SCALED6)

# %% [markdown]
# The test counts: as many ReLUs must be rewritten as were run. The library does not rely on modules: `deconv.project_each` looks at the way down itself and refuses a net in which a ReLU escaped it. This net it follows.

# %%
RUN = sum(isinstance(module, nn.ReLU) for module in NET)
catches(lambda count: count == RUN, right=RUN, wrong=FOUND6["conv3"][1])
followed = deconv.project_each(FUNCTIONAL, INPUT, layer="layers.conv3", maps=MAPS["conv3"]).cpu().numpy()
assert np.allclose(followed, RIGHT["conv3"], atol=1e-4 * np.abs(followed).max())
Markdown(f"{FOUND6['conv3'][1]} of {RUN} ReLUs were rewritten; the cosine to the plain gradient is {SAME:.4f}. {reading(6)}")

# %% [markdown]
# ## 7. Nine places in one image
#
# The nine largest activations of a map are often neighbours in one picture. Then the "top nine" show one example several times, and the map looks more specific than it is. Below is the map in which the nine places come from the fewest
# images, among those that are active in nine: compare the two blocks.

# %%
NINE_LAYER = "conv3"
ALL = [
    activations.of(NET, top_nine.centre_crops(PICTURES, SIZE, VAL[start : start + 128], DEVICE), [NINE_LAYER])[NINE_LAYER].cpu()
    for start in range(0, min(len(VAL), 512), 128)
]
VALUES = torch.cat(ALL)  # (n, maps, h, w), of at most 512 images
FLAT = VALUES.permute(1, 0, 2, 3).flatten(1)  # (maps, n * h * w)
PLACES = FLAT.topk(9, 1).indices // (VALUES.shape[2] * VALUES.shape[3])
DISTINCT = np.array([len(set(line.tolist())) for line in PLACES])
note_number(
    7, "nine places instead of nine images", f"images among the nine, mean over the maps of {NINE_LAYER}", DISTINCT.mean(), len(DISTINCT)
)
TOP_NINE = topk.scan(NET, top_nine.centre_crops(PICTURES, SIZE, VAL[: len(VALUES)], DEVICE), layers=[NINE_LAYER])[NINE_LAYER]
WORST = int(np.where(TOP_NINE.alive.all(1), DISTINCT, 10).argmin())

# %%
CROP = (PICTURES.facts["size"] - SIZE) // 2


def tiles(rows: list[int]) -> np.ndarray:
    """Centre crops of val images."""
    return np.stack([np.asarray(PICTURES.images[VAL[row], CROP : CROP + SIZE, CROP : CROP + SIZE]) for row in rows])


plot.pages(
    [
        [
            plot.nine_page(f"{NINE_LAYER}, map {WORST}: nine places", tiles(PLACES[WORST].tolist())[None], columns=1),
            plot.nine_page("nine images", tiles(np.where(TOP_NINE.alive, TOP_NINE.indices, 0)[WORST].tolist())[None], columns=1),
        ]
    ],
    title="7. The nine strongest activations, with and without the rule",
    width=7,
)

# %% tags=["plumbing"]
catches(
    lambda indices: len(set(indices)) == 9 or topk.NOBODY in indices,
    right=TOP_NINE.indices[WORST].tolist(),
    wrong=PLACES[WORST].tolist() if DISTINCT[WORST] < 9 else [0] * 9,
)
Markdown(
    f"On average there are {DISTINCT.mean():.1f} different images among the nine places; in {(DISTINCT < 9).mean():.0%} of the maps some image comes more than once. For map {WORST} only {DISTINCT[WORST]} are left. "
    f"The nine different images of the same map belong to {len(set(PICTURES.labels[VAL[TOP_NINE.indices[WORST][TOP_NINE.alive[WORST]]]].tolist()))} classes, the nine places to {len(set(PICTURES.labels[VAL[PLACES[WORST].numpy()]].tolist()))}: that is what a reader would take for specificity. "
    "The paper does not say which of the two it shows."
)

# %% [markdown]
# ## 8. Every tile stretched on its own
#
# Minimum to black, maximum to white: the zero level becomes another grey in every tile, and a faint projection looks as strong as a bright one. Casting signed values to bytes
# without a limit is worse: they wrap around, from white to black. Compare the background of the tiles along each row.


# %%
def stretched(pixels: np.ndarray) -> np.ndarray:
    """Minimum to 0, maximum to 255."""
    low, high = pixels.min(), pixels.max()
    return np.moveaxis(np.rint(255 * (pixels - low) / max(high - low, 1e-30)).astype(np.uint8), 0, -1)


def wrapped(pixels: np.ndarray) -> np.ndarray:
    """Shifted by 128 and cast, without a limit."""
    scale = top_nine.display_scale(RIGHT["conv3"])
    return np.moveaxis((pixels / scale * 127 + 128).astype(np.int64).astype(np.uint8), 0, -1)


# %% [markdown]
# Six of the images, evenly spaced in the list, in three ways; and the grey that zero gets when each is stretched on its own.

# %%
SOME = np.linspace(0, len(ROWS) - 1, 6).astype(int)
TOGETHER = top_nine.display_scale(RIGHT["conv3"][SOME])
ways = {
    "one scale, zero at grey 128": lambda pixels: crops.to_display(pixels, scale=TOGETHER),
    "each stretched": stretched,
    "cast to bytes": wrapped,
}
strips = np.stack([np.stack([way(RIGHT["conv3"][n]) for n in SOME]) for way in ways.values()])
ZEROS = np.array(
    [
        stretched(one)[0, 0, 0] if not one[:, 0, 0].any() else round(float(-255 * one.min() / max(np.ptp(one), 1e-30)))
        for one in RIGHT["conv3"]
    ]
)
note_number(8, "each tile stretched on its own", "grey of zero: std over the tiles (of 255)", ZEROS.std(), len(ZEROS))
plot.pictures(
    strips.reshape(-1, *strips.shape[2:]),
    [caption for caption in ways for _ in SOME],
    columns=len(SOME),
    cell=1.7,
    title="8. Six projections, three ways to show them",
)


# %%
def zero_is_one_grey(show: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Zero becomes the same grey, whatever else is in the tile."""
    one, other = np.zeros((3, 4, 4)), np.zeros((3, 4, 4))
    one[0, 1, 1], other[1, 2, 2] = 5, -3
    return show(one)[0, 0, 0] == show(other)[0, 0, 0] == 128


catches(zero_is_one_grey, right=lambda pixels: crops.to_display(pixels, scale=1.0), wrong=stretched)
PEAKS = np.abs(RIGHT["conv3"]).max((1, 2, 3))
FAINTEST, STRONGEST = (PICTURES.classes[PICTURES.labels[ROWS[int(n)]]] for n in (PEAKS.argmin(), PEAKS.argmax()))
Markdown(
    f"Stretched on their own, zero lies anywhere from grey {ZEROS.min()} to {ZEROS.max()}, over all {len(ZEROS)} images. The strongest projection (in an image of the class {STRONGEST}) is {PEAKS.max() / max(PEAKS.min(), 1e-30):.1f} times as strong as the faintest "
    f"({FAINTEST}); stretched, both span black to white. The test gives two made-up tiles and asks whether zero has one grey in both."
)

# %% [markdown]
# ## Which one is wrong?
#
# The exhibits named the mistakes. Here they come unnamed and mixed, on other images: of each pair one picture is right. Look for what cannot be: signal far from where the unit looks, no zero level, one sign alone, an image that comes again.
# Some mistakes show at once, others not at all; that is why each exhibit has a test. **Try**: choose A or B, and the answer opens. Then press *blink*, and both appear in one place in turn: what moves is the mistake.

# %%
SHOWN_WRONG = {1: WRONG1, 2: WRONG2, 3: WRONG3, 4: WRONG4, 5: WRONG5, 6: SCALED6}
TITLES = {one["mistake"]: f"mistake {one['mistake']}, {one['what']}" for one in EXHIBITS}


def pair(number: int, layer: str, row: int) -> Pair:
    """A mistake on one image, both pictures on the scale of the right one."""
    scale = top_nine.display_scale(RIGHT[layer][row])
    right, wrong = (crops.to_display(pictures[layer][row], scale=scale) for pictures in (RIGHT, SHOWN_WRONG[number]))
    return Pair(right, wrong, f"{TITLES[number]} ({layer})", picture(row))


OTHERS = np.random.default_rng(SEED).permutation(np.delete(np.arange(len(ROWS)), SHOWN))

# %%
PAIRS = [pair(number, layer, row) for (number, layer), row in zip(itertools.product(SHOWN_WRONG, LAYERS), OTHERS, strict=False)]
NINES = [
    drawing.sheet(tiles(some[WORST].tolist()), columns=3, side=SIZE) for some in (np.where(TOP_NINE.alive, TOP_NINE.indices, 0), PLACES)
]
PAIRS.append(Pair(*NINES, f"{TITLES[7]} (map {WORST} of {NINE_LAYER})"))
EITHER = (ways["one scale, zero at grey 128"], stretched)
PAIRS.append(Pair(*(way(RIGHT["conv3"][SOME[0]]) for way in EITHER), f"{TITLES[8]} (conv3)", picture(SOME[0])))
QUIZ = WhichIsWrong(PAIRS, title="Which one is wrong?", seed=SEED)
QUIZ.figure([{"pair": number} for number in range(1, 5)], columns=6, cell=1.7)

# %%
QUIZ

# %% tags=["plumbing"]
Markdown("<details><summary>The answers</summary>\n\n" + "\n".join(f"- {line}" for line in QUIZ.answers()) + "\n\n</details>")

# %% [markdown]
# ## The damage, side by side
#
# The cosines of all exhibits that have one; a cosine of 1 means the same picture up to its brightness. Exhibits 7 and 8 are not in the chart: they leave the projections alone and spoil what one chooses or how one shows it. Which mistake would you
# have seen? And is it the layer nearer to the pixels that suffers less?

# %%
MUSEUM = pd.DataFrame(EXHIBITS)
museum_figure = plot.bars(
    MUSEUM[MUSEUM["measure"].str.startswith("cosine to the right")].assign(layer=lambda table: table["measure"].str[-5:]),
    x="value",
    y="what",
    hue="layer",
    xlabel="cosine between the wrong projection and the right one",
    title="What each mistake does",
)
results.save(
    "bug_museum",
    profile=PROFILE,
    seed=seed,
    seconds=time.monotonic() - START,
    figure=museum_figure,
    table=MUSEUM,
    data=PICTURES,
    facts={"net": TRAINED.folder.name},
)
museum_figure

# %% tags=["plumbing"]
COSINES = MUSEUM[MUSEUM["measure"].str.startswith("cosine to the right")].assign(layer=lambda table: table["measure"].str[-5:])
BY_MISTAKE = COSINES.pivot(index="mistake", columns="layer", values="value")
MISTAKES = dict(zip(MUSEUM["mistake"], MUSEUM["what"], strict=True))


def extremes(layer: str) -> str:
    """The worst and the most harmless mistake at a layer."""
    values = BY_MISTAKE[layer]
    worst, harmless = int(values.idxmin()), int(values.idxmax())
    return f"In {layer} the worst is exhibit {worst}, *{MISTAKES[worst]}* ({values[worst]:.2f}); the most harmless exhibit {harmless}, *{MISTAKES[harmless]}* ({values[harmless]:.2f})."


DEEPER = int((BY_MISTAKE["conv5"] < BY_MISTAKE["conv3"]).sum())
CLEARLY = int((BY_MISTAKE["conv5"] < BY_MISTAKE["conv3"] - 0.1).sum())
Markdown(
    f"{extremes('conv3')} {extremes('conv5')} {DEEPER} of the {len(BY_MISTAKE)} mistakes do more damage in layer 5 than in layer 3. A possible reason, not tested: its signal passes more steps on the way down, and most mistakes act at each of them."
)

# %% [markdown]
# All numbers, in the order of the exhibits. Where a row has an interval it is a 95 % interval over images.

# %%
assert MUSEUM["mistake"].is_monotonic_increasing and sorted(MISTAKES) == list(range(1, 9)), "eight exhibits, in the order of the text"
tables.neat(MUSEUM, 3)

# %% tags=["plumbing"]
LOUD = sorted(number for number in BY_MISTAKE.index if BY_MISTAKE.loc[number].min() < 0.5)
QUIET = sorted(number for number in BY_MISTAKE.index if BY_MISTAKE.loc[number].min() >= 0.8)
Markdown(
    f"Exhibits with a cosine below .5 in some layer: {', '.join(map(str, LOUD)) or 'none'}. Exhibits that keep at least .8 in both (a cosine does not see how bright a picture is, nor a slight tint): {', '.join(map(str, QUIET)) or 'none'}. "
    f"The tests of this chapter caught all eight: each passed what is right and failed what is wrong, else the page would have stopped."
)

# %% [markdown]
# ## Compared with the paper
#
# There is no number to compare: the paper reports none of these mistakes, and for some of them it does not say what it did. Its text rules some of them out. It rectifies the signal on the way down (exhibit 4), and a footnote of the conference version names the gradient's mask, a relative of
# exhibits 3 and 6, as an alternative that was tried and was much less clear. On others it is silent: it does not say what becomes of values that share a switch (1), whether the nine of figure 2 may come from one image (7), or how projections are
# scaled (8).
#
# ## What we learned

# %% tags=["plumbing"]
HARDEST = max(MISTAKES, key=lambda number: BY_MISTAKE.loc[number].min() if number in BY_MISTAKE.index else -1)
LOWEST_KEPT = BY_MISTAKE.min(axis=1)
AS_HARD = [MISTAKES[number] for number in LOWEST_KEPT.index if number != HARDEST and LOWEST_KEPT[number] > LOWEST_KEPT[HARDEST] - 0.01]
NEXT_HARDEST = f", and so, within .01, does *{'*, *'.join(AS_HARD)}*" if AS_HARD else ", more than any other"
Markdown(
    f"- A wrong projection can look right: *{MISTAKES[HARDEST]}* (exhibit {HARDEST}) keeps a cosine of at least {BY_MISTAKE.loc[HARDEST].min():.2f} in both layers{NEXT_HARDEST}.\n"
    f"- Depth matters for the damage: {DEEPER} of {len(BY_MISTAKE)} mistakes are worse in layer 5 than in layer 3, {CLEARLY} of them by more than .1 of cosine: check a deep layer too.\n"
    f"- Some mistakes leave every projection as it is: choosing nine places instead of nine images shows {DISTINCT.mean():.1f} images a map instead of 9, and stretching each tile moves zero by a standard deviation of {ZEROS.std():.0f} greys."
)

# %% [markdown]
# ## Where we differ
#
# - The damage depends on the net and the pictures; the numbers above are those of this profile.
# - **Assumption**: one unit an image, the strongest of its layer; units that answer weakly suffer more.
#
# ## Exercises
#
# **1. Predict.** The windows of the paper's pools are 3x3 and move by 2. How many windows can share one switch at most?
#
# <details><summary>Hint</summary>
#
# Along a single row, in how many windows can one pixel lie? Then take rows and columns together.
#
# </details>

# %% tags=["solution"]
WINDOWS_THAT_SHARE = 4

# %% tags=["check"]
with exercises.check(WINDOWS_THAT_SHARE):
    COUNTS = []
    for place in range(81):
        PEAK = torch.zeros(81).index_fill_(0, torch.tensor([place]), 1.0).view(1, 1, 9, 9)
        COUNTS.append(int(F.max_pool2d(PEAK, 3, 2).sum()))  # windows whose maximum is the one pixel
    assert WINDOWS_THAT_SHARE == max(COUNTS), "put one bright pixel into an empty map and pool it: in how many windows is it the maximum?"

# %% [markdown]
# **2. Read a figure.** A friend shows you projections. In the first (A) the background has another grey in each tile. In the second (B) nothing is darker than the background. In the third (C) there is a faint haze in the corners, far from what the
# unit can see. Which exhibits are these? Give their three numbers.
#
# <details><summary>Hint</summary>
#
# Ask of each mistake what it does to a pixel that should be exactly zero, and to one that should be negative.
#
# </details>

# %% tags=["solution"]
SYMPTOMS = (8, 5, 2)

# %% tags=["check"]
with exercises.check(SYMPTOMS):
    SIGNED = [
        torch.tensor([0.0, 0.0, -1.0, 2.0]),
        torch.tensor([0.0, 0.0, -1.0, 5.0]),
    ]  # two tiles; the first two pixels lie outside the field
    DONE = {
        2: lambda tile: tile + 0.01,
        5: lambda tile: tile.clamp(min=0),
        8: lambda tile: (tile - tile.min()) / (tile.max() - tile.min()),
    }
    TILES = {number: [mistake(tile) for tile in SIGNED] for number, mistake in DONE.items()}
    HAZE, ONE_SIGN, GREYS = (
        {number for number, (one, other) in TILES.items() if test(one, other)}
        for test in (
            lambda one, other: one[0] == other[0] != 0 and one[2] < one[0],
            lambda one, other: one.min() >= one[0],
            lambda one, other: one[0] != other[0],
        )
    )
    assert len(SYMPTOMS) == 3, "three numbers, for A, B and C"
    assert SYMPTOMS[0] in GREYS, "A: which mistake depends on the brightest and the darkest pixel of each tile?"
    assert SYMPTOMS[1] in ONE_SIGN, "B: which mistake takes one sign away?"
    assert SYMPTOMS[2] in HAZE, "C: which mistake gives every pixel the same small value, also where nothing arrives?"

# %% [markdown]
# **3. Write the test.** The test of exhibit 1 asks whether un-pooling keeps the sum. It has a sister that is easier to read when it fails: a signal with a single value must come out with a single value. Write it. `step` is a function of signal, switches
# and size, as `unpool` is.
#
# <details><summary>Hint</summary>
#
# Loop over all places of the pooled map, put a 1 there and nothing else, and look at what comes out.
#
# </details>


# %% tags=["solution"]
def keeps_a_single_value(step: Callable, switches: torch.Tensor, size: tuple[int, int]) -> bool:
    """Whether un-pooling turns every one-hot signal into a one-hot signal."""
    for place in range(switches[0, 0].numel()):
        one = torch.zeros_like(switches[:1, :1], dtype=torch.float32)
        one.view(-1)[place] = 1.0
        below = step(one, switches[:1, :1], size)
        if int((below != 0).sum()) != 1 or float(below.sum()) != 1.0:
            return False
    return True


# %% tags=["check"]
with exercises.check():
    HILLS = torch.tensor([[[[1.0, 2, 0, 1], [3, 9, 4, 0], [2, 5, 8, 6], [0, 7, 1, 3]]]])
    SWITCHES = F.max_pool2d(HILLS, 3, 2, ceil_mode=True, return_indices=True)[1]
    APART = torch.tensor([[[[0, 2], [8, 10]]]])  # no two windows share a switch

    def overwritten(signal, switches, size):
        return nn.MaxUnpool2d(3, 2)(signal, switches, output_size=size)

    assert keeps_a_single_value(unpool, SWITCHES, (4, 4)) is True, "adding keeps a single value: the test should pass it"
    assert keeps_a_single_value(overwritten, SWITCHES, (4, 4)) is False, (
        "where two windows share a switch, overwriting loses one of two values: try every place"
    )
    assert keeps_a_single_value(overwritten, APART, (4, 4)) is True, "where no switch is shared, overwriting is right too"
    assert keeps_a_single_value(lambda *given: 2 * unpool(*given), SWITCHES, (4, 4)) is False, "a step that doubles the signal should fail"
    assert keeps_a_single_value(lambda *given: unpool(*given) + 0.1, SWITCHES, (4, 4)) is False, (
        "a step that adds something everywhere should fail"
    )
    SMEARED = keeps_a_single_value(lambda *given: (unpool(*given) + unpool(*given).roll(1, 3)) / 2, SWITCHES, (4, 4))
    assert SMEARED is False, "a step that smears a value over two pixels keeps the sum, but not a single value"

# %% [markdown]
# **4. Change it and explain.** Exhibit 3 puts one mask too many, exhibit 6 the wrong one. Write the ReLU step of the plain gradient, for a signal and what entered the ReLU on the way up. Then show that guided backpropagation is the gradient's step and
# the deconvnet's one after the other. Does the order matter?
#
# <details><summary>Hint</summary>
#
# The derivative of a ReLU is 1 where its input is positive and 0 elsewhere. It does not look at the sign of the signal.
#
# </details>


# %% tags=["solution"]
def gradient_step(signal: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
    """The signal where the unit was active on the way up, 0 elsewhere."""
    return signal * (entered > 0)


# %% tags=["check"]
with exercises.check():
    SIGNAL = torch.tensor([2.0, -3.0, 4.0, -5.0])
    ENTERED = torch.tensor([1.0, 1.0, -1.0, -1.0], requires_grad=True)
    TRUE_GRADIENT = torch.autograd.grad(F.relu(ENTERED), ENTERED, SIGNAL)[0]
    assert torch.equal(gradient_step(SIGNAL, ENTERED.detach()), TRUE_GRADIENT), "autograd finds another gradient of this ReLU"
    BOTH = gradient_step(SIGNAL, ENTERED.detach()).clamp(min=0)
    assert torch.equal(BOTH, torch.tensor([2.0, 0.0, 0.0, 0.0])), "followed by the deconvnet's ReLU it should be guided backpropagation"

# %% [markdown]
# <details><summary>Answer</summary>
#
# The order does not matter: one factor depends on the sign of the signal, the other on the sign of what entered, and multiplying by 0 or 1 commutes. At each ReLU guided backpropagation lets through only what *both* let pass. The picture need not be weaker for it: negative parts that cancelled others are gone. In exhibit 6 no
# ReLU was rewritten, so each did what autograd does: the step above.
#
# </details>
#
# **5.** **Open.** Nie, Zhang and Patel (*A theoretical explanation for perplexing behaviors of backpropagation-based visualizations*, ICML 2018) argue that guided backpropagation and the deconvnet partly recover the *image* rather than explain the decision.
# Which exhibits would you expect to change that, and which not? Find a ninth mistake in a reproduction of your choice, and write its picture, its damage and its test.
#
# %% [markdown]
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
