# %% [markdown]
# # Start here
#
# In 2013 Matthew Zeiler and Rob Fergus asked what a convolutional network sees. Their paper, *Visualizing and Understanding Convolutional Networks*, is why so many of us first believed that
# a net can be looked into. This book rebuilds it: every figure and every table, by nets that the book trains itself, with a verdict beside each.
#
# **You will**
# - read the paper in ten minutes, with three pictures,
# - see where it came from and what became of it,
# - choose your way through the book: an hour, a weekend or a course,
# - find every figure and table of the paper, what came of it here, and the chapter that makes it.
#
# | | |
# | --- | --- |
# | In the paper | all of it |
# | Needs | the other chapters' results; where one is missing the page says so |
# | Takes | a few seconds |

# %% tags=["parameters"]
profile = "toybox"
seed = 0

# %% tags=["plumbing"]
import time
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown

from zfutils.attribution import activations, deconv, occlusion, top_nine
from zfutils.attribution.units import Unit
from zfutils.core import paths, profiles
from zfutils.data import registry
from zfutils.models.crops import to_display
from zfutils.paper import claims, numbers
from zfutils.report import cards, paper_map, plot, results, scoreboard
from zfutils.run import chapters
from zfutils.widgets import subjects

pd.set_option("display.max_colwidth", None)

START = time.monotonic()
PROFILE = profiles.profile(profile)
PICTURES = registry.at_hand(PROFILE, seed=seed)


def paper(key: str) -> str:
    """A number that the paper prints."""
    return f"{numbers.number(key)['paper']:g}"


# %% [markdown]
# ## The paper in ten minutes
#
# ### What was asked
#
# In 2012 a convolutional net won the ImageNet competition, by a margin that nobody had expected. Within a year half the field had changed its tools, and hardly anybody could say why they worked.
# The first layer of such a net is easy to look at, since its filters are small pictures. A filter of the fourth layer is a block of numbers that weighs other numbers; print it, and you are none the wiser.
#
# So one built nets by trial and error: change something, train for a week, see whether the error falls. Zeiler and Fergus wanted to *look* first. Three plain questions run through their paper:
#
# - **What makes this unit fire?** Not in words, but in pixels of the images that it fires for.
# - **Does the net look at the object**, or does it guess from what usually surrounds it?
# - **What is each layer good for**, and is it good for anything but ImageNet?

# %% tags=["plumbing"]
Markdown(f"""
How wide was the margin? The best method without a convolutional net left {paper("table2/gunji-et-al-2012-best-non-convnet/test_top5_error")} % of the test images without the right class among its five guesses.
Krizhevsky, Sutskever and Hinton, with five nets, left {paper("table2/krizhevsky-et-al-2012-5-convnets/test_top5_error")} %; seven nets that had also seen a larger ImageNet left {paper("table2/krizhevsky-et-al-2012-star-7-convnets/test_top5_error")} %.
""")

# %% [markdown]
# ### What they built
#
# A way back. A net turns an image into maps by three steps, repeated: *filter* (convolution), *rectify* (set what is negative to zero), *pool* (keep the largest value of each neighbourhood).
# The **deconvnet** takes one single value high up in the net, sets everything else in that layer to zero, and undoes the three steps in reverse order until it stands in pixels again.
# Pooling throws away where the largest value was, so the way up writes it down; these notes are called **switches**. Nothing is learned on the way down: it uses the net's own filters, transposed.
#
# Here is the whole machine at work, on a net that ships with this book and was trained on rendered toys. Read it like a letter U turned upside down: up on the right, across at the top, down on the left. In the paper a map
# of layer 4 answers to the faces of dogs; so take the unit of layer 4 that has the most dogs among the nine pictures that excite it most.

# %%
SUBJECT = subjects.load("zfnet-toybox")
TOPS, SAMPLE = SUBJECT.winners  # the nine strongest pictures of every unit ship with the net
TOP, DOG = TOPS["conv4"], SUBJECT.classes.index("dog")


def dogs(map: int) -> tuple[int, float]:
    """How many of a unit's nine pictures show a dog, and how strongly it fires for the first."""
    return int((SAMPLE.labels[TOP.indices[map]] == DOG).sum()), float(TOP.values[map, 0])


UNIT = Unit("conv4", int(max(TOP.active(), key=dogs)))
FIRST = SAMPLE.only(TOP.indices[UNIT.map][:1])
LABEL, IMAGE = int(FIRST.labels[0]), SUBJECT.cut(FIRST.images[0])
INPUT = SUBJECT.input([IMAGE])
DOWN = deconv.project(SUBJECT.net, INPUT, unit=UNIT)
DOWN_PICTURE = to_display(DOWN.pixels.numpy(), scale=top_nine.display_scale(DOWN.pixels.numpy()))

