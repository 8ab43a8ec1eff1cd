"""A net and its deconvnet as two ONNX graphs over one file of weights, for runtimes without torch, such as a browser's."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from zfutils.attribution.deconvnet import Ascent, Deconvnet
from zfutils.core import paths
from zfutils.models.local_response_norm import LocalResponseNorm

IMAGES, LOGITS, PIXELS = "images", "logits", "pixels"  # what goes up and comes out, and what comes down
RULES = ("rectified", "masked", "derived")  # as in `attribution.rules.Rules`, bool scalars
UP, DOWN, WEIGHTS = "up.onnx", "down.onnx", "weights.bin"
_OPSET = 18  # the first whose scatter adds in all runtimes that are meant
_IR = 9


@dataclass(frozen=True)
class Graphs:
    """A net and its deconvnet.

    Attributes:
        up: from `images` (n, channels, h, w) to `logits`, to the outputs of `layers` and to all of `kept`.
        down: for one picture: from one signal a layer, `<layer>.signal`, those of `kept` and the rules to `pixels` (1, channels, h, w).
        weights: what both read, each once; in half precision where that holds them exactly.
        layers: shape of each layer whose units can be brought down, without the batch: what left a ReLU, and the last layer.
        kept: what the way down needs of the way up: outputs of ReLUs, what entered norms, switches (`<pool>.switches`).
    """

    up: onnx.ModelProto
    down: onnx.ModelProto
    weights: bytes
    layers: dict[str, tuple[int, ...]]
    kept: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write both graphs and the weights into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in ((UP, self.up.SerializeToString()), (DOWN, self.down.SerializeToString()), (WEIGHTS, self.weights)):
            with paths.whole(folder / name) as fresh:
                fresh.write_bytes(data)


def export(net: nn.Sequential, size: int, *, channels: int = 3) -> Graphs:
    """Write a net and its deconvnet down as graphs.

    *Paper:* section 2.1. The way down starts at any layer: signals of all layers are summed on their way, and all but one are zero. Rules
    are inputs, so that one graph serves the deconvnet, the gradient, guided backpropagation and the linear way; pools use switches.

    Args:
        net: a sequence of layers that `Deconvnet` knows, in evaluation mode.
        size: side of its input, pixels.
        channels: of its input.

    Raises:
        Problem: as `Deconvnet`.
    """
    ascent = Deconvnet(net).up(torch.zeros(1, channels, size, size, device=next(net.parameters()).device))
    weights = _Weights()
    up, down = _Graph(weights), _Graph(weights)
    below, names = IMAGES, [name for name, _ in net.named_children()]
    norms = set()
    for name, layer in net.named_children():
        if isinstance(layer, LocalResponseNorm):
            norms.add(below)
        below = _UP[type(layer)](up, layer, name, below)
    up.node("Identity", below, to=LOGITS)
    relus = [name for name in names if isinstance(net.get_submodule(name), nn.ReLU)]
    layers = {name: tuple(ascent.outputs[name].shape[1:]) for name in (*relus, names[-1])}
    switches = [f"{name}.switches" for name in ascent.switches]
    kept = tuple(dict.fromkeys([*relus, *sorted(norms), *switches]))
    signal = f"{names[-1]}.signal"
    for name in reversed(names):
        if name in relus:
            signal = down.node("Add", signal, f"{name}.signal")
        signal = _DOWN[type(net.get_submodule(name))](down, net.get_submodule(name), name, signal, ascent)
    down.node("Identity", signal, to=PIXELS)
    shapes = {**ascent.outputs, **{f"{name}.switches": of for name, of in ascent.switches.items()}}
    values = {name: (_type(name), tuple(shapes[name].shape[1:])) for name in (*kept, *layers)}
    images = {IMAGES: (TensorProto.FLOAT, (channels, size, size))}
    signals = {f"{name}.signal": (TensorProto.FLOAT, shape) for name, shape in layers.items()}
    logits = {LOGITS: (TensorProto.FLOAT, layers[names[-1]])}
    return Graphs(
        up.model("up", _values(images, "n"), _values({**logits, **values}, "n")),
        down.model(
            "down",
            [*_values({**{name: values[name] for name in kept}, **signals}, 1), *_flags()],
            _values({PIXELS: images[IMAGES]}, 1),
        ),
        bytes(weights.data),
        layers,
        kept,
    )


@dataclass
class _Weights:
    """One file of numbers, each put in once, under its name."""

    data: bytearray = field(default_factory=bytearray)
    known: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def put(self, name: str, values: np.ndarray) -> onnx.TensorProto:
        """A tensor that points into the file."""
        if name not in self.known:
            self.data += b"\0" * (-len(self.data) % 8)
            tensor = TensorProto(name=name, data_type=helper.np_dtype_to_tensor_dtype(values.dtype), dims=values.shape)
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", WEIGHTS), ("offset", len(self.data)), ("length", values.nbytes)):
                tensor.external_data.add(key=key, value=str(value))
            self.data += values.tobytes()
            self.known[name] = tensor
        return self.known[name]


class _Graph:
    """Nodes in the making; each value has a name."""

    def __init__(self, weights: _Weights):
        self.weights, self.nodes, self.initial = weights, [], {}

    def node(self, kind: str, *inputs: str, to: str | None = None, also: tuple[str, ...] = (), **attributes: object) -> str:
        """Put a node in; its first output has the name `to`, or any. Returns that name."""
        to = to or f"{kind}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [to, *also], **attributes))
        return to

    def weight(self, name: str, values: Tensor) -> str:
        """A weight in float32; the file holds it in half precision where that is exact, which runtimes undo once, on loading."""
        values = values.detach().cpu().float().contiguous()
        halved = values.half()
        if torch.equal(halved.float(), values):
            self.initial[name] = self.weights.put(name, halved.numpy())
            return self.cast(name)
        self.initial[f"{name}.single"] = self.weights.put(f"{name}.single", values.numpy())
        return f"{name}.single"

    def cast(self, name: str) -> str:
        """A half-precision weight as float32; one node for all that read it."""
        wide = f"{name}.wide"
        if all(wide not in node.output for node in self.nodes):
            self.nodes.append(helper.make_node("Cast", [name], [wide], to=TensorProto.FLOAT))
        return wide

    def constant(self, values: object, dtype: type = np.float32) -> str:
        """A small constant in the graph itself."""
        name = f"constant.{len(self.initial)}"
        self.initial[name] = onnx.numpy_helper.from_array(np.asarray(values, dtype), name)
        return name

    def model(self, name: str, inputs: list, outputs: list) -> onnx.ModelProto:
        """The whole graph."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, list(self.initial.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR, producer_name="zfutils")


