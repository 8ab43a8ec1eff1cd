"""The microscope and the steppers of the site: numbers are the library's, pages are small, and a browser filters, opens and steps."""

import functools
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests import made_up_results
from tests.browser import browser_test
from tests.conftest import once
from zfutils.analysis import class_purity, evolution, localization, selectivity
from zfutils.attribution import activations, deconv, topk
from zfutils.attribution.units import Unit
from zfutils.core import profiles, shipped_files
from zfutils.data import samples
from zfutils.models import shipped
from zfutils.models.crops import CENTRE, Crops
from zfutils.report import plot
from zfutils.run.site import build, executed, microscope, pages, subjects

NET, LAYER, MAPS = "zfnet-toybox", "conv4", (0, 31, 95)
FIRST_SCREEN, WHOLE = 3e6, 60e6  # bytes at most


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A site of one chapter and the microscope of the nets that ship, four units a layer; no library, which takes long."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RESULTS_DIR", str(folder / "results"))
            patch.setenv("DATA_DIR", str(folder / "data"))
            chapter = made_up_results.write() / "notebooks" / "04_deconvnet.ipynb"
            patch.setattr(executed, "found", lambda *given: {"04_deconvnet": chapter})
            patch.setattr(pages, "public", dict)
            assert build.build(made_up_results.PROFILE, to=folder / "html") == 0

    return once(tmp_path_factory, "made-up-microscope", make) / "html"


@pytest.fixture(scope="module")
def subject() -> subjects.Subject:
    """A net that ships and forty toys with their parts; which of them excite its units is looked for."""
    sample = samples.read(shipped_files.checked("toybox.sample.zip"))
    toys = sample.only(samples.per_class(sample, "val", 2))
    net, everything = shipped.load(NET), np.arange(len(toys.table))
    inputs = Crops(toys, 112, device=torch.device("cpu"), mean=shipped.mean(NET))
    tops = topk.scan(net, lambda some: inputs.batch(some, CENTRE), layers=[LAYER], indices=everything)
    parts = functools.partial(localization.part_maps, toys, 112)
    states = {epoch: shipped.checkpoint(NET, epoch) for epoch in (1, 40, 64)}
    return subjects.Subject(NET, net, 112, tops, toys, (toys, everything), parts, ["", *toys.facts["parts"]], states)


def test_numbers_of_three_units_are_those_of_the_library(subject, tmp_path, monkeypatch):
    monkeypatch.setattr(subjects, "LAYERS", (LAYER,))
    found = microscope.look(subject, LAYER, np.array(MAPS), tmp_path)
    top, toys = subject.tops[LAYER], subject.prepared
    everything = subject.crops(toys).batch(np.arange(len(toys.table)), CENTRE)
    strongest = activations.of(subject.net, everything, [LAYER])[LAYER].amax((2, 3)).clamp(min=0).numpy()
    index, favourite = selectivity.by_class(strongest, toys.labels)
    excess = class_purity.excess(np.where(top.alive[list(MAPS)], toys.labels[np.where(top.alive, top.indices, 0)][list(MAPS)], -1))
    assert [unit.number for unit in found] == list(MAPS)
    for unit, own in zip(found, excess, strict=True):
        there = top.indices[unit.number][top.alive[unit.number]]
        assert unit.winners == len(there) and unit.strongest == pytest.approx(top.values[unit.number, 0], abs=1e-4)
        counted = Counter(toys.classes[label] for label in toys.labels[there])
        assert dict(unit.classes) == dict(counted) and unit.purity == pytest.approx(max(counted.values()) / len(there), abs=1e-4)
        assert unit.excess == pytest.approx(own, abs=1e-4)
        assert unit.selectivity == pytest.approx(index[unit.number], abs=1e-4)
        assert unit.favourite == toys.classes[favourite[unit.number]]
        energies = np.stack([_energy(subject, index, unit.number) for index in there])
        parts = localization.part_maps(toys, 112, there)
        part = localization.strongest_part(energies, parts)
        assert unit.part == subject.part_names[part].replace("_", " ")
        assert unit.part_share == pytest.approx(localization.share(energies, parts == part).mean(), abs=1e-3)
        with Image.open(tmp_path / f"{unit.number}.webp") as sheet:
            assert sheet.size == (unit.width, unit.height) == (6 * 116, 3 * 116)


def _energy(subject, index: int, number: int) -> np.ndarray:
    """Squared pixels of one projection, made one by one."""
    image = subject.crops(subject.prepared).batch(np.array([index]), CENTRE)[0]
    projected = deconv.project(subject.net, image, unit=Unit(LAYER, number)).pixels
    return (np.asarray(projected, np.float64).reshape(3, 112, 112) ** 2).sum(0)


