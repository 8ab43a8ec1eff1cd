"""The nets: the paper's eight layers and the replication of Krizhevsky et al., at full size or scaled."""

import math
from dataclasses import dataclass, replace

import torch
from torch import nn

from zfutils.core.errors import Problem, unknown
from zfutils.core.profiles import Profile
from zfutils.models.local_response_norm import LocalResponseNorm

INIT_STD = 0.01  # of the initial weights (section 3)


@dataclass(frozen=True)
class Conv:
    """A convolutional layer and what follows it.

    Attributes:
        maps: number of filters.
        kernel, stride, padding: of the square filters, pixels of the layer's input.
        then: what follows, in order, out of `relu`, `pool` (3x3, stride 2, ceil mode), `norm` (contrast norm) and `batch` (batch norm).
        groups: 2 where the filters see only their own half of the maps below.
        bias: initial value of the biases.
    """

    maps: int
    kernel: int
    stride: int = 1
    padding: int = 0
    then: tuple[str, ...] = ("relu",)
    groups: int = 1
    bias: float = 0.0


@dataclass(frozen=True)
class Architecture:
    """A net on paper: all that `build` needs. It has any number of convolutional and of fully connected layers.

    Attributes:
        name: of its family, e.g. `zfnet`.
        convs: the convolutional layers.
        fcs: units of the fully connected layers below the softmax.
        fc_bias: initial value of their biases.
        classes: units of the softmax.
        image_size: side of the input, pixels.
        stds: standard deviation of the initial weights, one number a learned layer; default .01 for each.
        left_out: numbers of the layers that the net does not have; the others keep their names. The last convolution is never left out.
        dropout: share of the units of the hidden fully connected layers that are dropped in training.
    """

    name: str
    convs: tuple[Conv, ...]
    fcs: tuple[int, ...] = (4096, 4096)
    fc_bias: float = 0.0
    classes: int = 1000
    image_size: int = 224
    stds: tuple[float, ...] = ()
    left_out: tuple[int, ...] = ()
    dropout: float = 0.5

    def __post_init__(self):
        if not self.stds:
            object.__setattr__(self, "stds", (INIT_STD,) * len(self.layers))  # the way to set what is frozen
        if len(self.stds) != len(self.layers):
            raise Problem(f"expected {len(self.layers)} stds, one a layer, got {len(self.stds)}; give stds=() for .01 each")

    @property
    def depth(self) -> int:
        """Number of the last convolutional layer: how many there are with those that are left out."""
        depth = len(self.convs)
        for number in sorted(self.left_out):
            depth += number <= depth
        return depth

    @property
    def numbered(self) -> tuple[tuple[int, Conv], ...]:
        """The convolutional layers with their numbers."""
        return tuple(zip((number for number in range(1, self.depth + 1) if number not in self.left_out), self.convs, strict=True))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the learned layers: `conv1 …`, `fc6 …`; the softmax of the paper's nets is `fc8`, also where layers are left out."""
        last = len(self.convs) + len(self.fcs) + len(self.left_out) + 1
        kept = [number for number in range(1, last + 1) if number not in self.left_out]
        return tuple(f"{'conv' if number <= self.depth else 'fc'}{number}" for number in kept)

    def __str__(self) -> str:
        maps = "-".join(str(conv.maps) for conv in self.convs)
        units = "-".join(str(units) for units in (*self.fcs, self.classes))
        first = self.convs[0]
        return f"{self.name} {maps}, {units}, layer 1 {first.kernel}x{first.kernel}/{first.stride}, {self.image_size} px"


_POOL, _NORM = ("relu", "pool"), ("relu", "pool", "norm")

# Figure 3. The paddings are not printed; they are the ones that give the printed sizes.
ZFNET = Architecture(
    "zfnet",
    (
        Conv(96, 7, stride=2, padding=1, then=_NORM),
        Conv(256, 5, stride=2, then=_NORM),
        Conv(384, 3, padding=1),
        Conv(384, 3, padding=1),
        Conv(256, 3, padding=1, then=_POOL),
    ),
)

