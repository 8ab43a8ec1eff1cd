"""Tables as text for a reader: the paper's, printed whole, ours beside its own by the keys that the scoreboard knows; and any other."""

import itertools
import numbers as number_types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from zfutils.paper import numbers

ABSENT = "–"  # printed by the paper, not measured here


@dataclass(frozen=True)
class _Layout:
    """How a table is printed.

    Attributes:
        place: in the paper.
        file: of its numbers.
        names: columns that name a row, and what stands above them.
        values: columns of numbers, what stands above each, and the column of what the paper prints after a ±, or an empty string.
        across: a column whose values stand side by side, as in the paper's table 5; none elsewhere.
        digits: after the point.
    """

    place: str
    file: str
    names: dict[str, str]
    values: dict[str, tuple[str, str]]
    across: str = ""
    digits: int = 1


_METHODS6 = {
    "A_sande_et_al_2012": "Sande et al. 2012, %",
    "B_yan_et_al_2012": "Yan et al. 2012, %",
    "oquab_et_al_2014_eccv_only": "Oquab et al. 2014, %",
    "ours": "pre-trained convnet, %",
}
_WORDS = {"krizhevsky_replication": "Krizhevsky et al., replicated", "zf_fig3": "the net of figure 3"}
_ERRORS = {"val_top1_error": ("val top-1 %", ""), "val_top5_error": ("val top-5 %", "")}


def table1(rows: Iterable[dict], *, ours: str = "ours") -> pd.DataFrame:
    """Table 1: correspondence of parts.

    Args:
        rows: of the scoreboard, answers of `results.number` and `results.absent`; others are passed over.
        ours: what stands above our numbers, e.g. what they were measured on.

    Returns:
        Every row and column of the paper's table in its order, as text: its number with what it prints after a ±, and ours beside it. A
        cell is empty where the paper prints nothing or the method is another group's, and `–` where ours was not measured.
    """
    layers = {f"layer{layer}_mean": (f"layer {layer}", f"layer{layer}_std") for layer in (5, 7)}
    return _beside(_Layout("table 1", "table1_correspondence", {"occlusion_location": "hidden"}, layers, digits=3), rows, ours)


def table2(rows: Iterable[dict], *, ours: str = "ours") -> pd.DataFrame:
    """Table 2: errors on ImageNet, whole. Arguments and answer as in `table1`."""
    errors = {**_ERRORS, "test_top5_error": ("test top-5 %", "")}
    return _beside(_Layout("table 2", "table2_imagenet_errors", {"model": "net"}, errors), rows, ours)


def table3(rows: Iterable[dict], *, ours: str = "ours") -> pd.DataFrame:
    """Table 3: what happens when layers are taken out or changed. Arguments and answer as in `table1`."""
    errors = {"train_top1_error": ("train top-1 %", ""), **_ERRORS}
    return _beside(_Layout("table 3", "table3_ablation", {"base_model": "base", "change": "change"}, errors), rows, ours)


def table4(rows: Iterable[dict], *, ours: str = "ours") -> pd.DataFrame:
    """Table 4: Caltech-101. Arguments and answer as in `table1`."""
    sizes = {f"acc_{size}_per_class": (f"{size} a class, %", f"std_{size}") for size in (15, 30)}
    return _beside(_Layout("table 4", "table4_caltech101", {"method": "method"}, sizes), rows, ours)


def table5(rows: Iterable[dict], *, ours: str = "ours") -> pd.DataFrame:
    """Table 5: Caltech-256, sizes side by side. Arguments and answer as in `table1`."""
    accuracy = {"accuracy": (" a class, %", "std")}
    return _beside(_Layout("table 5", "table5_caltech256", {"method": "method"}, accuracy, across="train_per_class"), rows, ours)


def table6(rows: Iterable[dict], *, ours: str = "ours") -> pd.DataFrame:
    """Table 6: PASCAL VOC 2012, every class. Arguments and answer as in `table1`; ours stands beside the paper's own method."""
    values = {column: (heading, "") for column, heading in _METHODS6.items()}
    return _beside(_Layout("table 6", "table6_pascal2012", {"class": "class"}, values), rows, ours)


