"""Sliders for a chapter: controls and one panel, and the row of states that a page shows without a kernel."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import ipywidgets as widgets
from matplotlib.figure import Figure

from zfutils.report import plot
from zfutils.widgets.clickable import Clickable
from zfutils.widgets.panel import NOTHING, WIDE, Panel, Shown
from zfutils.widgets.pipeline import Check, Pipeline, View


class Sliders(widgets.VBox):
    """A panel that answers while its controls are moved.

    Args:
        work: gives what is shown; it takes the value of every control by name, and `check`, which it calls now and then and which raises
            once nobody waits for the answer any more. A `Problem` that it raises is told under the pictures.
        title: of the panel.
        controls: by name; any widget with a `value` and a `description`; one that is a picture stands on the left.
        pictures: how many stand beside each other.
        wide: pixels of a picture on the page.

    Example:
        >>> Sliders(work, title="By layer", controls={"layer": widgets.Dropdown(description="layer", options=layers)})  # doctest: +SKIP
    """

    def __init__(
        self, work: Callable[..., Shown], *, title: str, controls: dict[str, widgets.ValueWidget], pictures: int = 1, wide: int = WIDE
    ):
        self.work, self.controls, self.title = work, controls, title
        row = widgets.HBox(list(controls.values()), layout=widgets.Layout(flex_flow="row wrap"))
        self.panel = Panel(title, pictures, [row], wide=wide)
        self.view = View(title, tuple(controls), NOTHING, self._compute, self.panel.draw, self.panel.say)
        self.pipeline = Pipeline([self.view])
        own = [control for control in row.children if isinstance(control, Clickable)]
        row.children = [control for control in row.children if control not in own]
        super().__init__([widgets.HBox([*own, self.panel.box], layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"))])
        for control in controls.values():
            control.observe(lambda _: self._ask(), "value")
        self._ask()

    def figure(
        self, states: Sequence[dict[str, object]], *, names: Sequence[str] = (), title: str = "", columns: int = 4, cell: float = 2.2
    ) -> Figure:
        """The same for some states, each with its caption: what a page shows without a kernel.

        Args:
            states: values of the controls by name; those left out are as they are now.
            names: what the states are called; default the values.
            title: of the figure; default that of the panel.
            columns: pictures a row.
            cell: width of a picture, inches.
        """
        now = {name: control.value for name, control in self.controls.items()}
        pages, named = {}, {}
        called = names or [", ".join(f"{name} {value}" for name, value in state.items()) for state in states]
        for said, state in zip(called, states, strict=True):
            shown = self.pipeline.answer(self.view, SimpleNamespace(**{**now, **state}))
            own = {f"{said}: {caption}" if said else caption: image for caption, image in (shown or NOTHING).pictures.items()}
            pages |= own
            named |= {said or ", ".join(own): [list(pages).index(caption) for caption in own]} if own else {}
        figure = plot.pictures(list(pages.values()), list(pages), columns=columns, title=title or self.title, cell=cell)
        figure.states = named  # a page without a kernel steps through them
        return figure

    def _compute(self, state: SimpleNamespace, check: Check) -> Shown:
        return self.work(**vars(state), check=check)

    def _ask(self) -> None:
        self.pipeline.request(SimpleNamespace(**{name: control.value for name, control in self.controls.items()}))