# Krizhevsky et al. 2012: larger filters and stride in layer 1, norm before pool, layers 2, 4 and 5 split in two halves, biases of 1.
ALEXNET = Architecture(
    "alexnet",
    (
        Conv(96, 11, stride=4, padding=2, then=("relu", "norm", "pool")),
        Conv(256, 5, padding=2, then=("relu", "norm", "pool"), groups=2, bias=1.0),
        Conv(384, 3, padding=1),
        Conv(384, 3, padding=1, groups=2, bias=1.0),
        Conv(256, 3, padding=1, then=_POOL, groups=2, bias=1.0),
    ),
    fc_bias=1.0,
)


def without(architecture: Architecture, *numbers: int) -> Architecture:
    """Leave layers out; the next layer takes what the last kept one gives.

    *Paper:* table 3. How the layers are rewired is not said; this is the natural reading.

    Args:
        architecture: the net at full size.
        numbers: of the layers; of the paper's nets 3, 4, 6 and 7, whose inputs and outputs have one size.

    Example:
        >>> without(ZFNET, 3, 4, 6, 7).layers
        ('conv1', 'conv2', 'conv5', 'fc8')
    """
    return replace(
        architecture,
        convs=tuple(conv for number, conv in architecture.numbered if number not in numbers),
        fcs=tuple(units for number, units in enumerate(architecture.fcs, architecture.depth + 1) if number not in numbers),
        stds=tuple(std for number, std in enumerate(architecture.stds, 1) if number not in numbers),
        left_out=tuple(numbers),
    )


def with_maps(architecture: Architecture, *upper: int) -> Architecture:
    """Give the uppermost convolutional layers, 3, 4 and 5 in tables 2 and 3, other numbers of maps."""
    maps = (*(conv.maps for conv in architecture.convs[: -len(upper)]), *upper)
    return replace(architecture, convs=tuple(replace(conv, maps=n) for conv, n in zip(architecture.convs, maps, strict=True)))


def with_units(architecture: Architecture, units: int) -> Architecture:
    """Give the hidden fully connected layers, 6 and 7 in table 3, another number of units (table 3)."""
    return replace(architecture, fcs=(units,) * len(architecture.fcs))


