"""What a figure shows, in words, read back from what was drawn: for readers who do not see it."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_PANELS = 8  # that are described one by one
_NAMES = 12  # of lines, bars or rows that are listed


def described(figure: Figure) -> str:
    """Title, panels, axes and legends of a figure in one paragraph; empty for one that says nothing of itself.

    Example:
        >>> figure, axis = blank(figsize=(4, 3))
        >>> axis.set(title="Loss", xlabel="images seen", ylabel="cross-entropy")
        >>> described(figure)
        'Loss: cross-entropy against images seen.'
    """
    titles = [_title(part) for part in (figure, *figure.subfigs)]
    panels = [text for axes in figure.axes if axes.get_visible() and (text := _panel(axes))]
    panels = list(dict.fromkeys(panels))
    pictures = sum(len(axes.images) for axes in figure.axes)
    if len(panels) > _PANELS:
        panels = [*panels[:_PANELS], f"and {len(panels) - _PANELS} more panels"]
    counted = f"{pictures} pictures" if pictures > 1 else ""
    drawn = getattr(figure, "words", "")  # of a diagram, whose labels in a row would tell nothing
    parts = [part for part in (*titles, drawn or counted, "" if drawn else "; ".join(panels)) if part]
    return " ".join(f"{part.rstrip('.')}." for part in parts)


def _title(figure: Figure) -> str:
    """The title over all panels, on one line."""
    return _line(figure.get_suptitle())


def _panel(axes: Axes) -> str:
    """One panel: its title and what it draws."""
    title = ", ".join(filter(None, (_line(axes.get_title(where)) for where in ("left", "center", "right"))))
    drawn = "; ".join(filter(None, (_against(axes), _series(axes), _written(axes))))
    return ": ".join(filter(None, (title, drawn)))


def _against(axes: Axes) -> str:
    """The quantities of the two axes."""
    return " against ".join(filter(None, (_line(axes.get_ylabel()), _line(axes.get_xlabel()))))


def _series(axes: Axes) -> str:
    """The entries of the legend."""
    legend = axes.get_legend()
    return "" if legend is None else _listed("drawn for", (text.get_text() for text in legend.get_texts()))


def _written(axes: Axes) -> str:
    """Words at the ticks: names of rows and columns; numbers there say nothing alone."""
    ticks = [_line(tick.get_text()) for axis in (axes.yaxis, axes.xaxis) for tick in axis.get_ticklabels()] if axes.axison else []
    return _listed("rows" if axes.images else "at", (text for text in ticks if text[:1].isalpha()))


def _listed(word: str, names: Iterable[str]) -> str:
    """Names in a row, the first of many."""
    known = list(dict.fromkeys(filter(None, map(_line, names))))
    rest = f" and {len(known) - _NAMES} more" if len(known) > _NAMES else ""
    return f"{word} {', '.join(known[:_NAMES])}{rest}" if known else ""


def _line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())
