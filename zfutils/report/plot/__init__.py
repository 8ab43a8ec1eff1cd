"""Figures: each function takes a tidy table or uint8 pictures and returns a figure; none computes a number."""

from zfutils.report.plot.charts import bars, dots, learning_curves, lines, spectra
from zfutils.report.plot.diagrams import paths_diagram, splits_diagram, transfer_diagram
from zfutils.report.plot.further import beside, scatter, signs
from zfutils.report.plot.images import crops, filters, palette, pictures, sheet
from zfutils.report.plot.nets import architecture
from zfutils.report.plot.opening import both_ways, hidden
from zfutils.report.plot.pages import BANNER_DPI, Page, banner, nine_page, pages, strip_page, switches, two_paths
from zfutils.report.plot.panels import chain, descent, normed, signals
from zfutils.report.plot.probes import Probed, columns, curves, decoded, heat_maps, occlusion
from zfutils.report.plot.transfer import by_class, by_count, by_panel, few_images, layers

__all__ = [
    "BANNER_DPI",
    "Page",
    "Probed",
    "architecture",
    "banner",
    "bars",
    "beside",
    "both_ways",
    "by_class",
    "by_count",
    "by_panel",
    "chain",
    "columns",
    "crops",
    "curves",
    "decoded",
    "descent",
    "dots",
    "few_images",
    "filters",
    "heat_maps",
    "hidden",
    "layers",
    "learning_curves",
    "lines",
    "nine_page",
    "normed",
    "occlusion",
    "pages",
    "palette",
    "paths_diagram",
    "pictures",
    "scatter",
    "sheet",
    "signals",
    "signs",
    "spectra",
    "splits_diagram",
    "strip_page",
    "switches",
    "transfer_diagram",
    "two_paths",
]
