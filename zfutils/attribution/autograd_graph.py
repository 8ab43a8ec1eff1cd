"""The way from a layer down to the image as autograd recorded it: whether every step can be followed, and what each step is."""

import re
from dataclasses import dataclass

from torch import Tensor

from zfutils.core.errors import Problem

# Steps whose derivative is the transposed linear map itself, whatever the values: what section 2.1 calls filtering, and plumbing.
_LINEAR = frozenset(
    {"Convolution", "Addmm", "Mm", "Add", "Sub", "Neg", "Mul", "Div", "Mean", "Sum", "AvgPool2D", "AdaptiveAvgPool2D"}
    | {"T", "Transpose", "Permute", "View", "UnsafeView", "Reshape", "ReshapeAlias", "Squeeze", "Unsqueeze", "Expand", "Repeat"}
    | {"Clone", "Copy", "ToCopy", "Alias", "Cat", "Stack", "Split", "SplitWithSizes", "Chunk", "Slice", "Select", "Narrow", "Unbind"}
    | {"ConstantPadNd", "ReflectionPad2D", "ReplicationPad2D", "Flip", "Roll", "PixelShuffle", "UpsampleNearest2D", "UpsampleBilinear2D"}
    | {"AsStrided"}  # average pools over a whole map of channels-last images
)
_SWITCHED = frozenset(["MaxPool2DWithIndices", "AdaptiveMaxPool2D"])  # linear once the switches are set
AFFINE = frozenset(["NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm"])  # linear in evaluation mode
_OURS = frozenset(["_Rectified", "_Centred", "_Normed"])
_ONE_SIDED = frozenset(["Convolution", "Addmm", "Mm", "Mul", "Div"])  # linear only while one factor does not come from the image


@dataclass(frozen=True)
class Step:
    """One step on the way.

    Attributes:
        node: what autograd recorded.
        below: the steps that it leads to, towards the image; None for inputs that do not depend on the image.
    """

    node: object
    below: tuple[object | None, ...]

    @property
    def name(self) -> str:
        """What it does, e.g. `Convolution`, `MaxPool2DWithIndices`."""
        return re.sub(r"Backwards?\d*$", "", self.node.name().split("::")[-1])


def steps(output: Tensor, image: Tensor) -> list[Step]:
    """All steps between a tensor and an image, each before those that it leads to.

    Args:
        output: computed from `image` with gradients enabled.
        image: a leaf that requires gradients.

    Returns:
        The steps that depend on the image, the one of `output` first; empty when it does not depend on the image.
    """
    order: list[object] = []  # every node after all that it leads to
    depends: dict[object, bool] = {}
    waiting = [(output.grad_fn, False)] if output.grad_fn is not None else []
    while waiting:
        node, seen = waiting.pop()
        inputs = [child for child, _ in node.next_functions if child is not None]
        if seen:
            order.append(node)
            depends[node] = getattr(node, "variable", None) is image or any(depends.get(child, False) for child in inputs)
        elif node not in depends:
            depends[node] = False
            waiting.append((node, True))
            waiting += [(child, False) for child in inputs if child not in depends]
    of_image = [node for node in reversed(order) if depends[node] and not hasattr(node, "variable")]
    return [Step(node, tuple(child if depends.get(child) else None for child, _ in node.next_functions)) for node in of_image]


def check(output: Tensor, image: Tensor, *, layer: str) -> None:
    """Refuse a way that cannot be followed by the rules.

    Args:
        output: of a layer, computed from `image` with the rules in place.
        image: the leaf.
        layer: its name, for the message.

    Raises:
        Problem: a step that is not linear given switches and masks, above all a ReLU that escaped the rules; it is named.
    """
    way = steps(output, image)
    if not way:
        raise Problem(f"{layer} does not depend on the image by steps that autograd records; name a layer between input and output")
    for step in way:
        if why := _refusal(step):
            raise Problem(f"cannot follow {layer} down to the image: {why}")


def _refusal(step: Step) -> str:
    """Why a step cannot be followed, or an empty string."""
    if step.name in {"Relu", "Threshold", "ClampMin", "Clamp", "Hardtanh"}:
        return f"a ReLU in a form that the rules do not reach ({step.node.name()}); write it as torch.nn.ReLU or torch.nn.functional.relu"
    if step.name not in _LINEAR | _SWITCHED | AFFINE | _OURS:
        return f"{step.node.name()} is neither linear nor a ReLU, max pool or norm with a rule; look at a layer below it"
    if step.name in AFFINE and getattr(step.node, "_saved_training", False):
        return "a batch norm uses the statistics of the batch; put the net in evaluation mode"
    from_image = [number for number, child in enumerate(step.below) if child is not None]
    if step.name in _ONE_SIDED and len(from_image) > 1 and not _added(step, from_image):
        return f"{step.node.name()} multiplies two things that depend on the image, as a gate or attention does; look at a layer below it"
    if step.name == "Div" and from_image != [0]:
        return f"{step.node.name()} divides by something that depends on the image; look at a layer below it"
    return ""


def _added(step: Step, from_image: list[int]) -> bool:
    """Whether the inputs that depend on the image are added, not multiplied: the bias of a linear layer comes first."""
    return step.name == "Addmm" and from_image in ([0, 1], [0, 2])
