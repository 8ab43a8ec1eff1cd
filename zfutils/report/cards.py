"""Pieces of a page in HTML: cards with a thumbnail and a verdict, tables whose verdicts are coloured, parts that are folded."""

import base64
import html
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from zfutils.paper import claims
from zfutils.report import paper_map

WIDTH = 400  # pixels of a thumbnail, shown at half that width or more
_COLOURS = {  # white letters stand on each
    claims.AGREES: "#1f7a4d",
    claims.LEANS_AGREES: "#4d7f63",
    claims.DIFFERS: "#b3263a",
    claims.LEANS_DIFFERS: "#a0616b",
    paper_map.IN_PART: "#1b6ca8",
    claims.UNDECIDED: "#8a6414",
}
_GREY = "#6b6b6b"
_CARD = "border:1px solid #9993;border-radius:6px;padding:8px;display:flex;flex-direction:column;gap:4px;font-size:13px;line-height:1.35"
_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(165px,1fr));gap:10px"
_PICTURE = "width:100%;height:120px;object-fit:contain;background:#fff;border-radius:3px;margin:0"
_EMPTY = "height:120px;display:flex;align-items:center;justify-content:center;text-align:center;color:#777;background:#8881;padding:0 8px"


@dataclass(frozen=True)
class Card:
    """One figure or table.

    Attributes:
        head: what it is called, e.g. `Figure 7`.
        title: what it shows.
        verdict: in one word.
        link: address of the chapter that makes it; empty where none does.
        chapter: its name.
        picture: the file of its picture; None where there is none.
        otherwise: what is said in the place of the picture.
        rests: what the claims say one by one that the verdict sums up; empty where they all say the same.
    """

    head: str
    title: str
    verdict: str
    link: str
    chapter: str
    picture: Path | None = None
    otherwise: str = "no picture in this run"
    rests: str = ""


def badge(verdict: str) -> str:
    """A verdict as a coloured word."""
    style = f"background:{_COLOURS.get(verdict, _GREY)};color:#fff;border-radius:9px;padding:1px 8px;font-size:12px;white-space:nowrap"
    return f'<span style="{style}">{html.escape(verdict)}</span>'


def grid(cards: Iterable[Card]) -> str:
    """Cards side by side, as many as the page is wide."""
    return f'<div style="{_GRID}">{"".join(map(_card, cards))}</div>'


def table(frame: pd.DataFrame, *, wide: str = "") -> str:
    """A table of text whose column `verdict`, where it has one, is coloured; on a narrow page it is scrolled sideways.

    Args:
        frame: text; numbers are printed with four digits.
        wide: a column that takes the room that is left.
    """
    heads = "".join(f'<th style="text-align:left{";width:50%" if name == wide else ""}">{html.escape(name)}</th>' for name in frame)
    lines = [
        "".join(f'<td style="text-align:left;vertical-align:top">{_cell(name, value)}</td>' for name, value in row.items())
        for row in frame.to_dict("records")
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div style="overflow-x:auto"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def folded(summary: str, inside: str) -> str:
    """A part of a page that opens on a click.

    Args:
        summary: the line that is always seen, plain text.
        inside: HTML.
    """
    return f'<details style="margin:4px 0"><summary style="cursor:pointer">{html.escape(summary)}</summary>{inside}</details>'


def thumbnail(file: Path, *, width: int = WIDTH) -> str:
    """A picture made small, as an address that holds the picture itself.

    Args:
        file: of the picture.
        width: at most, pixels.
    """
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((width, width))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"


def _card(card: Card) -> str:
    if card.picture is None:
        picture = f'<div style="{_EMPTY}">{html.escape(card.otherwise)}</div>'
    else:
        picture = f'<img style="{_PICTURE}" alt="{html.escape(f"{card.head}: {card.title}")}" src="{thumbnail(card.picture)}">'
    link = f'<a href="{html.escape(card.link)}">{html.escape(card.chapter)}</a>' if card.link else ""
    rests = f"<small>{html.escape(card.rests)}</small>" if card.rests else ""
    head = f"<span><b>{html.escape(card.head)}</b> {badge(card.verdict)}</span>{rests}"
    return f'<div style="{_CARD}">{picture}{head}<span>{html.escape(card.title)}</span>{link}</div>'


def _cell(column: str, value: object) -> str:
    if column == "verdict":
        return badge(str(value))
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else html.escape(str(value))
