"""The explorer: one net, one unit, one picture, and all that the paper's methods say of them, at once."""

import dataclasses
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from torch import nn

from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.report import plot
from zfutils.widgets import pictures, subjects, views
from zfutils.widgets.clickable import Clickable
from zfutils.widgets.controls import Controls
from zfutils.widgets.panel import NOTHING, WIDE, Panel, Shown, wrapping
from zfutils.widgets.pictures import BUNDLED, OWN, TOYS, Picture
from zfutils.widgets.pipeline import Check, Pipeline, Stale, View
from zfutils.widgets.scans import Scan
from zfutils.widgets.states import State
from zfutils.widgets.subjects import Subject
from zfutils.widgets.views import Looker, Scene


def explore(
    net: str | nn.Module | None = None,
    unit: str | None = None,
    picture: str | None = None,
    *,
    toys: str = "toybox",
    **state: object,
) -> "Explorer":
    """Open the explorer.

    Args:
        net: the name of a net, or any other classifier in evaluation mode; None takes the first that is here.
        unit: layer and number, as `conv4/127`; None takes one in the middle.
        picture: `dog/3`, `chelsea`, or the path of a file; None takes the first.
        toys: profile whose toys are preferred.
        state: any other field of `State`.

    Returns:
        The explorer: shown where it is the value of a cell; `figure()` is what it shows, without a kernel.

    Raises:
        Problem: there is no such net, unit or picture.

    Example:
        >>> explore(net="zfnet-toybox", unit="conv4/127", picture="chelsea")  # doctest: +SKIP
    """
    known = [part.name for part in dataclasses.fields(State)]
    if wrong := [name for name in state if name not in known]:
        raise TypeError(f"expected some of {', '.join(known)}, got {wrong[0]}")
    return Explorer(net, unit, picture, state, pictures.toys(toys))


class Explorer(widgets.VBox):
    """Controls on the left, what they give on the right; one column where there is little room."""

    def __init__(self, net: str | nn.Module | None, unit: str | None, picture: str | None, state: dict, toys: object):
        self.nets = subjects.known()
        self.subject = subjects.load(subjects.preferred() if net is None else net)
        if self.subject.name not in self.nets:
            self.nets[self.subject.name] = lambda subject=self.subject: subject
        self.pictures = {TOYS: pictures.of_toys(toys), BUNDLED: pictures.bundled(), OWN: {}}
        self.looker, self.scenes = Looker(self._others, self._told), {}
        chosen = self._picture(picture)
        unit = unit or self._striking_unit(chosen)
        self.state = State(self.subject.name, unit, chosen.name, **state)
        _check_unit(self.subject, self.state.of)
        self.controls = Controls(self)
        self.panels = Panels(self.controls.beside, self.controls.clicked)
        self.pipeline = Pipeline(self._views())
        super().__init__([self.controls.line, widgets.HBox([self.controls.column, self.panels.grid], layout=wrapping())])
        self.controls.show(self.state)
        self.pipeline.request(self.state)

    def change(self, **fields: object) -> None:
        """Go to another state; the views follow as soon as they can."""
        self.state = dataclasses.replace(self.state, **fields)
        self.controls.line.value = self.state.line()
        self.pipeline.request(self.state)

    def choose_net(self, name: str) -> None:
        """Take another net; the unit becomes one that it has.

        Raises:
            Problem: it cannot be loaded; the explorer keeps the old one.
        """
        self.subject = self.nets[name]()
        unit = self.state.of
        if unit.map >= self.subject.layers.get(unit.layer, 0):
            self.state = dataclasses.replace(self.state, unit=_middle_unit(self.subject))
        self.change(net=name, at=None, label=-1)

    def add_picture(self, content: bytes, name: str) -> None:
        """Take a picture of the reader's own.

        Raises:
            Problem: it is empty, broken or too large.
        """
        picture = pictures.own(content, name)
        self.pictures[OWN][picture.name] = picture
        self.change(picture=picture.name, at=None)

    def figure(self) -> Figure:
        """What is shown, as a figure that needs no kernel: the pictures, and below them what the page says of each view.

        It waits for the search among the photographs of this machine, since a figure does not change any more.
        """
        if scan := self.looker.scan(self.subject):
            scan.thread.join()
            self.pipeline.settle()  # what was shown until then is dropped by its thread
        answers = [answer for view in self.pipeline.views if (answer := self.pipeline.answer(view, self.state))]
        pages = {name: image for answer in answers for name, image in answer.pictures.items()}
        captions = [name if len(name) < 42 else f"{name[:40]} …" for name in pages]
        note = "\n".join(answer.text for answer in answers if answer.text and not answer.svg)  # curves stay on the page, and their words
        return plot.pictures(list(pages.values()), captions, columns=4, title=self.state.line(), note=note, cell=2.2)

    def _views(self) -> list[View]:
        """All views, the quick ones first."""
        seen = ("net", "unit", "picture")

        def view(name: str, needs: tuple[str, ...], work: Callable[..., Shown]) -> View:
            def compute(state: State, check: Check) -> Shown:
                return work(self.looker, self._scene(state), *(getattr(state, field) for field in needs), check)

            return View(name, (*seen, *needs), NOTHING, compute, self.panels[name].draw, self.panels[name].say)

        return [
            view("map", ("at",), views.activation_map),
            view("projection", ("at", "places", "rule", "switches"), views.projection),
            view("nine", ("rule", "switches"), views.nine),
            view("change", ("change", "amount"), views.changed),
            view("occlusion", ("label", "size", "stride", "fill"), views.occluded),
        ]

    def _scene(self, state: State) -> Scene:
        """What the views look at; the net is the one that was chosen when the state was made."""
        subject = self.subject
        if subject.name != state.net:
            raise Problem(f"{state.net} is no longer the net that is shown; choose it again")
        key = (subject.name, state.picture)
        if key not in self.scenes:
            self.scenes = {key: views.scene(subject, self._picture(state.picture), state.of)}
        return dataclasses.replace(self.scenes[key], unit=state.of)

    def next_alive(self) -> int:
        """The next unit of the layer that some picture makes active, from the first again after the last.

        Raises:
            Problem: there is none.
        """
        alive = self.looker.alive(self._scene(self.state), lambda: None)
        if not len(alive):
            raise Problem(f"no unit of {self.state.of.layer} is active in any picture; choose another layer")
        later = alive[alive > self.state.of.map]
        return int(later[0] if len(later) else alive[0])

    def _picture(self, name: str | None) -> Picture:
        known = {key: picture for group in self.pictures.values() for key, picture in group.items()}
        if name is None and not known:
            raise Problem("no toys and no scikit-image are here; give a picture: explore(picture='photo.jpg')")
        first = self.pictures[BUNDLED] if self.subject.photographs else {}
        picture = next(iter((first or known).values())) if name is None else pictures.named(name, known)
        if picture.name not in known:
            self.pictures[OWN] |= {picture.name: picture, str(name): picture}
        return picture

    def _striking_unit(self, picture: Picture) -> str:
        """The unit of a layer in the middle that is strongest in a picture."""
        unit = _middle_unit(self.subject)
        scene = views.scene(self.subject, picture, State("", unit, "").of)
        try:
            strengths = self.looker.features(scene).flatten(1).amax(1)
        except Problem:
            return unit  # a net that cannot be followed: its views will say so
        return f"{scene.unit.layer}/{int(strengths.argmax())}"

    def _others(self, subject: Subject) -> np.ndarray:
        """What is seen of the pictures in which winners are looked for at once: bundled ones, for nets of toys three of each class too."""
        bundled = list(self.pictures[BUNDLED].values())
        toys = [picture for name, picture in self.pictures[TOYS].items() if int(name.rpartition("/")[2]) < 3]
        some = bundled if subject.photographs and bundled else [*toys, *bundled]
        return np.stack([subject.cut(picture.at(subject.side)) for picture in some])

    def _told(self, scan: Scan) -> None:
        """The search among photographs goes on or has ended: say so where its winners are shown."""
        if self.pipeline.closed:
            raise Stale
        if scan.ended:
            self.pipeline.renew("nine")
        elif scan.subject.name == self.subject.name:
            self.panels["nine"].say(scan.says())


