"""The microscope: every unit of the nets that ship, with its winners, its projections and its numbers."""

import json
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from zfutils.analysis import class_purity, evolution, localization
from zfutils.attribution import shipped_winners, top_nine
from zfutils.attribution.batched_deconv import Regions
from zfutils.attribution.topk import Top
from zfutils.core import keys, locks, paths, profiles, progress
from zfutils.core.profiles import Profile
from zfutils.models import shipped
from zfutils.models.crops import CENTRE
from zfutils.run.site import subjects
from zfutils.run.site.subjects import LAYERS, Subject

_NETS = {"photos": ("zfnet-imagenet200", "zfnet-modern-imagenet200")}  # of the other profiles, those of toys, all that ship with winners
_MOST = {"smoke": 4}  # units a page where not all are wanted
_SMALLEST, _GAP = 48, 2  # pixels of a tile at least, and between tiles
_QUALITY = 55  # of WebP: a screen of the largest units stays below 3 MB
_NUMBERS = "units.json"
_EMPTY = 235  # of a tile that no picture fills


@dataclass(frozen=True)
class Unit:
    """What the page of a layer says of one unit.

    Attributes:
        number: of the map.
        winners: how many pictures make it active, at most nine.
        strongest: the largest activation.
        classes: of the winners with their counts, the most frequent first.
        purity: share of the winners in the most frequent class; None for a unit without winners.
        excess: how much more often two of its winners are of one class than two of different units (`class_purity.excess`).
        part, part_share: the part of the toys on which its projections fall (`localization.strongest_part`) and the share of their
            energy there; empty and None where the pictures bring no parts.
        selectivity, favourite: class selectivity and the class that excites it most, over some val pictures of every class.
        settled: epoch of the paper's 70 from which on it stayed as it is; None where that is not known or it never did.
        width, height: of its picture.
    """

    number: int
    winners: int
    strongest: float
    classes: list[tuple[str, int]]
    purity: float | None
    excess: float | None
    part: str
    part_share: float | None
    selectivity: float | None
    favourite: str
    settled: int | None
    width: int
    height: int

    @property
    def top_class(self) -> str:
        """The most frequent class of the winners; empty for a unit without any."""
        return self.classes[0][0] if self.classes else ""

    def alt(self, layer: str) -> str:
        """What its picture shows, in words."""
        where = f", strongest on the {self.part}" if self.part else ""
        return f"Unit {self.number} of {layer}: patches of {self._counted()}; beside them their projections{where}."

    def sentence(self) -> str:
        """Its numbers, as one says them."""
        if not self.winners:
            return "No val picture makes it active."
        said = [f"Its {self.winners} strongest val pictures show {self._counted()}"]
        if self.part:
            said.append(f"its projections fall most on the {self.part} ({100 * self.part_share:.0f} % of their energy)")
        if self.selectivity is not None:
            said.append(f"of all classes {self.favourite} excites it most (selectivity {self.selectivity:.2f})")
        if self.settled:
            said.append(f"it has stayed as it is from epoch {self.settled} of 70 on")
        return "; ".join(said) + "."

    def _counted(self) -> str:
        """The classes of the winners, e.g. `5 dog, 4 cat`."""
        return ", ".join(f"{count} {name}" for name, count in self.classes)


@dataclass(frozen=True)
class Shown:
    """What the pages of one net show.

    Attributes:
        name: of the net.
        card: its model card.
        layers: the units that are shown, by layer.
        counts: of all units, by layer.
    """

    name: str
    card: dict
    layers: dict[str, list[Unit]]
    counts: dict[str, int]


def nets(profile_name: str) -> list[str]:
    """Names of the nets that a profile's site shows: nets that ship, the same for everybody who builds it."""
    profile = profiles.PROFILES.get(profile_name)
    if profile is None or not (profile.toys or profile_name in _NETS):
        return []
    wanted = _NETS.get(profile_name) or [name for name in shipped.known() if shipped_winners.has(name)]
    return sorted((name for name in wanted if name in shipped.known()), key=lambda name: (shipped.card(name)["recipe"] != "zfnet", name))


