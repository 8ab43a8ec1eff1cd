"""Pictures and charts as bytes and text that a widget takes: PNG, JPEG, SVG; no canvas."""

import html
import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

_DARK, _LIGHT = "#111111", "#ffffff"
_LINES = (("#0b5394", ""), ("#b45f06", "7 4"))  # colour and dashes: colour is not the only cue


def png(image: np.ndarray) -> bytes:
    """A picture, uint8 (h, w, 3) or (h, w), as PNG."""
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(written, format="PNG", compress_level=1)
    return written.getvalue()


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """Every pixel as a square of pixels, so that the longer side comes as near to `side` as whole factors allow."""
    factor = max(1, round(side / max(image.shape[:2])))
    return image.repeat(factor, 0).repeat(factor, 1)


def resized(image: np.ndarray, side: int) -> np.ndarray:
    """A picture brought to a size, smoothly; uint8 (side, side, 3)."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((side, side), Image.Resampling.BICUBIC))


def smooth(values: np.ndarray, side: int) -> np.ndarray:
    """A small map (h, w) as a map (side, side), bilinear."""
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR))


def heat(values: np.ndarray, *, low: float, high: float, name: str = "viridis") -> np.ndarray:
    """Values as colours whose brightness rises with them, so that they read in grey too; uint8 (h, w, 3)."""
    share = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.rint(matplotlib.colormaps[name](share)[..., :3] * 255).astype(np.uint8)


def over(picture: np.ndarray, values: np.ndarray, *, high: float) -> np.ndarray:
    """A map laid over a picture: strong places keep the picture and glow, weak ones are dimmed.

    Args:
        picture: uint8 (side, side, 3).
        values: (h, w), not negative.
        high: the value that glows most.
    """
    share = np.clip(smooth(values, len(picture)) / max(high, 1e-12), 0, 1)[..., None]
    glow = heat(share[..., 0], low=0, high=1, name="inferno")
    dimmed = picture * 0.45
    return np.rint(dimmed + (picture * 0.65 + glow * 0.35 - dimmed) * share).clip(0, 255).astype(np.uint8)


def boxed(picture: np.ndarray, boxes: Sequence[tuple[int, int, int, int]], *, scale: int = 1) -> np.ndarray:
    """A picture enlarged by whole pixels, with frames.

    Args:
        picture: uint8 (h, w, 3).
        boxes: top, left, bottom, right in pixels of the picture, the last two exclusive.
        scale: of the enlargement.
    """
    image = Image.fromarray(picture.repeat(scale, 0).repeat(scale, 1))
    pen = ImageDraw.Draw(image)
    for top, left, bottom, right in boxes:
        edge = [left * scale, top * scale, right * scale - 1, bottom * scale - 1]
        pen.rectangle(edge, outline=_DARK, width=3)  # dark and light: seen on any ground
        pen.rectangle([edge[0] + 1, edge[1] + 1, edge[2] - 1, edge[3] - 1], outline=_LIGHT, width=1)
    return np.asarray(image)


def crossed(picture: np.ndarray) -> np.ndarray:
    """A picture, uint8 (h, w, 3), with a cross in its upper right corner."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    pen, side = ImageDraw.Draw(image), max(8, min(image.size) // 3)
    left, right, top, low = image.width - side, image.width - 1, 0, side - 1
    pen.rectangle((left, top, right, low), fill=_LIGHT, outline=_DARK)
    inset, width = side // 5, max(1, side // 8)
    for start, end in ((top + inset, low - inset), (low - inset, top + inset)):
        pen.line((left + inset, start, right - inset, end), fill=_DARK, width=width)
    return np.asarray(image)


