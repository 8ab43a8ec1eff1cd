"""The paper's numbers: the only place where one is written."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from zfutils.core.errors import unknown

FOLDER = Path(__file__).with_name("csv")


@dataclass(frozen=True)
class _Source:
    """How the numbers of one file are named.

    Attributes:
        place: in the paper.
        file: under `csv`.
        names: columns that name a row.
        values: columns of numbers, each with the column of its deviation or an empty string.
        unit: of all values.
    """

    place: str
    file: str
    names: tuple[str, ...]
    values: dict[str, str]
    unit: str


_ERRORS = {"val_top1_error": "", "val_top5_error": ""}
_SOURCES = (
    _Source("figure 3", "fig3_architecture", ("layer", "op"), {"out_size": "", "out_maps": ""}, "count"),
    _Source(
        "table 1", "table1_correspondence", ("occlusion_location",), {"layer5_mean": "layer5_std", "layer7_mean": "layer7_std"}, "share"
    ),
    _Source("table 2", "table2_imagenet_errors", ("model",), {**_ERRORS, "test_top5_error": ""}, "%"),
    _Source("table 3", "table3_ablation", ("base_model", "change"), {"train_top1_error": "", **_ERRORS}, "%"),
    _Source("table 4", "table4_caltech101", ("method",), {"acc_15_per_class": "std_15", "acc_30_per_class": "std_30"}, "%"),
    _Source("table 5", "table5_caltech256", ("method", "train_per_class"), {"accuracy": "std"}, "%"),
    _Source(
        "table 6",
        "table6_pascal2012",
        ("class",),
        {"A_sande_et_al_2012": "", "B_yan_et_al_2012": "", "oquab_et_al_2014_eccv_only": "", "ours": ""},
        "%",
    ),
    _Source(
        "table 7",
        "table7_layer_features",
        ("classifier", "layer"),
        {"caltech101_30_per_class": "caltech101_std", "caltech256_60_per_class": "caltech256_std"},
        "%",
    ),
    _Source(
        "figure 9",
        "fig9_caltech256_curve",
        ("series", "train_per_class"),
        {"accuracy_read_from_vector_plot": "std_read_from_error_bar"},
        "%",
    ),
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
    """Every number of tables 1-7 and figures 3 and 9, one row each.

    Returns:
        Columns `key`, `place`, `paper` (the value), `deviation` (or NaN), `unit` (`%`, `share` or `count`), `confidence`.
        A key is place, row and column, e.g. `table2/1-convnet-as-in-fig-3/val_top1_error`.
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


def _rows(source: _Source) -> list[dict]:
    """The numbers of one file; empty cells are no numbers."""
    rows = []
    for row in table(source.file).to_dict("records"):
        name = "-".join(_slug(str(row[column])) for column in source.names)
        for column, deviation in source.values.items():
            if pd.notna(row[column]):
                rows.append(
                    {
                        "key": f"{source.place.replace(' ', '')}/{name}/{column}",
                        "place": source.place,
                        "paper": float(row[column]),
                        "deviation": float(row[deviation]) if deviation else float("nan"),
                        "unit": source.unit,
                        "confidence": row["source_confidence"],
                    }
                )
    return rows


def _slug(text: str) -> str:
    """Words joined by hyphens, in lower case."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("*", " star ")).strip("-")