def write(profile_name: str, to: Path) -> list[Shown]:
    """Write the pictures of all units, `<net>/<layer>/<number>.webp`; what was computed before is read.

    Args:
        profile_name: whose site it is.
        to: folder to write into.

    Returns:
        What there is to say of each net; nothing for a net of photographs whose pictures are not on this machine.
    """
    shown = []
    for name in nets(profile_name):
        profile = profiles.profile(profile_name)
        if not shipped_winners.has(name) and subjects.opened(profile) is None:
            progress.say(f"microscope: {name} is left out, its pictures are not on this machine; run: make data PROFILE={profile_name}")
            continue
        folder = _kept(profile, name, _MOST.get(profile_name, subjects.USUAL_MOST))
        shutil.copytree(folder, to / name, ignore=shutil.ignore_patterns("*.json"))
        shown.append(_read(name, folder))
    return shown


def look(subject: Subject, layer: str, maps: np.ndarray, to: Path) -> list[Unit]:
    """Look at some units of a layer.

    Args:
        subject: the net.
        layer: its name.
        maps: numbers of the units, (m,), ascending.
        to: folder for their pictures.
    """
    top = subject.tops[layer]
    alive = top.alive[maps]
    live = alive.any(1)
    kinds = np.where(alive, subject.prepared.labels[np.where(alive, top.indices[maps], 0)], -1)
    pictured = dict(zip(maps[live].tolist(), _pictured(subject, layer, maps[live], to) if live.any() else [], strict=True))
    nothing = {"part": "", "part_share": None, "settled": None, "width": 0, "height": 0}
    return [
        Unit(number=number, **_counted(subject, layer, number, own), excess=_rounded(excess), **pictured.get(number, nothing))
        for number, own, excess in zip(maps.tolist(), kinds, class_purity.excess(kinds), strict=True)
    ]


def _counted(subject: Subject, layer: str, number: int, kinds: np.ndarray) -> dict:
    """What the activations of a unit and the classes of its winners say; `kinds` are those classes, -1 where one is missing."""
    names, (index, favourite) = subject.prepared.classes, subject.selectivity[layer]
    classes = Counter(names[kind] for kind in kinds[kinds >= 0].tolist()).most_common()
    count = int((kinds >= 0).sum())
    return {
        "winners": count,
        "strongest": _rounded(subject.tops[layer].values[number, 0]),
        "classes": classes,
        "purity": _rounded(classes[0][1] / count) if count else None,
        "selectivity": _rounded(index[number]),
        "favourite": names[favourite[number]] if np.isfinite(index[number]) else "",
    }


def _pictured(subject: Subject, layer: str, maps: np.ndarray, to: Path) -> list[dict]:
    """Write the pictures of units that have a winner; return what their projections say."""
    alive, winners = subject.tops[layer].alive[maps], _winners(subject, layer, maps)
    found = []
    to.mkdir(parents=True, exist_ok=True)
    several = (maps.tolist(), _sheets(subject, winners, alive), _fallen_on(subject, winners, alive), _settled(subject, layer, maps))
    for number, sheet, (part, share), epoch in zip(*several, strict=True):
        Image.fromarray(sheet).save(to / f"{number}.webp", quality=_QUALITY)
        found.append({"part": part, "part_share": share, "settled": epoch, "width": sheet.shape[1], "height": sheet.shape[0]})
    return found


def _winners(subject: Subject, layer: str, live: np.ndarray) -> top_nine.Winners:
    """Patches and projections of units that have a winner; where there are fewer than nine, the first stands for those that are missing."""
    top = subject.tops[layer]
    first = np.where(top.alive[..., None], top.positions, top.positions[:, :1])
    filled = Top(np.where(top.alive, top.indices, top.indices[:, :1]), top.values, first)
    inputs = subject.crops(subject.prepared)
    return top_nine.of(subject.net, subject.prepared, subject.size, filled, layer=layer, maps=live, inputs=inputs)


