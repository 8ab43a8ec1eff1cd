"""Section 2.1 of the paper in NumPy loops: one conv layer with ReLU and max pool, up and down."""

import numpy as np


def conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """(c, h, w) to (maps, h', w')."""
    maps, _, k, _ = weight.shape
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    height, width = ((side + 2 * padding - k) // stride + 1 for side in x.shape[1:])
    out = np.zeros((maps, height, width))
    for m in range(maps):
        for i in range(height):
            for j in range(width):
                out[m, i, j] = (padded[:, i * stride : i * stride + k, j * stride : j * stride + k] * weight[m]).sum() + bias[m]
    return out


def conv_down(signal: np.ndarray, weight: np.ndarray, stride: int, padding: int, size: tuple[int, int]) -> np.ndarray:
    """Every value lays its filter down, scaled; no bias."""
    maps, channels, k, _ = weight.shape
    padded = np.zeros((channels, size[0] + 2 * padding, size[1] + 2 * padding))
    for m in range(maps):
        for i in range(signal.shape[1]):
            for j in range(signal.shape[2]):
                padded[:, i * stride : i * stride + k, j * stride : j * stride + k] += signal[m, i, j] * weight[m]
    return padded[:, padding : padding + size[0], padding : padding + size[1]]


def pool(x: np.ndarray, k: int = 3, stride: int = 2) -> tuple[np.ndarray, dict]:
    """Max pool in ceil mode without padding, and the switch of every window."""
    height, width = (-(-(side - k) // stride) + 1 for side in x.shape[1:])
    out, switches = np.zeros((len(x), height, width)), {}
    for m in range(len(x)):
        for i in range(height):
            for j in range(width):
                window = x[m, i * stride : i * stride + k, j * stride : j * stride + k]
                place = np.unravel_index(window.argmax(), window.shape)
                out[m, i, j] = window[place]
                switches[m, i, j] = (i * stride + place[0], j * stride + place[1])
    return out, switches


def unpool(signal: np.ndarray, switches: dict, size: tuple[int, int]) -> np.ndarray:
    """Every value to its switch, added."""
    out = np.zeros((len(signal), *size))
    for (m, i, j), place in switches.items():
        out[m, place[0], place[1]] += signal[m, i, j]
    return out
