"""Keys that tell whether a result is still valid: digests of parameters and declared versions, and of the code that a chapter uses."""

import ast
import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent

# A package whose code cannot change a number: messages, paths, progress, processes, and profiles, whose values stand in every key.
NEUTRAL = "core"

LATER = {"later": True}  # metadata of a dataclass's field that was added when things had keys already


def digest(*things: object) -> str:
    """Digest any nest of dataclasses, dicts, lists, strings, numbers and None.

    Of a dataclass the values count, in their order, and not the names: a rename makes nothing stale. A field that was added later,
    `field(default=…, metadata=LATER)`, counts where it is not its default: neither does a new option.

    Returns:
        16 hexadecimal digits, the same on every machine and in every process.

    Example:
        >>> digest("zfnet", 3) == digest("zfnet", 3)
        True
    """
    text = json.dumps(things, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code(*modules: str) -> str:
    """Digest the code of modules of this package and of all that they import from it; comments and docstrings do not count.

    Args:
        modules: names within the package, e.g. `"training.trainer"`.
    """
    return digest([[name, _source_digest(_file(name))] for name in reachable(modules)])


def reachable(modules: Iterable[str]) -> list[str]:
    """Names of the modules and of all modules of this package that they import, directly or not, sorted; `core` left out."""
    reached: dict[str, None] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached and name.split(".")[0] != NEUTRAL:
            reached[name] = None
            waiting += imports(name)
    return sorted(reached)


@functools.cache
def imports(module: str) -> tuple[str, ...]:
    """Names of this package's modules that a module imports by itself, in the order of its text."""
    return imports_of(_file(module).read_text(encoding="utf-8"))


def imports_of(source: str) -> tuple[str, ...]:
    """Names of this package's modules that a Python text imports, in the order of the text."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    inside = [name.removeprefix("zfutils.") for name in names if name.startswith("zfutils.")]
    return tuple(dict.fromkeys(name for name in inside if _file(name).exists()))


def _file(module: str) -> Path:
    """File of a module or package of ours."""
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def _source_digest(path: Path) -> str:
    """Digest of a file's code: its syntax tree without docstrings, so that words can be edited freely."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return digest(ast.dump(tree))


def _plain(thing: object) -> object:
    """Turn what JSON does not know into what it does."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        pairs = [(field, getattr(thing, field.name)) for field in dataclasses.fields(thing)]
        return [
            value if not field.metadata else {field.name: value} for field, value in pairs if not field.metadata or value != field.default
        ]
    if isinstance(thing, Path):
        return str(thing)
    if hasattr(thing, "item") and getattr(thing, "ndim", 0) == 0:
        return thing.item()  # a NumPy number
    raise TypeError(f"cannot digest a {type(thing).__name__}; turn it into strings, numbers, lists or dicts first")