def _fallen_on(subject: Subject, winners: top_nine.Winners, alive: np.ndarray) -> list[tuple[str, float | None]]:
    """For each unit the part on which its projections fall, and the mean share of their energy there."""
    if subject.parts is None:
        return [("", None)] * len(alive)
    found = []
    for number, there in enumerate(alive):
        regions = Regions(winners.projections[number][there], winners.corners[number][there], winners.values[number][there])
        energies, parts = localization.energy(regions, subject.size), subject.parts(winners.indices[number][there])
        part = localization.strongest_part(energies, parts)
        share = np.nan_to_num(localization.share(energies, parts == part)).mean() if part else 0.0
        found.append((subject.part_names[part].replace("_", " "), _rounded(share)))
    return found


def _sheets(subject: Subject, winners: top_nine.Winners, alive: np.ndarray) -> list[np.ndarray]:
    """For each unit its nine patches, three by three, and its nine projections on their right, uint8 (h, w, 3)."""
    projected, patches = winners.tiles(subject.prepared, subject.size)
    times = -(-_SMALLEST // projected.shape[2])
    return [np.concatenate([_square(patches[n], there, times), _square(projected[n], there, times)], 1) for n, there in enumerate(alive)]


def _square(tiles: np.ndarray, there: np.ndarray, times: int) -> np.ndarray:
    """Nine tiles three by three, each pixel `times` times as large, with white lines around."""
    tiles = np.where(there[:, None, None, None], tiles, np.uint8(_EMPTY)).repeat(times, 1).repeat(times, 2)
    framed = np.pad(tiles, ((0, 0), (_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=255)
    side = framed.shape[1]
    return framed.reshape(3, 3, side, side, 3).transpose(0, 2, 1, 3, 4).reshape(3 * side, 3 * side, 3)


def _settled(subject: Subject, layer: str, live: np.ndarray) -> list[int | None]:
    """For each unit the epoch from which on it stayed as it is, on the picture that excites it most."""
    if not subject.states:
        return [None] * len(live)
    inputs = subject.crops(subject.prepared)
    images = inputs.batch(subject.tops[layer].indices[live, 0], CENTRE)
    epochs = evolution.follow(subject.net, subject.states, images, layer=layer, maps=live).each()
    return [None if np.isnan(epoch) else int(epoch) for epoch in epochs]


def _kept(profile: Profile, name: str, most: int) -> Path:
    """The folder with the pictures and the numbers of a net, made once for the net, its pictures and the code that looks; older ones go."""
    pictures = subjects.opened(profiles.profile("toybox") if shipped_winners.has(name) else profile)
    about = (shipped.digest(name), most, keys.code("run.site.microscope"), pictures and pictures.digest())
    folder = paths.data_dir() / profile.name / "microscope" / f"{name}-{keys.digest(*about)[:8]}"
    with locks.alone(folder):
        if not (folder / _NUMBERS).exists():
            _make(profile, name, most, folder)
            for older in set(folder.parent.glob(f"{name}-{'[0-9a-f]' * 8}")) - {folder}:
                shutil.rmtree(older, ignore_errors=True)
    return folder


def _make(profile: Profile, name: str, most: int, folder: Path) -> None:
    start, shown = time.monotonic(), subjects.subject(profile, name, most)
    shutil.rmtree(folder, ignore_errors=True)
    known = {}
    for layer in LAYERS:
        units = look(shown, layer, subjects.chosen(len(shown.tops[layer].indices), most), folder / layer)
        known[layer] = {"of": len(shown.tops[layer].indices), "units": [asdict(unit) for unit in units]}
    with paths.whole(folder / _NUMBERS) as fresh:
        fresh.write_text(json.dumps({"layers": known, "val": len(shown.some[1])}), encoding="utf-8")
    progress.say(f"microscope: {name} in {time.monotonic() - start:.0f} s")


def _read(name: str, folder: Path) -> Shown:
    known = json.loads((folder / _NUMBERS).read_text(encoding="utf-8"))
    layers = {layer: [Unit(**unit) for unit in about["units"]] for layer, about in known["layers"].items()}
    return Shown(name, shipped.card(name), layers, {layer: about["of"] for layer, about in known["layers"].items()})


def _rounded(value: float | None) -> float | None:
    """Four digits after the point; nothing for what is not a number."""
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
