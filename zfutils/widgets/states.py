"""What the explorer shows, as a state that one line of Python gives back."""

import dataclasses
from dataclasses import dataclass

from zfutils.attribution.units import Unit
from zfutils.core.errors import Problem


@dataclass(frozen=True)
class State:
    """What the explorer shows; `explore(**state)` shows the same.

    Attributes:
        net: name of a net, as `zfnet-toybox`.
        unit: layer and number, as `conv4/127`.
        picture: `dog/3`, `chelsea`, or the path of a file.
        at: the place that was clicked, x and y as fractions of what the net sees; None takes the strongest.
        places: how many of the strongest places are brought down.
        rule, switches: of the way down.
        label: number of the class that is watched under the square; -1 is the most probable one.
        size, stride: of the square, shares of the picture's side.
        fill: what is seen in the square.
        change: `shift`, `scale` or `turn`.
        amount: of the change: pixels, factor, degrees.
    """

    net: str
    unit: str
    picture: str
    at: tuple[float, float] | None = None
    places: int = 1
    rule: str = "deconvnet"
    switches: str = "right"
    label: int = -1
    size: float = 0.22
    stride: float = 0.06
    fill: str = "mean grey"
    change: str = "turn"
    amount: float = 0.0

    def line(self) -> str:
        """One line of Python that shows the same."""
        given = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        usual = {part.name: part.default for part in dataclasses.fields(self)}
        said = ", ".join(f"{name}={_quoted(value)}" for name, value in given.items() if value != usual[name])
        return f"explore({said})"

    @property
    def of(self) -> Unit:
        """The unit.

        Raises:
            Problem: it is not layer and number.
        """
        layer, slash, number = self.unit.rpartition("/")
        if not slash or not number.isdecimal():
            raise Problem(f"expected a unit as 'conv4/127', got {self.unit!r}; give layer, slash, number")
        return Unit(layer, int(number))


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
