# %% [markdown]
# # Go beyond: the bug museum
#
# Eight mistakes found in public reproductions of this paper. Each gives a picture that looks plausible; so each is shown here beside the right one, with the damage
# it does to our own trained net and the test that catches it.
#
# **You will**
# - make each mistake in a line or two,
# - see how little it shows, and measure how much it does,
# - take home a test for each.
#
# | | |
# | --- | --- |
# | In the paper | section 2.1, figures 2, 4 and 6 |
# | The paper leaves open | nothing that concerns these |
# | Needs | the net `zfnet` of the profile |
# | Takes | half a minute with toys, a minute with photographs |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %%
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
from zfutils.report import plot, results
from zfutils.stats import bootstrap
from zfutils.training import runs
from zfutils.widgets import drawing
from zfutils.widgets.blink import Pair, WhichIsWrong

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
# ## The patients
#
# Val images, drawn by the seed; in each the map of layer 3, and of layer 5, that answers most strongly.

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
# One way down, with every step exchangeable: what the mistakes exchange.


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
# Each exhibit is hung the same way: the image, the right projection and the wrong one, both on the scale of the right one; then the damage, as the cosine between wrong and right over all
# images.

# %%
SHOWN = int(ASCENT.outputs["conv5"].amax((1, 2, 3)).argmax())
EXHIBITS: list[dict] = []


def picture(row: int) -> np.ndarray:
    """One of the images as it is."""
    offset = (PICTURES.facts["size"] - SIZE) // 2
    return np.asarray(PICTURES.images[ROWS[row], offset : offset + SIZE, offset : offset + SIZE])


def hang(number: int, title: str, wrong: dict[str, np.ndarray]) -> None:
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


def note(number: int, title: str, measure: str, value: float, n: int) -> None:
    """Note a damage that is one number."""
    EXHIBITS.append({"mistake": number, "what": title, "measure": measure, "value": float(value), "low": None, "high": None, "n": n})


def wall(title: str, wrong: dict[str, np.ndarray]) -> object:
    """Image, right and wrong pictures of both layers, with one scale a layer."""
    tiles, captions = [picture(SHOWN)], ["image"]
    for layer, pictures in wrong.items():
        scale = top_nine.display_scale(RIGHT[layer][SHOWN])
        tiles += [crops.to_display(RIGHT[layer][SHOWN], scale=scale), crops.to_display(pictures[SHOWN], scale=scale)]
        captions += [f"{layer}: right", f"{layer}: wrong"]
    return plot.pictures(np.stack(tiles), captions, columns=5, cell=1.9, title=title)


def catches(test: Callable[[object], bool], *, right: object, wrong: object) -> None:
    """A test is worth something only if it passes what is right and fails what is wrong."""
    assert test(right) and not test(wrong)


# %% [markdown]
# ## 1. `nn.MaxUnpool2d` on overlapping windows
#
# The library's un-pooling *writes* each value to its switch. Where two windows share a switch, the last one wins, also when it writes a zero - and then the unit that is being shown is gone.


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
hang(1, "MaxUnpool2d on overlapping windows", WRONG1)
for pool, share in LOST.items():
    note(1, "MaxUnpool2d on overlapping windows", f"strongest value erased, share of active maps, {pool}", share, len(ROWS))
wall("1. Overwriting instead of adding", WRONG1)


# %%
def keeps_the_sum(step: Callable) -> bool:
    """Un-pooling loses no signal."""
    signal = torch.rand_like(ASCENT.outputs["pool1"][:1])
    return torch.allclose(
        step(signal, ASCENT.switches["pool1"][:1], tuple(ASCENT.inputs["pool1"].shape[2:])).sum(), signal.sum(), rtol=1e-4
    )


catches(keeps_the_sum, right=unpool, wrong=overwriting)
Markdown("Erased: " + ", ".join(f"{pool} {share:.0%}" for pool, share in LOST.items()) + " of the active maps.")

# %% [markdown]
# ## 2. The bias that came with `ConvTranspose2d`
#
# A new `ConvTranspose2d` brings a small random bias. Copy the filters in, forget the bias, and it paints the whole picture.


