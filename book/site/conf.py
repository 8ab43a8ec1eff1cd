"""How Sphinx builds the site. Pages and `site.json` are made by `zfutils.run.site`; nothing is fetched, and nothing on a page comes from another host."""

import json
import os
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

SOURCE = Path(os.environ["BOOK_SOURCE"])
KNOWN = json.loads((SOURCE / "site.json").read_text(encoding="utf-8"))

project = "A paper you can run"
html_title = project
author = "The zfbook authors"
copyright = "MIT licence"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinxcontrib.bibtex"]
exclude_patterns = ["extra"]
html_extra_path = [str(SOURCE / "extra")]
html_static_path = ["static"]
html_css_files = ["book.css"]
html_js_files = [(name, {"type": "module"}) for name in ("stepper.js", "microscope.js")]
html_favicon = "static/icon.svg"
html_copy_source = False
html_show_sphinx = False
html_domain_indices = False

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "alpha"
bibtex_reference_style = "author_year"

# Chapters were executed by the run; what a kernel alone can show was taken out.
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_ipywidgets_js = {}
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["dollarmath", "amsmath", "attrs_inline"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures name the types
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
viewcode_line_numbers = False

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "logo": {"text": project},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": {"index": [], "alive": [], "glossary": [], "bibliography": [], "figures": ["page-toc"], "**": ["page-toc"]},
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "back_to_top_button": True,
    "use_edit_page_button": False,
}
html_sidebars = {
    "index": [],
    "alive": [],
    "figures": [],
    "claims": [],
    "glossary": [],
    "bibliography": [],
    "microscope/**": [],
    "search": [],
}
html_context = {"default_mode": "auto"}


def mathml(text: str, *, block: bool) -> str:
    """A formula as MathML, which browsers draw, and readers read aloud, without a script."""
    return convert(text, display="block" if block else "inline")


def _inline(visitor, node) -> None:
    visitor.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def _block(visitor, node) -> None:
    visitor.body.append(f'<div class="math" tabindex="0" role="group" aria-label="formula">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def _in_words(app, what, name, thing, options, lines: list[str]) -> None:
    """Docstrings are plain text with single backticks: the signs that reStructuredText reads as its own are kept as they are."""
    lines[:] = [line if line.lstrip().startswith((">>>", "...", "..", ":")) else _plain(line) for line in lines]


def _plain(line: str) -> str:
    quoted = line.split("`")
    return "`".join(part if n % 2 else part.replace("|", r"\|").replace("_ ", r"\_ ") for n, part in enumerate(quoted))


def _no_list(app, page: str, template: str, context: dict, doctree) -> None:
    """Entries of a bibliography have a role of their own, which no list may hold: what is read aloud would be empty."""
    if "citation-list" in context.get("body", ""):
        context["body"] = context["body"].replace('<div role="list" class="citation-list">', '<div class="citation-list">')


def setup(app) -> None:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("autodoc-process-docstring", _in_words)
    app.connect("html-page-context", _no_list)