# %%
plot.both_ways(
    IMAGE,
    activations.of(SUBJECT.net, INPUT, [UNIT.layer])[UNIT.layer][0, UNIT.map].clamp(min=0).numpy(),
    DOWN.at,
    DOWN_PICTURE,
    steps={
        "up": ("convolution", "ReLU", "max pool\n(layers 1, 2, 5)"),
        "down": ("transposed\nconvolution", "ReLU", "unpool\n(layers 1, 2, 5)"),
    },
    captions={"image": "an image", "projection": "its projection", "map": f"{UNIT}: its map", "seed": "one value, the rest is zero"},
)

# %% tags=["plumbing"]
ENERGY = DOWN.pixels.double().pow(2).sum(0).flatten().sort(descending=True).values
HALF = int((ENERGY.cumsum(0) < ENERGY.sum() / 2).sum()) + 1  # pixels
Markdown(f"""
What to see: the image shows a **{SUBJECT.class_name(LABEL)}**. The unit fires most strongly at row {DOWN.at[0]}, column {DOWN.at[1]} of its map (counted from 0), with {DOWN.activation:.3g}; that one value goes down.
Grey is zero, so what stands out from grey is what comes down from that one value: half of its *energy*, the sum of the squared pixels, lies on {100 * HALF / len(ENERGY):.1f} % of them. Pools follow only layers 1, 2 and 5; the other layers go down in two steps.
""")

# %% [markdown]
# That is one of four tools. The others need no deconvnet: **hide** a part of the image and see what the net then says; **move** the image and see which layers notice; **take layers out**, or carry them to other
# pictures, and see what is lost.
#
# ### What they found
#
# A unit shows its character not in one picture but in many. So the paper puts the nine images that excite a unit most beside the nine projections:

# %%
NINE = top_nine.of(SUBJECT.net, SAMPLE, SUBJECT.size, TOP, layer=UNIT.layer, maps=np.array([UNIT.map]))
PROJECTIONS, PATCHES = NINE.tiles(SAMPLE, SUBJECT.size)
plot.pages(
    [[plot.nine_page("nine patches", PATCHES, columns=1), plot.nine_page("what comes down from each", PROJECTIONS, columns=1)]],
    width=6.2,
)

# %%
COUNTS = pd.Series([SUBJECT.class_name(label) for label in SAMPLE.labels[TOP.indices[UNIT.map]]]).value_counts()
OTHERS = [name for name in COUNTS.index if name != "dog"]
ASKED = (
    f"So *a unit for dogs* will not do. What do *{'*, *'.join(['dog', *OTHERS[:-1]])}* and *{OTHERS[-1]}* share that no other toy has?"
    if OTHERS
    else "Dogs, all of them. Which part of them?"
)
Markdown(f"""
{UNIT}, its nine pictures: {", ".join(f"{count} × {name}" for name, count in COUNTS.items())}. {ASKED} Look on the right for what stays the same from tile to tile, while on the left colour, place and background change, and make
your guess. What stays is what the unit is about; what changes is what it does not mind. A guess is all that nine pictures allow: [chapter 4](04_deconvnet.ipynb) does this for every layer and counts what the pictures share, and [chapter 6](06_trust.ipynb) asks how far such a picture can be trusted.
""")

# %% [markdown]
# The third picture needs no way down. Slide a square over the first of the nine, and at each position ask the net again how sure it is of the true class. On the right, each cell is one position of the square:

# %%
SWEEP = occlusion.sweep(SUBJECT.net, INPUT[0], layer=None, stride=occlusion.scaled(SUBJECT.size, steps=1)[1])
P = SWEEP.probabilities[..., LABEL]
WORST = np.unravel_index(P.argmin(), P.shape)
BEFORE = float(SWEEP.base_probabilities[LABEL])
SQUARE = (int(SWEEP.tops[WORST[0]]), int(SWEEP.lefts[WORST[1]]), SWEEP.size)
MEAN = SUBJECT.cut(np.rint(SAMPLE.mean()).astype(np.uint8))  # what the net takes for nothing: the mean of all training pictures
plot.hidden(IMAGE, SQUARE, P, name=SUBJECT.class_name(LABEL), unhidden=BEFORE, fill=MEAN)

# %% tags=["plumbing"]
Markdown(f"""
With nothing hidden the net gives *{SUBJECT.class_name(LABEL)}* a probability of {BEFORE:.2f}. With the square at its worst place {P.min():.2f} is left; at {100 * (P > 0.9 * BEFORE).mean():.0f} % of the {P.size} positions
at least nine tenths of it remain. The dark patch is where the answer comes from. Is it where the projection above has its strokes? It need not be: one is about a unit, the other about the answer.
[Chapter 7](07_occlusion.ipynb) builds this by hand and measures how well the two agree.
""")