def _type(name: str) -> int:
    return TensorProto.INT64 if name.endswith(".switches") else TensorProto.FLOAT


def _values(known: dict[str, tuple[int, tuple[int, ...]]], n: int | str) -> list:
    """Inputs or outputs of a graph, with their batch."""
    return [helper.make_tensor_value_info(name, kind, [n, *shape]) for name, (kind, shape) in known.items()]


def _flags() -> list:
    return [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in RULES]


def _conv_up(graph: _Graph, layer: nn.Conv2d, name: str, below: str) -> str:
    parts = [graph.weight(f"{name}.weight", layer.weight)]
    parts += [] if layer.bias is None else [graph.weight(f"{name}.bias", layer.bias)]
    return graph.node("Conv", below, *parts, to=name, **_windows(layer))


def _relu_up(graph: _Graph, layer: nn.ReLU, name: str, below: str) -> str:
    return graph.node("Relu", below, to=name)


def _pool_up(graph: _Graph, layer: nn.MaxPool2d, name: str, below: str) -> str:
    """The second output holds the switches: flat positions in all of the pool's input."""
    sizes = {key: _pair(getattr(layer, key)) for key in ("kernel_size", "stride", "padding", "dilation")}
    return graph.node(
        "MaxPool",
        below,
        to=name,
        also=(f"{name}.switches",),
        kernel_shape=sizes["kernel_size"],
        strides=sizes["stride"],
        pads=sizes["padding"] * 2,
        dilations=sizes["dilation"],
        ceil_mode=int(layer.ceil_mode),
    )


def _norm_up(graph: _Graph, layer: LocalResponseNorm, name: str, below: str) -> str:
    return graph.node("Mul", below, graph.node("Pow", _energy(graph, layer, name, below), graph.constant(-layer.beta)), to=name)


def _batch_norm_up(graph: _Graph, layer: nn.BatchNorm2d, name: str, below: str) -> str:
    scaled = graph.node("Mul", below, graph.weight(f"{name}.scale", _scale(layer)))
    shift = layer.bias[:, None, None] - layer.running_mean[:, None, None] * _scale(layer)
    return graph.node("Add", scaled, graph.weight(f"{name}.shift", shift), to=name)


def _flatten_up(graph: _Graph, layer: nn.Flatten, name: str, below: str) -> str:
    return graph.node("Flatten", below, to=name)


def _linear_up(graph: _Graph, layer: nn.Linear, name: str, below: str) -> str:
    parts = (graph.weight(f"{name}.weight", layer.weight), graph.weight(f"{name}.bias", layer.bias))
    return graph.node("Gemm", below, *parts, to=name, transB=1)


def _dropout_up(graph: _Graph, layer: nn.Dropout, name: str, below: str) -> str:
    return below


def _conv_down(graph: _Graph, layer: nn.Conv2d, name: str, signal: str, ascent: Ascent) -> str:
    """Filter: the same filters, transposed; no bias."""
    sides = zip(ascent.inputs[name].shape[2:], ascent.outputs[name].shape[2:], layer.kernel_size, layer.stride, layer.padding, strict=True)
    rest = [below + 2 * padding - kernel - (above - 1) * stride for below, above, kernel, stride, padding in sides]  # reached by no filter
    weight = graph.weight(f"{name}.weight", layer.weight)
    return graph.node("ConvTranspose", signal, weight, output_padding=rest, **_windows(layer))


