"""The static site: a book made of made-up results is built, its links resolve, and a browser finds nothing amiss."""

import base64
import html
import html.parser
import io
import os
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from tests import made_up_results
from tests.browser import browser_test
from tests.conftest import once
from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.report import paper_map
from zfutils.run import chapters, command_line, repository
from zfutils.run.site import build, executed, microscope, pages, sixteen

WIDTHS = (390, 900, 1400)
NAMES = [f"Figure {n}" for n in range(1, 10)] + [f"Table {n}" for n in range(1, 8)]


class Page(html.parser.HTMLParser):
    """What a page links to, what can be linked to, and its pictures."""

    def __init__(self, file: Path):
        super().__init__()
        self.links, self.ids, self.pictures, self.loaded = [], set(), [], []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.ids |= {known[name] for name in ("id", "name") if known.get(name)}
        if tag == "a" and known.get("href"):
            self.links.append(known["href"])
        if tag == "img":
            self.pictures.append(known)
        if tag in ("img", "script", "iframe", "source") and known.get("src"):
            self.loaded.append(known["src"])
        if tag == "link" and known.get("rel") != "canonical":
            self.loaded.append(known.get("href", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site of made-up results."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RESULTS_DIR", str(folder / "results"))
            patch.setenv("BOOK_REPOSITORY", "https://github.com/someone/a-book")
            patch.setenv("DATA_DIR", str(folder / "data"))
            made_up_results.write()
            assert build.build(made_up_results.PROFILE, to=folder / "html") == 0

    return once(tmp_path_factory, "made-up-site", make) / "html"


@pytest.fixture(scope="module")
def parsed(site) -> dict[Path, Page]:
    return {file: Page(file) for file in sorted(site.rglob("*.html"))}


def test_the_front_page_names_sixteen_results_with_verdict_chapter_data_code_and_seconds(site, parsed):
    text = (site / "index.html").read_text(encoding="utf-8")
    cards = re.findall(r'<li class="card">(.*?)</li>', text, re.DOTALL)
    assert [re.search(r"<h3>(.*?)</h3>", card).group(1) for card in cards] == NAMES
    for card in cards:
        assert re.search(r"\d+ s<", card), card
        assert re.search(r'href="\d\d_\w+\.html"', card) and (re.search(r'href="data/\w+\.csv"', card) or "Figure 1<" in card), card
        assert re.search(r'href="\d\d_\w+\.html#[\w-]+">code', card), card
    judged = paper_map.overview(pd.read_csv(next(site.parent.glob("results/*/scoreboard.csv")))).set_index("place")
    shown = [re.search(r'<span class="verdict [\w-]+">(.*?)</span> <span class="rests">(.*?)</span>', card).groups() for card in cards]
    assert [(verdict, html.unescape(rests)) for verdict, rests in shown] == [
        (judged.loc[name.lower(), "verdict"], judged.loc[name.lower(), "rests on"]) for name in NAMES
    ], "one verdict each, the same as in the opening"
    assert re.search(r'<img src="_static/hero.png" [^>]*alt="Four units of the toy net', text), "the picture on top says what it shows"
    assert (site / "_static" / "hero.png").is_file()
    assert len(re.findall(r'<li>[^<]+ <a class="verdict agrees" href="claims.html#claim-', text)) >= 4, "what this book finds"


def test_every_link_resolves_inside_and_between_pages(site, parsed):
    for file, page in parsed.items():
        for link in page.links:
            if re.match(r"(https?|mailto):", link):
                continue
            address, anchor = urldefrag(unquote(link))
            target = (file.parent / address).resolve() if address else file
            assert target.is_relative_to(site.resolve()) and target.is_file(), f"{file.name}: {link}"
            assert not anchor or target.suffix != ".html" or anchor in parsed[site / target.relative_to(site.resolve())].ids, (
                f"{file.name}: {link}"
            )


def test_no_page_loads_anything_from_another_host_and_every_picture_has_words(parsed):
    for file, page in parsed.items():
        assert not [source for source in page.loaded if "//" in source], file.name
        assert not [picture for picture in page.pictures if not picture.get("alt")], file.name


def test_a_chapter_folds_what_was_folded_and_shows_a_sentence_in_place_of_a_panel(site):
    text = (site / "04_deconvnet.html").read_text(encoding="utf-8")
    assert "A panel with sliders stands here" in text and "widget-view" not in text
    assert "<math" in text and "MathJax" not in text
    assert text.count("Show the code") > 1, "the parameters and the solutions"
    assert 'alt="Dead filters: share of dead filters; at zfnet, alexnet."' in text


def test_a_chapter_ends_with_the_works_and_words_that_it_names(site):
    page = (site / f"{chapters.makers()['sanity']}.html").read_text(encoding="utf-8")
    end = page.rpartition('id="from-here"')[2]
    assert re.search(r'Sixt <em>et al.</em> \[<a [^>]*href="bibliography.html#[\w-]+"', end) and "When Explanations Lie" in end
    assert 'href="glossary.html#term-switches"' in end
    listed = (site / "bibliography.html").read_text(encoding="utf-8")
    assert "Sanity checks for saliency maps" in listed and "arXiv:1810.03292" in listed
    assert 'class="citation-list"' in listed and 'role="list" class="citation-list"' not in listed
    assert 'id="term-receptive-field"' in (site / "glossary.html").read_text(encoding="utf-8")


def test_chapters_open_elsewhere_where_the_repository_has_an_address_and_only_there(site, tmp_path):
    text = (site / "explore.html").read_text(encoding="utf-8")
    assert 'href="https://colab.research.google.com/github/someone/a-book/blob/main/book/explore.ipynb">open in Colab' in text
    assert ">open in Binder<" in text and "importlib.util" not in text, "the cell that installs is nothing to read"
    folder = made_up_results.write()
    (tmp_path / "source").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "_in_project", lambda: "")
        build.write_pages(made_up_results.PROFILE, folder, {"explore": folder / "notebooks" / "explore.ipynb"}, tmp_path / "source")
    assert "open in" not in (tmp_path / "source" / "explore.ipynb").read_text(encoding="utf-8")


