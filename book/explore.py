# %% [markdown]
# # Explore: every unit, by hand
#
# **You will**
# - choose a net, a unit and a picture, and see at once what the paper's methods say of them,
# - click a place of a picture and bring it down to pixels, under every rule and with right, centred or random switches,
# - hide, shift, enlarge and turn the picture, and watch the unit and the classes answer,
# - take what you see along as one line of Python.
#
# | | |
# | --- | --- |
# | In the paper | section 2.1, figures 1, 2, 5, 6 and 7: here for any unit and any picture, one at a time |
# | Needs | nothing: nets and toys ship with the book; your own nets, pictures and prepared photographs are used where they are |
# | Takes | a few seconds |
#
# The cells run by themselves where `make explore` or `make lab` opened this page, elsewhere run them all; then move the controls. Every control works by mouse and by keyboard; in the picture the arrow keys move the place that is brought down and the escape key goes back to the strongest.

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %% tags=["plumbing"]
import time

from IPython.display import HTML

from zfutils.core import profiles
from zfutils.models import shipped
from zfutils.report import results
from zfutils.widgets import subjects
from zfutils.widgets.explorer import explore

START = time.monotonic()
PROFILE = profiles.profile(profile)
NETS = subjects.known()
SHIPPED = shipped.known()
NET = subjects.preferred(profile)  # what ships, else what was trained here

# %% [markdown]
# ## The nets that are here
#
# What ships with the book, what was trained on this machine, and those nets of torchvision whose weights are already on it. Nothing is fetched.
#
# Nets of toys ship with the pictures that their units answer to most. Nets of photographs ship without any: their nine are looked for among the pictures that scikit-image brings, and among up to 2,000 photographs of a
# prepared set (`make data PROFILE=photos`) where there is one. That search runs once, beside all else; the panel says how far it is, and what it finds is kept.

# %%
FURTHER = [name for name in NETS if name not in SHIPPED]  # other seeds and sizes, and what was trained on this machine
shown = (
    f"<details><summary>{len(FURTHER)} more: trained on this machine, or torchvision's</summary>{', '.join(FURTHER)}</details>"
    if FURTHER
    else ""
)
HTML(f"<p>With the book: {', '.join(name for name in NETS if name in SHIPPED)}.</p>{shown}")

# %% [markdown]
# ## A unit, as a figure
#
# What the explorer below shows when it opens, for readers without a kernel: the unit's map over the picture, with the frame of what its strongest place sees; the projection of that place; the nine pictures that the unit
# answers to most, and their projections; the picture that is changed; and what a square that hides a part does to the unit and to the most probable class.

# %%
OPENED = explore(net=NET, toys=profile)
shown = OPENED.figure()
results.save(
    "explorer", profile=PROFILE, seed=seed, seconds=time.monotonic() - START, figure=shown, facts={"net": NET, "state": OPENED.state.line()}
)
shown

# %% [markdown]
# What to look for: do the nine patches show one thing? Does the projection keep to that part of the picture which the patches share, and is that place dark in the map of the hidden square? Then take a unit two layers lower, and two layers higher.

# %% [markdown]
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START)

# %% [markdown]
# ## Three things to try below
#
# 1. **Switches.** Take a unit of layer 5 and set the switches from *right* to *centred*: what is left is what the filters say without the picture's own maxima (section 2.1). *Random* switches add noise of their own.
# 2. **Places.** Raise the number of places: the projections of several maxima are added. Where do they stop falling on the same part?
# 3. **Turn.** Turn the picture slowly. Layer 1 leaves at once, layer 7 follows later (section 4, figure 5); the bars say when the class gives way.

# %% [markdown]
# ## Move it
#
# The line on top says what you see. Copied into a cell of its own it shows the same again, in any notebook that has `from zfutils.widgets.explorer import explore`.

# %%
OPENED
