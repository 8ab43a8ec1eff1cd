"""The explorer without a browser: pictures of every kind, nets of every kind, and each control changes what it should."""

import io
import os
import re
import time
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from zfutils.attribution import deconv, rules
from zfutils.attribution.deconvnet import Deconvnet
from zfutils.attribution.units import Unit
from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.core.profiles import profile
from zfutils.data import registry
from zfutils.run import notebooks, shipping
from zfutils.widgets import drawing, pictures, subjects, views
from zfutils.widgets.explorer import explore
from zfutils.widgets.states import State

SMALLEST = profile("smoke")
NAME = "zfnet-smoke"


@pytest.fixture
def here(smoke, monkeypatch, tmp_path):
    """A machine on which the net of the smoke profile ships and is trained, and toys ship."""
    monkeypatch.setenv("DATA_DIR", str(smoke / "data"))
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    shipping.ship(SMALLEST, "zfnet")


@pytest.fixture
def opened(here):
    """Opens explorers, drawn to the end, that close with the test."""
    made = []

    def build(*given, **state):
        made.append(explore(*given, **state))
        assert made[-1].pipeline.settle(60)
        return made[-1]

    yield build
    for one in made:
        one.pipeline.close()


def shown(explorer) -> dict[str, list]:
    """What every panel shows: bytes of its pictures, and its chart."""
    assert explorer.pipeline.settle(60)
    panels = {name: [box.children[0].value for box in panel.images.children if box is not panel.chart] for name, panel in rest(explorer)}
    charts = {name: panels[name] + [panel.chart.value] for name, panel in rest(explorer)}
    return {"map": [bytes(explorer.panels["map"].click.data)], **charts}


def rest(explorer) -> list:
    """All panels but the one with the picture that can be clicked."""
    return [(name, panel) for name, panel in explorer.panels.items() if panel.click is None]


def troubles(explorer) -> list[str]:
    """What panels say is wrong."""
    return [re.sub("<[^>]*>", "", panel.trouble.value) for panel in explorer.panels.values() if panel.trouble.value]


def changed(before: dict, after: dict) -> set[str]:
    """Panels that show something else."""
    return {name for name in before if before[name] != after[name]}


def file_of(image: Image.Image, **options) -> bytes:
    """A picture as a file."""
    written = io.BytesIO()
    image.save(written, **{"format": "PNG", **options})
    return written.getvalue()


RAMP = Image.fromarray(np.arange(64 * 48 * 3).reshape(64, 48, 3).astype(np.uint8))


# Pictures


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_pictures_of_every_kind_become_squares_of_colours(mode):
    image = Image.fromarray(np.full((64, 48), 900, np.uint16)) if mode == "I;16" else RAMP.convert(mode)
    content = file_of(image, format="JPEG" if mode == "CMYK" else "PNG")
    square = pictures.own(content, "a.png").at(32)
    assert square.shape == (32, 32, 3) and square.dtype == np.uint8


def test_a_picture_is_turned_as_its_camera_says():
    upright = Image.fromarray(np.kron(np.array([[0, 80], [160, 240]], np.uint8), np.ones((32, 32), np.uint8))).convert("RGB")
    for orientation, back in ((1, 0), (3, 2), (6, 1), (8, 3)):
        tags = Image.Exif()
        tags[0x0112] = orientation
        lying = Image.fromarray(np.rot90(np.asarray(upright), back))
        square = pictures.own(file_of(lying, exif=tags), "a.png").at(64)
        assert np.array_equal(square, np.asarray(upright)), orientation


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "^a.png is empty; choose another picture$"),
        (b"no picture at all", "^a.png is no picture that can be read; choose a PNG, JPEG or WebP file$"),
        (file_of(RAMP)[:-200], "expected a readable image in a picture, got .*; restore or remove that file$"),
        (file_of(Image.new("1", (20_000, 20_000))), "^a.png has more than 50 million pixels; scale it down first$"),
        (file_of(Image.new("1", (10_000, 6_000))), "^a.png has 10000 x 6000 pixels, more than 50 million; scale it down first$"),
    ],
    ids=["empty", "no picture", "cut off", "enormous", "large"],
)
def test_a_picture_that_cannot_be_shown_is_told_in_one_line_and_at_once(content, says):
    start = time.monotonic()
    with warnings.catch_warnings(), pytest.raises(Problem, match=says):
        warnings.simplefilter("error")
        pictures.own(content, "a.png")
    assert time.monotonic() - start < 5