# %% tags=["plumbing"]
Markdown(f"""
And this is what the paper concludes, with the place where you find it, there and here:

| | the paper says | in the paper | here |
| --- | --- | --- | --- |
| 1 | Features climb: corners and edges in layer 2, textures in layer 3, parts of classes in layer 4, whole objects in layer 5. | figure 2 | [chapter 4](04_deconvnet.ipynb) |
| 2 | Low layers settle within a few epochs, high ones only after 40 to 50. | figure 4 | [chapter 5](05_development.ipynb) |
| 3 | Looking pays: Krizhevsky's first layer had filters too large and steps too wide. Smaller ones bring the top-5 error of a single net from {paper("table2/krizhevsky-et-al-2012-1-convnet/val_top5_error")} to {paper("table2/1-convnet-as-in-fig-3/val_top5_error")} %. | figures 3, 6, table 2 | chapters [1](01_architecture.ipynb), [2](02_training.ipynb), [5](05_development.ipynb) |
| 4 | The net looks at the object: hide it, and the answer goes. | figure 7 | [chapter 7](07_occlusion.ipynb) |
| 5 | It has an idea of parts: hiding the same part of different dogs changes the features alike, in layer 5. | figure 8, table 1 | [chapter 8](08_correspondence.ipynb) |
| 6 | Small shifts and zooms move the first layer dramatically, the top layer less and nearly in proportion; the answer is stable to both, and in general not to rotation, unless the object is symmetric. | figure 5 | [chapter 9](09_invariance.ipynb) |
| 7 | Depth carries it: in the authors' replication of Krizhevsky's net top-1 error rises without two middle layers or without the two hidden ones from {paper("table3/krizhevsky-replication-none-1-convnet/val_top1_error")} to {paper("table3/krizhevsky-replication-removed-layers-3-4/val_top1_error")} or {paper("table3/krizhevsky-replication-removed-layers-6-7/val_top1_error")} %; without both to {paper("table3/krizhevsky-replication-removed-layers-3-4-6-7/val_top1_error")} %. | table 3 | [chapter 3](03_ablation.ipynb) |
| 8 | The features travel: on Caltech-101 with 30 images a class they reach {paper("table4/imagenet-pretrained-convnet/acc_30_per_class")} %, the same net from scratch {paper("table4/non-pretrained-convnet/acc_30_per_class")} %. | tables 4 to 7, figure 9 | [chapter 10](10_transfer.ipynb) |

Did all of it hold? Most of the paper's pictures still teach; some of its sentences were later found to say more than its method can. Which ones, you will see below and measure yourself.
""")

# %% [markdown]
# ## Its place in history
#
# **Before.** LeCun and colleagues (1989) trained a small net with shared weights to read zip codes: convolution, learned end to end by backpropagation. For twenty years such nets were thought fit for little but digits.
# Krizhevsky, Sutskever and Hinton (2012) made one wide, deep and fast enough for a million photographs: rectified units, dropout, two graphics cards. Meanwhile Zeiler and Fergus had been working on
# *deconvolutional* nets (2010, with switches 2011): models that explain an image from the top down, without labels. Here they turn that machine around: it learns nothing any more, it only reads another net.
#
# **At the same time.** Simonyan, Vedaldi and Zisserman (December 2013) took the gradient of a class with respect to the pixels, and noticed that the deconvnet is nearly the same thing: the two part only at the ReLU.
#
# **After.** Many of its sentences became fields of their own.
#
# | who | what they added | here |
# | --- | --- | --- |
# | Springenberg et al. 2014 | *guided backpropagation*: a signal passes a ReLU only where both the way up and the way down are positive; sharper pictures, also without pools | chapters 6, 7, 11 |
# | Yosinski et al. 2014 | measured how features turn from general to special from layer to layer, and what fine-tuning gives | chapter 10 |
# | Yosinski et al. 2015 | a live window into a net: move, and watch its units | [the explorer](explore.ipynb) |
# | Mahendran & Vedaldi 2015, 2016 | inverted whole layers; then showed that much of a deconvnet's picture comes from the switches, not from the unit | chapter 6 |
# | Selvaraju et al. 2017 (Grad-CAM) | weighted the last maps by their gradient: a coarse, cheap heat map for one class | chapter 7 |
# | Olah et al. 2017, 2020 | *feature visualisation*: an image made from nothing to excite a unit; then *circuits*: how units are built from units | further reading |
# | Adebayo et al. 2018 | the sanity check: if a picture stays the same when the weights are random, it does not explain the net. Guided backpropagation fails; the deconvnet was not tested | chapter 6 |
# | Nie et al. 2018 | deconvnet and guided backpropagation partly *recover the image*, whatever the class | chapter 6 |
# | Geirhos et al. 2019 | ImageNet nets go by texture more than by shape: another answer to 'what does it look at?' | further reading |
# | Zhang 2019 | blur before you take every second pixel: the aliasing of figure 6, cured in general (*anti-aliased* nets) | chapter 5 looks for the aliasing |
# | Sixt et al. 2020 | found that many such methods, the deconvnet among them, hardly depend on the upper layers | chapter 6 |
# | Borowski et al. 2021 | people predict a unit better from its strongest natural images than from synthetic ones: figure 2's *patches* have aged best | chapter 4 |
#
# Who reads the paper today should keep both halves in mind. It changed how people work with nets. And a projection shows that a pattern *could pass* to the unit, not that the net decides by it.