class Panels(dict):
    """Where the views are drawn, by name, each with the controls that change it alone.

    Args:
        controls: of each view.
        clicked: told when a place of the first picture is chosen.
    """

    def __init__(self, controls: dict[str, list[widgets.Widget]], clicked: Callable[[list[float]], None]):
        panels = {name: Panel(title, pictures, controls.get(name, [])) for name, (title, pictures) in _PANELS.items()}
        super().__init__(panels)
        click = Clickable(label=_PANELS["map"][0], width=WIDE)
        click.observe(lambda event: clicked(event["new"]), "position")
        self["map"].take(click)
        boxes = [panel.box for panel in panels.values()]
        self.grid = widgets.HBox(
            boxes, layout=widgets.Layout(flex="3 1 605px", flex_flow="row wrap", align_items="flex-start", min_width="0")
        )


_PANELS = {  # title, pictures beside each other; the order on the page
    "map": ("Where it is active: click a place", 1),
    "projection": ("What it answers to in this picture", 1),
    "nine": ("What it answers to most: its nine strongest pictures", 2),
    "change": ("Shift, scale, turn the picture", 2),
    "occlusion": ("A square hides a part", 2),
}


def _middle_unit(subject: Subject) -> str:
    """A unit that most nets have something to show for: of a layer in the middle."""
    names = list(subject.layers)
    layer = "conv4" if "conv4" in names else names[len(names) // 2]
    return f"{layer}/{subject.layers[layer] // 2}"


def _check_unit(subject: Subject, unit: Unit) -> None:
    """Refuse a unit that the net does not have.

    Raises:
        Problem: the message names the layers or the units that exist.
    """
    if unit.layer not in subject.layers:
        raise Problem(f"unknown layer {unit.layer!r} of {subject.name}; known: {', '.join(subject.layers)}")
    if unit.map >= subject.layers[unit.layer]:
        raise Problem(f"unknown unit {unit.map} of {unit.layer}; known: 0 to {subject.layers[unit.layer] - 1}")
