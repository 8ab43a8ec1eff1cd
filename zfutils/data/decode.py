"""Pictures: any image file becomes one RGB square of bytes, as section 3 of the paper does it, or a clear error."""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from zfutils.core.errors import Problem
from zfutils.data.members import Member

Source = Path | str | bytes | Member

# What shows through transparent pixels: about the mean colour of photographs, so that they vanish once the mean is subtracted.
MEAN_COLOUR = (124, 117, 104)


def square(source: Source, size: int) -> np.ndarray:
    """Decode a picture, bring its smallest side to `size` and keep the centre square.

    The square is cut first and then resized with an antialiasing bilinear filter: the same picture as the other way round, without
    the memory that a very long and thin picture would take. Grey, CMYK and palette pictures become RGB, transparent pixels show
    `MEAN_COLOUR`. The orientation tag of cameras is ignored, as the data sets' own readers do.

    *Paper:* section 3 (size 256).

    Args:
        source: a path, a member of an archive, or the bytes of an image file.
        size: side of the square, pixels.

    Returns:
        uint8 RGB of shape (size, size, 3), in [0, 255].

    Raises:
        Problem: the file is absent, empty, broken or unreasonably large; the message names it.
    """
    image = _decode(source)
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side)))


def worker(size: int, rows: list[dict]) -> list[dict]:
    """Decode a chunk of a table's pictures; a worker for `preparation.build`.

    Args:
        size: side of the squares, pixels.
        rows: rows with `member`.

    Returns:
        One dict a row: `image`, or `broken` with the reason.
    """
    return [_answer(row["member"], size) for row in rows]


def digest(source: Source) -> str:
    """SHA-256 of a picture's decoded pixels, so that the same picture in two files is recognised.

    Raises:
        Problem: as `square`.
    """
    image = _decode(source)
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()


def coarse_digest(source: Source) -> str | None:
    """SHA-256 of a coarse copy of a picture; equal pictures have equal ones. None where the file is broken.

    For JPEG it is the copy at an eighth of the size, which is several times quicker to decode than the picture.
    Python's warnings are left to the caller, because this runs in threads.
    """
    try:
        with Image.open(_readable(source)) as image:
            size = image.size
            image.draft("RGB", (1, 1))
            return hashlib.sha256(repr(size).encode() + image.convert("RGB").tobytes()).hexdigest()
    except Exception:  # what is broken is named when the set is prepared
        return None


def _answer(member: Member, size: int) -> dict:
    """One picture for `preparation.build`."""
    try:
        return {"image": square(member, size)}
    except Problem as problem:
        return {"broken": _reason(problem.__cause__)}  # the table names the file


def _readable(source: Source) -> Path | str | io.BytesIO:
    """What Pillow can open."""
    data = source.read() if isinstance(source, Member) else source
    return io.BytesIO(data) if isinstance(data, bytes) else data


def _decode(source: Source) -> Image.Image:
    """Decode to RGB; every way in which a file can be bad becomes a Problem."""
    name = "a picture" if isinstance(source, bytes) else str(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata does not matter …
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # … a picture that could fill the memory does
        try:
            with Image.open(_readable(source)) as image:
                return _rgb(image)
        except Exception as error:  # decoders raise almost anything on damaged bytes
            raise Problem(f"expected a readable image in {name}, got {_reason(error)}; restore or remove that file") from error


def _reason(error: BaseException) -> str:
    """Why a picture could not be read, in one line and without its path."""
    if isinstance(error, UnidentifiedImageError):
        return "no image of a known kind"
    return " ".join(f"{type(error).__name__}: {error}".split())


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        whole = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", whole.size, MEAN_COLOUR), whole).convert("RGB")
    return image.convert("RGB")