def test_a_unit_without_winners_has_no_picture_and_missing_winners_leave_their_tile_empty(subject, tmp_path, monkeypatch):
    monkeypatch.setattr(subjects, "LAYERS", (LAYER,))
    top = subject.tops[LAYER]
    indices = top.indices.copy()
    indices[0], indices[31, 4:] = topk.NOBODY, topk.NOBODY
    fewer = replace(subject, tops={LAYER: topk.Top(indices, top.values, top.positions)}, parts=None, states={})
    dead, few, whole = microscope.look(fewer, LAYER, np.array(MAPS), tmp_path)
    assert (dead.winners, dead.purity, dead.width) == (0, None, 0) and not (tmp_path / "0.webp").exists()
    assert dead.sentence() == "No val picture makes it active."
    assert (few.winners, whole.winners) == (4, 9) and (few.part, few.settled) == ("", None)
    with Image.open(tmp_path / "31.webp") as sheet:
        last = np.asarray(sheet)[2 * 116 + 20 : 2 * 116 + 90, 2 * 116 + 20 : 2 * 116 + 90]
    assert np.abs(last.astype(int) - 235).max() <= 2, "no picture in the ninth tile"


def test_selectivity_by_hand():
    activity = np.array([[4.0, 1, 0], [2, 1, 0], [1, 1, 0], [1, 1, 0], [0, 1, 0]])
    index, favourite = selectivity.by_class(activity, np.array([7, 7, 2, 2, 5]))
    assert index[0] == pytest.approx((3 - 0.5) / (3 + 0.5)) and favourite[0] == 7
    assert index[1] == 0 and np.isnan(index[2])


def test_a_unit_settles_when_it_stays():
    margins = np.array([[0.1, 0.9, 0.9, 0.0], [0.95, 0.2, 0.9, 0.0], [0.95, 0.92, 0.9, 0.0]])
    settling = evolution.Settling(margins, np.array([1.0, 1.0, 1.0, 0.0]), np.zeros((3, 0)), (1, 10, 64))
    np.testing.assert_array_equal(settling.each(), [10, 64, 1, np.nan])


def test_the_nets_that_ship_are_shown_for_toys_and_for_photographs_only_where_the_pictures_are(tmp_path, capsys):
    assert microscope.nets("toybox") == ["zfnet-toybox", "alexnet-toybox"] and microscope.nets("folder") == []
    assert microscope.nets("photos") == ["zfnet-imagenet200", "zfnet-modern-imagenet200"]
    assert microscope.write("photos", tmp_path) == []
    assert "zfnet-modern-imagenet200 is left out" in capsys.readouterr().err
    assert subjects.chosen(96, 4).tolist() == [0, 31, 63, 95] and len(subjects.chosen(24, 128)) == 24


def test_what_is_kept_of_an_older_net_or_code_is_removed_when_it_was_made_anew(monkeypatch):
    name, codes = shipped.known()[0], iter(["one", "two", "two"])

    def make(profile, name, most, folder):
        folder.mkdir(parents=True)
        (folder / "units.json").touch()

    monkeypatch.setattr(microscope, "_make", make)
    monkeypatch.setattr(microscope.keys, "code", lambda *names: next(codes))
    smoke = profiles.profile("smoke")
    first = microscope._kept(smoke, name, 4)
    beside = first.with_name(f"{name}-other-{first.name[-8:]}")
    beside.mkdir()
    second = microscope._kept(smoke, name, 4)
    assert not first.exists() and second.exists() and beside.exists(), "of this net alone"
    assert microscope._kept(smoke, name, 4) == second


def test_without_scripts_a_layer_is_a_grid_of_units_with_addresses(site):
    text = (site / "microscope" / NET / f"{LAYER}.html").read_text(encoding="utf-8")
    assert re.findall(r'<li class="unit" id="unit-(\d+)"', text) == ["0", "31", "63", "95"]
    assert '<form class="filters" hidden>' in text, "filters appear with the script"
    pictures = re.findall(r"<img [^>]*webp[^>]*>", text)
    assert len(pictures) == 4
    for picture in pictures:
        assert 'loading="lazy"' in picture and re.search(r'alt="Unit \d+ of conv4: patches of \d+ \w+', picture)
        assert (site / "microscope" / NET / re.search(r'src="(.*?)"', picture).group(1)).is_file()
    index = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="microscope/index.html"' in index and "microscope/index.html" in (site / "04_deconvnet.html").read_text(encoding="utf-8")


def test_pages_are_small(site):
    for page in site.glob("microscope/*/*.html"):
        pictures = [file.stat().st_size for file in (page.parent / page.stem).glob("*.webp")]
        each = max(pictures) if pictures else 0
        assert page.stat().st_size < 300_000 and 128 * each < 2 * WHOLE / 10, page
        assert page.stat().st_size + 40 * each < FIRST_SCREEN, f"{page}: what a first screen loads"
    assert sum(file.stat().st_size for file in site.rglob("*") if file.is_file()) < WHOLE


