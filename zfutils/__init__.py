"""Visualizing and understanding convolutional networks: look inside any net.

`import zfutils as zf` gives what a reader uses; each is loaded when it is first asked for, so the import itself takes no time.

| name | gives |
| --- | --- |
| `load` | a net, by the path of its weights or by a name of torchvision's |
| `Model` | any net with its input size and scaling, for the tools that take pictures of a prepared set |
| `Unit` | one map of a layer |
| `activations` | what the layers give: `activations.of(net, images, layers)` |
| `deconv` | a unit brought down to pixels: `deconv.project(net, image, unit=zf.Unit("layer1.0.conv2", 3))` |
| `topk` | the images that make each map most active: `topk.scan(net, images, layers=[…])` |
| `top_nine` | their patches and projections: `top_nine.of(net, prepared, size, top, layer=…, maps=…)` |
| `receptive_field` | which pixels a layer looks at: `receptive_field.of(net, image, layer)` |
| `occlusion` | what the net says while a square moves over an image: `occlusion.sweep(net, image, layer=…)` |
| `saliency` | gradients, guided backpropagation and Grad-CAM |
| `invariance` | how features move with shifts, sizes and turns: `invariance.curves(net, images, labels, …)` |
| `correspondence` | whether hiding the same part changes the features alike: `correspondence.signs(net, images, …)` |
| `evolution` | how features develop over a list of checkpoints: `evolution.strongest(…)` |
| `plot` | figures of all that |
"""

import importlib

_PUBLIC = {
    "Model": "models.trained:Model",
    "Unit": "attribution.units:Unit",
    "activations": "attribution.activations",
    "correspondence": "analysis.correspondence",
    "deconv": "attribution.deconv",
    "evolution": "analysis.evolution",
    "invariance": "analysis.invariance",
    "load": "models.loading:load",
    "occlusion": "attribution.occlusion",
    "plot": "report.plot",
    "receptive_field": "attribution.receptive_field",
    "saliency": "attribution.saliency",
    "top_nine": "attribution.top_nine",
    "topk": "attribution.topk",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; public are: {', '.join(__all__)}")
    module, _, attribute = _PUBLIC[name].partition(":")
    value = importlib.import_module(f"{__name__}.{module}")
    globals()[name] = value = getattr(value, attribute) if attribute else value
    return value


def __dir__() -> list[str]:
    """The public names beside the module's own."""
    return sorted({*globals(), *__all__})
