"""House rules: imports one way, pairs in step, no outputs in git, words where they belong."""

import ast
import re
import subprocess

import nbformat
import pytest
import yaml

from zfutils.core import cpu, keys, paths
from zfutils.run import chapters, notebooks

# Packages from the lowest up, and the modules of each; a module imports what stands before it, and of its own line what makes no circle.
PACKAGES = {
    "core": (("errors", "progress", "cpu", "subprocesses"), ("paths", "locks"), ("keys", "shipped_files"), ("profiles",)),
    "paper": (("numbers", "claims"),),
    "stats": (("bootstrap", "intervals", "log_odds", "multiple", "pairing"), ("average_precision", "seeds")),
    "data": (
        ("manifests", "prepared_sets", "members"),
        ("download", "decode", "splits", "near_duplicates", "preparation", "layouts"),
        ("toybox", "listings", "samples"),
        ("registry",),
        ("left_out",),
    ),
    "models": (
        ("local_response_norm", "devices"),
        ("architectures", "crops"),
        ("recipes", "rotated_crops", "predictions", "checkpoints", "filters"),
        ("shipped", "pretrained"),
        ("shipped_answers",),
        ("trained", "loading"),
        ("cached_predictions",),
    ),
    "training": (
        ("schedule", "descent"),
        ("trainer",),
        ("run_folder",),
        ("runs", "scratch_answers"),
        ("clipping", "from_scratch"),
        ("train_all",),
    ),
    "attribution": (
        ("rules", "units"),
        ("activations", "autograd_graph"),
        ("deconv", "deconvnet"),
        ("receptive_field", "batched_deconv", "topk", "occlusion", "saliency", "onnx_graphs"),
        ("projections", "shipped_winners"),
        ("top_nine",),
    ),
    "analysis": (
        ("similarity", "first_layer", "class_purity", "selectivity", "aliasing", "error_rates", "noise", "signals"),
        ("localization", "heatmap_metrics", "sanity", "evolution", "invariance", "correspondence", "regime"),
    ),
    "transfer": (("feature_cache", "gpu_probes", "linear_probes"), ("experiments", "own_pictures")),
    "report": (("plot", "exercises"), ("results", "tables", "paper_map"), ("scoreboard", "verdicts", "cards")),
    "widgets": (
        ("drawing", "pipeline", "camera", "clickable", "pictures", "subjects"),
        ("panel", "scans", "states"),
        ("views", "sliders", "frozen", "changes", "square"),
        ("controls",),
        ("explorer", "blink", "covered", "alike", "moved", "seen", "normed", "starts", "descents", "epochs", "projected", "followed"),
    ),
    "run": (
        ("chapters", "repository", "execution", "bench", "prestart"),
        ("notebooks",),
        ("runner", "hero", "shipping", "site"),
        ("command_line",),
    ),
}
RANK = {
    f"{package}.{module}": (number, place)
    for number, (package, lines) in enumerate(PACKAGES.items())
    for place, line in enumerate(lines)
    for module in line
}
MODULES = sorted(path.relative_to(keys.PACKAGE).with_suffix("") for path in keys.PACKAGE.rglob("*.py"))
NAMES = [".".join(path.parts).removesuffix(".__init__") for path in MODULES if path.parts != ("__init__",)]
SOURCES = notebooks.sources()


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=paths.REPOSITORY, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout, so there is no list of tracked files")
    return [name for name in listed.stdout.splitlines() if (paths.REPOSITORY / name).exists()]


def house(name: str) -> str:
    """Package and module of a name: what it counts as when imports are ranked."""
    return ".".join(name.split(".")[:2])


@pytest.mark.parametrize("name", [name for name in NAMES if "." in name])
def test_imports_point_one_way(name):
    for other in keys.imports(name):
        if "." in other:
            assert RANK[house(other)] <= RANK[house(name)], f"{name} imports {other}"


def test_a_package_file_holds_a_sentence_and_every_module_has_its_place():
    assert sorted({house(name) for name in NAMES if "." in name}) == sorted(RANK)
    for package in PACKAGES:
        assert len(ast.parse((keys.PACKAGE / package / "__init__.py").read_text(encoding="utf-8")).body) == 1, package


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
    tree = ast.parse(keys._file(name).read_text(encoding="utf-8"))
    assert (ast.get_docstring(tree) or "").split("\n")[0].endswith((".", ":")), "the module's first line is a sentence"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"


def test_no_module_is_a_drawer_for_everything():
    assert not {part for name in NAMES for part in name.split(".")} & {"utils", "misc", "common", "helpers"}
    for path in keys.PACKAGE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 480, path


@pytest.mark.parametrize("folder", ["zfutils", "tests", "book"])
def test_text_is_read_and_written_as_utf8(folder):
    for path in (paths.REPOSITORY / folder).rglob("*.py"):  # the linter sees open(), but not what is a path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("read_text", "write_text"):
                assert "encoding" in {word.arg for word in node.keywords}, f"{path.name}, line {node.lineno}: give encoding"


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
    text = source.read_text(encoding="utf-8")
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
    tree = ast.parse(source.read_text(encoding="utf-8"))
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
        path = paths.REPOSITORY / name
        if path.suffix in {".png", ".jpg", ".gif"}:
            assert path.stat().st_size < 300_000, name
        elif path.stat().st_size < 2_000_000 and name != "tests/test_house.py":
            assert not forbidden.search(path.read_text(errors="ignore", encoding="utf-8")), name


def test_conda_users_get_the_same_pins():
    environment = yaml.safe_load((paths.REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    by_pip = environment["dependencies"][-1]["pip"]
    assert by_pip == ["-r requirements.txt", "-e ."]
    assert any(str(line).startswith("python>=3.11") for line in environment["dependencies"])


def test_every_direct_dependency_is_pinned_and_nothing_of_cuda_is():
    import tomllib

    project = tomllib.loads((paths.REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = dict(
        line.split(" ;")[0].lower().split("==")
        for line in (paths.REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    wanted = [*project["dependencies"], *(name for group in project["optional-dependencies"].values() for name in group)]
    assert [name for name in wanted if name not in pins] == []
    assert not [name for name in pins if name.startswith(("nvidia", "triton", "cuda"))]


def test_help_lists_every_verb():
    listed = subprocess.run(["make", "help"], cwd=paths.REPOSITORY, capture_output=True, text=True, check=True).stdout
    for verb in [
        "help",
        "setup",
        "data",
        "nets",
        "train",
        "reproduce",
        "notebooks",
        "lab",
        "explore",
        "bench",
        "test",
        "book",
        "serve",
        "mutants",
        "lint",
        "clean",
    ]:
        assert re.search(rf"^  make {verb} ", listed, re.MULTILINE), verb


def test_make_and_the_runner_start_processes_with_the_same_settings():
    text = (paths.REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert dict(re.findall(r"^export (\w+) := (\S+)$", text, re.MULTILINE)) == cpu.CALM