# %% [markdown]
# ## What you should know before
#
# - **Python with NumPy**: slices, shapes, broadcasting. PyTorch helps; every operation but the gradient is built by hand once before the library's takes over.
# - **Calculus and linear algebra**: the chain rule, a matrix and its transpose.
# - **Probability**: mean, deviation, what a 95 % interval promises. Softmax is explained where it comes up, log-odds and the bootstrap in the glossary below.
# - **Nets**: that a net is a chain of functions whose weights follow the gradient of a loss. One lecture is enough.
#
# Try these three. If two of them come easily, go on; if not, take an introduction first (of *Dive into Deep Learning* the chapters on multilayer perceptrons and on convolutional networks) and come back.
#
# 1. A 3 x 3 filter moves over a 7 x 7 image in steps of 2, without padding. How large is the result?
# 2. Max pooling takes 1, 5, 2, 3 to 5. The gradient that comes down is 10. What does each of the four get?
# 3. Two nets are wrong on 20 % and 22 % of the same 100 images. Is the first one better?
#
# <details><summary>Answers</summary>
#
# 1. (7 − 3) / 2 + 1 = 3, so 3 x 3.
# 2. 0, 10, 0, 0: the one that won gets all. Keep this in mind, it is the switch.
# 3. Nobody knows. On 100 images a difference of two is well within chance, and another training run may turn it. Much of this book's trouble is about exactly that.
#
# </details>

# %% [markdown]
# ## Three ways through
#
# **An hour.** This page down to the map. Then [the explorer](explore.ipynb): choose a unit, look at its nine pictures, hide a part, move the picture. Then one chapter: [7](07_occlusion.ipynb) if you like experiments,
# [4](04_deconvnet.ipynb) if you like mechanisms.
#
# **A weekend.** Saturday: chapters [1](01_architecture.ipynb), [2](02_training.ipynb) and [4](04_deconvnet.ipynb), with the exercises on the net, the training loop and the way down. Sunday: the doubts of
# [6](06_trust.ipynb), two of [7](07_occlusion.ipynb), [8](08_correspondence.ipynb) and [9](09_invariance.ipynb), then [10](10_transfer.ipynb). In the evening [the bug museum](11_beyond.ipynb), for fun. Run `make reproduce` on Friday night.
#
# **And on**, beyond the paper: chapter 12 (`EXTRAS=1`) trains the nets of table 3 from three seeds and trades depth for width; on photographs, chapter 13 looks into a net that saw all of ImageNet, and chapter 14 (`EXTRAS=1`) asks how many classes it
# takes until depth pays.
#
# <details><summary><b>A course of eight sessions</b>, ninety minutes each, with about three hours of work in between; and notes for teachers</summary>
#
# | | before | together | to hand in |
# | --- | --- | --- | --- |
# | 1 | this page; the paper, sections 1 and 2 | the explorer in pairs: what does map 17 of layer 4 respond to? Say it from its nine pictures, predict which other picture excites it and which does not, then test both | three units, for each a guess, its evidence and a counterexample |
# | 2 | [chapter 1](01_architecture.ipynb) | one forward pass on paper: sizes, receptive fields, number of weights | the exercises; the receptive field of one more layer by hand |
# | 3 | [chapter 2](02_training.ipynb) | read learning curves: which net has learned to the end, and how do you know? | the exercises; one slider of the chapter (the deviation, or rate and momentum), predicted before it is moved |
# | 4 | [chapter 3](03_ablation.ipynb), executed on toys, and *How to read a verdict* below | what does a net of another seed do to a conclusion? | the exercises; one row of table 3: its change, whether its net had learned to the end, and the run that would decide it |
# | 5 | chapters [4](04_deconvnet.ipynb) and [5](05_development.ipynb), of the second figures 4 and 6 | un-pool a 4 x 4 map on the board; the way down in code; then figure 6: what did the authors see, and would you have changed the net for it? | the exercises of one of the two |
# | 6 | [chapter 6](06_trust.ipynb); Adebayo 2018 or Sixt 2020 | a debate: *'a projection shows what the unit sees'*, for and against | one page: which sentence of the paper would you rewrite? |
# | 7 | chapters [7](07_occlusion.ipynb), [8](08_correspondence.ipynb), [9](09_invariance.ipynb) and, on photographs, [13](13_imagenet.ipynb), one a group | each group presents its experiment, and how it could have come out otherwise | the exercises of the group's chapter |
# | 8 | [chapter 10](10_transfer.ipynb) up to *Does transfer work here*; own pictures, started the week before (`make reproduce PROFILE=folder DATA=…`) | every group defends one verdict of chapters 4 to 9, or takes one *not comparable* (chapter 10, for instance) and says what it lacks: a longer training, another net or other pictures | a short report: claim, measure, rule, verdict, doubt |
#
# *For teachers.* Run `make reproduce` once and hand out the results: no student needs to wait for training. Most exercises check the student's own function or number; the open ones, and some of *Change it and explain*, are for you to mark. Solutions are folded under the checks; `make students` writes copies without them. Mark the argument, not the verdict: an *undecided* with
# a good reason is worth more than an *agrees* without. If time is short, sessions 2 and 3 can be one; if there is more, [the bug museum](11_beyond.ipynb) can serve as an examination (its solutions are in the book, so change the nets or the pictures). Where a net never left chance or was still learning when it stopped, its comparisons come out *not comparable*: use them to teach what a comparison needs.
#
# </details>

