"""The deconvnet for any net: foreign models, ReLUs in every form, refusals, and the net left as it was."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from tests.oracles import foreign
from tests.test_deconvnet import images, net_of
from zfutils.attribution import activations, deconv, receptive_field, rules
from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.models import architectures


def model(name: str) -> nn.Module:
    """A torchvision model with random weights and batch statistics, float64, evaluation mode."""
    torch.manual_seed(0)
    options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    net = getattr(torchvision.models, name)(weights=None, **options).double().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
            module.running_mean.normal_(0, 0.1)
            module.weight.data.uniform_(0.5, 1.5)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return net


def picture(size: int = 96) -> Tensor:
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def first_active(net: nn.Module, image: Tensor, layer: str) -> Unit:
    found = activations.of(net, image, [layer])[layer][0]
    return Unit(layer, int((found.flatten(1).amax(1) if found.ndim == 3 else found).argmax()))


FOREIGN = {
    "alexnet": "features.10",
    "vgg16": "features.14",
    "resnet18": "layer3.1.conv2",
    "squeezenet1_0": "features.9.expand3x3",
    "googlenet": "inception4a.branch3.1.conv",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_models_are_followed_and_left_as_they_were(name):
    net, image = model(name), picture()
    before = copy.deepcopy(net.state_dict())
    unit = first_active(net, image, FOREIGN[name])
    found = {way: deconv.project(net, image, unit=unit, rules=ways) for way, ways in rules.NAMED.items() if "derived" not in way}
    assert all(float(one.pixels.abs().max()) > 0 for one in found.values())
    assert not torch.allclose(found["deconvnet, norm skipped"].pixels, found["gradient, norm skipped"].pixels)
    after = net.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters()) and not net.training


@pytest.mark.parametrize(("name", "children"), [("squeezenet1_0", "features.9"), ("resnet18", "layer3.1")])
def test_foreign_models_equal_the_deconvnet_written_out(name, children):
    net, image = model(name), picture()
    parts = list(net.features) if name == "squeezenet1_0" else [*list(net.children())[:4], *net.layer1, *net.layer2, *net.layer3]
    end = [index for index, part in enumerate(parts) if part is net.get_submodule(children)][0]
    with torch.no_grad():
        out, down = foreign.ascend(nn.Sequential(*parts[: end + 1]), image)
    unit = first_active(net, image, children)
    ours = deconv.project(net, image, unit=unit)
    signal = torch.zeros_like(out)
    signal[0, unit.map][ours.at] = ours.activation
    expected = down(signal)[0]
    assert float(expected.abs().max()) > 0
    assert (ours.pixels - expected).abs().max() <= 1e-10 * float(expected.abs().max())


class Forms(nn.Module):
    """One net, its ReLUs written in one of several ways."""

    def __init__(self, form: str):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.form, self.act = form, nn.ReLU(inplace=form == "in place")
        self.first, self.second, self.third = (nn.Conv2d(c, m, 3, padding=1) for c, m in ((3, 6), (6, 6), (6, 4)))
        for layer in (self.first, self.second, self.third):
            layer.weight.data.normal_(0, 0.15, generator=generator)  # no value reaches the 6 of ReLU6
            layer.bias.data.normal_(0, 0.3, generator=generator)

    def relu(self, x: Tensor) -> Tensor:
        if self.form == "functional":
            return F.relu(x)
        if self.form == "functional in place":
            return F.relu(x, True)
        if self.form == "method":
            return x.relu()
        if self.form == "method in place":
            return x.relu_()
        if self.form == "torch":
            return torch.relu(x)
        if self.form == "hardtanh":
            return F.hardtanh(x, 0, 1e9)
        if self.form == "relu6":
            return F.relu6(x)
        if self.form == "operator":
            return torch.ops.aten.relu(x)
        if self.form == "clamp":
            return x.clamp(min=0)
        if self.form == "swish":
            return x * torch.sigmoid(x)
        return self.act(x)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        y = self.second(x)
        return self.third(self.relu(y) + x)


def small_picture() -> Tensor:
    return torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize(
    "form", ["in place", "functional", "functional in place", "method", "method in place", "torch", "hardtanh", "relu6"]
)
def test_a_relu_is_reached_in_whatever_form_it_is_written(form):
    expected = deconv.project(Forms("module").eval(), small_picture(), unit=Unit("third", 1)).pixels
    gradient = deconv.project(Forms("module").eval(), small_picture(), unit=Unit("third", 1), rules=rules.GRADIENT).pixels
    assert not torch.allclose(expected, gradient)
    ours = deconv.project(Forms(form).eval(), small_picture(), unit=Unit("third", 1)).pixels
    assert torch.allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("form", "named"), [("operator", "ReluBackward0"), ("clamp", "ClampBackward|ClampMin"), ("swish", "SigmoidBackward|MulBackward")]
)
def test_what_cannot_be_followed_is_refused_by_name_and_never_the_plain_gradient(form, named):
    net = Forms(form).eval()
    with pytest.raises(Problem, match=named):
        deconv.project(net, small_picture(), unit=Unit("third", 1))
    assert not any(module._forward_hooks for module in net.modules())


def test_relu6_masks_what_it_cut_off():
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU6(), nn.Conv2d(1, 1, 1)).eval()
    for layer in (net[0], net[2]):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
    image = torch.tensor([[[[-1.0, 3.0, 9.0]]]])
    gradient = [
        deconv.project(net, image, unit=Unit("2", 0), at=(0, c), seed=1.0, rules=rules.GRADIENT).pixels.sum().item() for c in range(3)
    ]
    assert gradient == [0, 1, 0]
    assert deconv.project(net, image, unit=Unit("2", 0), at=(0, 2)).activation == 6


class Hidden(torch.autograd.Function):
    """A ReLU with a derivative of its own, which no rule can reach."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, signal: Tensor) -> Tensor:
        return signal * (ctx.saved_tensors[0] > 0)


