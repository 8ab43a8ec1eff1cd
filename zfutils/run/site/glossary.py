"""The glossary: read from the table under that heading in the opening, with which words each chapter uses."""

import re
from collections.abc import Iterable

from nbformat import NotebookNode

_ROW = re.compile(r"^\| (?P<words>[^|]+) \| (?P<means>[^|]+) \|$", re.MULTILINE)
_HEAD = ("word", "---")


def words(notebooks: Iterable[NotebookNode]) -> dict[tuple[str, ...], str]:
    """What each word means, by the words that share an entry, e.g. `("ReLU", "rectify")`; empty where no chapter has a glossary.

    Args:
        notebooks: the chapters.
    """
    cells = (cell["source"] for notebook in notebooks for cell in notebook.cells if cell["cell_type"] == "markdown")
    table = next((text for text in cells if re.search(r"^## Glossary$", text, re.MULTILINE)), "")
    rows = (row for row in _ROW.finditer(table) if row["words"] not in _HEAD)
    return {tuple(row["words"].strip().split(", ")): row["means"].strip() for row in rows}


def used(known: Iterable[tuple[str, ...]], text: str) -> list[str]:
    """The first word of each entry that a text uses, alone or in the plural, whatever its capitals."""
    return [entry[0] for entry in known if any(re.search(rf"\b{re.escape(word)}s?\b", text, re.IGNORECASE) for word in entry)]