# %%
def with_default_bias(layer: nn.Conv2d, signal: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """What a fresh layer would add: uniform in ±1/sqrt(fan-in)."""
    bound = 1 / (layer.out_channels * layer.kernel_size[0] ** 2) ** 0.5
    bias = torch.empty(layer.in_channels).uniform_(-bound, bound, generator=torch.Generator().manual_seed(SEED)).to(signal)
    return filtered(layer, signal, size) + bias[:, None, None]


WRONG2 = {layer: bring_down(layer, conv_step=with_default_bias) for layer in LAYERS}
hang(2, "default bias left in ConvTranspose2d", WRONG2)
TOUCHED = {name: float((np.abs(pictures["conv3"]).sum(1) > 0).mean()) for name, pictures in (("right", RIGHT), ("wrong", WRONG2))}
for name, share in TOUCHED.items():
    note(2, "default bias left in ConvTranspose2d", f"share of the picture touched, conv3, {name}", share, len(ROWS))
wall("2. A random bias on the way down", WRONG2)

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
Markdown(f"A projection of layer 3 touches {TOUCHED['right']:.0%} of the picture; with the bias {TOUCHED['wrong']:.0%}.")

# %% [markdown]
# ## 3. Guided backpropagation sold as the deconvnet
#
# One more mask, from the forward pass. It is a method of its own, and often the prettier one; it is not the paper's.


# %%
def guided(signal: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
    """Rectified, and only where the unit was active."""
    return signal.clamp(min=0) * (entered > 0)


WRONG3 = {layer: bring_down(layer, relu_step=guided) for layer in LAYERS}
hang(3, "guided backpropagation", WRONG3)
wall("3. Guided backpropagation", WRONG3)

# %% [markdown]
# The test is the closed form of a net of one filter, one ReLU, one filter: a signal that comes down through a ReLU that was *off* must pass.


# %%
def passes_a_relu_that_was_off(step: Callable) -> bool:
    """The deconvnet's ReLU does not look at the way up."""
    return step(torch.tensor([2.0, -3.0]), torch.tensor([-1.0, -1.0])).tolist() == [2.0, 0.0]


catches(passes_a_relu_that_was_off, right=rectified, wrong=guided)

# %% [markdown]
# ## 4. No ReLU on the way down
#
# Un-pool and filter only. The negative parts of the signal then travel on and cancel what they should not.


# %%
def unrectified(signal: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
    """Nothing done."""
    return signal


WRONG4 = {layer: bring_down(layer, relu_step=unrectified) for layer in LAYERS}
hang(4, "no ReLU on the way down", WRONG4)
catches(passes_a_relu_that_was_off, right=rectified, wrong=unrectified)
wall("4. Never rectified", WRONG4)

# %% [markdown]
# ## 5. A ReLU on the pixels too
#
# The loop rectifies after every filter, the last one included. Pixels are signed - darker than the mean is as much a finding as brighter - and half of it is thrown away.

# %%
WRONG5 = {layer: np.maximum(RIGHT[layer], 0) for layer in LAYERS}
hang(5, "ReLU on the pixels", WRONG5)
THROWN = float(np.mean([(np.minimum(one, 0) ** 2).sum() / max((one**2).sum(), 1e-30) for one in RIGHT["conv3"]]))
note(5, "ReLU on the pixels", "share of the energy thrown away, conv3", THROWN, len(ROWS))
catches(lambda pictures: (pictures < 0).any(), right=RIGHT["conv3"], wrong=WRONG5["conv3"])
wall("5. Pixels rectified", WRONG5)

# %% [markdown]
# ## 6. A ReLU that the hooks do not see
#
# The usual code hangs a backward hook on every `nn.ReLU`. A net that calls `F.relu` has none: nothing is rewritten, nothing complains, and what comes out is the plain gradient.


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


FUNCTIONAL = Functional(NET).eval()
FOUND6 = {layer: by_hooks(FUNCTIONAL, FUNCTIONAL.layers[layer], MAPS[layer]) for layer in LAYERS}
WRONG6 = {layer: pictures for layer, (pictures, _) in FOUND6.items()}
hang(6, "functional ReLU escapes the hooks", WRONG6)
PLAIN = deconv.project_each(NET, INPUT, layer="conv3", maps=MAPS["conv3"], rules=rules.GRADIENT).cpu().numpy()
SAME = float(similarity.cosine(WRONG6["conv3"], PLAIN).mean())
note(6, "functional ReLU escapes the hooks", "cosine to the plain gradient, conv3", SAME, len(ROWS))
SCALED6 = {layer: as_strong(pictures, RIGHT[layer]) for layer, pictures in WRONG6.items()}
wall("6. Hooks that were never called (brought to the same size)", SCALED6)

# %% [markdown]
# The test counts: as many ReLUs rewritten as were run. `deconv.project` looks at the way down itself and refuses what escaped; this net it follows.

# %%
RUN = sum(isinstance(module, nn.ReLU) for module in NET)
catches(lambda count: count == RUN, right=RUN, wrong=FOUND6["conv3"][1])
followed = deconv.project_each(FUNCTIONAL, INPUT, layer="layers.conv3", maps=MAPS["conv3"]).cpu().numpy()
assert np.allclose(followed, RIGHT["conv3"], atol=1e-4 * np.abs(followed).max())
Markdown(f"{FOUND6['conv3'][1]} of {RUN} ReLUs were rewritten; the cosine to the plain gradient is {SAME:.4f}.")

# %% [markdown]
# ## 7. Nine places in one image
#
# The nine largest activations of a map are often neighbours in one picture. Then the "top nine" show one example nine times, and the map looks more specific than it is.

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
note(7, "nine places instead of nine images", f"images among the nine, mean over the maps of {NINE_LAYER}", DISTINCT.mean(), len(DISTINCT))
TOP_NINE = topk.scan(NET, top_nine.centre_crops(PICTURES, SIZE, VAL[: len(VALUES)], DEVICE), layers=[NINE_LAYER])[NINE_LAYER]
WORST = int(np.where(TOP_NINE.alive.all(1), DISTINCT, 10).argmin())
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

# %%
catches(
    lambda indices: len(set(indices)) == 9 or topk.NOBODY in indices,
    right=TOP_NINE.indices[WORST].tolist(),
    wrong=PLACES[WORST].tolist() if DISTINCT[WORST] < 9 else [0] * 9,
)
Markdown(f"On average {DISTINCT.mean():.1f} different images among the nine; for map {WORST} only {DISTINCT[WORST]}.")

# %% [markdown]
# ## 8. Every tile stretched on its own
#
# Minimum to black, maximum to white: the zero level becomes another grey in every tile, and a faint projection looks as strong as a bright one. Casting signed values to bytes
# is worse: they wrap around.


# %%
def stretched(pixels: np.ndarray) -> np.ndarray:
    """Minimum to 0, maximum to 255."""
    low, high = pixels.min(), pixels.max()
    return np.moveaxis(np.rint(255 * (pixels - low) / max(high - low, 1e-30)).astype(np.uint8), 0, -1)


def wrapped(pixels: np.ndarray) -> np.ndarray:
    """Shifted by 128 and cast, without a limit."""
    scale = top_nine.display_scale(RIGHT["conv3"])
    return np.moveaxis((pixels / scale * 127 + 128).astype(np.int64).astype(np.uint8), 0, -1)


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
note(8, "each tile stretched on its own", "grey of zero: std over the tiles (of 255)", ZEROS.std(), len(ZEROS))
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
Markdown(f"Stretched on their own, zero lies anywhere from grey {ZEROS.min()} to {ZEROS.max()}.")

# %% [markdown]
# ## Which one is wrong?
#
# The walls named the mistakes. Here they come unnamed and mixed, on other images: of each pair one picture is right. Look for what cannot be - signal far from where the unit looks, no zero level, one sign alone, an image nine times - and notice how often there is nothing to find by looking: that is why each exhibit has a test. **Try**: choose A or B; the answer opens. Then press *blink*, and both stand in one place in turn: what moves is the mistake.

# %%
WALLS = {1: WRONG1, 2: WRONG2, 3: WRONG3, 4: WRONG4, 5: WRONG5, 6: SCALED6}
TITLES = {one["mistake"]: f"mistake {one['mistake']}, {one['what']}" for one in EXHIBITS}


def pair(number: int, layer: str, row: int) -> Pair:
    """A mistake on one image, both pictures on the scale of the right one."""
    scale = top_nine.display_scale(RIGHT[layer][row])
    right, wrong = (crops.to_display(pictures[layer][row], scale=scale) for pictures in (RIGHT, WALLS[number]))
    return Pair(right, wrong, f"{TITLES[number]} ({layer})", picture(row))


OTHERS = np.random.default_rng(SEED).permutation(np.delete(np.arange(len(ROWS)), SHOWN))
PAIRS = [pair(number, layer, row) for (number, layer), row in zip(itertools.product(WALLS, LAYERS), OTHERS, strict=False)]
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

# %%
Markdown("<details><summary>The answers</summary>\n\n" + "\n".join(f"- {line}" for line in QUIZ.answers()) + "\n\n</details>")

# %% [markdown]
# ## The damage, side by side
#
# A cosine of 1 means: the same picture up to its brightness.

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

# %%
MUSEUM.round(3)

# %% [markdown]
# ## Compared with the paper
#
# The paper makes none of these mistakes, and warns of one: its footnote in the conference version names the gradient's mask (a relative of exhibits 3 and 6) as an alternative that was tried and
# gave pictures that were much less clear.
#
# ## Where we differ
#
# - The damage depends on the net and the pictures; the numbers above are those of this profile.
# - **Assumption**: one unit an image, the strongest of its layer; units that answer weakly suffer more.
#
# ## Exercises
#
# 1. The sum test of exhibit 1 has a sister: a signal with a single value must come out with a single value. Write it.


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


# %%
SWITCHES = F.max_pool2d(
    torch.tensor([[[[1.0, 2, 0, 1], [3, 9, 4, 0], [2, 5, 8, 6], [0, 7, 1, 3]]]]), 3, 2, ceil_mode=True, return_indices=True
)[1]
assert keeps_a_single_value(unpool, SWITCHES, (4, 4)) and not keeps_a_single_value(lambda *given: overwriting(*given), SWITCHES, (4, 4))

# %% [markdown]
# ## Provenance

# %%
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