def test_a_hidden_relu_and_a_norm_over_groups_are_refused():
    class Net(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return self[1](Hidden.apply(self[0](x)))

    with pytest.raises(Problem, match="cannot follow 1 .*HiddenBackward"):
        deconv.project(Net(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)).eval(), small_picture(), unit=Unit("1", 0))
    norm = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 2, 1)).eval()
    with pytest.raises(Problem, match="GroupNorm"):
        deconv.project(norm, small_picture(), unit=Unit("2", 0))


def test_layers_with_groups_dilation_and_all_kinds_of_pools():
    torch.manual_seed(7)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, dilation=2, padding=2),
        nn.ReLU(),
        nn.AvgPool2d(3, 2, 1),
        nn.LocalResponseNorm(5),
        nn.Conv2d(8, 8, 3, groups=4),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.MaxPool2d(3, 2, 1),
        nn.Dropout(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 5),
    ).eval()
    for layer in ("4", "7", "11"):
        unit = first_active(net, small_picture(), layer)
        for way in rules.NAMED.values():
            assert float(deconv.project(net, small_picture(), unit=unit, rules=way, seed=1.0).pixels.abs().max()) > 0


def test_many_at_once_are_each_alone():
    net, several = net_of(), images(4)
    maps, positions = torch.tensor([0, 3, 3, 1]), torch.tensor([[0, 0], [3, 2], [5, 5], [1, 4]])
    together = deconv.project_each(net, several, layer="conv3", maps=maps, positions=positions)
    for image, number, place, ours in zip(several, maps, positions, together, strict=True):
        alone = deconv.project(net, image, unit=Unit("conv3", int(number)), at=tuple(place.tolist())).pixels
        assert torch.allclose(ours, alone, atol=1e-12)


def test_the_seed_is_one_value_at_the_maximum_and_the_first_of_equal_ones():
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False)).eval()
    nn.init.ones_(net[0].weight)
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 1, 2] = image[0, 0, 3, 0] = 5
    found = deconv.project(net, image, unit=Unit("0", 0))
    assert found.at == (1, 2) and found.activation == 5
    assert (found.pixels != 0).nonzero().tolist() == [[0, 1, 2]] and found.pixels[0, 1, 2] == 5
    assert deconv.project(net, image, unit=Unit("0", 0), at=(3, 0)).pixels[0, 3, 0] == 5


def test_bad_input_is_named():
    net, image = net_of(), images()
    for unit, said in (
        (Unit("conv9", 0), "unknown layer 'conv9'; known: conv1, relu1"),
        (Unit("conv1", 99), "unknown map 99 of conv1; known: 0 to 7"),
    ):
        with pytest.raises(Problem, match=said):
            deconv.project(net, image, unit=unit)
    for wrong, said in (
        (image[:, :2], "3 channels, got 2"),
        (image.float(), "float64 on cpu, got float32"),
        (image.abs(), "no value below 0"),
        (image * 100, "within ±255"),
        (image * torch.nan, "NaN"),
        (image[0, 0], r"expected images of shape \(n, channels, h, w\)"),
        (images(2), "expected one image, got 2"),
    ):
        with pytest.raises(Problem, match=said):
            deconv.project(net, wrong, unit=Unit("conv1", 0))
    with pytest.raises(Problem, match="does not take these images"):
        deconv.project(net, images(size=64), unit=Unit("fc6", 0))
    with pytest.raises(Problem, match="within the 5. x 5. map of conv1"):
        deconv.project(net, image, unit=Unit("conv1", 0), at=(70, 0))
    with pytest.raises(Problem, match="fully connected"):
        deconv.project(net, image, unit=Unit("fc6", 0), at=(0, 0))
    with pytest.raises(Problem, match="net.eval"):
        deconv.project(net.train(), image, unit=Unit("conv1", 0))