def _relu_down(graph: _Graph, layer: nn.ReLU, name: str, signal: str, ascent: Ascent) -> str:
    """Rectify as the rules say: `Rules.through_relu`."""
    rectified = graph.node("Where", "rectified", graph.node("Relu", signal), signal)
    zero = graph.constant(0)
    passes = graph.node("Or", graph.node("Greater", name, zero), graph.node("Not", "masked"))  # f > 0 where what left the ReLU is
    return graph.node("Where", passes, rectified, zero)


def _pool_down(graph: _Graph, layer: nn.MaxPool2d, name: str, signal: str, ascent: Ascent) -> str:
    """Un-pool: put every value where the maximum was; values that share a switch are added."""
    flat, shape = graph.constant([-1], np.int64), ascent.inputs[name].shape
    empty = graph.node("ConstantOfShape", graph.constant([shape.numel()], np.int64))
    positions, values = graph.node("Reshape", f"{name}.switches", flat), graph.node("Reshape", signal, flat)
    placed = graph.node("ScatterElements", empty, positions, values, axis=0, reduction="add")
    return graph.node("Reshape", placed, graph.constant(list(shape), np.int64))


def _norm_down(graph: _Graph, layer: LocalResponseNorm, name: str, signal: str, ascent: Ascent) -> str:
    """The derivative where the rules ask for it (`deconvnet.norm_down`), else nothing."""
    names = list(ascent.inputs)
    x = names[names.index(name) - 1]
    energy, band = _energy(graph, layer, name, x), graph.weight(f"{name}.band", layer.band)
    weighted = graph.node("Mul", graph.node("Mul", signal, x), graph.node("Pow", energy, graph.constant(-layer.beta - 1)))
    near = graph.node("Mul", graph.node("Mul", x, graph.constant(2 * layer.beta)), graph.node("Conv", weighted, band))
    direct = graph.node("Mul", signal, graph.node("Pow", energy, graph.constant(-layer.beta)))
    return graph.node("Where", "derived", graph.node("Sub", direct, near), signal)


def _batch_norm_down(graph: _Graph, layer: nn.BatchNorm2d, name: str, signal: str, ascent: Ascent) -> str:
    """As if folded into its convolution: the filters are scaled, the shift is a bias."""
    return graph.node("Mul", signal, graph.weight(f"{name}.scale", _scale(layer)))


def _flatten_down(graph: _Graph, layer: nn.Flatten, name: str, signal: str, ascent: Ascent) -> str:
    return graph.node("Reshape", signal, graph.constant(list(ascent.inputs[name].shape), np.int64))


def _linear_down(graph: _Graph, layer: nn.Linear, name: str, signal: str, ascent: Ascent) -> str:
    return graph.node("MatMul", signal, graph.weight(f"{name}.weight", layer.weight))


def _dropout_down(graph: _Graph, layer: nn.Dropout, name: str, signal: str, ascent: Ascent) -> str:
    return signal


def _energy(graph: _Graph, layer: LocalResponseNorm, name: str, x: str) -> str:
    """k + alpha * sum of x^2 over near maps."""
    band = graph.weight(f"{name}.band", layer.band)
    return graph.node("Conv", graph.node("Mul", x, x), band, graph.weight(f"{name}.offset", layer.offset))


def _scale(layer: nn.BatchNorm2d) -> Tensor:
    """What a batch norm multiplies every map by, (maps, 1, 1)."""
    return (layer.weight / (layer.running_var + layer.eps).sqrt())[:, None, None]


def _windows(layer: nn.Conv2d) -> dict[str, object]:
    sizes = {"kernel_shape": list(layer.kernel_size), "strides": list(layer.stride), "pads": list(layer.padding) * 2}
    return {**sizes, "dilations": list(layer.dilation), "group": layer.groups}


def _pair(size: int | tuple[int, int]) -> list[int]:
    return [size, size] if isinstance(size, int) else list(size)


_UP = {
    nn.Conv2d: _conv_up,
    nn.ReLU: _relu_up,
    nn.MaxPool2d: _pool_up,
    LocalResponseNorm: _norm_up,
    nn.BatchNorm2d: _batch_norm_up,
    nn.Flatten: _flatten_up,
    nn.Linear: _linear_up,
    nn.Dropout: _dropout_up,
}
_DOWN = {
    nn.Conv2d: _conv_down,
    nn.ReLU: _relu_down,
    nn.MaxPool2d: _pool_down,
    LocalResponseNorm: _norm_down,
    nn.BatchNorm2d: _batch_norm_down,
    nn.Flatten: _flatten_down,
    nn.Linear: _linear_down,
    nn.Dropout: _dropout_down,
}
