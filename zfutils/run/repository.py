"""The public address of this repository, where one is set: for buttons that open a chapter elsewhere and for the cell that installs it."""

import importlib.metadata
import os
import re
import tomllib
from urllib.parse import quote

from zfutils.core import paths
from zfutils.core.errors import Problem

VARIABLE = "BOOK_REPOSITORY"
_BRANCH = "main"
_ADDRESS = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")


def address() -> str:
    """`owner/name` on GitHub, or nothing where no address is set.

    It is set by `Repository` under `[project.urls]` in `pyproject.toml`, e.g. `https://github.com/owner/name`; the variable
    `BOOK_REPOSITORY` goes before it.

    Raises:
        Problem: what is set is no address of a repository on GitHub, from which alone Colab and Binder open notebooks by these links.
    """
    given = os.environ.get(VARIABLE, "").strip() or _in_project()
    if given and not _ADDRESS.fullmatch(given):
        raise Problem(f"expected an address such as https://github.com/owner/name, got {given!r}; change {VARIABLE} or [project.urls]")
    return "/".join(_ADDRESS.fullmatch(given).groups()) if given else ""


def opened_in(name: str) -> dict[str, str]:
    """Where a chapter can be opened without installing anything here, by the name of the place; nothing where no address is set.

    Args:
        name: of the chapter, e.g. `explore`.
    """
    if not (there := address()):
        return {}
    file = f"book/{name}.ipynb"
    return {
        "Colab": f"https://colab.research.google.com/github/{there}/blob/{_BRANCH}/{file}",
        "Binder": f"https://mybinder.org/v2/gh/{there}/{_BRANCH}?labpath={quote(file, safe='')}",
    }


def installing() -> str:
    """Code that installs the book where it is missing, as in Colab; nothing where no address is set."""
    if not (there := address()):
        return ""
    return f"""import importlib.util
import subprocess
import sys

if importlib.util.find_spec("zfutils") is None:  # in Colab, say: install the book, which takes a minute
    wanted = "zfutils[book] @ git+https://github.com/{there}@{_BRANCH}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", wanted], check=True)"""


def _in_project() -> str:
    """The address in `pyproject.toml` of a checkout, or in the card of an installed package."""
    if paths.IS_CHECKOUT:
        project = tomllib.loads((paths.REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return project.get("urls", {}).get("Repository", "")
    listed = importlib.metadata.metadata("zfutils").get_all("Project-URL") or []
    return next((url for name, _, url in (one.partition(", ") for one in listed) if name == "Repository"), "")
