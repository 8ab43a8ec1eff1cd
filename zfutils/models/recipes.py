"""Named recipes: everything that the paper trains, as an architecture and what differs in its training."""

from dataclasses import dataclass, replace

from zfutils.core.errors import unknown
from zfutils.models.architectures import ALEXNET, ZFNET, Architecture, multiply_adds, with_maps, with_units, without

WIDE = (512, 1024, 512)  # maps of layers 3, 4 and 5 in the wide net (tables 2 and 3)


@dataclass(frozen=True)
class Recipe:
    """One net of the paper.

    Attributes:
        name: what `NET=` takes.
        says: what it is, one line.
        paper: the net at full size.
        clips: whether filters are scaled back to the radius (section 3).
        follows: the recipe whose learning-rate drops, in steps, this one takes over, so that the two compare; empty for none.
        member: number of a net among those that differ in their seed only, from 0.
        turned: whether it is trained with turned images.
        classes: of how many classes it sees pictures; 0 for all.
        images: training images it sees in all, as many of each class; 0 for all there are.
        modern: whether it is trained as came later: a higher rate, crops anywhere, weight decay.
        share: of the profile's length of training.
        scratch: whether it starts from random weights also in a profile whose nets start from one that ships.
    """

    name: str
    says: str
    paper: Architecture
    clips: bool = True
    follows: str = "zfnet"
    member: int = 0
    turned: bool = False
    classes: int = 0
    images: int = 0
    modern: bool = False
    share: float = 1.0
    scratch: bool = False


def _replica(name: str, says: str, architecture: Architecture) -> Recipe:
    """A change of the replication of Krizhevsky et al., which has no clipping (table 3)."""
    return Recipe(f"alexnet-{name}", f"the replication, {says} (table 3)", architecture, clips=False)


def _changed(name: str, says: str, architecture: Architecture) -> Recipe:
    """A change of the paper's net."""
    return Recipe(f"zfnet-{name}", f"the paper's net, {says}", architecture)


_ALL = (
    Recipe("zfnet", "the paper's net (figure 3)", ZFNET, follows=""),
    Recipe("alexnet", "the authors' replication of Krizhevsky et al. 2012 (tables 2 and 3)", ALEXNET, clips=False),
    Recipe("zfnet-unclipped", "the paper's net without filter clipping (figure 6 a)", ZFNET, clips=False),
    Recipe("zfnet-turned", "the paper's net, trained with images turned by any angle (beyond the paper)", ZFNET, turned=True),
    Recipe(
        "zfnet-scratch",
        "the paper's net from random weights, also where others start from a net that ships (own pictures)",
        ZFNET,
        follows="",
        scratch=True,
    ),
    *(Recipe(f"zfnet-{n}", f"the paper's net once more, from seed {n} (table 2 a)", ZFNET, member=n - 1) for n in (2, 3, 4, 5)),
    _changed("wide", "512, 1024, 512 maps in layers 3 to 5 (tables 2 b and 3)", with_maps(ZFNET, *WIDE)),
    _changed("2048", "2048 units in layers 6 and 7 (table 3)", with_units(ZFNET, 2048)),
    _changed("8192", "8192 units in layers 6 and 7 (table 3)", with_units(ZFNET, 8192)),
    _changed("wide-8192", "512, 1024, 512 maps and 8192 units (table 3)", with_units(with_maps(ZFNET, *WIDE), 8192)),
    _replica("without-3-4", "without layers 3 and 4", without(ALEXNET, 3, 4)),
    _replica("without-7", "without layer 7", without(ALEXNET, 7)),
    _replica("without-6-7", "without layers 6 and 7", without(ALEXNET, 6, 7)),
    _replica("without-3-4-6-7", "without layers 3, 4, 6 and 7", without(ALEXNET, 3, 4, 6, 7)),
    _replica("2048", "2048 units in layers 6 and 7", with_units(ALEXNET, 2048)),
    _replica("8192", "8192 units in layers 6 and 7", with_units(ALEXNET, 8192)),
)


def widened(architecture: Architecture, share: float, *numbers: int) -> Architecture:
    """Multiply the maps of some convolutional layers by a share; layers that the net does not have are passed over.

    Args:
        architecture: the net at full size.
        share: above 0; below 1 the layers get narrower.
        numbers: of the layers, out of 1 to 5.
    """
    convs = (replace(conv, maps=round(conv.maps * share)) if number in numbers else conv for number, conv in architecture.numbered)
    return replace(architecture, convs=tuple(convs))


def at_the_cost_of(shallow: Architecture, deep: Architecture) -> Architecture:
    """Widen what a net has of layers 3 to 5, all by one share, until it takes as many multiply-adds as a deeper one.

    Args:
        shallow: the net without some layers, at full size.
        deep: the net that it is to cost as much as.

    Returns:
        Of the shares 1, 1 + 1/32, 1 + 2/32, … 8 the one whose cost comes closest.
    """
    cost = sum(multiply_adds(deep).values())
    tried = [widened(shallow, step / 32, 3, 4, 5) for step in range(32, 257)]
    return min(tried, key=lambda net: abs(sum(multiply_adds(net).values()) - cost))


def batch_normed(architecture: Architecture, *, dropout: float) -> Architecture:
    """Put a batch norm between every convolution and its ReLU, and take another share of dropout."""
    convs = tuple(replace(conv, then=("batch", *conv.then)) for conv in architecture.convs)
    return replace(architecture, convs=convs, dropout=dropout)


