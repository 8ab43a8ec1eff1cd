"""Shape parameters: drawn by name, so that each instance of a class knows how it differs from the others."""

import numpy as np


class Draw:
    """Draws the named shape parameters of one instance and remembers them.

    Attributes:
        shape: name to value of all that was drawn so far.
    """

    def __init__(self, generator: np.random.Generator):
        self._generator = generator
        self.shape: dict[str, float | int] = {}

    def number(self, name: str, low: float, high: float) -> float:
        """A length, ratio or angle, uniform in [low, high]."""
        self.shape[name] = round(float(self._generator.uniform(low, high)), 4)
        return self.shape[name]

    def count(self, name: str, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        self.shape[name] = int(self._generator.integers(low, high + 1))
        return self.shape[name]
