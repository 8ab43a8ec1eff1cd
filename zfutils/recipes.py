"""Named recipes: everything that the paper trains, as an architecture and what differs in its training."""

from dataclasses import dataclass

from zfutils.nets import ALEXNET, ZFNET, Architecture, with_maps, with_units, without
from zfutils.problems import unknown

WIDE = (512, 1024, 512)  # maps of layers 3, 4 and 5 in the wide net (tables 2 and 3)


@dataclass(frozen=True)
class Recipe:
    """One net of the paper.

    Attributes:
        name: what `NET=` takes.
        says: what it is, one line.
        paper: the net at full size.
        clips: whether filters are scaled back to the radius (section 3).
        follows: the recipe whose learning-rate cuts, in steps, this one takes over, so that the two compare; empty for none.
        member: number of a net among those that differ in their seed only, from 0.
        turned: whether it is trained with turned images.
    """

    name: str
    says: str
    paper: Architecture
    clips: bool = True
    follows: str = "zfnet"
    member: int = 0
    turned: bool = False


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

RECIPES = {recipe.name: recipe for recipe in _ALL}


def recipe(name: str) -> Recipe:
    """Look a recipe up by name.

    Raises:
        Problem: there is no such recipe; the message lists those that exist.
    """
    if name not in RECIPES:
        raise unknown("net", name, RECIPES)
    return RECIPES[name]