def framed(picture: np.ndarray) -> np.ndarray:
    """A picture, uint8 (h, w, 3), with a thick frame."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, image.width - 1, image.height - 1), outline=_DARK, width=6)
    pen.rectangle((6, 6, image.width - 7, image.height - 7), outline=_LIGHT, width=2)
    return np.asarray(image)


def faded(picture: np.ndarray) -> np.ndarray:
    """A picture, uint8, nearly as pale as the page."""
    return np.rint(255 - (255 - picture.astype(np.float32)) * 0.3).astype(np.uint8)


def looked_at(picture: np.ndarray, box: tuple[int, int, int, int], *, margin: int) -> np.ndarray:
    """A picture of which one window is seen: the rest is dimmed, and what of the window lies beyond the border is striped.

    Args:
        picture: uint8 (h, w, 3).
        box: top, left, bottom, right in pixels of the picture, the last two exclusive; may reach beyond it.
        margin: white pixels around the picture.

    Returns:
        uint8 (h + 2 margin, w + 2 margin, 3).
    """
    page = np.pad(faded(picture), ((margin, margin), (margin, margin), (0, 0)), constant_values=255)
    rows, columns = np.ogrid[: len(page), : page.shape[1]]
    stripes = np.where((rows + columns) // 4 % 2 == 0, 120, 225).astype(np.uint8)[..., None]
    window = tuple(slice(max(0, first + margin), max(0, last + margin)) for first, last in ((box[0], box[2]), (box[1], box[3])))
    page[window] = np.broadcast_to(stripes, page.shape)[window]
    top, left, bottom, right = (
        max(0, box[0]),
        max(0, box[1]),
        *(min(end, side) for end, side in zip(box[2:], picture.shape, strict=False)),
    )
    if top < bottom and left < right:
        page[top + margin : bottom + margin, left + margin : right + margin] = picture[top:bottom, left:right]
    inner = margin, margin, margin + picture.shape[0], margin + picture.shape[1]
    image = Image.fromarray(page)
    ImageDraw.Draw(image).rectangle((inner[1] - 1, inner[0] - 1, inner[3], inner[2]), outline=_DARK, width=1)
    return boxed(np.asarray(image), [tuple(edge + margin for edge in box)])


def rendered(figure: Figure, *, width: int) -> np.ndarray:
    """A figure of `report.plot` as a picture, uint8 (h, width, 3), about."""
    figure.set_dpi(width / figure.get_figwidth())
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def sheet(tiles: np.ndarray, *, columns: int, side: int) -> np.ndarray:
    """Pictures (n, h, w, 3) in a grid with gaps, each enlarged to about `side` pixels."""
    large = [np.pad(enlarged(tile, side), ((0, 4), (0, 4), (0, 0)), constant_values=255) for tile in tiles]
    rows = [np.concatenate(large[start : start + columns], 1) for start in range(0, len(large), columns)]
    return np.concatenate([row for row in rows if row.shape == rows[0].shape])[:-4, :-4]


def bars(shares: dict[str, float], *, before: dict[str, float] | None = None, width: int = 280) -> str:
    """Shares in [0, 1] as bars with their names and numbers, an SVG; a mark where each was `before`."""
    rows = []
    for number, (name, share) in enumerate(shares.items()):
        y = 22 * number
        rows.append(f'<text x="86" y="{y + 15}" text-anchor="end">{html.escape(name[:12])}</text>')
        rows.append(f'<rect x="92" y="{y + 4}" width="{125 * share:.1f}" height="14" fill="#3d6f9e"/>')
        if before is not None:
            x = 92 + 125 * before[name]
            rows.append(f'<path d="M{x:.1f} {y + 1}v20" stroke="currentColor" stroke-width="2"/>')
        rows.append(f'<text x="{width - 4}" y="{y + 15}" text-anchor="end">{100 * share:.1f} %</text>')
    return _svg(width, 22 * len(shares), "".join(rows), ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))


def class_bars(before: np.ndarray, after: np.ndarray, names: Sequence[str], *, most: int = 5) -> str:
    """The most probable classes as bars, an SVG; a mark where each was before.

    Args:
        before, after: probabilities, (classes,).
        names: of the classes.
        most: how many are shown.
    """
    best = np.argsort(-after, kind="stable")[:most].tolist()
    return bars({names[label]: float(after[label]) for label in best}, before={names[label]: float(before[label]) for label in best})


def curves(
    x: np.ndarray,
    lines: dict[str, np.ndarray],
    *,
    cursor: float,
    label: str,
    ylabel: str,
    start: float | None = None,
    width: int = 280,
    height: int = 180,
) -> str:
    """Lines over one axis with a cursor, an SVG; each is dashed in its own way and named at its end.

    Args:
        x: (m,).
        lines: name and values, (m,), not negative.
        cursor: an amount on the axis.
        label, ylabel: of the axes.
        start: where the axis begins; with the lines where it is not given.
        width, height: of the drawing, pixels.
    """
    top = max(float(np.max(list(lines.values()))), 1e-9)
    left, right, low, high = 40, width - 12, height - 34, 38
    near, far = x[0] if start is None else start, x[-1]

    def across(value: float) -> float:
        return left + (right - left) * (value - near) / max(far - near, 1e-9)

    def up(value: float) -> float:
        return low - (low - high) * value / top

    parts = [f'<path d="M{left} {high}V{low}H{right}" fill="none" stroke="currentColor"/>']
    for value in (near, (near + far) / 2, far):
        parts.append(f'<text x="{across(value):.0f}" y="{low + 15}" text-anchor="middle">{value:g}</text>')
    for value in (0, top / 2, top):
        parts.append(f'<text x="{left - 4}" y="{up(value) + 4:.0f}" text-anchor="end">{value:.2g}</text>')
    for number, ((name, values), (colour, dashes)) in enumerate(zip(lines.items(), _LINES, strict=False)):
        points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in zip(x, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        start = left + 6 + 115 * number
        parts.append(f'<path d="M{start} 12h26" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        parts.append(f'<text x="{start + 30}" y="16">{html.escape(name)}</text>')
    parts.append(f'<path d="M{across(cursor):.1f} {high}V{low}" stroke="currentColor" stroke-width="2"/>')
    parts.append(f'<text x="{(left + right) / 2:.0f}" y="{height - 4}" text-anchor="middle">{html.escape(label)}</text>')
    parts.append(f'<text x="{left}" y="{high - 6}">{html.escape(ylabel)}</text>')
    return _svg(width, height, "".join(parts), f"{ylabel} over {label}, the cursor at {cursor:g}")


def _svg(width: int, height: int, inside: str, said: str) -> str:
    style = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    size = f'viewBox="0 0 {width} {height}" style="width:100%;max-width:{width}px;height:auto"'
    return f'<svg role="img" aria-label="{html.escape(said)}" {size}><g {style}>{inside}</g></svg>'
