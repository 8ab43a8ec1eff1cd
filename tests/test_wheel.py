"""An installed wheel works far from the checkout: it holds the book and the manifests, and writes nothing into itself."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from zfutils.core import keys, paths

PARTS = ("zfutils", "book", "data_manifests", "weights", "pyproject.toml", "README.md", "LICENSE")


def called(*arguments: str, cwd: Path, **environment: str) -> str:
    """Run this Python in a folder; return what it printed."""
    ended = subprocess.run([sys.executable, *arguments], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout + ended.stderr


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder into which the wheel of this tree is installed, alone."""
    for needed in ("pip", "setuptools"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed, so no wheel can be built")
    if not paths.IS_CHECKOUT:
        pytest.skip("this is no checkout, so there is nothing to build")
    folder = tmp_path_factory.mktemp("wheel")
    for part in PARTS:  # a copy: building writes beside the sources
        source = paths.REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / "tree" / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "_build"))
        else:
            shutil.copy(source, folder / "tree" / part)
    pip = ("-m", "pip", "--disable-pip-version-check", "--quiet")
    called(*pip, "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), cwd=folder / "tree")
    (wheel,) = folder.glob("*.whl")
    called(*pip, "install", "--no-deps", "--no-index", "--no-compile", "--target", str(folder / "site"), str(wheel), cwd=folder)
    return folder / "site"


def test_every_package_is_in_the_list_of_the_wheel():
    listed = tomllib.loads((paths.REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    there = [file.parent.relative_to(keys.PACKAGE.parent) for file in keys.PACKAGE.rglob("__init__.py")]
    assert sorted(listed) == sorted(
        [*(".".join(path.parts) for path in there), "zfutils._book", "zfutils._data_manifests", "zfutils._weights"]
    )


def test_the_wheel_holds_all_that_the_code_reads(installed):
    for source, copy in (("book", "_book"), ("data_manifests", "_data_manifests"), ("weights", "_weights"), ("zfutils", "")):
        wanted = [
            path
            for path in (paths.REPOSITORY / source).rglob("*")
            if "_build" not in path.parts
            and path.suffix
            in {
                ".py",
                ".yml",
                ".csv",
                ".mplstyle",
                ".js",
                ".json",
                ".css",
                ".svg",
                ".png",
                ".bib",
                ".md",
                ".rst",
                ".html",
                ".safetensors",
                ".npz",
                ".zip",
            }
        ]
        for path in wanted:
            there = installed / "zfutils" / copy / path.relative_to(paths.REPOSITORY / source)
            assert there.read_bytes() == path.read_bytes(), path


def test_an_installed_book_prepares_its_pictures_and_runs_a_chapter_from_any_folder(installed, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    before = files(installed)
    where = {"PYTHONPATH": str(installed), "DATA_DIR": str(tmp_path / "data"), "RESULTS_DIR": "", "PROFILE": "smoke"}
    code = "from zfutils.core import paths; print(paths.MANIFESTS, paths.IS_CHECKOUT)"
    printed = called("-c", code, cwd=tmp_path / "elsewhere", **where)
    assert printed.split() == [str(installed / "zfutils" / "_data_manifests"), "False"]
    called("-m", "zfutils", "reproduce", "--only", "table1", "--jobs", "1", cwd=tmp_path / "elsewhere", **where)
    results = tmp_path / "data" / "results" / "smoke"
    assert (results / "tables" / "table1.json").exists() and (results / "notebooks" / "08_correspondence.ipynb").exists()
    assert (tmp_path / "data" / "book" / "08_correspondence.ipynb").exists()
    assert files(installed) == before and not list((tmp_path / "elsewhere").iterdir())
