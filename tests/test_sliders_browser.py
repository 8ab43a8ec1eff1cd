"""Sliders of the chapters on architecture, training and the deconvnet in a real browser: each control is moved, and the pictures follow."""

import json
import statistics

import nbformat
import pytest

from tests.test_explorer_browser import PATIENCE, PICTURES, Opened, _keep, lab, made, pytestmark  # noqa: F401

BEFORE = """
import numpy as np
import torch

from zfutils.attribution import activations, topk
from zfutils.attribution.units import Unit
from zfutils.core import profiles
from zfutils.data import registry
from zfutils.models import architectures, crops
from zfutils.models.architectures import ZFNET
from zfutils.training import runs
from zfutils.widgets import descents, drawing, epochs, starts
from zfutils.widgets.followed import Followed
from zfutils.widgets.normed import Normed
from zfutils.widgets.projected import Projected
from zfutils.widgets.seen import Seen

PROFILE = profiles.profile("toybox")  # of which nothing was made: the nets and toys are those that ship
PICTURES = registry.at_hand(PROFILE, seed=0)
TRAINED = {name: runs.trained(PROFILE, name, seed=0) for name in ("zfnet", "alexnet")}
NET = TRAINED["zfnet"].net()
INPUTS = crops.Crops(PICTURES, PROFILE.image_size, device=torch.device("cpu"))
VAL = PICTURES.indices("val")[:16]
IMAGES = INPUTS.batch(VAL, crops.CENTRE)
SMALL = drawing.resized(np.asarray(PICTURES.images[VAL[0]]), ZFNET.image_size)
FRESH = architectures.build(TRAINED["zfnet"].architecture, generator=torch.Generator().manual_seed(1)).eval()
"""
# One panel a cell, as the chapters make them; what a chapter measured before is left out or taken small.
PANELS = {
    "what a unit sees": "Seen(ZFNET, SMALL, {}).sliders()",
    "contrast norm": 'Normed(activations.of(NET, IMAGES[:1], ["pool1"])["pool1"][0], INPUTS.pictures(IMAGES[:1])[0]).sliders()',
    "first weights": "starts.Starts(TRAINED['zfnet'].architecture, IMAGES[:8], 0).sliders()",
    "a valley": "descents.Descents().sliders()",
    "epoch by epoch": "epochs.Epochs(TRAINED, PROFILE.batch).sliders()",
    "one unit": 'Projected(NET, PICTURES, INPUTS, topk.scan(NET, IMAGES, layers=["conv2", "conv3"])).sliders(Unit("conv3", 5))',
    "through training": """UNITS = (Unit("fc8", 3), Unit("conv5", 3))
Followed({0: lambda: FRESH, 70: lambda: NET}, FRESH, IMAGES[0], UNITS, ("fc8", "fc7")).sliders(UNITS[0])""",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A page of these panels."""
    folder = tmp_path_factory.mktemp("book")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (BEFORE, *PANELS.values())])
    notebook["metadata"]["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (folder / "explore.ipynb").write_text(json.dumps(notebook), encoding="utf-8")  # where the server opens
    return folder


class Sliders(Opened):
    """The panels of the page; `number` says which of them is looked at."""

    number = 0
    quiet = 0.6  # seconds

    @property
    def root(self):
        """The panel that is looked at."""
        return self.page.locator(".jp-OutputArea-output .jupyter-widgets:not(.jupyter-widgets .jupyter-widgets)").nth(self.number)

    def labels(self, part: str) -> list[str]:
        """Names of the controls that have some part."""
        rows = self.root.locator(f".widget-inline-hbox:has(> .widget-label):has({part})")
        return rows.locator("> .widget-label").all_inner_texts()


@pytest.fixture(scope="module")
def opened(lab, chromium):  # noqa: F811
    """The page, run once."""
    sliders = Sliders(chromium.new_page(viewport={"width": 1400, "height": 1000}))
    sliders.open(lab)
    return sliders


def test_every_control_of_every_panel_changes_its_pictures(opened):
    for number, name in enumerate(PANELS):  # one test, so that one server serves all
        every_control_changes_its_pictures(opened, number, name)


def every_control_changes_its_pictures(opened: Sliders, number: int, name: str) -> None:
    opened.number = number
    opened.root.locator(PICTURES).first.wait_for(timeout=PATIENCE)
    opened.root.scroll_into_view_if_needed()
    opened.settle()
    menus, tracks = opened.labels("select"), opened.labels(".noUi-handle")
    assert menus or tracks, f"{name} is a panel without controls"
    for label in tracks:
        opened.timed(f"{name}: {label}, keyboard", lambda label=label: pressed(opened, label))
        opened.timed(f"{name}: {label}, mouse", lambda label=label: opened.slide(label, 0.1 if far(opened, label) else 0.9))
    for label in menus:
        menu, sources = opened.labelled(label).locator("select"), opened.sources()
        other = menu.evaluate("menu => [...menu.options].map(o => o.label).find(l => l != menu.selectedOptions[0].label)")
        before = opened.text()  # a menu may put other controls to other values alone
        opened.choose(label, other)
        opened.settle()
        assert opened.text() != before or opened.sources() != sources, f"{name}, {label}: nothing changed"
    _keep(opened.page, f"panel-{opened.number}.png")
    assert "⚠" not in opened.text() and opened.errors == [], name
    assert opened.page.locator(".jp-OutputArea-output[data-mime-type*='error']").count() == 0
    taken = [seconds[0] for what, seconds in opened.seconds.items() if what.startswith(f"{name}:")] or [0.0]
    print(f"{name}: {len(taken)} moves, median {statistics.median(taken):.2f} s, longest {max(taken):.2f} s")


def pressed(opened: Sliders, label: str) -> None:
    """One step by the keyboard, towards the other end."""
    opened.press(label, "ArrowLeft" if far(opened, label) else "ArrowRight")


def far(opened: Sliders, label: str) -> bool:
    """Whether a slider stands in the second half of its way."""
    handle = opened.labelled(label).locator(".noUi-handle").first
    low, now, high = (float(handle.get_attribute(f"aria-value{name}")) for name in ("min", "now", "max"))
    return now - low > (high - low) / 2
