"""Named recipes: everything that the paper trains, as an architecture and what differs in its training."""

from dataclasses import dataclass

from zfutils.nets import ALEXNET, ZFNET, Architecture
from zfutils.problems import unknown


@dataclass(frozen=True)
class Recipe:
    """One net of the paper.

    Attributes:
        name: what `NET=` takes.
        says: what it is, one line.
        paper: the net at full size.
        clips: whether filters are scaled back to the radius (section 3).
        follows: the recipe whose learning-rate cuts, in steps, this one takes over, so that the two compare; empty for none.
        learning_rate: at the start (section 3).
    """

    name: str
    says: str
    paper: Architecture
    clips: bool = True
    follows: str = "zfnet"
    learning_rate: float = 0.01


_ALL = (
    Recipe("zfnet", "the paper's net (figure 3)", ZFNET, follows=""),
    Recipe("alexnet", "the authors' replication of Krizhevsky et al. 2012 (tables 2 and 3)", ALEXNET, clips=False),
    Recipe("zfnet-unclipped", "the paper's net without filter clipping (figure 6 a)", ZFNET, clips=False),
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