def test_bundled_pictures_are_there_without_a_download_and_toys_of_each_class(here):
    assert {"chelsea", "astronaut", "coffee"} <= set(pictures.bundled())
    toys = pictures.of_toys(pictures.toys("smoke"))
    prepared = registry.opened(SMALLEST)
    assert {name.split("/")[0] for name in toys} == set(prepared.classes) and toys["dog/0"].label == prepared.classes.index("dog")
    assert toys["dog/1"].at(64).shape == (64, 64, 3)


def test_a_picture_is_found_by_name_or_path(tmp_path):
    (tmp_path / "ramp.png").write_bytes(file_of(RAMP))
    assert pictures.named(str(tmp_path / "ramp.png"), {}).at(16).shape == (16, 16, 3)
    with pytest.raises(Problem, match="no picture at .*gone.png"):
        pictures.named(str(tmp_path / "gone.png"), {})
    with pytest.raises(Problem, match="unknown picture 'chelsae'; known: .*chelsea"):
        pictures.named("chelsae", {})


# Nets


def test_what_ships_and_what_was_trained_here_is_offered_and_gives_the_same(here):
    found = subjects.known()
    assert next(iter(found)) == NAME and "smoke/zfnet" in found
    shipped, own = found[NAME](), found["smoke/zfnet"]()
    assert shipped.winners is not None and own.winners is None and shipped.ends == ("pool1", "relu7")
    cut = shipped.cut(pictures.of_toys(pictures.toys("smoke"))["cat/0"].at(shipped.side))
    assert torch.equal(shipped.input([cut]), own.input([cut]))
    assert torch.allclose(shipped.net(shipped.input([cut])), own.net(own.input([cut])), atol=0.05)


def test_a_net_whose_pictures_are_gone_is_told(here, monkeypatch, tmp_path):
    folder = next((paths.data_dir() / "smoke" / "nets").glob("zfnet-seed0-*"))
    (tmp_path / "else" / "smoke" / "nets").mkdir(parents=True)
    (tmp_path / "else" / "smoke" / "nets" / folder.name).symlink_to(folder)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "else"))
    with pytest.raises(Problem, match="make data PROFILE=smoke$"):
        subjects.load("smoke/zfnet")


