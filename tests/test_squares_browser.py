"""The sliders of chapter 7 in a real browser: a square is dragged, moved by keys, and a cell of the map is opened by the pointer."""

import json
from pathlib import Path

import nbformat
import pytest

from tests.test_explorer_browser import PICTURES, Opened, _keep, lab, pytestmark  # noqa: F401
from zfutils.core import paths

CHAPTER = "07_occlusion"


@pytest.fixture(scope="module")
def made(smoke):
    """The smoke profile, on whose nets the chapter runs to its sliders."""
    return smoke / "data"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The chapter up to its second slider, as a page of four cells: all that comes before in one, so that both are near the top."""
    folder = tmp_path_factory.mktemp("book")
    cells = [cell for cell in nbformat.read(paths.BOOK / f"{CHAPTER}.ipynb", as_version=4).cells if cell["cell_type"] == "code"]
    sources = [cell["source"] for cell in cells]
    before = "\n".join(sources[1 : sources.index("OPENED")])
    page = ['profile = "smoke"\nseed = 0', before.replace("DRAGGED\n", "\n") + "\nNone", "DRAGGED", "OPENED"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in page])
    notebook["metadata"]["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (folder / "explore.ipynb").write_text(json.dumps(notebook), encoding="utf-8")  # where the server opens
    return folder


class Sliders(Opened):
    """The two sliders of the page; `number` says which of them is looked at."""

    number = 0

    @property
    def root(self):
        """The slider that is looked at."""
        return self.page.locator(".jp-OutputArea-output:has(.zf-clickable)").nth(self.number)

    @property
    def square(self):
        """The picture with the square."""
        return self.root.locator(".zf-clickable")

    def frame(self) -> dict:
        """The frame of the square on the page."""
        return self.square.locator("div").bounding_box()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the picture on the page, by fractions of its sides."""
        self.square.scroll_into_view_if_needed()
        box = self.square.locator("img").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]


@pytest.fixture(scope="module")
def opened(lab, chromium):  # noqa: F811
    """The page, run once."""
    sliders = Sliders(chromium.new_page(viewport={"width": 1400, "height": 1000}))
    sliders.open(lab)
    return sliders


def the_square_is_dragged_and_the_picture_follows(opened: Sliders, folder: Path) -> None:
    assert len(opened.sources()) == 2 and "P(" in opened.text() and opened.root.locator("svg[role=img]").count() == 1
    opened.page.mouse.move(*opened.at(0.3, 0.3))
    opened.page.mouse.down()
    opened.timed("square, mouse", lambda: opened.page.mouse.move(*opened.at(0.7, 0.6), steps=12))
    opened.page.mouse.up()
    opened.settle()
    box = opened.frame()
    assert (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) == pytest.approx(opened.at(0.7, 0.6), abs=4)


def the_square_is_moved_by_arrow_keys_and_taken_away(opened: Sliders, folder: Path) -> None:
    before = opened.frame()["x"]
    opened.timed("square, keyboard", lambda: opened.square.press("ArrowLeft"))
    assert opened.frame()["x"] < before
    opened.timed("square, escape", lambda: opened.square.press("Escape"))
    assert opened.square.locator("div").is_hidden()
    opened.timed("square, back", lambda: opened.square.press("ArrowRight"))


def its_size_and_its_filling_are_changed(opened: Sliders, folder: Path) -> None:
    before = opened.frame()["width"]
    opened.timed("size, keyboard", lambda: opened.press("size, px", "ArrowLeft"))
    assert opened.frame()["width"] < before
    opened.timed("fill", lambda: opened.choose("fill", "noise"))


def a_cell_of_the_map_opens_under_the_pointer_and_by_arrow_keys(opened: Sliders, folder: Path) -> None:
    opened.number = 1
    opened.page.mouse.move(*opened.at(0.5, 0.5))
    opened.settle()
    opened.timed("cell, pointer", lambda: opened.page.mouse.move(*opened.at(0.15, 0.2)))
    before = opened.frame()
    assert opened.text().count("P(") > 1
    opened.timed("cell, keyboard", lambda: opened.square.press("ArrowDown"))
    assert opened.frame()["y"] == pytest.approx(before["y"] + before["height"], abs=2), "one key is one cell"


def nothing_is_wider_than_a_narrow_page_and_nothing_was_complained_of(opened: Sliders, folder: Path) -> None:
    for width in (900, 1400):
        opened.page.set_viewport_size({"width": width, "height": 1000})
        for opened.number in (0, 1):
            opened.settle()
            area = opened.root.bounding_box()
            for picture in opened.root.locator(PICTURES).all():
                box = picture.bounding_box()
                assert box["x"] + box["width"] <= area["x"] + area["width"] + 1, f"a picture is cut off at {width} px"
            if width == 1400 and opened.number == 0:
                box = opened.square.bounding_box()
                assert area["height"] < 1.8 * box["height"], "there is room to show the answer beside the square"
            opened.root.scroll_into_view_if_needed()
            _keep(opened.page, f"squares-{width}-{opened.number}.png")
    assert "⚠" not in opened.page.locator(".jp-Notebook").inner_text()
    assert opened.page.locator(".jp-OutputArea-output[data-mime-type*='error']").count() == 0 and opened.errors == []


STEPS = (
    the_square_is_dragged_and_the_picture_follows,
    the_square_is_moved_by_arrow_keys_and_taken_away,
    its_size_and_its_filling_are_changed,
    a_cell_of_the_map_opens_under_the_pointer_and_by_arrow_keys,
    nothing_is_wider_than_a_narrow_page_and_nothing_was_complained_of,
)  # one after the other on one page: each goes on from the last


def test_the_sliders_of_a_chapter_in_a_browser(opened, tmp_path):
    for step in STEPS:
        print(step.__name__.replace("_", " "))
        step(opened, tmp_path)
    for name, taken in opened.seconds.items():
        print(f"{name:34} {taken[0]:6.2f} s")
