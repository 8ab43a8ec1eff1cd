"""Other ways to ask where a net looks, as baselines for occlusion: gradient, guided backpropagation, Grad-CAM."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zfutils.attribution import activations, deconv, rules, units


def by_rules(net: nn.Module, images: Tensor, labels: Tensor, ways: rules.Rules, *, layer: str = "fc8") -> Tensor:
    """Strength of what comes down from one class each, colours together.

    Args:
        net: any net that `deconv` follows, in evaluation mode.
        images: (n, channels, h, w).
        labels: the class of each, (n,).
        ways: of the way down: `rules.GRADIENT` gives Simonyan et al. 2013, `rules.GUIDED` Springenberg et al. 2014.
        layer: the logits.

    Returns:
        (n, h, w), not negative.
    """
    return deconv.project_each(net, images, layer=layer, maps=labels, rules=ways, seed=1.0).abs().amax(1)


def grad_cam(net: nn.Module, images: Tensor, labels: Tensor, *, layer: str = "relu5") -> Tensor:
    """Grad-CAM (Selvaraju et al. 2017): the maps of a layer, weighed by the mean gradient of the class, rectified and enlarged.

    Args:
        net: any classifier, in evaluation mode.
        images: (n, channels, h, w).
        labels: the class of each, (n,).
        layer: whose maps are weighed.

    Returns:
        (n, h, w), not negative.

    Raises:
        Problem: training mode, unfit images, unknown layer.
    """
    units.check_eval(net)
    units.check_images(net, images)
    with torch.enable_grad(), activations.watched(net, {layer: lambda output: output}) as features:
        logits = net(images.clone().requires_grad_(True))
    chosen = logits.gather(1, labels[:, None].to(logits.device)).sum()
    (slope,) = torch.autograd.grad(chosen, features[layer])
    weighed = (slope.mean((2, 3), keepdim=True) * features[layer].detach()).sum(1, keepdim=True).clamp(min=0)
    return F.interpolate(weighed, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