def test_weights_that_are_not_finite_are_named_and_a_silent_unit_says_so():
    net, image = net_of(), images()
    net.conv3.weight.data[0, 0, 0, 0] = torch.nan
    with pytest.raises(Problem, match="conv4 gives NaN .*conv3.weight"):
        deconv.project(net, image, unit=Unit("conv4", 0))
    net = net_of()
    net.conv2.bias.data[1] = -1e6
    silent = deconv.project(net, image, unit=Unit("conv2", 1))
    assert silent.activation == 0 and not silent.pixels.any() and "not active" in str(silent)
    assert deconv.project(net, image, unit=Unit("conv2", 1), seed=1.0).pixels.any()


def test_a_layer_that_runs_twice_names_no_single_map():
    with pytest.raises(Problem, match="act runs more than once"):
        deconv.project(Forms("module").eval(), small_picture(), unit=Unit("act", 0))


def test_a_pass_in_another_thread_is_not_watched():
    net, image = net_of(), images()
    with ThreadPoolExecutor(1) as other, activations.watched(net, {"conv2": lambda output: output.clone()}) as taken, torch.no_grad():
        other.submit(net, image * 2).result()
        net(image)
    assert torch.equal(taken["conv2"].float(), activations.of(net, image, ["conv2"])["conv2"])


def test_features_are_those_before_later_changes_in_place():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3)).eval()
    found = activations.of(net, small_picture(), ["0", "1"])
    expected = F.conv2d(small_picture(), net[0].weight, net[0].bias)
    assert torch.equal(found["0"], expected) and torch.equal(found["1"], expected.clamp(min=0))
    assert found["0"].min() < 0 and list(activations.of(net, small_picture(), ["2", "0"])) == ["0", "2"]


@pytest.mark.parametrize(
    ("name", "layer", "side", "step"),
    [("alexnet", "features.10", 163, 16), ("vgg16", "features.14", 40, 4), ("resnet18", "layer3.1.conv2", 211, 16)],
)
def test_receptive_fields_of_foreign_models(name, layer, side, step):
    found = receptive_field.of(model(name), picture(224), layer)
    assert found.size == (side, side) and found.rows[0] == step


def test_receptive_fields_hold_all_that_a_unit_sees_and_no_more():
    net, image = net_of(), images()
    for place, (layer, (side, step)) in enumerate(architectures.receptive_fields(architectures.ZFNET).items()):
        field = receptive_field.of(net, image, layer)
        assert field.size == (side, side) and field.rows[0] == step, layer
        values = activations.of(net, image, [layer])[layer]
        at = (values.shape[2] // 2, min(place, values.shape[3] - 1))
        top, left, bottom, right = field.inside(at)
        alone = torch.zeros_like(image)
        alone[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
        assert torch.allclose(activations.of(net, alone, [layer])[layer][..., at[0], at[1]], values[..., at[0], at[1]])
    assert receptive_field.of(net, image, "conv5").covers and not receptive_field.of(net, image, "conv3").covers
    assert receptive_field.of(net, image, "fc6").inside(()) == (0, 0, 112, 112)


@pytest.mark.parametrize("paper", [architectures.ZFNET, architectures.ALEXNET])
def test_receptive_fields_on_paper_are_those_of_the_net(paper):
    small = architectures.scaled(paper, width=1 / 24, fc_units=8, classes=2)
    net, image = architectures.build(small, generator=torch.Generator().manual_seed(0)).eval(), torch.randn(1, 3, 224, 224)
    for stage in ("conv1", "pool1", "conv3", "pool5"):
        assert receptive_field.on_paper(paper, stage) == receptive_field.of(net, image, stage)


def test_what_of_a_field_lies_beyond_the_border():
    field = receptive_field.on_paper(architectures.ZFNET, "conv1")
    assert field.box((0, 0)) == (-1, -1, 6, 6) and field.beyond((0, 0)) == pytest.approx(1 - 36 / 49)
    assert field.beyond((5, 5)) == 0 and field.beyond((5, 0)) == pytest.approx(1 / 7)
    far = receptive_field.on_paper(architectures.with_windows(architectures.ZFNET, "conv1", kernel=1, stride=1, padding=3), "conv1")
    assert far.beyond((0, 0)) == 1


def test_a_stage_that_is_not_reached_or_not_there_is_one_line():
    deep = architectures.with_windows(architectures.ZFNET, "conv2", kernel=11, stride=4, padding=0)
    deep = architectures.with_windows(deep, "conv4", kernel=11, stride=1, padding=0)
    with pytest.raises(Problem, match="conv5 sees nothing: in conv4 no window of 11 fits into 6"):
        receptive_field.on_paper(deep, "conv5")
    with pytest.raises(Problem, match="unknown stage 'fc6'; known: conv1, pool1"):
        receptive_field.on_paper(architectures.ZFNET, "fc6")