# %% [markdown]
# ## The pictures and the profiles
#
# The same chapters run at several sizes. `make reproduce PROFILE=photos` runs them on photographs.

# %% tags=["plumbing"]
HTML(
    cards.table(
        pd.DataFrame(
            {
                "profile": one.name,
                "for": one.purpose,
                "input, px": str(one.image_size),
                "share of the paper's maps": one.width,
                "units in layers 6, 7": str(one.fc_units),
                "epochs": str(one.epochs),
            }
            for one in profiles.PROFILES.values()
        )
    )
)

# %% [markdown]
# These are pictures of this run: one row for each class, or for twenty of them, all from the split *val*, which no net is trained on.

# %%
PER_CLASS, MOST_CLASSES = 8, 20
SOME = np.unique(np.linspace(0, len(PICTURES.classes) - 1, min(len(PICTURES.classes), MOST_CLASSES)).astype(int)).tolist()


def rows_by_class(split: str) -> list[np.ndarray]:
    """The first pictures of some classes in a split."""
    of_split = PICTURES.indices(split)
    return [of_split[PICTURES.labels[of_split] == label][:PER_CLASS] for label in SOME]


SHOWN = {PICTURES.classes[label]: rows for label, rows in zip(SOME, rows_by_class("val"), strict=True)}
sheet = plot.sheet({name: np.asarray(PICTURES.images[rows]) for name, rows in SHOWN.items()}, columns=PER_CLASS)
results.save("pictures", profile=PROFILE, seed=seed, seconds=time.monotonic() - START, figure=sheet, data=PICTURES)
sheet

# %% [markdown]
# Rendered toys bring their truth along: which pixel belongs to which part. So the paper's methods can be *scored*: does a square on the toy hurt, does a projection fall on the part? Photographs bring at most a box around the object, a coarser truth; chapters 6, 7 and 13 score by it.
# For toys, the parts of the same pictures, each part in its own colour:

# %%
if "parts" in PICTURES.facts["maps"]:
    COLOURS = plot.palette(len(PICTURES.facts["parts"]))
    painted = {name: COLOURS[PICTURES.map("parts")[rows]] for name, rows in SHOWN.items()}
    parts = plot.sheet(painted, columns=PER_CLASS)
    results.save("parts", profile=PROFILE, seed=seed, seconds=time.monotonic() - START, figure=parts, data=PICTURES)
    shown = parts
else:
    shown = Markdown("These pictures come without a map of parts.")
shown

# %% [markdown]
# ## The map of figures and tables
#
# Every figure and table of the paper as it came out in this run, with its verdict and the chapter that makes it. How to read the verdict stands just below.

# %%
BOARD = scoreboard.write(PROFILE.name, seed=seed)
MAP = paper_map.overview(BOARD)
MAKERS = chapters.makers()
FOLDER, NOT_HERE = paths.results_dir(PROFILE.name), "not in this run"


def has_numbers(table: Path) -> bool:
    """Whether a table is there and has a row."""
    return table.exists() and len(pd.read_csv(table)) > 0


def card(place: str, verdict: str, said: str) -> cards.Card:
    """The card of a figure or table, with the first picture that there is of it; of a figure also what its claims say, one by one."""
    names = paper_map.results_of(place, MAKERS)
    pictures = [file for name in names if (file := FOLDER / "figures" / f"{name}.png").exists()]
    chapter, there = MAKERS[names[0]], any(has_numbers(FOLDER / "tables" / f"{name}.csv") for name in names)
    about = {"link": f"{chapter}.ipynb", "chapter": chapters.title(chapter), "otherwise": "numbers, no picture" if there else NOT_HERE}
    rests = said if place.startswith("figure") and place not in paper_map.ELSEWHERE and "," in said else ""
    return cards.Card(place.capitalize(), paper_map.TITLES[place], verdict, picture=next(iter(pictures), None), rests=rests, **about)


JUDGED_PLACES = zip(MAP["place"], MAP["verdict"], MAP["claims"], strict=True)
CARDS = [card(*judged) for judged in JUDGED_PLACES if judged[0] in paper_map.TITLES]
HTML(cards.grid(CARDS))

# %% tags=["plumbing"]
LACKING = [one.head.lower() for one in CARDS if one.picture is None and one.otherwise == NOT_HERE]
COUNTED = {place: said.split(" of ") for place, said in zip(MAP["place"], MAP["numbers"], strict=True) if " of " in said}
IN_PART = [
    f"{place} ({ours} of its {all_of_it} numbers)"
    for place, (ours, all_of_it) in COUNTED.items()
    if int(ours) < int(all_of_it) and place not in LACKING
]
Markdown(
    (f"Not in this run: {', '.join(LACKING)}; the chapter of each says what it takes. " if LACKING else "Every figure and table is there. ")
    + (
        f"Of the paper's own numbers not all have one of ours beside them: {', '.join(IN_PART)}. What it prints of a picture of its own can have none."
        if IN_PART
        else ""
    )
)

