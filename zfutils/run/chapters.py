"""The chapters of the book: what each makes, and what it needs."""

from dataclasses import dataclass

from zfutils.core import paths, profiles
from zfutils.core.errors import unknown


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        name: of its files in `book/`, without ending.
        results: what it writes, by the names of `results.save`.
        nets: recipes that must be trained before.
        rows: recipes that fill rows of its tables; where one is missing the chapter says so.
        seeds: recipes from further seeds that its verdicts take in where they are trained; with `EXTRAS=1` they are.
        together: nets that it averages, by their names in `recipes.TOGETHER`.
        sets: prepared sets that it reads.
        needs: chapters whose results it reads.
        extra: whether it runs only with `EXTRAS=1`.
        weights: of torchvision's net that it looks at; where they are not to be had the chapter is passed over.
        datasets: of the profiles in which it runs; empty for all.
        minutes: what it takes with one core on photographs, with the nets that ship; of those that may start, the longest starts first.
    """

    name: str
    results: tuple[str, ...] = ()
    nets: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    sets: tuple[str, ...] = ("pretraining",)
    needs: tuple[str, ...] = ()
    extra: bool = False
    weights: str = ""
    datasets: tuple[str, ...] = ()
    minutes: float = 0.5


_MAIN = ("zfnet", "alexnet", "zfnet-unclipped")
_TABLE2 = ("zfnet-2", "zfnet-3", "zfnet-4", "zfnet-5", "zfnet-wide")  # with zfnet those of `recipes.TOGETHER`
_TABLE3 = (
    *("alexnet-without-3-4", "alexnet-without-7", "alexnet-without-6-7", "alexnet-without-3-4-6-7", "alexnet-2048", "alexnet-8192"),
    *("zfnet-2048", "zfnet-8192", "zfnet-wide", "zfnet-wide-8192"),
)
_SEEDS3 = tuple(f"{name}-{word}" for word in ("again", "third") for name in ("alexnet", *_TABLE3))
_SEEDS2 = tuple(f"{name}-{word}" for word in ("again", "third") for name in ("alexnet", "zfnet-wide"))
_FURTHER = (
    *_SEEDS3,
    *("zfnet-without-4-widened", "zfnet-without-3-4-widened"),
    *("zfnet-no-dropout", "zfnet-batch-norm", "zfnet-batch-norm-dropout"),
    *("zfnet-half", "zfnet-three-quarters", "zfnet-three-halves"),
)
_CLASSES = (
    *(f"zfnet-{count}-classes" for count in (10, 20, 50, 100, 200)),
    *(f"zfnet-{count}-classes-5000" for count in (20, 50, 100, 200)),
)

_ALL = (
    Chapter("01_architecture", ("figure3",), ("zfnet",)),
    Chapter("02_training", ("table2", "learning_curves", "clipping"), _MAIN, _TABLE2, _SEEDS2, ("five-zfnets", "six-nets")),
    Chapter("03_ablation", ("table3",), ("zfnet", "alexnet"), _TABLE3, (*_TABLE2[:4], *_SEEDS3), minutes=3),
    Chapter("04_deconvnet", ("figure1", "figure2", "hierarchy"), ("zfnet",), minutes=1),
    Chapter(
        "05_development",
        ("figure4", "settling", "figure6_filters", "figure6_projections"),
        _MAIN,
        seeds=(*_TABLE2[:4], "alexnet-again", "alexnet-third"),
        minutes=11,
    ),
    Chapter("06_trust", ("ground_truth", "sanity", "cascade"), ("zfnet",), minutes=1),
    Chapter("07_occlusion", ("figure7", "occlusion_scores"), ("zfnet",)),
    Chapter("08_correspondence", ("figure8", "table1", "correspondence"), ("zfnet",), sets=("pretraining", "sharper")),
    Chapter(
        "09_invariance", ("figure5", "invariance", "rotation_training"), ("zfnet",), rows=("zfnet-turned",), sets=("pretraining", "turning")
    ),
    Chapter(
        "10_transfer",
        ("table4", "table5", "table6", "table7", "table7_in_training", "figure9", "overlap", "scenes"),
        ("zfnet",),
        sets=("pretraining", "transfer", "scenes", "caltech256", "voc2012"),
        minutes=11.5,
    ),
    Chapter("11_beyond", ("bug_museum",), ("zfnet",)),
    Chapter(
        "12_further",
        ("second_seeds", "depth_width", "regularisation", "cost", "scratch_folds"),
        ("zfnet", "alexnet"),
        rows=(*_TABLE3, *_TABLE2, "zfnet-turned", *_FURTHER),
        sets=("pretraining", "transfer"),
        extra=True,
    ),
    Chapter(
        "13_imagenet",
        ("imagenet_units", "imagenet_occlusion", "imagenet_boxes", "imagenet_correspondence", "imagenet_invariance", "imagenet_transfer"),
        sets=("sharper", "pretraining", "transfer"),
        weights=profiles.IMAGENET_NET,
        datasets=("photos", "imagenet"),  # others run without a network
        minutes=14,
    ),
    Chapter(
        "14_classes",
        ("classes_layers", "classes_depth", "classes_scratch", "classes_worlds"),
        rows=_CLASSES,
        sets=("pretraining", "transfer"),
        extra=True,
        datasets=("photos",),  # toys have too few classes, and the worlds that it compares are pictures of one size
        minutes=15,
    ),
    Chapter("explore", ("explorer",), ("zfnet",), minutes=0.2),
    Chapter(
        "00_start_here",
        ("pictures",),
        needs=(
            "01_architecture",
            "02_training",
            "03_ablation",
            "04_deconvnet",
            "05_development",
            "06_trust",
            "07_occlusion",
            "08_correspondence",
            "09_invariance",
            "10_transfer",
            "11_beyond",
            "13_imagenet",
            "explore",
        ),
    ),
)

CHAPTERS = {chapter.name: chapter for chapter in _ALL}


def makers() -> dict[str, str]:
    """The chapter that makes a result, by the name of the result."""
    return {result: chapter.name for chapter in CHAPTERS.values() for result in chapter.results}


def title(name: str) -> str:
    """What stands above a chapter, e.g. `Train it` for `02_training`."""
    lines = (paths.BOOK / f"{name}.py").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("# # ")).removeprefix("# # ")


def nets_of(wanted: list[Chapter]) -> tuple[list[str], list[str]]:
    """Recipes that some chapters must have, and those that fill rows of their tables, each once."""
    needed = list(dict.fromkeys(name for chapter in wanted for name in chapter.nets))
    return needed, list(dict.fromkeys(name for chapter in wanted for name in chapter.rows if name not in needed))


def chosen(*, only: str | None = None, extras: bool = False, dataset: str | None = None) -> list[Chapter]:
    """The chapters of a run, each after those that it needs.

    Args:
        dataset: of the profile; None takes the chapters of all.
        only: a result or a chapter; None takes all.
        extras: whether the extra ones run too.

    Raises:
        Problem: there is no such result; the message lists those that exist.
    """
    known = [name for chapter in CHAPTERS.values() for name in (*chapter.results, chapter.name)]
    if only is None:
        here = [chapter for chapter in CHAPTERS.values() if not (dataset and chapter.datasets) or dataset in chapter.datasets]
        return [chapter for chapter in here if extras or not chapter.extra]
    if only not in known:
        raise unknown("result", only, known)
    wanted = [chapter.name for chapter in CHAPTERS.values() if only in (*chapter.results, chapter.name)]
    for name in wanted:  # grows as needs are added
        wanted += [need for need in CHAPTERS[name].needs if need not in wanted]
    return [chapter for chapter in CHAPTERS.values() if chapter.name in wanted]
