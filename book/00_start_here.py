# %% [markdown]
# # Start here
#
# This book reproduces *Visualizing and Understanding Convolutional Networks* (Zeiler & Fergus, 2013): every figure and every table of the
# paper is rebuilt by nets that were trained by the book itself.
#
# **You will**
# - see the pictures that the nets of this profile learn from,
# - find the chapter for each figure and table,
# - read the scoreboard: the paper's number, ours, and a verdict.
#
# | | |
# | --- | --- |
# | In the paper | all of it |
# | Needs | the other chapters' results |
# | Takes | a few seconds |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %%
import time

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from zfutils.core import profiles
from zfutils.data import registry
from zfutils.report import plot, results, scoreboard
from zfutils.run import chapters

START = time.monotonic()
PROFILE = profiles.profile(profile)
PICTURES = registry.opened(PROFILE, seed=seed)

# %% [markdown]
# ## Profiles
#
# The same chapters run at several sizes. `make reproduce PROFILE=photos` runs them on photographs.

# %%
pd.DataFrame(
    {
        "profile": one.name,
        "for": one.purpose,
        "input, px": one.image_size,
        "share of the paper's maps": one.width,
        "units in layers 6, 7": one.fc_units,
        "epochs": one.epochs,
        "images a step": one.batch,
        "first learning rate": one.learning_rate,
    }
    for one in profiles.PROFILES.values()
)

# %% [markdown]
# ## The pictures
#
# One row for each class, all from the split *val*, which no net is trained on.

# %%
PER_CLASS = 8


def rows_by_class(split: str) -> list[np.ndarray]:
    """The first pictures of every class in a split."""
    of_split = PICTURES.indices(split)
    return [of_split[PICTURES.labels[of_split] == label][:PER_CLASS] for label in range(len(PICTURES.classes))]


SHOWN = rows_by_class("val")
sheet = plot.sheet({name: np.asarray(PICTURES.images[rows]) for name, rows in zip(PICTURES.classes, SHOWN, strict=True)}, columns=PER_CLASS)
results.save("pictures", profile=PROFILE, seed=seed, seconds=time.monotonic() - START, figure=sheet, data=PICTURES)
sheet

# %% [markdown]
# Rendered toys bring their truth along: below, the parts of the same pictures, each part in its own colour. So every method of the paper
# can be scored: does an occluder on the toy hurt, does a projection fall on the part? Photographs do not know.

# %%
if "parts" in PICTURES.facts["maps"]:
    COLOURS = plot.palette(len(PICTURES.facts["parts"]))
    painted = {name: COLOURS[PICTURES.map("parts")[rows]] for name, rows in zip(PICTURES.classes, SHOWN, strict=True)}
    parts = plot.sheet(painted, columns=PER_CLASS)
    results.save("parts", profile=PROFILE, seed=seed, seconds=time.monotonic() - START, figure=parts, data=PICTURES)
    shown = parts
else:
    shown = Markdown("These pictures come without a map of parts.")
shown

# %% [markdown]
# ## Which chapter makes what

# %%
pd.DataFrame(
    {"chapter": one.name, "results": ", ".join(one.results), "nets": ", ".join(one.nets)}
    for one in sorted(chapters.CHAPTERS.values(), key=lambda one: one.name)
)

# %% [markdown]
# ## The scoreboard
#
# *Agrees*, *differs*, *undecided* (the interval covers the threshold) or *not comparable* (with the reason). A claim is decided by a rule
# that was written down before the run; the rules are in `zfutils/paper/claims.yml`. *Leans* is what one seed can say: the interval would decide,
# but another seed of the same recipe may turn it. Claims and the patterns of tables are counted; what is so *by construction*, the paper's
# *own numbers* one by one, and the methods of other groups (*context*) are printed only. `p_holm` is a p that holds for all claims and
# patterns together (Holm).

# %%
BOARD = scoreboard.write(PROFILE.name, seed=seed)
Markdown(scoreboard.summary(BOARD))

# %%
with pd.option_context("display.max_rows", None):
    display(BOARD[BOARD["result"].notna()].drop(columns=["unit", "seconds"]))

# %% [markdown]
# Claims of earlier versions that are no more, each with the reason:

# %%
Markdown(scoreboard.retired())

# %% [markdown]
# ## Provenance

# %%
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
