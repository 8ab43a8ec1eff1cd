"""House rules: imports one way, pairs in step, no outputs in git, words where they belong."""

import ast
import re
import subprocess

import nbformat
import pytest
import yaml

from zfutils import chapters, cores, keys, notebooks, places

# A module may import modules of earlier lines only, and of its own line where that is not a circle.
LAYERS = (
    ("problems", "progress", "cores", "children"),
    ("places",),
    ("keys",),
    ("profiles", "paper", "claims"),
    ("sets",),
    ("manifests", "archives", "pictures", "toybox"),
    ("photos", "data", "sources"),
    ("norm", "nets", "devices", "images", "rotations", "recipes", "schedule"),
    ("weights", "trained", "predictions", "filters", "units", "rules", "graph"),
    ("features", "deconv", "deconvnet", "fields"),
    ("training",),
    ("likeness", "clipping", "topk", "regions", "answers", "errors", "folds", "precision", "banks", "overlap"),
    ("probes", "scratch"),
    (
        "winners",
        "evolution",
        "hierarchy",
        "truth",
        "sanity",
        "aliasing",
        "saliency",
        "occlusion",
        "pointing",
        "invariance",
        "correspondence",
        "transfer",
    ),
    ("results", "scoreboard", "verdicts"),
    ("plot",),
    ("chapters", "notebooks", "bench", "trainings"),
    ("runner",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted(path.relative_to(keys.PACKAGE).with_suffix("") for path in keys.PACKAGE.rglob("*.py"))
NAMES = [".".join(path.parts).removesuffix(".__init__") for path in MODULES if path.parts != ("__init__",)]
SOURCES = notebooks.sources()


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=places.REPOSITORY, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout, so there is no list of tracked files")
    return [name for name in listed.stdout.splitlines() if (places.REPOSITORY / name).exists()]


@pytest.mark.parametrize("name", NAMES)
def test_imports_point_one_way(name):
    own = name.split(".")[0]
    for other in keys.imports(name):
        assert RANK[other.split(".")[0]] <= RANK[own], f"{name} imports {other}"


def test_there_is_no_circle_of_imports():
    graph = {name: [other for other in keys.imports(name) if other != name] for name in NAMES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"circle: {' → '.join((*path, name))}"
        if name not in done:
            for other in graph.get(name, []):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("name", NAMES)
def test_modules_and_public_functions_say_what_they_do(name):
    tree = ast.parse(keys._file(name).read_text())
    assert (ast.get_docstring(tree) or "").split("\n")[0].endswith((".", ":")), "the module's first line is a sentence"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"


def test_no_module_is_a_drawer_for_everything():
    assert not {part for name in NAMES for part in name.split(".")} & {"utils", "misc", "common", "helpers"}
    for path in keys.PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) < 480, path


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_pairs_are_in_step_and_hold_no_outputs(source):
    assert notebooks.in_step(source), f"run: make notebooks ({source.stem})"
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in notebook.cells if cell["cell_type"] == "code")


def test_every_chapter_has_a_source_and_every_source_is_a_chapter():
    assert sorted(chapters.CHAPTERS) == [source.stem for source in SOURCES]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_chapters_have_the_fixed_parts_and_only_two_parameters(source):
    text = source.read_text()
    for part in ("**You will**", "| In the paper |", "| Takes |", "## Provenance"):
        assert part in text, part
    cells = nbformat.read(source.with_suffix(".ipynb"), as_version=4).cells
    tagged = [cell["source"] for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1 and [line.split(" = ")[0] for line in tagged[0].splitlines()] == ["profile", "seed"]
    assert not re.search(r"^\s*[%!]|if False|warnings\.(simple)?filter|import \*", text.replace("# %%", ""), re.MULTILINE)
    code = sum(cell["cell_type"] == "code" for cell in cells)
    assert sum(cell["cell_type"] == "markdown" for cell in cells) >= 0.5 * code


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_functions_in_notebooks_read_arguments_imports_functions_and_constants_only(source):
    tree = ast.parse(source.read_text())
    imported = {
        alias.asname or alias.name.split(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, function in functions.items():
        used = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        own = {node.id for node in used if isinstance(node.ctx, ast.Store)} | {
            node.arg for node in ast.walk(function) if isinstance(node, ast.arg)
        }
        for node in used:
            known = node.id in own | imported | set(functions) | set(dir(__builtins__)) | set(__builtins__)
            assert known or node.id.isupper() or re.fullmatch(r"[A-Z0-9_]+", node.id), f"{name} reads {node.id}"


def test_no_text_speaks_of_this_machine_and_no_picture_is_large():
    forbidden = re.compile(r"/(work|home|root|Users)/|pypi\.org|files\.pythonhosted|registry\.npmjs")
    for name in tracked():
        path = places.REPOSITORY / name
        if path.suffix in {".png", ".jpg", ".gif"}:
            assert path.stat().st_size < 300_000, name
        elif path.stat().st_size < 2_000_000 and name != "tests/test_house.py":
            assert not forbidden.search(path.read_text(errors="ignore")), name


def test_conda_users_get_the_same_pins():
    environment = yaml.safe_load((places.REPOSITORY / "environment.yml").read_text())
    by_pip = environment["dependencies"][-1]["pip"]
    assert by_pip == ["-r requirements.txt", "-e ."]
    assert any(str(line).startswith("python>=3.11") for line in environment["dependencies"])


def test_every_direct_dependency_is_pinned_and_nothing_of_cuda_is():
    import tomllib

    project = tomllib.loads((places.REPOSITORY / "pyproject.toml").read_text())["project"]
    pins = dict(
        line.split(" ;")[0].lower().split("==")
        for line in (places.REPOSITORY / "requirements.txt").read_text().splitlines()
        if "==" in line
    )
    wanted = [*project["dependencies"], *(name for group in project["optional-dependencies"].values() for name in group)]
    assert [name for name in wanted if name not in pins] == []
    assert not [name for name in pins if name.startswith(("nvidia", "triton", "cuda"))]


def test_help_lists_every_verb():
    listed = subprocess.run(["make", "help"], cwd=places.REPOSITORY, capture_output=True, text=True, check=True).stdout
    for verb in ["help", "setup", "data", "nets", "train", "reproduce", "notebooks", "lab", "bench", "test", "lint", "clean"]:
        assert re.search(rf"^  make {verb} ", listed, re.MULTILINE), verb


def test_make_and_the_runner_start_processes_with_the_same_settings():
    text = (places.REPOSITORY / "Makefile").read_text()
    assert dict(re.findall(r"^export (\w+) := (\S+)$", text, re.MULTILINE)) == cores.CALM
