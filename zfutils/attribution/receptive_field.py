"""Receptive fields: which pixels a position in a map looks at, read off the net's own steps."""

from collections import defaultdict
from dataclasses import dataclass

from torch import Tensor, nn

from zfutils.attribution import autograd_graph, deconv
from zfutils.attribution.rules import LINEAR
from zfutils.core.errors import Problem, unknown
from zfutils.models import architectures
from zfutils.models.architectures import Architecture

_EVERYTHING = (0, -(10**6), 10**6)  # step, first and last pixel for position 0: a window that covers any picture


@dataclass(frozen=True)
class Field:
    """Receptive fields of the positions of a layer, along rows and along columns.

    Attributes:
        rows, columns: (step, first, last): position p looks at the pixels `step * p + first` to `step * p + last`, those beyond the border
            being padding.
        image: height and width of the image, pixels.
    """

    rows: tuple[int, int, int]
    columns: tuple[int, int, int]
    image: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the field, pixels, padding included; those of the image where the layer sees all of it by design."""
        sides = zip((self.rows, self.columns), self.image, strict=True)
        return tuple(side if way == _EVERYTHING else way[2] - way[1] + 1 for way, side in sides)

    @property
    def covers(self) -> bool:
        """Whether a field is at least as large as the image, so that locality cannot be seen."""
        return all(size >= side for size, side in zip(self.size, self.image, strict=True))

    def box(self, at: tuple[int, ...]) -> tuple[int, int, int, int]:
        """The field of one position, padding included.

        Args:
            at: row and column in the map; empty for a fully connected layer.

        Returns:
            Top, left, bottom, right in pixels of the input, the last two exclusive; may reach beyond the image.
        """
        if not at or self.rows == _EVERYTHING:
            return 0, 0, *self.image
        (top, bottom), (left, right) = (
            (step * position + first, step * position + last + 1)
            for (step, first, last), position in zip((self.rows, self.columns), at, strict=True)
        )
        return top, left, bottom, right

    def inside(self, at: tuple[int, ...]) -> tuple[int, int, int, int]:
        """The field of one position, cut at the border of the image: top, left, bottom, right."""
        top, left, bottom, right = self.box(at)
        height, width = self.image
        return max(top, 0), max(left, 0), min(bottom, height), min(right, width)

    def beyond(self, at: tuple[int, ...]) -> float:
        """Share of the field of one position that lies beyond the border of the image, in [0, 1]: there it sees padding or nothing."""
        top, left, bottom, right = self.inside(at)
        height, width = self.size
        return 1 - max(0, bottom - top) * max(0, right - left) / (height * width)


def on_paper(architecture: Architecture, stage: str) -> Field:
    """The receptive fields of a convolution or pool, from the sizes of the windows alone.

    Args:
        architecture: the net on paper.
        stage: `conv3` or `pool2`.

    Raises:
        Problem: there is no such stage, or the windows below it do not fit.
    """
    stages, step, first, last = architectures.chain(architecture), 1, 0, 0
    for windows in stages:
        if windows.side < 1:
            raise Problem(f"{stage} sees nothing: in {windows.stage} {windows.misfit()}; take a smaller window or more padding")
        first, last = first - windows.padding * step, last + (windows.kernel - 1 - windows.padding) * step
        step *= windows.stride
        if windows.stage == stage:
            return Field((step, first, last), (step, first, last), (architecture.image_size,) * 2)
    raise unknown("stage", stage, [windows.stage for windows in stages])


def of(net: nn.Module, image: Tensor, layer: str) -> Field:
    """Find the receptive fields of a layer.

    *Paper:* not printed; conv5 of the paper's net looks at 139 pixels in steps of 16.

    Args:
        net: any net that `deconv.project` follows, in evaluation mode.
        image: (1, channels, h, w), as the net takes it.
        layer: name of the layer.

    Returns:
        The fields: exact for convolutions and pools; the smallest window around all ways where several meet; the whole image after a
        fully connected layer, a reshape or a resize.

    Raises:
        Problem: as `deconv.project`.
    """
    pixels, output = deconv.traced(net, image, layer, LINEAR)
    return Field(*(_along(output, pixels, axis) for axis in (0, 1)), tuple(image.shape[2:]))


def _along(output: Tensor, pixels: Tensor, axis: int) -> tuple[int, int, int]:
    """Step, first and last pixel for position 0 of the output, along rows (0) or columns (1)."""
    way = autograd_graph.steps(output, pixels)
    fields: dict[object, tuple[int, int, int]] = {way[0].node: (1, 0, 0)}
    ends: list[tuple[int, int, int]] = []
    meeting: dict[object, list[tuple[int, int, int]]] = defaultdict(list)
    for step in way:
        above = fields.get(step.node) or _around(meeting[step.node])
        below = _below(step, above, axis)
        for child in step.below:
            if child is not None:
                (ends if hasattr(child, "variable") else meeting[child]).append(below)
    return _around(ends)


def _around(fields: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    """The smallest field around several; everything where their steps differ."""
    if len({step for step, _, _ in fields}) > 1 or _EVERYTHING in fields:
        return _EVERYTHING
    return fields[0][0], min(first for _, first, _ in fields), max(last for _, _, last in fields)


def _below(step: autograd_graph.Step, field: tuple[int, int, int], axis: int) -> tuple[int, int, int]:
    """The field at a step's input for the field at its output."""
    window = _window(step, axis)
    if window is None or field == _EVERYTHING:
        return _EVERYTHING
    kernel, stride, padding, dilation = window
    way, first, last = field
    return way * stride, first * stride - padding, last * stride - padding + (kernel - 1) * dilation


def _window(step: autograd_graph.Step, axis: int) -> tuple[int, int, int, int] | None:
    """Kernel, stride, padding and dilation of a step; (1, 1, 0, 1) for one that keeps positions; None where they are lost."""
    node = step.node
    if step.name == "Convolution" and not node._saved_transposed:
        return node._saved_weight.shape[2 + axis], node._saved_stride[axis], node._saved_padding[axis], node._saved_dilation[axis]
    if step.name in {"MaxPool2DWithIndices", "AvgPool2D"}:
        dilation = getattr(node, "_saved_dilation", (1, 1))
        strides = node._saved_stride or node._saved_kernel_size
        return tuple(_pair(sizes)[axis] for sizes in (node._saved_kernel_size, strides, node._saved_padding, dilation))
    return (1, 1, 0, 1) if step.name in _KEEPING else None


def _pair(sizes: tuple) -> tuple:
    """One number for both sides, or one each."""
    return sizes * 2 if len(sizes) == 1 else sizes


_KEEPING = (
    frozenset({"Clone", "Copy", "ToCopy", "Alias", "Add", "Sub", "Neg", "Mul", "Div", "Cat", "Split", "SplitWithSizes", "Chunk"})
    | {"_Rectified", "_Normed"}
    | autograd_graph.AFFINE
)