def scaled(paper: Architecture, *, width: float = 1.0, image_size: int = 224, fc_units: int = 4096, classes: int = 1000) -> Architecture:
    """Scale a net of the paper.

    The std of the initial weights grows with `sqrt(full fan-in / fan-in)`, which keeps the sizes of the paper's signals.

    Args:
        paper: the net at full size.
        width: share of the maps in the convolutional layers, in (0, 1].
        image_size: side of the input, pixels.
        fc_units: units where the paper has 4096; others in proportion.
        classes: number of classes.

    Returns:
        The scaled net.

    Raises:
        Problem: the input is too small for the layers.
    """
    convs = tuple(replace(conv, maps=max(conv.groups, round(conv.maps * width / conv.groups) * conv.groups)) for conv in paper.convs)
    fcs = tuple(max(1, units * fc_units // 4096) for units in paper.fcs)
    small = replace(paper, convs=convs, fcs=fcs, classes=classes, image_size=image_size)
    pairs = zip(fan_ins(paper), fan_ins(small), strict=True)
    return replace(small, stds=tuple(INIT_STD * (full / fan_in) ** 0.5 for full, fan_in in pairs))


def of_profile(profile: Profile, paper: Architecture, classes: int) -> Architecture:
    """A net of the paper at the size of a profile, as `scaled`."""
    return scaled(paper, width=profile.width, image_size=profile.image_size, fc_units=profile.fc_units, classes=classes)


@dataclass(frozen=True)
class Windows:
    """The windows of a convolution or pool along one side.

    Attributes:
        stage: its name, `conv1` or `pool1`.
        below: side of what the windows lie on, without padding, pixels.
        kernel, stride, padding: of the windows, pixels.
        up: whether the last one may hang over the border (ceil mode).
    """

    stage: str
    below: int
    kernel: int
    stride: int
    padding: int = 0
    up: bool = False

    @property
    def side(self) -> int:
        """How many there are, which is the side of the map above; 0 where none fits."""
        room = self.below + 2 * self.padding - self.kernel
        return max(0, (-(-room // self.stride) if self.up else room // self.stride) + 1)

    @property
    def left(self) -> int:
        """Pixels at the far border, padding included, that no window reaches; negative where the last one hangs over by as many."""
        return self.below + 2 * self.padding - self.kernel - self.stride * (self.side - 1)

    def misfit(self) -> str:
        """What does not fit, in a few words; empty where all does."""
        if self.side < 1:
            return f"no window of {self.kernel} fits into {self.below} + 2 x {self.padding} px"
        if self.padding >= self.kernel:
            return "the outermost windows see nothing but padding"
        if self.left:
            return f"the last window hangs over by {-self.left} px" if self.left < 0 else f"{self.left} px at the border in no window"
        return ""


def chain(architecture: Architecture) -> tuple[Windows, ...]:
    """The windows of every convolution and pool in order, up to the first of which none fits."""
    side, found = architecture.image_size, []
    for number, conv in architecture.numbered:
        stages = [(f"conv{number}", conv.kernel, conv.stride, conv.padding, False)]
        stages += [(f"pool{number}", 3, 2, 0, True) for stage in conv.then if stage == "pool"]
        for name, kernel, stride, padding, up in stages:
            found.append(Windows(name, side, kernel, stride, padding, up))
            side = found[-1].side
            if side < 1:
                return tuple(found)
    return tuple(found)


def with_windows(architecture: Architecture, layer: str, *, kernel: int, stride: int, padding: int) -> Architecture:
    """Give the windows of one convolutional layer another size, stride and padding.

    Raises:
        Problem: there is no such layer; a size or stride below 1, a padding below 0.
    """
    names = [f"conv{number}" for number, _ in architecture.numbered]
    if layer not in names:
        raise unknown("layer", layer, names)
    if kernel < 1 or stride < 1 or padding < 0:
        raise Problem(f"expected kernel and stride from 1 and padding from 0, got {kernel}, {stride} and {padding}; take larger ones")
    changed = replace(architecture.convs[names.index(layer)], kernel=kernel, stride=stride, padding=padding)
    convs = (changed if name == layer else conv for name, conv in zip(names, architecture.convs, strict=True))
    return replace(architecture, convs=tuple(convs))


def shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Shape after every stage, without the batch: `{"input": (3, 224, 224), "conv1": (96, 110, 110), …, "fc8": (1000,)}`.

    Raises:
        Problem: the input is too small for the layers.
    """
    stages = chain(architecture)
    sides = {windows.stage: windows.side for windows in stages}
    if not stages[-1].side:
        reason = f"in {stages[-1].stage} {stages[-1].misfit()}"
        raise Problem(
            f"{architecture.image_size} px is too small for {architecture.name}: {reason}; take at least 64 px, or smaller windows"
        )
    side, sizes = architecture.image_size, {"input": (3, architecture.image_size, architecture.image_size)}
    for number, conv in architecture.numbered:
        for stage in ("conv", *conv.then):
            side = sides.get(f"{stage}{number}", side)  # what is no window keeps it
            sizes[f"{stage}{number}"] = (conv.maps, side, side)
    for name, units in zip(architecture.layers[len(architecture.convs) :], (*architecture.fcs, architecture.classes), strict=True):
        sizes[name] = (units,)
    return sizes


def with_std(architecture: Architecture, std: float) -> Architecture:
    """Draw the initial weights from N(0, std) in place of N(0, .01); those of a scaled net stay larger in their proportion.

    Raises:
        Problem: the deviation is not above 0.
    """
    if not std > 0:
        raise Problem(f"expected a deviation above 0, got {std:g}; the paper's is {INIT_STD:g}")
    return replace(architecture, stds=tuple(std / INIT_STD * own for own in architecture.stds))


def fan_ins(architecture: Architecture) -> tuple[int, ...]:
    """Inputs of one unit, for every learned layer in order."""
    sizes = shapes(architecture)
    maps = [3, *(conv.maps for conv in architecture.convs)]
    convs = [below // conv.groups * conv.kernel**2 for below, conv in zip(maps, architecture.convs, strict=False)]
    flat = math.prod([size for size in sizes.values() if len(size) == 3][-1])  # of the uppermost maps
    return (*convs, flat, *architecture.fcs)


def parameters(architecture: Architecture) -> dict[str, int]:
    """Number of parameters, biases included, of every learned layer: `{"conv1": 14208, …}`."""
    units = (*(conv.maps for conv in architecture.convs), *architecture.fcs, architecture.classes)
    counts = zip(architecture.layers, units, fan_ins(architecture), strict=True)
    return {name: unit * (fan_in + 1) for name, unit, fan_in in counts}


def multiply_adds(architecture: Architecture) -> dict[str, int]:
    """Multiplications with addition that one image takes, for every learned layer; norms and pools are left out."""
    sizes = shapes(architecture)
    pairs = zip(architecture.layers, fan_ins(architecture), strict=True)
    return {name: math.prod(sizes[name]) * fan_in for name, fan_in in pairs}


def receptive_fields(architecture: Architecture) -> dict[str, tuple[int, int]]:
    """Side of the receptive field and distance between neighbours, both in input pixels, after every stage that changes them."""
    field, step, fields = 1, 1, {}
    for number, conv in architecture.numbered:
        field, step = field + (conv.kernel - 1) * step, step * conv.stride
        fields[f"conv{number}"] = (field, step)
        if "pool" in conv.then:
            field, step = field + 2 * step, step * 2
            fields[f"pool{number}"] = (field, step)
    return fields


def build(architecture: Architecture, *, generator: torch.Generator) -> nn.Sequential:
    """Make a net with initial weights.

    *Paper:* figure 3 and section 3: weights from N(0, .01), read as zero-mean Gaussian; biases 0 (1 where Krizhevsky et al. have 1).

    Args:
        architecture: the net on paper.
        generator: source of the weights, on the CPU.

    Returns:
        A net with layers by name, `conv1, relu1, pool1, norm1, … flatten, fc6, relu6, drop6, … fc8`. It takes float images
        (n, 3, size, size) in about ±128, mean subtracted, and returns logits (n, classes).
    """
    net = nn.Sequential()
    maps = 3
    for number, conv in architecture.numbered:
        net.add_module(f"conv{number}", nn.Conv2d(maps, conv.maps, conv.kernel, conv.stride, conv.padding, groups=conv.groups))
        for stage in conv.then:
            net.add_module(f"{stage}{number}", _stage(stage, conv.maps))
        maps = conv.maps
    net.add_module("flatten", nn.Flatten())
    *hidden, softmax = architecture.layers[len(architecture.convs) :]
    fans = fan_ins(architecture)[len(architecture.convs) :]
    for name, fan_in, units in zip(hidden, fans, architecture.fcs, strict=False):
        net.add_module(name, nn.Linear(fan_in, units))
        net.add_module(f"relu{name[2:]}", nn.ReLU())
        net.add_module(f"drop{name[2:]}", nn.Dropout(architecture.dropout))
    net.add_module(softmax, nn.Linear(fans[-1], architecture.classes))
    _initialise(net, architecture, generator)
    return net


def _stage(stage: str, maps: int) -> nn.Module:
    """The layer for a word of `Conv.then`."""
    if stage == "norm":
        return LocalResponseNorm(maps)
    if stage == "batch":
        return nn.BatchNorm2d(maps)
    return nn.ReLU() if stage == "relu" else nn.MaxPool2d(3, 2, ceil_mode=True)


@torch.no_grad()
def _initialise(net: nn.Sequential, architecture: Architecture, generator: torch.Generator) -> None:
    """Draw the weights and set the biases."""
    biases = [conv.bias for conv in architecture.convs] + [architecture.fc_bias] * len(architecture.fcs) + [0.0]
    for name, std, bias in zip(architecture.layers, architecture.stds, biases, strict=True):
        layer = net.get_submodule(name)
        layer.weight.normal_(0, std, generator=generator)
        layer.bias.fill_(bias)
