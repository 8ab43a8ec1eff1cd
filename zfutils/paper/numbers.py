"""The paper's numbers: the only place where one is written."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from zfutils.core.errors import unknown

FOLDER = Path(__file__).with_name("csv")
BUILT, OWN, CONTEXT = "by construction", "own number", "context"  # true of any net that is built so; of the paper's nets; of other groups'


@dataclass(frozen=True)
class _Source:
    """How the numbers of one file are named.

    Attributes:
        place: in the paper.
        file: under `csv`.
        names: columns that name a row.
        values: columns of numbers, each with the column of its std or an empty string.
        unit: of all values; `count` for what is equal or not.
        own: what the keys of the paper's own numbers match; the others are other groups'.
        built: whether they follow from how the net or the experiment is built.
    """

    place: str
    file: str
    names: tuple[str, ...]
    values: dict[str, str]
    unit: str
    own: str = ""
    built: bool = False


_ERRORS = {"val_top1_error": "", "val_top5_error": ""}
_SIZES = ("out_size", "out_maps", "kernel", "stride")
_SQUARE = ("square_side", "stride", "positions", "shown_square_top", "shown_square_left")
_AXES = ("layer1_distance_axis_max", "layer7_distance_axis_max", "probability_axis_max")
_OTHERS6 = ("A_sande_et_al_2012", "B_yan_et_al_2012", "oquab_et_al_2014_eccv_only")
_CALTECH7 = {"caltech101_30_per_class": "caltech101_std", "caltech256_60_per_class": "caltech256_std"}
_CURVE = {"accuracy_read_from_vector_plot": "std_read_from_error_bar"}


def _alone(*columns: str) -> dict[str, str]:
    """Columns without a std."""
    return dict.fromkeys(columns, "")


_SOURCES = (
    _Source("section 3", "section3_training", ("parameter",), _alone("value"), "count", built=True),
    _Source("figure 3", "fig3_architecture", ("layer", "op"), _alone(*_SIZES), "count", built=True),
    _Source("figure 5", "fig5_axes", ("transformation",), _alone("x_min", "x_max"), "count", built=True),
    _Source("figure 5", "fig5_axes", ("transformation",), _alone(*_AXES), "distance or share"),
    _Source("figure 7", "fig7_summary", ("example",), _alone(*_SQUARE), "count", built=True),
    _Source("figure 7", "fig7_summary", ("example",), _alone("p_lowest", "p_median", "p_highest"), "share"),
    _Source("figure 7", "fig7_summary", ("example",), _alone("positions_true_class", "classes"), "positions or classes"),
    _Source("figure 7", "fig7_labels", ("example", "most_probable_class"), _alone("positions"), "positions"),
    _Source(
        "table 1", "table1_correspondence", ("occlusion_location",), {"layer5_mean": "layer5_std", "layer7_mean": "layer7_std"}, "share"
    ),
    _Source(
        "table 2", "table2_imagenet_errors", ("model",), {**_ERRORS, "test_top5_error": ""}, "%", "authors|1-conv|a-5-conv|b-1-conv|6-conv"
    ),
    _Source("table 3", "table3_ablation", ("base_model", "change"), {"train_top1_error": "", **_ERRORS}, "%"),
    _Source("table 4", "table4_caltech101", ("method",), {"acc_15_per_class": "std_15", "acc_30_per_class": "std_30"}, "%", ".*convnet"),
    _Source("table 5", "table5_caltech256", ("method", "train_per_class"), {"accuracy": "std"}, "%", ".*convnet"),
    _Source("table 6", "table6_pascal2012", ("class",), _alone(*_OTHERS6, "ours"), "%", ".*/ours"),
    _Source("table 7", "table7_layer_features", ("classifier", "layer"), _CALTECH7, "%"),
    _Source("figure 9", "fig9_caltech256_curve", ("series", "train_per_class"), _CURVE, "%", "ours"),
    _Source("section 5.2", "section5_overlap", ("set",), _alone("images", "in_common", "most_in_a_class"), "images"),
)


@functools.cache
def table(name: str) -> pd.DataFrame:
    """One table or figure of the paper as it was read.

    Args:
        name: of the file, e.g. `table2_imagenet_errors`.

    Raises:
        Problem: there is no such table; the message lists those that exist.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.csv"))
    if name not in known:
        raise unknown("table of the paper", name, known)
    return pd.read_csv(FOLDER / f"{name}.csv")


@functools.cache
def numbers() -> pd.DataFrame:
    """Every number that the paper prints, one row each; what it prints after a ± has a row of its own.

    Returns:
        Columns `key`, `place`, `paper` (the value), `std` (or NaN), `unit` (`count` for what is equal or not), `kind` (`BUILT`, `OWN`
        or `CONTEXT`), `confidence`. A key is place, row and column, e.g. `table2/1-convnet-as-in-fig-3/val_top1_error`.
    """
    return pd.DataFrame([row for source in _SOURCES for row in _rows(source)])


def number(key: str) -> pd.Series:
    """The row of `numbers()` with a key.

    Raises:
        Problem: the paper has no such number; the message lists those of the same place.
    """
    rows = numbers()
    found = rows[rows["key"] == key]
    if found.empty:
        raise unknown("number of the paper", key, [name for name in rows["key"] if name.split("/")[0] == key.split("/")[0]] or rows["key"])
    return found.iloc[0]


def key(place: str, row: Sequence[object], column: str) -> str:
    """The key of a number.

    Args:
        place: in the paper, e.g. `table 4`.
        row: what names its row, in the words of the paper.
        column: of the file.

    Example:
        >>> key("table 4", ["ImageNet-pretrained convnet"], "acc_15_per_class")
        'table4/imagenet-pretrained-convnet/acc_15_per_class'
    """
    return f"{place.replace(' ', '')}/{_named(row)}/{column}"


def _rows(source: _Source) -> list[dict]:
    """The numbers of one file; empty cells are no numbers."""
    rows = []
    for row in table(source.file).to_dict("records"):
        names = [row[column] for column in source.names]
        for column, std in source.values.items():
            spread = float(row[std]) if std else float("nan")
            for printed, value, own in ((column, row[column], spread), (std, spread, float("nan"))):
                if printed and pd.notna(value):
                    known = {
                        "key": key(source.place, names, printed),
                        "place": source.place,
                        "paper": float(value),
                        "std": own,
                        "unit": source.unit,
                    }
                    rows.append({**known, "kind": _kind(source, f"{_named(names)}/{column}"), "confidence": row["source_confidence"]})
    return rows


def _kind(source: _Source, name: str) -> str:
    """Class of a number by the name of its row and column."""
    if source.built:
        return BUILT
    return OWN if re.match(source.own, name) else CONTEXT


def _named(row: Sequence[object]) -> str:
    """The part of a key that names its row."""
    return "-".join(_slug(str(word)) for word in row)


def _slug(text: str) -> str:
    """Words joined by hyphens, in lower case."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("*", " star ")).strip("-")
