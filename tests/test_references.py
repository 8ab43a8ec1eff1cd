"""Works that chapters name are in the bibliography, and the glossary of the opening becomes a page."""

import re

import nbformat
import pytest

from zfutils.run import notebooks
from zfutils.run.site import glossary, references

SOURCES = notebooks.sources()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("as Nie et al. 2018 show", [("Nie", "2018")]),
        ("Nadeau and Bengio (2003) add", [("Nadeau", "2003")]),
        ("Zhang (*Making nets good again*, ICML 2019) blurs", [("Zhang", "2019")]),
        ("Adebayo et al. (*Sanity checks*, 2018)", [("Adebayo", "2018")]),
        ("LeCun and colleagues (1989) trained", [("LeCun", "1989")]),
        ("Simonyan, Vedaldi and\nZisserman (December 2013) took", [("Simonyan", "2013")]),
        ("| Mahendran & Vedaldi 2015, 2016 |", [("Mahendran", "2015"), ("Mahendran", "2016")]),
        ("In 2013 a net; PASCAL VOC 2012; at ICML 2018. Caltech, 2007", []),
    ],
)
def test_a_work_is_found_by_author_and_year(text, found):
    assert references.mentions(text) == found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_work_that_a_chapter_names_is_in_the_bibliography(source):
    _, unknown = references.named(references.text(nbformat.read(notebooks.pair(source), as_version=4)))
    assert unknown == [], f"add to {references.FILE.name}"


def test_chapters_name_works_at_all_and_a_work_that_is_not_there_is_told():
    named = {work.key for source in SOURCES for work in references.named(source.read_text(encoding="utf-8").replace("\n# ", "\n"))[0]}
    assert {"adebayo2018", "simonyan2013", "springenberg2014", "nadeau2003", "zhang2019"} <= named
    assert references.named("Nobody (1999) and Nie et al. 2018") == ([references.works()["nie2018"]], ["Nobody 1999"])


def test_a_key_is_first_author_and_year_and_every_work_says_where_it_appeared():
    from pybtex.database import parse_file

    entries = parse_file(references.FILE, bib_format="bibtex").entries
    for key, work in references.works().items():
        assert key == re.sub(r"[^a-z-]", "", work.authors[0].lower()) + work.year
        assert {"booktitle", "journal", "eprint", "institution", "publisher"} & set(entries[key].fields), key
        assert entries[key].fields.get("eprint", "1234.56789").replace(".", "").isdecimal(), key
    assert len({work.title for work in references.works().values()}) == len(references.works()) - 1, "the paper alone stands there twice"


def test_titles_in_the_opening_are_those_of_the_bibliography():
    opening = next(source for source in SOURCES if source.stem.startswith("00_")).read_text(encoding="utf-8")
    _, _, listed = opening.partition("## Bibliography")
    plain = {re.sub(r"\W", "", work.title.lower()): work.key for work in references.works().values()}
    lines = [line for line in listed.partition("# %%")[0].splitlines() if line.startswith("# - ")]
    for line in lines:
        assert any(title in re.sub(r"\W", "", line.lower()) for title in plain) or "Few Training Examples" in line, line


def test_the_glossary_of_the_opening_is_read_and_words_are_found_in_text():
    cell = nbformat.v4.new_markdown_cell(
        "## Glossary\n\n| word | means |\n| --- | --- |\n| map | all values, `(h, w)` |\n| ReLU, rectify | max(x, 0) |"
    )
    known = glossary.words([nbformat.v4.new_notebook(cells=[cell])])
    assert known == {("map",): "all values, `(h, w)`", ("ReLU", "rectify"): "max(x, 0)"}
    assert glossary.used(known, "We rectify. Mapping is no word of ours.") == ["ReLU"]
    assert glossary.used(known, "Maps of a net") == ["map"] and glossary.words([]) == {}
    opening = nbformat.read(notebooks.pair(next(source for source in SOURCES if source.stem.startswith("00_"))), as_version=4)
    assert ("switches",) in glossary.words([opening])
