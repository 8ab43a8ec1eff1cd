"""The controls of the explorer: each stands for a part of its state, has a label and works by keyboard."""

from collections.abc import Callable
from typing import Protocol

import ipywidgets as widgets

from zfutils.core.errors import Problem
from zfutils.widgets import views
from zfutils.widgets.camera import Camera
from zfutils.widgets.panel import WIDE, small, warning, wrapping
from zfutils.widgets.states import State
from zfutils.widgets.subjects import Subject


class Controlled(Protocol):
    """What is set by the controls: the explorer."""

    nets: dict[str, Callable[[], Subject]]
    pictures: dict[str, dict]
    state: State
    subject: Subject

    def change(self, **fields: object) -> None: ...
    def choose_net(self, name: str) -> None: ...
    def add_picture(self, content: bytes, name: str) -> None: ...
    def next_alive(self) -> int: ...


class Controls:
    """All that one can set; each has a label and works by keyboard."""

    def __init__(self, explorer: Controlled):
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
            "change": [widgets.HBox([self.changing, self.amount], layout=wrapping())],
            "occlusion": [widgets.HBox([self.label, self.fill, self.size, self.stride], layout=wrapping())],
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


def _logits(subject: Subject) -> int:
    """How many classes the net tells apart: the units of its last layer."""
    return len(subject.classes) or list(subject.layers.values())[-1]
