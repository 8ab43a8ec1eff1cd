"""The pictures that one can choose: toys that ship or were rendered, those that scikit-image brings, and one's own."""

import hashlib
import importlib.util
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from zfutils.core import profiles, shipped_files
from zfutils.core.errors import Problem, unknown
from zfutils.data import decode, registry, samples
from zfutils.data.prepared_sets import PreparedSet

TOYS, BUNDLED, OWN = "toys", "photographs of scikit-image", "your own"
PER_CLASS = 10
MOST = 2000  # photographs of a prepared set among which winners are looked for
_LARGEST = 50_000_000  # pixels: what decodes within a second or two
_ORIENTATION = 0x0112
_BUNDLED = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "clock_motion", "coffee", "coins", "grass", "gravel", "horse"),
    *("hubble_deep_field", "ihc", "logo", "moon", "motorcycle_left", "page", "retina", "rocket", "text"),
)

Cut = Callable[[int], np.ndarray]  # side in pixels → uint8 (side, side, 3)


@dataclass(frozen=True)
class Picture:
    """A picture that one can choose.

    Attributes:
        name: what the state calls it.
        at: gives its centre square at any size, uint8 (side, side, 3).
        label: its class in the set it is from, -1 where none is known.
    """

    name: str
    at: Cut
    label: int = -1


@dataclass(frozen=True)
class Pool:
    """Pictures among which the winners of a net are looked for.

    Attributes:
        pictures: in order.
        key: what tells them from others, plain values.
        says: what they are.
    """

    pictures: list[Picture]
    key: tuple
    says: str

    def cuts(self, side: int, cut: Callable[[np.ndarray], np.ndarray], indices: np.ndarray) -> np.ndarray:
        """What a net sees of some of them, uint8 (n, size, size, 3): brought to `side` and cut."""
        return np.stack([cut(self.pictures[index].at(side)) for index in indices.tolist()])


def photographs() -> Pool | None:
    """Photographs of this machine: scikit-image's and some of the split val of a prepared set, the sharper first; None without a set."""
    for which in ("sharper", "pretraining"):
        try:
            prepared = registry.opened(profiles.profile("photos"), which)
            val = prepared.indices("val")
        except Problem:
            continue  # not prepared
        some = val[np.linspace(0, len(val) - 1, min(MOST, len(val))).astype(int)]  # spread evenly over the classes
        own = bundled()
        found = [*own.values(), *(Picture(f"{which}/{index}", _resized(prepared, index)) for index in some.tolist())]
        key = (list(own), prepared.digest(), len(some))
        return Pool(found, key, f"{len(some)} photographs of {', '.join(_origins(prepared))}")
    return None


def toys(profile_name: str = "toybox") -> PreparedSet | None:
    """Toys with their truth: the sample that ships, else the rendered ones of this machine, those of another profile last; None without."""
    names = dict.fromkeys((profile_name, *(name for name, profile in profiles.PROFILES.items() if profile.toys)))
    for name in names:
        if f"{name}.sample.zip" in shipped_files.index():
            return samples.read(shipped_files.checked(f"{name}.sample.zip"))
    for name in names:
        try:
            return registry.opened(profiles.profile(name))
        except Problem:
            continue  # not rendered; where none is, the explorer says so
    return None


def of_toys(prepared: PreparedSet | None) -> dict[str, Picture]:
    """The first toys of each class in the split val, as `dog/3`."""
    if prepared is None:
        return {}
    found, count = {}, dict.fromkeys(range(len(prepared.classes)), 0)
    for index in samples.per_class(prepared, "val", PER_CLASS).tolist():
        label = int(prepared.labels[index])
        name = f"{prepared.classes[label]}/{count[label]}"
        count[label] += 1
        found[name] = Picture(name, _resized(prepared, index), label)
    return found


def bundled() -> dict[str, Picture]:
    """The pictures that scikit-image brings along, as `chelsea`; none of them is fetched."""
    spec = importlib.util.find_spec("skimage")
    folder = Path(spec.origin).parent / "data" if spec else Path()
    files = {name: file for name in _BUNDLED for file in (folder / f"{name}.png", folder / f"{name}.jpg") if file.exists()}
    return {name: Picture(name, lambda side, file=file: decode.square(file, side)) for name, file in files.items()}


def own(content: bytes, name: str) -> Picture:
    """A picture from the bytes of a file: checked, and turned upright where its camera says so.

    Raises:
        Problem: it is empty, broken or too large; one line.
    """
    if not content:
        raise Problem(f"{name} is empty; choose another picture")
    _check_size(content, name)
    upright = _upright(content)
    first = upright(decode.square(content, 256))
    short = f"{Path(name).stem[:24]}-{hashlib.sha256(content).hexdigest()[:6]}"
    return Picture(short, lambda side: first if side == len(first) else upright(decode.square(content, side)))


def from_file(path: Path) -> Picture:
    """A picture from a file, as `own`.

    Raises:
        Problem: as `own`, or there is no such file.
    """
    if not path.is_file():
        raise Problem(f"no picture at {path}; give the path of one, or a name from the list")
    return own(path.read_bytes(), path.name)


def named(name: str, known: dict[str, Picture]) -> Picture:
    """Look a picture up, by its name or its path.

    Raises:
        Problem: there is none; the message lists some that exist.
    """
    if name in known:
        return known[name]
    if Path(name).suffix:
        return from_file(Path(name).expanduser())
    raise unknown("picture", name, [*list(known)[:3], "…", *bundled()])


def _resized(prepared: PreparedSet, index: int) -> Cut:
    def cut(side: int) -> np.ndarray:
        image = np.asarray(prepared.images[index])
        if side == len(image):
            return image
        return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))

    return cut


def _origins(prepared: PreparedSet) -> list[str]:
    """The archives that a set was made of, else its folder."""
    return [name.split(".")[0] for name in prepared.facts.get("archives", {})] or [prepared.path.name]


def _check_size(content: bytes, name: str) -> None:
    """Refuse a picture by what its header says, before anything is decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
        except Image.DecompressionBombError:
            raise Problem(f"{name} has more than {_LARGEST // 10**6} million pixels; scale it down first") from None
        except Exception:  # decoders raise almost anything on damaged bytes
            raise Problem(f"{name} is no picture that can be read; choose a PNG, JPEG or WebP file") from None
    if width * height > _LARGEST:
        raise Problem(f"{name} has {width} x {height} pixels, more than {_LARGEST // 10**6} million; scale it down first")


def _upright(content: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """Turns the centre square of a picture as the orientation tag of its camera says."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged tags: the picture itself may be whole, and stays as it is
        orientation = 1

    def turn(square: np.ndarray) -> np.ndarray:
        image = Image.fromarray(square)
        image.getexif()[_ORIENTATION] = orientation
        return np.asarray(ImageOps.exif_transpose(image))

    return turn
