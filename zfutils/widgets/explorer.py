"""The explorer: one net, one unit, one picture, and all that the paper's methods say of them, at once."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from torch import nn

from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem
from zfutils.report import plot
from zfutils.widgets import pictures, subjects, views
from zfutils.widgets.camera import Camera
from zfutils.widgets.clickable import Clickable
from zfutils.widgets.panel import NOTHING, WIDE, Panel, Shown, small, warning
from zfutils.widgets.pictures import BUNDLED, OWN, TOYS, Picture
from zfutils.widgets.pipeline import Check, Pipeline, Stale, View
from zfutils.widgets.scans import Scan
from zfutils.widgets.subjects import Subject
from zfutils.widgets.views import Looker, Scene


@dataclass(frozen=True)
class State:
    """What the explorer shows; `explore(**state)` shows the same.

    Attributes:
        net: name of a net, as `zfnet-toybox`.
        unit: layer and number, as `conv4/127`.
        picture: `dog/3`, `chelsea`, or the path of a file.
        at: the place that was clicked, x and y as fractions of what the net sees; None takes the strongest.
        places: how many of the strongest places are brought down.
        rule, switches: of the way down.
        label: number of the class that is watched under the square; -1 is the most probable one.
        size, stride: of the square, shares of the picture's side.
        fill: what is seen in the square.
        change: `shift`, `scale` or `turn`.
        amount: of the change: pixels, factor, degrees.
    """

    net: str
    unit: str
    picture: str
    at: tuple[float, float] | None = None
    places: int = 1
    rule: str = "deconvnet"
    switches: str = "right"
    label: int = -1
    size: float = 0.22
    stride: float = 0.06
    fill: str = "mean grey"
    change: str = "turn"
    amount: float = 0.0

    def line(self) -> str:
        """One line of Python that shows the same."""
        given = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        usual = {part.name: part.default for part in dataclasses.fields(self)}
        said = ", ".join(f"{name}={_quoted(value)}" for name, value in given.items() if value != usual[name])
        return f"explore({said})"

    @property
    def of(self) -> Unit:
        """The unit.

        Raises:
            Problem: it is not layer and number.
        """
        layer, slash, number = self.unit.rpartition("/")
        if not slash or not number.isdecimal():
            raise Problem(f"expected a unit as 'conv4/127', got {self.unit!r}; give layer, slash, number")
        return Unit(layer, int(number))


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
        super().__init__([self.controls.line, widgets.HBox([self.controls.column, self.panels.grid], layout=_wrapping())])
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
        """What is shown, as a figure that needs no kernel."""
        answers = [self.pipeline.answer(view, self.state) for view in self.pipeline.views]
        pages = {name: image for answer in answers if answer for name, image in answer.pictures.items()}
        captions = [name if len(name) < 42 else f"{name[:40]} …" for name in pages]
        return plot.pictures(list(pages.values()), captions, columns=4, title=self.state.line(), cell=2.2)

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


class Controls:
    """All that one can set; each has a label and works by keyboard."""

    def __init__(self, explorer: Explorer):
        self.explorer, self._quiet = explorer, False
        self.line = widgets.Textarea(description="as Python", rows=2, layout=widgets.Layout(width="auto"), style=_LABEL)
        self.net = _menu("net", list(explorer.nets))
        self.about, self.wrong = widgets.HTML(), widgets.HTML()
        self.layer, self.unit = _menu("layer", []), _whole("unit", 0, 1)
        self.number = widgets.BoundedIntText(description="number", layout=_FULL, style=_LABEL)
        self.alive = widgets.Button(description="next unit that is alive", layout=_FULL, icon="arrow-right")
        self.kind, self.picture = _menu("pictures", [kind for kind, some in explorer.pictures.items() if some]), _menu("picture", [])
        self.upload = widgets.FileUpload(accept="image/*", description="use your own picture", layout=_FULL)
        self.camera = Camera()
        self.places, self.forget = _whole("places", 1, 9), widgets.Button(description="back to the strongest place", layout=_FULL)
        self.rule, self.switches = _menu("rule", views.RULES), _menu("switches", views.SWITCHES)
        self.label, self.fill = _menu("class", []), _menu("fill", list(views.FILLS))
        self.size, self.stride = _share("square", 0.08, 0.5, 0.01), _share("step", 0.02, 0.2, 0.01)
        self.changing, self.amount = _menu("change", list(views.CHANGES)), _share("amount", -1.0, 1.0, 0.1)
        self.wrong_picture = widgets.HTML()
        groups = (
            ("Net and unit", [self.net, self.about, self.layer, self.unit, self.number, self.alive, self.wrong]),
            ("Picture", [self.kind, self.picture, self.upload, self.camera, self.wrong_picture]),
            ("Way down to pixels", [self.rule, self.switches, self.places, self.forget]),
        )
        wide = widgets.Layout(flex="1 1 205px", max_width="300px", margin="0 8px 8px 0")
        boxes = [widgets.VBox([widgets.HTML(f"<b>{title}</b>"), *some], layout=wide) for title, some in groups]
        self.column = widgets.HBox(
            boxes, layout=widgets.Layout(flex="1 1 250px", flex_flow="row wrap", align_items="flex-start", min_width="0")
        )
        self.beside = {
            "change": [widgets.HBox([self.changing, self.amount], layout=_wrapping())],
            "occlusion": [widgets.HBox([self.label, self.fill, self.size, self.stride], layout=_wrapping())],
        }
        for row in self.beside.values():
            for control in row[0].children:
                control.layout = widgets.Layout(width=f"{WIDE - 4}px", max_width="98%")
        self._listen()

    def show(self, state: State) -> None:
        """Set every control to a state, without telling anybody."""
        explorer, unit = self.explorer, state.of
        subject = explorer.subject
        self._quiet = True
        try:
            self.net.options, self.net.value = list(explorer.nets), state.net
            self.about.value = small(f"{subject.says}; sees {subject.size} x {subject.size} px")
            self.layer.options, self.layer.value = list(subject.layers), unit.layer
            self.unit.max = self.number.max = subject.layers[unit.layer] - 1
            self.unit.value = self.number.value = unit.map
            group = next(kind for kind, some in explorer.pictures.items() if state.picture in some)
            self.kind.options = [kind for kind, some in explorer.pictures.items() if some]
            self.kind.value = group
            self.picture.options, self.picture.value = list(explorer.pictures[group]), state.picture
            names = [(subject.class_name(label), label) for label in range(_logits(subject))]
            self.label.options, self.label.value = [("the most probable", -1), *names], state.label
            self._show_change(state)
            for control, value in self._plain(state):
                control.value = value
            self.line.value = state.line()
        finally:
            self._quiet = False

    def _plain(self, state: State) -> list[tuple[widgets.Widget, object]]:
        """Controls that stand for one field each, and its value."""
        return [(getattr(self, control), getattr(state, name)) for control, name in _FIELDS.items()]

    def _show_change(self, state: State) -> None:
        """The range of the amount for a change."""
        self.changing.value = state.change
        low, high, step, usual = _RANGES[state.change]
        self.amount.min, self.amount.max = min(low, self.amount.min), max(high, self.amount.max)
        self.amount.value = state.amount if low <= state.amount <= high else usual
        self.amount.min, self.amount.max, self.amount.step = low, high, step

    def clicked(self, position: list[float]) -> None:
        """A place of the picture was chosen, or taken back."""
        if not self._quiet:
            self._change(at=tuple(round(share, 3) for share in position) if position else None)

    def _listen(self) -> None:
        for control, name in _FIELDS.items():
            getattr(self, control).observe(lambda event, name=name: self._change(**{name: event["new"]}), "value")
        self.net.observe(lambda event: self._try(self.wrong, lambda: self.explorer.choose_net(event["new"])), "value")
        self.layer.observe(lambda event: self._change(unit=f"{event['new']}/0", at=None), "value")
        for control in (self.unit, self.number):
            control.observe(lambda event: self._change(unit=f"{self.layer.value}/{event['new']}"), "value")
        self.alive.on_click(lambda _: self._try(self.wrong, self._go_on))
        self.kind.observe(lambda event: self._change(picture=next(iter(self.explorer.pictures[event["new"]])), at=None), "value")
        self.picture.observe(lambda event: self._change(picture=event["new"], at=None), "value")
        self.upload.observe(lambda event: self._uploaded(event["new"]), "value")
        self.camera.observe(lambda event: self._uploaded(({"content": event["new"], "name": "camera.jpg"},)), "shot")
        self.forget.on_click(lambda _: self._change(at=None))
        self.changing.observe(lambda event: self._change(change=event["new"], amount=_RANGES[event["new"]][3]), "value")

    def _change(self, **fields: object) -> None:
        """A control was moved by the reader."""
        if not self._quiet:
            self.explorer.change(**{name: round(value, 3) if isinstance(value, float) else value for name, value in fields.items()})
            self.show(self.explorer.state)

    def _go_on(self) -> None:
        self.explorer.change(unit=f"{self.layer.value}/{self.explorer.next_alive()}")

    def _uploaded(self, files: tuple) -> None:
        for file in files:
            self._try(self.wrong_picture, lambda file=file: self.explorer.add_picture(bytes(file["content"]), file["name"]))
        if files:
            self.upload.value = ()  # so that the same file can be chosen again

    def _try(self, beside: widgets.HTML, work: Callable[[], None]) -> None:
        """Do something that can go wrong; what went wrong is told beside the control, and all stays as it was."""
        if self._quiet:
            return
        beside.value = ""
        try:
            work()
        except Problem as problem:
            beside.value = warning(str(problem))
        self.show(self.explorer.state)


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
_FULL = widgets.Layout(width="auto", min_width="200px", max_width="290px")
_LABEL = {"description_width": "72px"}
_FIELDS = {name: name for name in ("places", "rule", "switches", "label", "fill", "size", "stride", "amount")}
_RANGES = {"shift": (-31.0, 31.0, 1.0, 0.0), "scale": (1.0, 2.0, 0.05, 1.0), "turn": (0.0, 360.0, 5.0, 0.0)}  # low, high, step, none


def _menu(label: str, options: object) -> widgets.Dropdown:
    return widgets.Dropdown(description=label, options=options, layout=_FULL, style=_LABEL)


def _whole(label: str, low: int, high: int) -> widgets.IntSlider:
    return widgets.IntSlider(description=label, min=low, max=high, layout=_FULL, style=_LABEL)


def _share(label: str, low: float, high: float, step: float) -> widgets.FloatSlider:
    return widgets.FloatSlider(description=label, min=low, max=high, step=step, layout=_FULL, style=_LABEL)


def _wrapping() -> widgets.Layout:
    return widgets.Layout(flex_flow="row wrap", align_items="flex-start", width="100%")


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


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


def _logits(subject: Subject) -> int:
    """How many classes the net tells apart: the units of its last layer."""
    return len(subject.classes) or list(subject.layers.values())[-1]
