"""Noise whose amplitude falls as 1/f, as that of photographs does: what a measure of frequencies says where there is nothing to see."""

import numpy as np

_AROUND = 4  # sides of the torus that is drawn, in sides of the picture, so that its edges do not meet


def pink(count: int, side: int, *, generator: np.random.Generator) -> np.ndarray:
    """Pictures of noise with mean 0.

    Args:
        count: pictures.
        side: pixels; each is a window of a larger field of noise.
        generator: source of the noise.

    Returns:
        (count, 3, side, side), its colours independent.
    """
    whole = _AROUND * side
    frequency = np.fft.fftfreq(whole)
    radius = np.hypot(frequency[:, None], np.fft.rfftfreq(whole))
    radius[0, 0] = np.inf
    white = np.fft.rfft2(generator.normal(size=(count, 3, whole, whole)))
    return np.fft.irfft2(white / radius, (whole, whole))[..., :side, :side]