# %% [markdown]
# ## How to read a verdict
#
# Each sentence of the paper that can be decided is a **claim** here: with a measure, and a rule that was written down before the run that decides it (`zfutils/paper/claims.yml`). Each table has a **pattern**: not its numbers,
# which belong to ImageNet, but what they say, such as 'the error rises with each layer that is taken out'.
#
# | verdict | means |
# | --- | --- |
# | agrees | the whole 95 % interval lies where the paper's sentence wants it |
# | differs | the whole interval lies on the other side |
# | leans: agrees, leans: differs | the interval decides, but of at least one kind only one net was trained; another seed may turn it |
# | undecided | the interval covers the threshold: more images or more seeds would be needed to say |
# | not comparable | the experiment could not speak: a net that had not learned to the end, pictures that lack what is asked for, a net that this run did not train; the reason is given |
# | in part | of several claims about one figure, some agree and some differ |
#
# **One verdict each.** A table has the verdict of its pattern. A figure has what those of its claims say that are decided; how many are not stands beside it. Figure 3 has neither: its sizes are the paper's or they are not. Figure 8
# shows the images behind table 1 and shares its verdict.
#
# *Agrees* does not mean that the paper is right, and *differs* does not mean that it is wrong: our nets are smaller and see other pictures. It means that the sentence did, or did not, hold here.
# Many claims at once bring false alarms; `p_holm` in the long list is a p that holds for all of them together (Holm's correction). A chapter's own table corrects for the claims of that table alone (*p, Holm, of these*), and can only be milder.
#
# One example of each verdict from this run:

# %% tags=["plumbing"]
HTML(cards.table(paper_map.examples(BOARD), wide="claim"))

# %% [markdown]
# ## Glossary
#
# The words as this book uses them. Pixels are those of the net's input; shapes are `n c h w`.
#
# | word | means |
# | --- | --- |
# | activation | the value of a unit at one place for one image, after the ReLU where there is one |
# | aliasing | a pattern that is not in the image: it comes from taking every second or fourth pixel of something finer |
# | checkpoint | the weights of a net at some step of its training |
# | contrast norm | divides an activation by the strength of its neighbours among the maps (local response normalisation) |
# | convolution | the same small filter at every place; its output is a map |
# | crop | one of ten windows of an image: four corners and the centre, each also mirrored |
# | dead filter | one that answers to no image |
# | deconvnet | the way down: unpool, rectify, filter with the transposed filters; nothing is learned |
# | bootstrap | draw as many images as there are, with replacement; measure anew; repeat. The middle 95 % of the results are the interval |
# | dropout | in training, half of the units of layers 6 and 7 are set to zero at random |
# | epoch | one pass over the training images |
# | equivariant, invariant | moves with the image; stays the same when the image moves |
# | features | the outputs of a layer, taken as a description of the image |
# | energy | the sum of the squared pixels of a projection |
# | few-shot curve | accuracy against the number of training images a class |
# | fold | one draw of training and test images; measures are averaged over several |
# | frozen | weights that are not trained any further |
# | Grad-CAM | weighs each map of the last convolutional layer by the mean gradient of a class with respect to it, adds the maps up and keeps what is positive |
# | interval | 95 %: made so that in 95 of 100 repetitions it holds the true value |
# | layer | `conv1` to `conv5`, `fc6`, `fc7`, `fc8`; a layer with its pool counts as one, as in the paper |
# | linear probe | a linear classifier on frozen features: what a layer makes easy to read |
# | log-odds | log(p / (1 − p)): probability on a scale that does not stop at 0 and 1 |
# | logits | the outputs before the softmax |
# | map | all values of one filter, (h, w) |
# | mean picture | the average of the training images; it is subtracted, so for the net it is zero |
# | occluder, heatmap | the square that hides; what it does at every position |
# | over seeds first and images second | the bootstrap where trained nets are compared: draw nets of each recipe, then images; half the interval is the spread of the results times Student's t for so few nets, so it may reach beyond every one of them |
# | p-value | how often chance alone would give a difference as large |
# | patch | the window of an image that a unit sees |
# | profile | the size of a run: which pictures, how wide the net, how long the training |
# | projection | what the deconvnet makes of one activation: a picture in pixels |
# | precision, recall | of the pictures that were taken the share that shows the class; of the pictures that show it the share that was taken |
# | receptive field | the window of the input that one value of a map depends on |
# | regime | how far the training of a net came: steps, the step by which it began to learn, its training error |
# | recipe | a named net together with how it is trained |
# | ReLU, rectify | max(x, 0) |
# | replication | Krizhevsky's net, trained once more by the authors so that the comparison is fair; here `alexnet` |
# | seed | fixes everything that is drawn at random; another seed is another net. Also: the one value that is sent down |
# | split | *train* to learn from, *dev* for every choice, *val* for the numbers that are reported |
# | stride | the step from one place of a filter to the next |
# | SVM | support vector machine: a linear classifier that looks for the boundary with the widest margin to the nearest pictures |
# | switches | the places of the maxima of a pool, kept for the way down |
# | top-1, top-5 error | share of images whose class is not the first guess, or not among the first five |
# | transfer | using a net's features for other classes than those it was trained on |
# | under-trained | a net that never left chance, errs on more of its training images than the paper's, or still learned when its run ended (chapter 2); its comparisons decide nothing |
# | unit | a map of a layer, `Unit("conv4", 127)`, at the place that is meant, by default its strongest; in a fully connected layer one number |
# | Welch | the interval of a difference of two means of a few nets each |
# | winners | the nine images that excite a unit most |