def test_nets_of_torchvision_are_offered_where_their_weights_are(monkeypatch, tmp_path):
    import torchvision

    net = torchvision.models.squeezenet1_1(num_classes=1000)
    weights = torchvision.models.get_model_weights("squeezenet1_1").DEFAULT
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    subjects._torchvision.cache_clear()
    (tmp_path / "checkpoints").mkdir()
    torch.save(net.state_dict(), tmp_path / "checkpoints" / weights.url.rsplit("/", 1)[-1])
    try:
        subject = subjects.load("squeezenet1_1")
    finally:
        subjects._torchvision.cache_clear()
    assert (subject.side, subject.size) == (256, 224) and subject.class_name(281) == "tabby" and subject.layers["features.0"] == 64
    grey = subject.input([np.full((224, 224, 3), 128, np.uint8)])
    assert torch.allclose(
        grey[0, :, 0, 0], (torch.tensor(128 / 255) - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    )


class Squashed(nn.Module):
    """A net with a step that no rule is known for."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 5)

    def forward(self, x):
        return self.head(torch.tanh(self.conv(x)).mean((2, 3)))


def test_a_net_that_cannot_be_followed_says_so_where_it_cannot_and_the_rest_stays_usable(opened):
    torch.manual_seed(0)
    explorer = opened(Squashed().eval(), "head/1", "chelsea")
    said = troubles(explorer)
    assert said and all(line.startswith("⚠ ") and "\n" not in line for line in said) and len(said) < len(explorer.panels)
    explorer.controls.layer.value = "conv"
    assert explorer.pipeline.settle(60) and not troubles(explorer), "below that step everything can be followed"
    assert shown(explorer)["change"][0]


class Folded(nn.Module):
    """A net whose upper layer lies above a step that no rule is known for."""

    def __init__(self):
        super().__init__()
        self.below, self.above, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 6, 3), nn.Linear(6, 5)

    def forward(self, x):
        return self.head(self.above(torch.sigmoid(self.below(x))).mean((2, 3)))


def test_where_the_way_down_is_unknown_the_map_the_square_and_the_changes_are_still_seen(opened):
    torch.manual_seed(0)
    explorer = opened(Folded().eval(), None, "chelsea")
    explorer.controls.layer.value = "above"
    seen = shown(explorer)
    assert seen["map"][0] and seen["occlusion"][0] and seen["change"][0] and "cannot be followed down" in explorer.panels["map"].said.value
    assert len(troubles(explorer)) == 2 and all("Sigmoid" in line for line in troubles(explorer)), (
        "the projections, which need the way down"
    )


class Tokens(nn.Module):
    """A net of one layer that gives a row of values for every place."""

    def __init__(self):
        super().__init__()
        self.conv, self.mixed, self.head = nn.Conv2d(3, 4, 16, 16), nn.Linear(4, 4), nn.Linear(4, 5)

    def forward(self, x):
        return self.head(self.mixed(self.conv(x).flatten(2).transpose(1, 2)).mean(1))


def test_a_layer_that_is_no_stack_of_maps_is_told(opened):
    explorer = opened(Tokens().eval(), "mixed/1", "chelsea")
    assert any("mixed gives 196 x 4 values a picture" in line for line in troubles(explorer)) and shown(explorer)["change"][0]


def test_a_module_without_units_is_refused():
    with pytest.raises(Problem, match="no convolution and no linear layer"):
        subjects.load(nn.Sequential(nn.ReLU()))


# The state and the views


def test_a_state_is_one_line_of_python_that_shows_the_same(opened):
    state = State(NAME, "conv4/7", "chelsea", at=(0.25, 0.75), rule="guided", amount=30.0)
    line = state.line()
    assert line == 'explore(net="zfnet-smoke", unit="conv4/7", picture="chelsea", at=(0.25, 0.75), rule="guided", amount=30.0)'
    again = eval(line, {"explore": opened})
    assert again.state == state and again.controls.line.value == line and not troubles(again)


def test_each_control_changes_its_own_views_and_no_other(opened):
    explorer = opened(NAME, "conv2/5", "chelsea")
    controls, before = explorer.controls, shown(explorer)
    assert not troubles(explorer) and all(part for parts in before.values() for part in parts[:1])
    moves = {
        "unit": (7, {"map", "projection", "nine", "occlusion"}),
        "rule": ("gradient", {"projection", "nine"}),
        "switches": ("random", {"projection", "nine"}),
        "places": (4, {"projection"}),
        "size": (0.4, {"occlusion"}),
        "stride": (0.12, {"occlusion"}),
        "fill": ("blur", {"occlusion"}),
        "label": (3, {"occlusion"}),
        "amount": (40.0, {"change"}),
        "changing": ("scale", {"change"}),
        "picture": ("coffee", {"map", "projection", "occlusion", "change"}),
        "layer": ("conv5", {"map", "projection", "nine", "occlusion"}),
    }
    for control, (value, expected) in moves.items():
        getattr(controls, control).value = value
        after = shown(explorer)
        assert changed(before, after) == expected, control
        assert not troubles(explorer), control
        before = after
    assert explorer.state.unit == "conv5/0" and controls.number.value == 0


def test_a_clicked_place_is_brought_down_and_taken_back(opened):
    explorer = opened(NAME, "conv2/5", "chelsea")
    before = shown(explorer)
    explorer.panels["map"].click.position = [0.9, 0.1]
    after = shown(explorer)
    assert changed(before, after) == {"map", "projection"} and explorer.state.at == (0.9, 0.1)
    explorer.controls.forget.click()
    assert shown(explorer) == before and explorer.state.at is None


def test_what_is_drawn_is_what_the_library_gives(opened):
    explorer = opened(NAME, "conv3/2", "chelsea")
    scene = explorer._scene(explorer.state)
    for rule, way in (("deconvnet", rules.DECONVNET), ("gradient", rules.GRADIENT), ("guided", rules.GUIDED), ("linear", rules.LINEAR)):
        expected = deconv.project(scene.subject.net, scene.input, unit=Unit("conv3", 2), rules=way)
        assert np.array_equal(views._down(scene, expected.at, rule, "right"), expected.pixels.numpy())
    assert views.ways("deconvnet", "centred") == rules.NAMED["deconvnet, centre, norm skipped"]
    with pytest.raises(Problem, match="unknown rule 'deconv'; known: deconvnet, gradient, guided, linear"):
        views.ways("deconv", "right")


def test_the_next_unit_that_is_alive_is_found_and_goes_round(opened):
    explorer = opened(NAME, "conv5/0", "chelsea")
    alive = explorer.looker.alive(explorer._scene(explorer.state), lambda: None)
    assert len(alive) > 1
    for expected in (alive[alive > 0][0], alive[alive > 0][1]):
        explorer.controls.alive.click()
        assert explorer.state.of.map == expected
    explorer.controls.unit.value = int(alive[-1])
    explorer.controls.alive.click()
    assert explorer.state.of.map == alive[0]


def test_a_picture_of_ones_own_is_taken_and_a_broken_one_told_beside_the_control(opened):
    explorer = opened(NAME, "conv2/5", "chelsea")
    before = shown(explorer)
    explorer.controls._uploaded(({"name": "broken.png", "content": memoryview(b"nothing")},))
    assert "broken.png is no picture" in explorer.controls.wrong_picture.value and shown(explorer) == before
    explorer.controls._uploaded(({"name": "ramp.png", "content": memoryview(file_of(RAMP))},))
    assert explorer.controls.wrong_picture.value == "" and explorer.state.picture.startswith("ramp-")
    assert "map" in changed(before, shown(explorer)) and explorer.controls.kind.value == pictures.OWN


def test_another_net_is_taken_and_one_that_is_damaged_leaves_the_old(opened):
    explorer = opened(NAME, "conv2/5", "chelsea")
    explorer.controls.net.value = "smoke/alexnet" if "smoke/alexnet" in explorer.nets else "smoke/zfnet"
    after = shown(explorer)
    assert after["nine"][0] and not troubles(explorer) and explorer.state.unit == "conv2/5"
    (paths.WEIGHTS / f"{NAME}.safetensors").write_bytes(b"damaged")
    explorer.controls.net.value = NAME
    assert "damaged" in explorer.controls.wrong.value and explorer.controls.net.value == explorer.state.net != NAME
    assert shown(explorer) == after


def test_twenty_quick_moves_end_at_the_last(opened):
    explorer = opened(NAME, "conv2/0", "chelsea")
    for number in range(1, 21):
        explorer.controls.unit.value = number
    assert explorer.pipeline.settle(30) and explorer.state.unit == "conv2/20"
    again = opened(NAME, "conv2/20", "chelsea")
    assert shown(explorer) == shown(again)


def test_a_figure_shows_the_same_without_a_kernel(opened):
    figure = opened(NAME, "conv2/5", "chelsea").figure()
    titles = [axis.get_title() for axis in figure.axes]
    assert {"patches", "projections", "projection of the strongest place"} <= set(titles)
    assert figure._suptitle.get_text() == 'explore(net="zfnet-smoke", unit="conv2/5", picture="chelsea")'
    note = " ".join(figure._supxlabel.get_text().split())
    assert "conv2, map 5: the 9 strongest pictures" in note, "of which pictures they are"
    assert re.search(r"P\(.+\) \d\.\d\d unhidden, \d\.\d\d at worst", note), "how probable the class was whose map is shown"


def test_a_figure_says_that_a_unit_is_silent_instead_of_showing_an_empty_projection(opened):
    explorer = opened(NAME, "conv2/5", "chelsea")
    explorer.subject.net.get_submodule("conv2").bias.data[5] = -1e6
    explorer.change(unit="conv2/5", picture="astronaut")
    titles = [axis.get_title().replace("\n", " ") for axis in explorer.figure().axes]
    assert "no projection: not active in this picture" in titles and not any("projection of" in title for title in titles)


def test_bad_requests_are_refused_in_one_line(here):
    for given, says in (
        ({"net": "nobody"}, "unknown net 'nobody'; known: zfnet-smoke"),
        ({"net": NAME, "unit": "conv4"}, "expected a unit as 'conv4/127', got 'conv4'"),
        ({"net": NAME, "unit": "conv9/1"}, "unknown layer 'conv9' of zfnet-smoke; known: conv1, conv2"),
        ({"net": NAME, "unit": "conv1/99"}, "unknown unit 99 of conv1; known: 0 to 11"),
    ):
        with pytest.raises(Problem, match=re.escape(says)):
            explore(**given)
    with pytest.raises(TypeError, match="expected some of net, unit, picture"):
        explore(NAME, speed=3)


def test_without_any_net_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    monkeypatch.setattr(subjects, "_torchvision", dict)
    with pytest.raises(Problem, match="make train NET=zfnet"):
        explore()


# The pieces that the library gained


def test_random_switches_stay_in_their_windows_and_come_from_the_generator():
    pool, x = nn.MaxPool2d(3, 2, ceil_mode=True), torch.randn(1, 2, 8, 8)
    from zfutils.attribution.deconvnet import random_switches

    drawn = random_switches(pool, x, torch.Generator().manual_seed(0))
    rows, columns = drawn // 8, drawn % 8
    out = torch.arange(drawn.shape[2])
    assert drawn.shape == pool(x).shape
    for places, start in ((rows, out[:, None] * 2), (columns, out[None] * 2)):
        assert ((places >= start) & (places < start + 3) & (places < 8)).all()
    assert torch.equal(drawn, random_switches(pool, x, torch.Generator().manual_seed(0)))
    assert not torch.equal(drawn, random_switches(pool, x, torch.Generator().manual_seed(1)))


def test_random_switches_change_a_projection_and_none_leaves_it(here):
    subject = subjects.load(NAME)
    image = subject.input([subject.cut(pictures.bundled()["chelsea"].at(subject.side))])
    explicit = Deconvnet(subject.net)
    right = explicit.project(image, unit=Unit("conv3", 2))
    assert torch.allclose(right[0], deconv.project(subject.net, image, unit=Unit("conv3", 2)).pixels, atol=1e-5)
    drawn = explicit.project(image, unit=Unit("conv3", 2), generator=torch.Generator().manual_seed(0))
    assert drawn.abs().max() > 0 and torch.cosine_similarity(right.flatten(), drawn.flatten(), 0) < 0.9


def test_a_notebook_is_never_newer_than_its_source(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "BOOK", tmp_path)
    (tmp_path / "one.py").write_text("# %%\n1\n", encoding="utf-8")
    os.utime(tmp_path / "one.py", ns=(10**18, 10**18))
    assert notebooks.write() and notebooks.write() == []
    assert (tmp_path / "one.ipynb").stat().st_mtime_ns <= (tmp_path / "one.py").stat().st_mtime_ns, (
        "else JupyterLab refuses to open the pair"
    )


def test_colours_of_heat_rise_in_brightness():
    brightness = drawing.heat(np.linspace(0, 1, 50)[None], low=0, high=1)[0].astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) > 0).all()


def test_charts_name_their_lines_and_escape_names():
    text = drawing.curves(np.arange(3.0), {"pool1": np.ones(3), "<b>": np.zeros(3)}, cursor=1.0, label="x", ylabel="y")
    assert "&lt;b&gt;" in text and 'stroke-dasharray="7 4"' in text and 'role="img"' in text
    assert 'aria-label="dog 0.50"' in drawing.bars({"dog": 0.5}, before={"dog": 0.2})
