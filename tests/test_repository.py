"""The public address of the repository: off by default; where it is set, chapters open elsewhere and install the book there."""

import nbformat
import pytest

from zfutils.core import paths
from zfutils.core.errors import Problem
from zfutils.run import notebooks, repository

ADDRESS = "https://github.com/someone/a-book"


def test_where_no_address_is_set_nothing_is_added(monkeypatch):
    monkeypatch.setattr(repository, "_in_project", lambda: "")
    assert repository.address() == "" and repository.opened_in("explore") == {} and repository.installing() == ""
    assert '"installing"' not in notebooks.made(paths.BOOK / "explore.py")


def test_the_address_of_the_project_is_one_or_none():
    assert repository.address() == "" or "/" in repository.address()


@pytest.mark.parametrize("given", [ADDRESS, f"{ADDRESS}/", f"{ADDRESS}.git"])
def test_a_chapter_opens_in_colab_and_binder(monkeypatch, given):
    monkeypatch.setenv(repository.VARIABLE, given)
    assert repository.opened_in("explore") == {
        "Colab": "https://colab.research.google.com/github/someone/a-book/blob/main/book/explore.ipynb",
        "Binder": "https://mybinder.org/v2/gh/someone/a-book/main?labpath=book%2Fexplore.ipynb",
    }


def test_an_address_of_another_kind_is_refused_in_one_line(monkeypatch):
    monkeypatch.setenv(repository.VARIABLE, "my book")
    with pytest.raises(Problem, match="expected an address such as .* got 'my book'; change BOOK_REPOSITORY"):
        repository.address()


def test_the_first_cell_installs_only_what_is_missing_and_is_made_once(monkeypatch, tmp_path):
    monkeypatch.setenv(repository.VARIABLE, ADDRESS)
    made = notebooks.made(paths.BOOK / "explore.py")
    first, *rest = nbformat.reads(made, as_version=4).cells
    assert first["metadata"] == {"tags": ["installing"], "jupyter": {"source_hidden": True}}
    assert f"zfutils[book] @ git+{ADDRESS}@main" in first["source"]
    called: list = []
    monkeypatch.setattr("subprocess.run", lambda *given, **options: called.append(given))
    exec(compile(first["source"], "first cell", "exec"), {})
    assert called == [], "the book is here"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    exec(compile(first["source"], "first cell", "exec"), {})
    assert called[0][0][1:4] == ["-m", "pip", "install"]
    # JupyterLab writes the cell into the source; it is made anew, not twice.
    saved = tmp_path / "explore.py"
    text = (paths.BOOK / "explore.py").read_text(encoding="utf-8")
    saved.write_text(f'# %% tags=["installing"]\nold = True\n\n{text}', encoding="utf-8")
    assert nbformat.reads(notebooks.made(saved), as_version=4).cells[0]["source"] == first["source"]
    assert not any("old = True" in cell["source"] for cell in nbformat.reads(notebooks.made(saved), as_version=4).cells)
    assert [cell["source"] for cell in rest][:1] == [nbformat.reads(notebooks.made(saved), as_version=4).cells[1]["source"]]