# %% [markdown]
# ## Bibliography
#
# **The paper.** M. D. Zeiler, R. Fergus. Visualizing and Understanding Convolutional Networks. [arXiv:1311.2901](https://arxiv.org/abs/1311.2901), 2013; ECCV 2014. The book follows the third arXiv version, which has more figures than the conference's.
#
# **Before it**
# - Y. LeCun, B. Boser, J. S. Denker, D. Henderson, R. E. Howard, W. Hubbard, L. D. Jackel. Backpropagation Applied to Handwritten Zip Code Recognition. *Neural Computation* 1(4), 1989.
# - K. Jarrett, K. Kavukcuoglu, M. Ranzato, Y. LeCun. What is the Best Multi-Stage Architecture for Object Recognition? ICCV 2009.
# - J. Deng, W. Dong, R. Socher, L.-J. Li, K. Li, L. Fei-Fei. ImageNet: A Large-Scale Hierarchical Image Database. CVPR 2009.
# - M. D. Zeiler, D. Krishnan, G. W. Taylor, R. Fergus. Deconvolutional Networks. CVPR 2010.
# - M. D. Zeiler, G. W. Taylor, R. Fergus. Adaptive Deconvolutional Networks for Mid and High Level Feature Learning. ICCV 2011.
# - A. Krizhevsky, I. Sutskever, G. E. Hinton. ImageNet Classification with Deep Convolutional Neural Networks. NIPS 2012.
#
# **Looking into nets**
# - K. Simonyan, A. Vedaldi, A. Zisserman. Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps. [arXiv:1312.6034](https://arxiv.org/abs/1312.6034), 2013; ICLR 2014 workshop.
# - J. T. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller. Striving for Simplicity: The All Convolutional Net. [arXiv:1412.6806](https://arxiv.org/abs/1412.6806), 2014; ICLR 2015 workshop.
# - A. Mahendran, A. Vedaldi. Understanding Deep Image Representations by Inverting Them. CVPR 2015.
# - J. Yosinski, J. Clune, A. Nguyen, T. Fuchs, H. Lipson. Understanding Neural Networks Through Deep Visualization. [arXiv:1506.06579](https://arxiv.org/abs/1506.06579), 2015; ICML 2015 workshop.
# - R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh, D. Batra. Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization. ICCV 2017.
# - C. Olah, A. Mordvintsev, L. Schubert. Feature Visualization. *Distill*, 2017. [doi:10.23915/distill.00007](https://doi.org/10.23915/distill.00007)
# - C. Olah, N. Cammarata, L. Schubert, G. Goh, M. Petrov, S. Carter. Zoom In: An Introduction to Circuits. *Distill*, 2020. [doi:10.23915/distill.00024.001](https://doi.org/10.23915/distill.00024.001)
#
# **Can the pictures be trusted?**
# - A. Mahendran, A. Vedaldi. Salient Deconvolutional Networks. ECCV 2016.
# - J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim. Sanity Checks for Saliency Maps. NeurIPS 2018. [arXiv:1810.03292](https://arxiv.org/abs/1810.03292)
# - W. Nie, Y. Zhang, A. Patel. A Theoretical Explanation for Perplexing Behaviors of Backpropagation-based Visualizations. ICML 2018. [arXiv:1805.07039](https://arxiv.org/abs/1805.07039)
# - P.-J. Kindermans, K. T. Schütt, M. Alber, K.-R. Müller, D. Erhan, B. Kim, S. Dähne. Learning How to Explain Neural Networks: PatternNet and PatternAttribution. ICLR 2018. [arXiv:1705.05598](https://arxiv.org/abs/1705.05598)
# - L. Sixt, M. Granz, T. Landgraf. When Explanations Lie: Why Many Modified BP Attributions Fail. ICML 2020. [arXiv:1912.09818](https://arxiv.org/abs/1912.09818)
# - J. Borowski, R. S. Zimmermann, J. Schepers, R. Geirhos, T. S. A. Wallis, M. Bethge, W. Brendel. Exemplary Natural Images Explain CNN Activations Better than State-of-the-Art Feature Visualization. ICLR 2021. [arXiv:2010.12606](https://arxiv.org/abs/2010.12606)
#
# **What nets go by, and what moves them**
# - R. Geirhos, P. Rubisch, C. Michaelis, M. Bethge, F. A. Wichmann, W. Brendel. ImageNet-trained CNNs Are Biased towards Texture; Increasing Shape Bias Improves Accuracy and Robustness. ICLR 2019. [arXiv:1811.12231](https://arxiv.org/abs/1811.12231)
# - R. Zhang. Making Convolutional Networks Shift-Invariant Again. ICML 2019. [arXiv:1904.11486](https://arxiv.org/abs/1904.11486)
# - A. Azulay, Y. Weiss. Why Do Deep Convolutional Networks Generalize so Poorly to Small Image Transformations? *JMLR* 20, 2019. [arXiv:1805.12177](https://arxiv.org/abs/1805.12177)
#
# **Transfer, and the sets of the paper**
# - L. Fei-Fei, R. Fergus, P. Perona. Learning Generative Visual Models from Few Training Examples. CVPR 2004 workshop (Caltech-101).
# - G. Griffin, A. Holub, P. Perona. Caltech-256 Object Category Dataset. Technical report 7694, Caltech, 2007.
# - M. Everingham, L. Van Gool, C. K. I. Williams, J. Winn, A. Zisserman. The PASCAL Visual Object Classes (VOC) Challenge. *IJCV* 88, 2010.
# - L. Bo, X. Ren, D. Fox. Multipath Sparse Coding Using Hierarchical Matching Pursuit. CVPR 2013.
# - J. Donahue, Y. Jia, O. Vinyals, J. Hoffman, N. Zhang, E. Tzeng, T. Darrell. DeCAF: A Deep Convolutional Activation Feature for Generic Visual Recognition. ICML 2014.
# - M. Oquab, L. Bottou, I. Laptev, J. Sivic. Learning and Transferring Mid-Level Image Representations Using Convolutional Neural Networks. CVPR 2014.
# - J. Yosinski, J. Clune, Y. Bengio, H. Lipson. How Transferable Are Features in Deep Neural Networks? NIPS 2014. [arXiv:1411.1792](https://arxiv.org/abs/1411.1792)
#
# **Statistics.** S. Holm. A Simple Sequentially Rejective Multiple Test Procedure. *Scandinavian Journal of Statistics* 6(2), 1979.
#
# **To start from.** A. Zhang, Z. C. Lipton, M. Li, A. J. Smola. Dive into Deep Learning. Cambridge University Press, 2023; free at [d2l.ai](https://d2l.ai).

