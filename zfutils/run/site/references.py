"""The works that chapters name: found in their text by author and year, described in `book/site/references.bib`."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from zfutils.core import paths

FILE = paths.BOOK / "site" / "references.bib"
_NAME = r"(?:Van |de )?[A-Z][a-z]+(?:[A-Z][a-z]+)?(?:-[A-Z][a-z]+)?"
_NAMES = rf"(?P<first>{_NAME})(?:\)?(?:, | & | and ){_NAME})*\)?(?: et al\.| and colleagues)?"
_BETWEEN = r" \(?(?:\*[^*]{1,160}\*, )?(?:[A-Z]\w+ )?"  # a title, then a month or where it was published
_MENTION = re.compile(rf"\b{_NAMES}{_BETWEEN}(?P<years>(?:19|20)\d\d(?:, (?:19|20)\d\d)*)\b")
_NOBODY = {"In", "Since", "Until", "By", "From", "Before", "After", "ImageNet", "Caltech", "January", "February", "March", "April"}
_NOBODY |= {"May", "June", "July", "August", "September", "October", "November", "December"}


@dataclass(frozen=True)
class Work:
    """One work.

    Attributes:
        key: in the file.
        title: of the work.
        authors: surnames, the first author's first.
        year: in which it appeared.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: str


@functools.cache
def works(file: Path = FILE) -> dict[str, Work]:
    """All works of a BibTeX file by key."""
    from pybtex.database import parse_file  # a run without the site needs none of it
    from pybtex.richtext import Text

    entries = parse_file(file, bib_format="bibtex").entries
    return {
        key: Work(
            key,
            str(Text.from_latex(entry.fields["title"])),
            tuple(" ".join((*person.prelast_names, *person.last_names)) for person in entry.persons["author"]),
            entry.fields["year"],
        )
        for key, entry in entries.items()
    }


def mentions(text: str) -> list[tuple[str, str]]:
    """First author and year of each work that a text names, in its order, each once.

    Counted as naming a work: `Nie et al. 2018`, `Nadeau and Bengio (2003)`, `Zhang (*Making ... again*, ICML 2019)`, `Zhang 2019`.
    """
    found = _MENTION.finditer(re.sub(r"\s+", " ", text))
    pairs = [(one["first"], year) for one in found if one["first"] not in _NOBODY for year in re.findall(r"\d{4}", one["years"])]
    return list(dict.fromkeys(pairs))


def named(text: str) -> tuple[list[Work], list[str]]:
    """The works that a text names, by author, and what looks like one and is not in the file, e.g. `Nobody 1999`."""
    known = {(work.authors[0], work.year): work for work in works().values()}
    asked = mentions(text)
    there = sorted((known[pair] for pair in asked if pair in known), key=lambda work: (work.authors, work.year))
    return there, [" ".join(pair) for pair in asked if pair not in known]


def text(notebook: NotebookNode) -> str:
    """All that a reader can read in the cells of a notebook."""
    return "\n\n".join(cell["source"] for cell in notebook.cells)