def table7(rows: Iterable[dict], *, ours: str = "ours", ours256: str = "") -> pd.DataFrame:
    """Table 7: classifiers on the features of each layer. Arguments and answer as in `table1`.

    `ours256` stands above what is measured beside Caltech-256; default the same as beside Caltech-101.
    """
    sets = {
        "caltech101_30_per_class": ("Caltech-101, 30 a class, %", "caltech101_std"),
        "caltech256_60_per_class": ("Caltech-256, 60 a class, %", "caltech256_std"),
    }
    return _beside(
        _Layout("table 7", "table7_layer_features", {"classifier": "classifier", "layer": "layer"}, sets), rows, ours, ours256 or ours
    )


def neat(frame: pd.DataFrame, digits: int = 2, *, own: Mapping[str, int] | None = None) -> pd.DataFrame:
    """A table of numbers as one would print it.

    Args:
        frame: any table.
        digits: after the point, in columns that do not hold whole numbers only.
        own: digits of single columns.

    Returns:
        The same as text: thousands parted, whole numbers without a point, nothing where nothing is, no counter in front, and a space for
        each underscore of a heading.
    """
    columns = [_texts(frame.iloc[:, place], (own or {}).get(name, digits)) for place, name in enumerate(frame)]
    text = pd.DataFrame(dict(enumerate(columns)), index=frame.index)
    text.columns = frame.columns.map(_headed)
    return text.set_axis([""] * len(text)) if isinstance(frame.index, pd.RangeIndex) else text


def _headed(name: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """A heading, or those of all levels of a column, in words."""
    return tuple(map(_headed, name)) if isinstance(name, tuple) else str(name).replace("_", " ")


def _texts(values: Iterable[object], digits: int) -> list[str]:
    """The cells of one column."""
    values = [None if pd.api.types.is_scalar(value) and pd.isna(value) else value for value in values]
    decimals = 0 if all(float(value).is_integer() for value in values if _is_number(value)) else digits
    return [
        "" if value is None else f"{round(value, decimals) + 0.0:,.{decimals}f}" if _is_number(value) else str(value) for value in values
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, number_types.Real) and not isinstance(value, bool)


def _beside(layout: _Layout, rows: Iterable[dict], *ours: str) -> pd.DataFrame:
    """Print a table with the measured rows beside it; of `ours` each column has its own, or all have the one."""
    measured = {row["key"]: row["ours"] for row in rows if row["ours"] is not None}
    own = set(numbers.numbers().query("kind == @numbers.OWN")["key"])
    lines: dict[tuple, dict[tuple[str, str], str]] = {}
    for printed in numbers.table(layout.file).to_dict("records"):
        names = [printed[name] for name in layout.names]
        line = lines.setdefault(tuple(map(_worded, names)), {})
        digits = 0 if str(names[0]).startswith("classes_won") else layout.digits
        more = [printed[layout.across]] if layout.across else []
        for (column, (heading, std)), whose in zip(layout.values.items(), itertools.cycle(ours)):
            over = "".join(map(str, [*more, heading]))
            line[over, "the paper"] = _number(printed[column], f"{printed[std]:g}" if std else "nan", digits)
            key, spread = (numbers.key(layout.place, [*names, *more], name) for name in (column, std))
            line[over, whose] = _measured(key, measured, measured.get(spread), digits) if key in own else ""
    table = pd.DataFrame(lines.values(), index=pd.Index([names[0] if len(names) == 1 else names for names in lines]))
    table.index.names = list(layout.names.values())
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table.loc[:, (table != "").any()]  # beside a column of other groups stands none of ours


def _measured(key: str, measured: dict[str, float], std: float | None, digits: int) -> str:
    """Ours of a cell."""
    return _number(measured[key], "nan" if std is None else f"{std:.{digits}f}", digits) if key in measured else ABSENT


def _number(value: float, std: str, digits: int) -> str:
    """A number with what stands after its ±; empty where there is none."""
    return "" if pd.isna(value) else f"{value:.{digits}f}" + ("" if std == "nan" else f" ± {std}")


def _worded(name: object) -> object:
    """What names a row, in words."""
    return _WORDS.get(name, name.replace("_", " ")) if isinstance(name, str) else name
