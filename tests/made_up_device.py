"""A second device that this machine does not have: tensors that say they lie elsewhere, and are computed here.

PyTorch's `FakeTensorMode` finds mixed devices too, but its tensors hold no values, so that a tool which looks at one (`.item()`, `.cpu()`)
ends there. These hold values: every tool runs to its end, and must give what it gives on the CPU.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("lazy", 0)  # PyTorch knows the name, runs its gradients in this thread, and computes nothing there by itself
_INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}  # a GPU takes their indices from the CPU too
_MOVING = {"_to_copy", "copy_"}


class Far(Tensor):
    """A tensor on the made-up device."""

    @staticmethod
    def __new__(cls, near: Tensor):
        far = Tensor._make_wrapper_subclass(
            cls, near.size(), strides=near.stride(), storage_offset=near.storage_offset(), dtype=near.dtype, device=DEVICE
        )
        far.near = near
        return far

    def __deepcopy__(self, memo: dict) -> Tensor:
        return self.detach().clone().requires_grad_(self.requires_grad)

    def tolist(self) -> list:
        return self.near.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> object:
        return _computed(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> object:
        return _computed(func, args, kwargs or {})


@contextlib.contextmanager
def present() -> Iterator[torch.device]:
    """Inside, tensors and nets can be moved to the made-up device, and what a GPU would refuse is refused."""
    before = torch.__future__.get_overwrite_module_params_on_conversion(), torch._C._only_lift_cpu_tensors()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # else a parameter would keep its class and lose its values
    torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor(…, device=…)` then makes its tensor on the CPU and moves it
    try:
        with _Mode():
            yield DEVICE
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before[0])
        torch._C._set_only_lift_cpu_tensors(before[1])


def _computed(func: Callable, args: tuple, kwargs: dict) -> object:
    """Run one operation on the values; what it gives lies where its arguments lie, or where it is asked to."""
    far = _lies_far(func, args, kwargs)
    if kwargs.get("device") is not None:
        far = torch.device(kwargs["device"]).type == DEVICE.type
        kwargs = {**kwargs, "device": torch.device("cpu")}
    made = func(*tree_map(_near, args), **tree_map(_near, kwargs))
    if func._schema.name.endswith("_"):
        return args[0]
    return tree_map(lambda value: Far(value) if isinstance(value, Tensor) else value, made) if far else made


def _near(value: object) -> object:
    return value.near if isinstance(value, Far) else value


def _lies_far(func: Callable, args: tuple, kwargs: dict) -> bool:
    """Whether an operation runs on the made-up device.

    Raises:
        RuntimeError: its tensors lie on two devices, and it is none of those that a GPU allows that.
    """
    name = func._schema.name.split("::")[1]
    looked_at = (args, kwargs)
    if name in _INDEXED and isinstance(args[0], Far):
        looked_at = (args[0], *args[2:])
    tensors = [value for value in tree_flatten(looked_at)[0] if isinstance(value, Tensor)]
    far = [isinstance(tensor, Far) for tensor in tensors]
    if name in _MOVING:
        return far[0]
    scalars = torch.Tag.pointwise in func.tags or name in _INDEXED
    if any(far) and not all(own or (scalars and tensor.ndim == 0) for own, tensor in zip(far, tensors, strict=True)):
        raise RuntimeError(f"{name}: expected all tensors on one device, got {[str(tensor.device) for tensor in tensors]}")
    return any(far)