def test_a_figure_of_states_says_where_they_lie():
    figure = plot.pictures(np.zeros((3, 8, 8, 3), np.uint8), ["a", "b", "c"], columns=3)
    assert "states" not in figure._repr_png_()[1]
    figure.states = {"one": [0], "two": [1, 2]}
    one, two = figure._repr_png_()[1]["states"]
    assert (one["label"], two["label"]) == ("one", "two") and (len(one["boxes"]), len(two["boxes"])) == (1, 2)
    (left, top, width, height), (second, *_), (third, *_) = *one["boxes"], *two["boxes"]
    assert 0 <= left < left + width < second < third < 1 and 0 < top < top + height <= 1, "beside each other, below the title"


def visible(page) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('.unit')].filter(one => !one.hidden).map(one => one.id)")


@browser_test
def test_filters_and_order_change_what_is_shown_and_the_address_keeps_them(page, address):
    page.goto(f"{address}/microscope/{NET}/{LAYER}.html")
    assert visible(page) == [f"unit-{number}" for number in (0, 31, 63, 95)]
    wanted = page.locator("#unit-0").get_attribute("data-class")
    page.select_option("select[name=class]", wanted)
    shown = visible(page)
    assert "unit-0" in shown and all(page.locator(f"#{one}").get_attribute("data-class") == wanted for one in shown)
    assert page.locator(".counted").inner_text() == f"{len(shown)} of 4 units" and f"class={wanted}" in page.url
    page.reload()
    assert visible(page) == shown, "what was chosen comes back with the address"
    page.click("button[type=reset]")
    page.wait_for_function("document.querySelector('.counted').textContent.startsWith('4 ')")
    page.select_option("select[name=sort]", "selectivity")
    values = [float(page.locator(f"#{one}").get_attribute("data-selectivity")) for one in visible(page)]
    assert values == sorted(values, reverse=True) and len(values) == 4
    page.select_option("select[name=alive]", "no")
    assert len(visible(page)) < 4
    assert page.complaints == []


@browser_test
def test_the_address_of_a_unit_opens_it_and_the_arrows_go_on(page, address):
    page.goto(f"{address}/microscope/{NET}/{LAYER}.html?class=nothing#unit-31")
    opened = page.locator("#unit-31")
    assert opened.locator("dl").is_visible() and not page.locator("#unit-0 dl").is_visible()
    assert "strongest val pictures show" in opened.inner_text()
    assert opened.locator("img").evaluate("one => one.getBoundingClientRect().width") > 500, "large"
    page.keyboard.press("ArrowRight")
    assert page.url.endswith("#unit-63") and page.locator("#unit-63 dl").is_visible() and not opened.locator("dl").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#unit-63 dl").is_visible()
    assert page.complaints == []


@browser_test
def test_without_scripts_the_address_opens_the_unit_too(chromium, address):
    bare = chromium.new_context(java_script_enabled=False).new_page()
    bare.goto(f"{address}/microscope/{NET}/{LAYER}.html#unit-31")
    assert bare.locator("#unit-31 dl").is_visible() and bare.locator(".unit").count() == 4 and not bare.locator(".filters").is_visible()
    bare.goto(f"{address}/04_deconvnet.html")
    assert bare.locator(".stepper").count() == 0, "the row of states stands as it is"
    bare.context.close()


@browser_test
def test_the_stepper_moves_by_keyboard(page, address):
    page.goto(f"{address}/04_deconvnet.html")
    stepper = page.locator(".stepper").first
    stepper.scroll_into_view_if_needed()
    label = stepper.locator(".label")
    assert label.inner_text() == "1 of 2: left" and stepper.locator(".cut").count() == 1
    stepper.locator("input").focus()
    page.keyboard.press("ArrowRight")
    assert label.inner_text() == "2 of 2: both" and stepper.locator(".cut").count() == 2
    assert stepper.get_by_role("button", name="next state").is_disabled()
    page.keyboard.press("ArrowLeft")
    assert label.inner_text() == "1 of 2: left"
    stepper.get_by_role("button", name="all states").click()
    assert stepper.locator("img").is_visible() and not stepper.locator(".cut").first.is_visible()
    assert page.complaints == []


@browser_test
@pytest.mark.parametrize("width", [390, 900, 1400])
def test_no_page_of_the_microscope_is_wider_than_the_screen(page, address, width):
    page.set_viewport_size({"width": width, "height": 900})
    for where in (f"{NET}/{LAYER}.html#unit-31", "index.html"):
        page.goto(f"{address}/microscope/{where}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


@browser_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", [f"microscope/{NET}/{LAYER}.html#unit-31", "microscope/index.html"])
def test_axe_finds_no_serious_violation(page, address, where, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto(f"{address}/{where}")
    found = Axe().run(page).response["violations"]
    serious = {one["id"]: [node["html"][:200] for node in one["nodes"][:3]] for one in found if one["impact"] in ("serious", "critical")}
    assert serious == {}
