"""Contrast normalisation across maps, as in Krizhevsky et al. 2012, which layers 1 and 2 use."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.core.errors import Problem


class LocalResponseNorm(nn.Module):
    """Divide every value by a power of the energy of its neighbouring maps at the same position.

    `y[c] = x[c] / (k + alpha * sum(x[j]^2 for |j - c| <= window // 2)) ^ beta`

    *Paper:* figure 3 draws it after the pools of layers 1 and 2 and gives no constants. **Assumption**: those of Krizhevsky et al.
    Their alpha multiplies the sum as it stands; `torch.nn.LocalResponseNorm` divides its alpha by the window, so 1e-4 here is 5e-4 there.

    The sum over neighbouring maps is a 1x1 convolution with a band matrix: on a CPU several times faster than the library's own layer,
    which is the slowest of the whole net.

    Args:
        maps: number of maps.
        window: neighbouring maps that count, odd.
        k, alpha, beta: the constants.

    Raises:
        Problem: an even window; constants with which some value would be divided by 0.
    """

    def __init__(self, maps: int, *, window: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75):
        super().__init__()
        if window < 1 or window % 2 == 0:
            raise Problem(f"expected an odd number of neighbouring maps, got {window}; take {max(1, window - 1)} or {max(3, window + 1)}")
        if k <= 0 or alpha < 0:
            raise Problem(f"expected k above 0 and alpha from 0, got {k:g} and {alpha:g}; Krizhevsky et al. have 2 and 1e-4")
        self.maps, self.window, self.k, self.alpha, self.beta = maps, window, k, alpha, beta
        numbers = torch.arange(maps)
        band = (numbers[:, None] - numbers[None]).abs() <= window // 2
        self.register_buffer("band", alpha * band.float()[:, :, None, None], persistent=False)  # (maps, maps, 1, 1)
        self.register_buffer("offset", torch.full((maps,), k), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise features of shape (n, maps, h, w); the shape stays."""
        if self.beta == 0.75:
            return _ThreeQuarters.apply(x, self.band.to(x.dtype), self.offset.to(x.dtype))
        return x * self.factor(x)

    def factor(self, x: Tensor) -> Tensor:
        """What every value of features (n, maps, h, w) is multiplied by: 1 / (k + alpha * sum)^beta, of the same shape."""
        return F.conv2d(x * x, self.band.to(x.dtype), self.offset.to(x.dtype)).pow(-self.beta)

    def extra_repr(self) -> str:
        """The constants, for printing."""
        return f"{self.maps}, window={self.window}, k={self.k}, alpha={self.alpha}, beta={self.beta}"


class _ThreeQuarters(torch.autograd.Function):
    """The norm with beta = 3/4. Its gradient is written out, which takes two thirds of the time of what autograd makes of the formula."""

    @staticmethod
    def forward(ctx, x: Tensor, band: Tensor, offset: Tensor) -> Tensor:
        root = F.conv2d(x * x, band, offset).rsqrt_()  # s^-1/2 where s = k + alpha * sum x^2
        factor = root.sqrt().mul_(root)  # s^-3/4: two roots are much cheaper than a power
        ctx.save_for_backward(x, band, root, factor)
        return x * factor

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        x, band, root, factor = ctx.saved_tensors
        direct = gradient * factor
        spread = F.conv2d((direct * x).mul_(root).mul_(root), band)  # alpha * sum g x s^-7/4 over the neighbours, the band being symmetric
        return direct.addcmul_(x, spread, value=-1.5), None, None  # -1.5 = -2 beta
