"""Solids: primitives melted into one, or with something cut out."""

from collections.abc import Sequence
from dataclasses import dataclass

from zfutils.data.toybox.primitives import Primitive


@dataclass(frozen=True)
class Solid:
    """Primitives melted into one.

    Attributes:
        shapes: what is joined.
        blend: radius of the smooth union; 0 is a sharp one.
        hollows: what is cut out.
    """

    shapes: tuple[Primitive, ...]
    blend: float = 0.0
    hollows: tuple[Primitive, ...] = ()


def solid(*shapes: Primitive, blend: float = 0.0, hollows: Sequence[Primitive] = ()) -> Solid:
    """Join primitives, smoothly or with something cut out.

    Raises:
        ValueError: both at once, where the blend would fill what is cut out.
    """
    if blend and hollows:
        raise ValueError("expected a blend or hollows, got both; make two solids of it")
    return Solid(tuple(shapes), blend, tuple(hollows))