# %% [markdown]
# ## The scoreboard
#
# First in one line, then one verdict for each figure and table. *Ours* counts how many of the paper's own numbers have one of ours beside them.

# %% tags=["plumbing"]
JUDGED = BOARD[BOARD["class"].isin(scoreboard.COUNTED) & BOARD["here"]]
UNJUDGED = JUDGED[JUDGED["status"] == claims.NOT_COMPARABLE]
UNDER_TRAINED = int(UNJUDGED["reason"].str.contains("under-trained|at chance", na=False).sum())
Markdown(
    f"**{scoreboard.summary(BOARD)}.**\n\n{len(UNJUDGED)} of {len(JUDGED)} could not be judged in this run, {UNDER_TRAINED} of them because a net that they need is under-trained (it never left chance, "
    "errs too often on its training images, or was stopped while it was still learning): their numbers are shown, and decide nothing."
)

# %% tags=["plumbing"]
HEADS = {"place": "in the paper", "numbers": "ours"}
HTML(cards.table(MAP[["place", "verdict", "rests on", "why", "numbers"]].rename(columns=HEADS), wide="rests on"))

# %% [markdown]
# **Claim by claim**, by the chapter that decides it. Open one to read its sentences.

# %% tags=["plumbing"]
BY_CHAPTER = paper_map.by_chapter(BOARD, MAKERS)
HTML(
    "".join(
        cards.folded(paper_map.heading(name and chapters.title(name), table), cards.table(table, wide="claim"))
        for name, table in BY_CHAPTER.items()
    )
)

# %% [markdown]
# **Every row**: what the paper prints, ours beside it, and why two numbers are not compared. *By construction* is true of every net that is built so; *context* are other groups' numbers. Neither is counted.

# %% tags=["plumbing"]
LONG = ["key", "class", "paper", "ours", "low", "high", "n", "status", "reason", "p_holm", "regime", "result"]
PLACES = {place: rows[LONG].rename(columns={"status": "verdict"}) for place, rows in paper_map.by_place(BOARD).items()}
HTML(
    cards.folded(
        f"all {len(BOARD)} rows", "".join(cards.folded(f"{place}: {len(rows)}", cards.table(rows)) for place, rows in PLACES.items())
    )
)

# %% [markdown]
# **Retired**: claims of earlier versions that are no more, each with the reason.

# %% tags=["plumbing"]
RETIRED = pd.DataFrame(claims.retired().items(), columns=["claim", "why it is no more"])
HTML(cards.folded(f"{len(RETIRED)} retired claims", cards.table(RETIRED)))

# %% [markdown]
# ## Provenance

# %% tags=["plumbing"]
results.provenance(PROFILE, seed=seed, seconds=time.monotonic() - START, data=PICTURES)