def without_norm(architecture: Architecture) -> Architecture:
    """Leave out the contrast norm."""
    return replace(architecture, convs=tuple(replace(conv, then=tuple(s for s in conv.then if s != "norm")) for conv in architecture.convs))


_LATER = {"again": 1, "third": 2}  # further seeds of a net, by what is added to its name: the number of the member


def _later(first: Recipe, word: str) -> Recipe:
    """A net of table 3 from another seed."""
    member = _LATER[word]
    return replace(
        first, name=f"{first.name}-{word}", says=f"{first.says}, once more from seed {member + 1} (beyond the paper)", member=member
    )


_ONCE_MORE = (
    *("alexnet", "alexnet-without-3-4", "alexnet-without-7", "alexnet-without-6-7", "alexnet-without-3-4-6-7"),
    *("alexnet-2048", "alexnet-8192", "zfnet-2048", "zfnet-8192", "zfnet-wide", "zfnet-wide-8192"),
)
_FIVE = (1, 2, 3, 4, 5)
_SAME_COST = "widened until it costs as much as all five (beyond the paper)"

# Beyond the paper: what chapter 12 trains. Further seeds of zfnet are zfnet-2 to zfnet-5.
_FURTHER = (
    *(_later(first, word) for word in _LATER for first in _ALL if first.name in _ONCE_MORE),
    _changed("without-4-widened", f"without layer 4, layers 3 and 5 {_SAME_COST}", at_the_cost_of(without(ZFNET, 4), ZFNET)),
    _changed("without-3-4-widened", f"without layers 3 and 4, layer 5 {_SAME_COST}", at_the_cost_of(without(ZFNET, 3, 4), ZFNET)),
    _changed("no-dropout", "without dropout (beyond the paper)", replace(ZFNET, dropout=0.0)),
    _changed("batch-norm", "batch norm after every convolution, no dropout (beyond the paper)", batch_normed(ZFNET, dropout=0.0)),
    _changed("batch-norm-dropout", "batch norm and dropout (beyond the paper)", batch_normed(ZFNET, dropout=ZFNET.dropout)),
    _changed("half", "half the maps of layers 1 to 5 (beyond the paper)", widened(ZFNET, 1 / 2, *_FIVE)),
    _changed("three-quarters", "three quarters of the maps of layers 1 to 5 (beyond the paper)", widened(ZFNET, 3 / 4, *_FIVE)),
    _changed("three-halves", "one and a half times the maps of layers 1 to 5 (beyond the paper)", widened(ZFNET, 3 / 2, *_FIVE)),
)

CLASS_COUNTS = (10, 20, 50, 100, 200)  # of the nets that chapter 14 compares
FEW = 5000  # training images of those that see as many images whatever their classes
_LATER_NET = batch_normed(without_norm(ZFNET), dropout=0.0)
_LATER_SAYS = "the paper's layers as they would be trained later: batch norm for contrast norm and dropout, crops anywhere, weight decay"


def _pretrained(classes: int, images: int = 0) -> Recipe:
    """A net that is pre-trained on some classes, or some images, for as many visits as the others (chapter 14)."""
    name = f"zfnet-{classes}-classes" + (f"-{images}" if images else "")
    says = f"zfnet-modern, half as wide and shorter, on {f'{images} images of ' if images else ''}{classes} classes (beyond the paper)"
    return Recipe(name, says, _LATER_NET, clips=False, follows="", classes=classes, images=images, modern=True, share=3 / 20)


# Twice as wide as the nets of the tables: it is to be looked into, and none of them is compared with it.
_MODERN = Recipe(
    "zfnet-modern",
    f"{_LATER_SAYS}; twice the maps (beyond the paper)",
    widened(_LATER_NET, 2, *_FIVE),
    clips=False,
    follows="",
    modern=True,
    share=3 / 5,
)
_PRETRAINED = (*map(_pretrained, CLASS_COUNTS), *(_pretrained(count, FEW) for count in CLASS_COUNTS[1:]))

# Nets whose probabilities are averaged: rows (a) and (a) + (b) of table 2.
_FIVE_SEEDS = ("zfnet", "zfnet-2", "zfnet-3", "zfnet-4", "zfnet-5")
TOGETHER = {"five-zfnets": _FIVE_SEEDS, "six-nets": (*_FIVE_SEEDS, "zfnet-wide")}

RECIPES = {recipe.name: recipe for recipe in (*_ALL, *_FURTHER, _MODERN, *_PRETRAINED)}


def recipe(name: str) -> Recipe:
    """Look a recipe up by name.

    Raises:
        Problem: there is no such recipe; the message lists those that exist.
    """
    if name not in RECIPES:
        raise unknown("net", name, RECIPES)
    return RECIPES[name]


def seeds_of(name: str) -> tuple[str, ...]:
    """The recipes that differ from one in their seed only, the first seed first, itself among them.

    Raises:
        Problem: there is no such recipe.
    """
    own = recipe(name)
    same = [net for net in RECIPES.values() if _but_for_seed(net) == _but_for_seed(own)]
    return tuple(net.name for net in sorted(same, key=lambda net: net.member))


def _but_for_seed(recipe: Recipe) -> tuple:
    return recipe.paper, recipe.clips, recipe.turned, recipe.classes, recipe.images, recipe.modern, recipe.share, recipe.scratch