def test_the_library_is_described(site):
    text = (site / "api" / "deconv.html").read_text(encoding="utf-8")
    assert 'id="zfutils.attribution.deconv.project"' in text
    assert "04_deconvnet.html" in text, "a page of the library leads to the chapters that use it"


def test_a_book_whose_chapters_were_not_run_says_what_to_run(tmp_path, capsys):
    assert command_line.main(["book", "--profile", "smoke"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "run: make reproduce PROFILE=smoke" in said
    with pytest.raises(Problem, match="make book"):
        _serve_nowhere(tmp_path)


def test_a_chapter_that_this_profile_passes_over_is_not_missed():
    folder = made_up_results.write()
    (folder / "notebooks" / "13_imagenet.ipynb").unlink()
    assert "13_imagenet" not in executed.found(folder, made_up_results.PROFILE)
    (folder / "notebooks" / "07_occlusion.ipynb").unlink()
    with pytest.raises(Problem, match="1 chapters of profile smoke have not been run: 07_occlusion; run: make reproduce PROFILE=smoke"):
        executed.found(folder, made_up_results.PROFILE)


def test_a_link_to_a_chapter_that_this_profile_passes_over_is_its_words():
    folder = made_up_results.write()
    file = folder / "notebooks" / "07_occlusion.ipynb"
    notebook = nbformat.read(file, as_version=4)
    text = "[7](07_occlusion.ipynb#figure-7) and [13](13_imagenet.ipynb), [a thesis](thesis.ipynb)"
    told = nbformat.v4.new_output("display_data", data={"text/markdown": text})
    notebook.cells += [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell("said", outputs=[told])]
    nbformat.write(notebook, file)
    written, said = executed.page(file, among={"07_occlusion"}).cells[-2:]
    for shown in (written["source"], said["outputs"][0]["data"]["text/markdown"]):
        assert shown == "[7](07_occlusion.ipynb#figure-7) and 13, [a thesis](thesis.ipynb)"


def _serve_nowhere(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "folder", lambda: folder)
        build.serve()


def test_a_page_that_sphinx_finds_fault_with_fails_the_build_and_leaves_the_old_site(tmp_path, capsys, monkeypatch):
    folder = made_up_results.write()
    chapter = folder / "notebooks" / "11_beyond.ipynb"
    page = nbformat.read(chapter, as_version=4)
    page.cells[0]["source"] += "\n\n[nowhere](nowhere.md)"
    nbformat.write(page, chapter)
    monkeypatch.setattr(executed, "found", lambda *given: {"11_beyond": chapter})  # one page and no library: this takes seconds
    monkeypatch.setattr(pages, "public", dict)
    monkeypatch.setattr(microscope, "nets", lambda profile: [])
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("old", encoding="utf-8")
    assert build.build(made_up_results.PROFILE, to=tmp_path / "html") == 1
    assert "nowhere" in capsys.readouterr().err
    assert (tmp_path / "html" / "index.html").read_text(encoding="utf-8") == "old"


def test_live_outputs_and_names_of_results_are_found(tmp_path):
    folder = made_up_results.write()
    page = executed.page(folder / "notebooks" / "04_deconvnet.ipynb")
    assert {"figure1", "figure2", "hierarchy"} <= executed.targets(page)
    assert "attribution.deconv" in executed.used(page)
    assert executed.title("04_deconvnet", page).startswith("4. ")
    assert [sixteen.Verdict("leans: agrees", n).words for n in (1, 2)] == ["1 leans to agree", "2 lean to agree"]


def png(pixels: np.ndarray) -> bytes:
    coded = io.BytesIO()
    Image.fromarray(pixels).save(coded, "PNG")
    return coded.getvalue()


def shown(pixels: np.ndarray) -> nbformat.NotebookNode:
    """The first output of a page whose chapter shows a picture that knows its words and states."""
    output = nbformat.v4.new_output("display_data", data={"image/png": base64.b64encode(png(pixels)).decode()})
    output["metadata"] = {"image/png": {"alt": "sixteen toys", "states": made_up_results.STATES}}
    cell = nbformat.v4.new_code_cell("plot.pictures(TOYS)", outputs=[output])
    made = executed._prepared(cell, "a heading")
    assert made["metadata"]["mystnb"]["image"]["alt"] == "sixteen toys" and "states" in made["outputs"][1]["data"]["text/html"]
    return made["outputs"][0]


def test_heavy_pictures_become_light_in_the_same_pixels_and_drawings_stay():
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(size=(500, 700, 3)), (4, 4, 0)) * 900 + 128
    sheet = smooth.clip(0, 255).astype(np.uint8)
    coded = base64.b64decode(shown(sheet)["data"]["image/jpeg"])
    with Image.open(io.BytesIO(coded)) as light:
        assert light.size == (700, 500) and np.abs(np.asarray(light).astype(int) - sheet).mean() < 2
    assert len(coded) < len(png(sheet)) / 3
    drawing = np.full((500, 700, 4), 255, np.uint8)
    drawing[200:220] = (0, 0, 0, 255)
    assert list(shown(drawing)["data"]) == ["image/png"]
    drawing[..., :3] = rng.integers(0, 255, (500, 700, 3))
    drawing[:250, :, 3] = 0
    with Image.open(io.BytesIO(base64.b64decode(shown(drawing)["data"]["image/jpeg"]))) as light:
        assert np.asarray(light)[:240].min() > 240, "what was clear lies on white"


@browser_test
def test_every_page_loads_quietly_and_is_never_wider_than_the_screen(page, address, site, parsed):
    layers = [file for file in parsed if file.parent.parent.name == "microscope"]
    library = [file for file in parsed if file.parent.name == "api" and file.stem != "index"]
    for file in (file for file in parsed if file not in (*layers[1:], *library[1:])):  # one stands for all that have its template
        page.goto(f"{address}/{file.relative_to(site)}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{file.name} scrolls sideways at {width} px"
            _keep(page, f"{file.stem}-{width}.png")
        assert page.complaints == [], file.name


@browser_test
def test_the_search_finds_the_switches(page, address):
    page.goto(f"{address}/search.html?q=switches")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a[href*='04_deconvnet']").count() >= 1
    assert page.complaints == []


PAGES = (
    "index",
    "figures",
    "claims",
    "glossary",
    "bibliography",
    "05_development",
    "api/index",
    "api/deconv",
    "search",
)


@browser_test
@pytest.mark.parametrize(
    ("name", "scheme"),
    [*((name, "light") for name in PAGES), *((name, "dark") for name in ("index", "claims", "05_development"))],  # dark are colours alone
)
def test_axe_finds_no_serious_violation(page, address, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}/{name}.html")
    found = Axe().run(page).response["violations"]
    serious = {one["id"]: [node["html"][:200] for node in one["nodes"][:3]] for one in found if one["impact"] in ("serious", "critical")}
    assert serious == {}


def _keep(page, name: str) -> None:
    """A screenshot, where a folder for them is named."""
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["SCREENSHOTS"]) / name)


def test_the_output_is_not_in_git():
    assert "book/_build/" in (paths.REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
