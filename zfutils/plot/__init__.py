"""Figures: each function takes a tidy table or uint8 pictures and returns a figure; none computes a number."""

from zfutils.plot.charts import bars, learning_curves, lines, spectra
from zfutils.plot.images import crops, filters, palette, pictures, sheet
from zfutils.plot.nets import architecture

__all__ = ["architecture", "bars", "crops", "filters", "learning_curves", "lines", "palette", "pictures", "sheet", "spectra"]
