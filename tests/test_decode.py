"""Pictures: every kind of file becomes RGB bytes of one size, every bad one an error that names it."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from tests.layouts import jpeg
from zfutils.core.errors import Problem
from zfutils.data import decode, members


def encoded(image: Image.Image, kind: str = "PNG", **how) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def flat(mode: str, colour, size=(12, 8)) -> Image.Image:
    return Image.new(mode, size, colour)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (encoded(flat("L", 90)), (90, 90, 90)),
        (encoded(flat("L", 90), "JPEG"), (90, 90, 90)),
        (encoded(flat("1", 1)), (255, 255, 255)),
        (encoded(flat("RGB", (10, 200, 30))), (10, 200, 30)),
        (encoded(flat("P", 0)), (0, 0, 0)),
        (encoded(flat("RGB", (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE), "GIF"), (10, 200, 30)),
        (encoded(flat("RGBA", (10, 200, 30, 255))), (10, 200, 30)),
        (encoded(flat("RGBA", (10, 200, 30, 0))), decode.MEAN_COLOUR),
        (encoded(flat("LA", (90, 255))), (90, 90, 90)),
        (encoded(flat("I;16", 0x5A00)), (0x5A, 0x5A, 0x5A)),
        (encoded(flat("RGB", (7, 7, 7), (1, 1))), (7, 7, 7)),
    ],
)
def test_every_mode_becomes_rgb_of_the_right_colour(data, colour):
    square = decode.square(data, 16)
    assert square.shape == (16, 16, 3) and square.dtype == np.uint8
    np.testing.assert_allclose(square.astype(int), np.broadcast_to(colour, (16, 16, 3)), atol=1)


def test_cmyk_becomes_rgb():
    square = decode.square(encoded(flat("CMYK", (0, 255, 255, 0)), "JPEG", quality=95), 8)
    assert square[4, 4, 0] > 240 and square[4, 4, 1:].max() < 15


def test_half_transparent_is_half_of_the_mean_colour():
    square = decode.square(encoded(flat("RGBA", (255, 255, 255, 128))), 4)
    np.testing.assert_allclose(square[0, 0], [(255 + mean) / 2 for mean in decode.MEAN_COLOUR], atol=1.5)


def test_transparent_palette_entry_shows_the_mean_colour():
    image = flat("P", 0)
    image.putpalette([255, 0, 0] * 256)
    np.testing.assert_array_equal(decode.square(encoded(image, transparency=0), 4)[0, 0], decode.MEAN_COLOUR)


@pytest.mark.parametrize(("width", "height"), [(30, 10), (10, 30)])
def test_the_centre_square_is_kept(width, height):
    pixels = np.zeros((height, width, 3), np.uint8)
    row, column = (height - 10) // 2, (width - 10) // 2
    pixels[row : row + 10, column : column + 10] = 255  # everything outside the centre is black
    assert (decode.square(encoded(Image.fromarray(pixels)), 10) == 255).all()


def test_a_square_of_the_right_size_is_untouched():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(decode.square(encoded(Image.fromarray(pixels)), 16), pixels)


def test_shrinking_is_antialiased():
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    square = decode.square(encoded(Image.fromarray(checks.astype(np.uint8))), 16)
    assert abs(square[4:-4, 4:-4].astype(int) - 127).max() < 12


def test_the_orientation_tag_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 255
    assert decode.square(encoded(Image.fromarray(pixels), "JPEG", exif=exif), 16)[2, 8, 0] > 200


def test_a_very_long_picture_takes_no_memory():
    assert decode.square(encoded(flat("L", 50, (60000, 1))), 32).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no image of a known kind"),
        (b"this is text", "no image of a known kind"),
        (jpeg(1)[: len(jpeg(1)) // 2], "OSError"),
        (encoded(flat("RGB", (1, 2, 3), (64, 64)))[:60], ""),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, ""),
    ],
    ids=["empty", "text", "half a JPEG", "half a PNG", "a PNG of zeros"],
)
def test_a_broken_file_is_named(tmp_path, content, reason):
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(Problem, match="bad.jpg") as caught:
        decode.square(path, 8)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(Problem, match="nowhere.jpg"):
        decode.square(tmp_path / "nowhere.jpg", 8)


def test_a_decompression_bomb_is_refused(monkeypatch, tmp_path):
    (tmp_path / "bomb.png").write_bytes(encoded(flat("L", 0, (40, 40))))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Problem, match="bomb.png.*DecompressionBomb"):
        decode.square(tmp_path / "bomb.png", 8)


def test_damaged_metadata_warns_nobody():
    exif = Image.Exif()
    exif[0x0112] = 1
    data = encoded(flat("RGB", (9, 9, 9)), "JPEG", exif=exif).replace(b"\x01\x12", b"\x01\xff", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode.square(data, 4).shape == (4, 4, 3)


def test_worker_answers_a_picture_or_the_reason(tmp_path):
    (tmp_path / "good.jpg").write_bytes(jpeg(3))
    (tmp_path / "bad.jpg").write_bytes(b"")
    rows = [{"member": member} for member in (members.of_folder(tmp_path)[name] for name in ("good.jpg", "bad.jpg"))]
    good, bad = decode.worker(8, rows)
    assert good["image"].shape == (8, 8, 3) and bad == {"broken": "no image of a known kind"}


def test_digests_tell_the_same_pixels_from_others(tmp_path):
    pixels = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8))
    for name, image, how in (("a.png", pixels, {}), ("b.bmp", pixels, {}), ("c.png", pixels.rotate(90), {})):
        image.save(tmp_path / name, **how)
    assert decode.digest(tmp_path / "a.png") == decode.digest(tmp_path / "b.bmp") != decode.digest(tmp_path / "c.png")
    assert decode.coarse_digest(tmp_path / "a.png") == decode.coarse_digest(tmp_path / "b.bmp")
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    assert decode.coarse_digest(tmp_path / "bad.jpg") is None


def test_a_member_of_an_archive_is_decoded_where_it_lies_and_named_when_it_is_broken(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"0" * 512 + jpeg(3) + b"broken")
    good, bad = (members.Member(str(tmp_path / "x.bin"), start, size) for start, size in ((512, len(jpeg(3))), (512 + len(jpeg(3)), 6)))
    np.testing.assert_array_equal(decode.square(good, 8), decode.square(jpeg(3), 8))
    assert decode.coarse_digest(good) is not None and decode.coarse_digest(bad) is None
    with pytest.raises(Problem, match=r"x\.bin, byte \d+, got no image of a known kind"):
        decode.digest(bad)
