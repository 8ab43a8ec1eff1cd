"""Winners that ship: the strongest val pictures of every unit of a net in `weights/`, and those pictures, which nets share."""

from zfutils.attribution import topk
from zfutils.attribution.topk import Top
from zfutils.core import shipped_files
from zfutils.core.errors import Problem
from zfutils.data import samples
from zfutils.data.samples import Sample
from zfutils.models import shipped

WINNERS, VAL = ".winners.npz", ".val.zip"


def has(name: str) -> bool:
    """Whether the winners of a net that ships do too."""
    return f"{name}{WINNERS}" in shipped_files.index()


def of(name: str) -> tuple[dict[str, Top], Sample]:
    """The winners of a net.

    Args:
        name: one of `shipped.known()`.

    Returns:
        The winners, by layer, and the val pictures that their indices count.

    Raises:
        Problem: they do not ship; a file is absent or damaged; another net was shipped with other pictures since.
    """
    card = shipped.card(name)
    tops, file = topk.load(shipped_files.checked(f"{name}{WINNERS}")), f"{card['profile']}{VAL}"
    val = samples.read(shipped_files.checked(file))
    if val.facts["of"] != card["data_sha256"]:
        again = f"python -m zfutils ship --net {card['recipe']} --profile {card['profile']}"
        raise Problem(f"the winners of {name} are among other pictures than {file} has; ship that net again: {again}")
    return tops, val
