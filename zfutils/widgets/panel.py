"""Panels: where an answer is drawn, pictures and a chart under a title, with what is said of them."""

from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from zfutils.widgets import drawing
from zfutils.widgets.clickable import Clickable

WIDE = 280  # pixels of a picture on the page


@dataclass(frozen=True)
class Shown:
    """An answer: pictures, uint8 (h, w, 3), with a caption each, an SVG or none, and a line of text."""

    pictures: dict[str, np.ndarray]
    text: str
    svg: str = ""


NOTHING = Shown({}, "")


class Panel:
    """Pictures under a title and controls, with a line that says what is seen, and one for what is wrong.

    Args:
        title: of the panel.
        pictures: how many pictures it has beside each other.
        controls: under the title.
        wide: pixels of a picture on the page.
    """

    def __init__(self, title: str, pictures: int, controls: list[widgets.Widget], *, wide: int = WIDE):
        self.said, self.trouble, self.click, self.wide = widgets.HTML(), widgets.HTML(), None, wide
        self.chart = widgets.HTML(layout=widgets.Layout(width=f"{WIDE}px", max_width="100%"))
        self.images = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap", overflow="hidden"))
        parts = [widgets.HTML(f"<b>{title}</b>"), *controls, self.images, self.said, self.trouble]
        width = f"{pictures * (wide + 10)}px"
        self.box = widgets.VBox(parts, layout=widgets.Layout(width=width, max_width="100%", margin="0 10px 14px 0", min_width="0"))

    def take(self, click: Clickable) -> None:
        """Show the one picture as one that can be clicked."""
        self.click, self.images.children = click, (click,)

    def draw(self, shown: Shown) -> None:
        """Show an answer."""
        if self.click is not None and not shown.pictures:
            self.click.data = b""
        elif self.click is not None:
            ((caption, image),) = shown.pictures.items()
            self.click.label, self.click.data = f"{caption}; {shown.text}", drawing.png(image)
        else:
            self._draw_images(shown.pictures, shown.svg)
        self.said.value = small(shown.text)

    def _draw_images(self, pages: dict[str, np.ndarray], svg: str) -> None:
        boxes = [box for box in self.images.children if box is not self.chart]
        if len(boxes) != len(pages):
            boxes = [_picture_box(self.wide) for _ in pages]
        self.images.children = (*boxes, *([self.chart] if svg else []))
        for box, (caption, image) in zip(boxes, pages.items(), strict=True):
            box.children[0].value, box.children[1].value = drawing.png(image), small(caption)
        self.chart.value = svg

    def say(self, text: str) -> None:
        """One line: busy, or what is wrong."""
        self.trouble.value = warning(text) if text else ""


def warning(text: str) -> str:
    """What is wrong or going on, as a line that is read aloud."""
    return f'<div role="status" style="line-height:1.3;overflow-wrap:anywhere"><b>{text}</b></div>'


def small(text: str) -> str:
    """A caption."""
    return f'<div style="line-height:1.3;font-size:90%;overflow-wrap:anywhere">{text}</div>'


def _picture_box(wide: int) -> widgets.VBox:
    image = widgets.Image(format="png", layout=widgets.Layout(width=f"{wide}px", max_width="100%"))
    return widgets.VBox([image, widgets.HTML()], layout=widgets.Layout(width=f"{wide}px", margin="0 10px 0 0", max_width="100%"))


def wrapping() -> widgets.Layout:
    """A row over the whole width that goes on below where there is no room."""
    return widgets.Layout(flex_flow="row wrap", align_items="flex-start", width="100%")
