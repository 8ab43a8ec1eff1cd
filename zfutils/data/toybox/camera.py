"""Pose, rays and framing: where the toy stands, how the camera looks at it, and how large it becomes in the picture."""

from dataclasses import dataclass

import numpy as np

from zfutils.data.toybox import tracing
from zfutils.data.toybox.primitives import rotation
from zfutils.data.toybox.toy import Toy
from zfutils.data.toybox.tracing import Cells

EDGE = 0.96  # toys keep this far from the picture's middle at most, the picture being [-1, 1] squared


@dataclass(frozen=True)
class Pose:
    """How a toy stands before the camera; all angles in degrees.

    Attributes:
        yaw: turn of the toy around the vertical; 0 faces the camera, positive turns its face to the viewer's right.
        tilt: how far the toy leans back (positive) on its own.
        spin: turn of the toy around its own front axis.
        elevation: how far the camera looks down.
        roll: turn of the camera around its axis.
        distance: from camera to toy, in radii of the toy.
    """

    yaw: float
    tilt: float
    spin: float
    elevation: float
    roll: float
    distance: float


@dataclass(frozen=True)
class View:
    """A toy before a camera, not yet placed in a picture.

    Attributes:
        turn: (3, 3), from the toy's axes to the camera's (x right, y up, z to the viewer).
        world: (3, 3), from the world's axes (y up, the floor is level) to the camera's.
        eye: (3,), the camera in the toy's axes.
        distance: from the camera to the toy's centre.
    """

    turn: np.ndarray
    world: np.ndarray
    eye: np.ndarray
    distance: float

    def rays(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Unit directions (3, n), in the toy's axes, through points of the plane at distance 1 (u right, v up)."""
        ahead = np.stack([u, v, -np.ones_like(u)]) / np.sqrt(u * u + v * v + 1)
        return turned(self.turn.T, ahead)


@dataclass(frozen=True)
class Frame:
    """Where the plane at distance 1 falls in the picture: x = zoom * u + x0, y = zoom * v + y0, the picture being [-1, 1] squared."""

    zoom: float
    x0: float
    y0: float

    def plane(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points of the picture as points of the plane."""
        return ((x - self.x0) / self.zoom).astype(np.float32), ((y - self.y0) / self.zoom).astype(np.float32)


def view(toy: Toy, pose: Pose) -> View:
    """Put a camera before a toy."""
    stand = np.array(rotation(0, pose.yaw, 0)) @ np.array(rotation(-pose.tilt, 0, 0)) @ np.array(rotation(0, 0, pose.spin))
    world = np.array(rotation(0, 0, pose.roll)) @ np.array(rotation(pose.elevation, 0, 0))
    turn = (world @ stand).astype(np.float32)
    distance = float(pose.distance * toy.radius)
    return View(turn, world.astype(np.float32), turn.T @ np.array([0, 0, distance], np.float32), distance)


def zoomed(cells: Cells, share: float, reach: float) -> float:
    """Zoom with which a toy covers a share of the picture.

    Args:
        cells: the coarse look at the toy.
        share: wanted share of the picture, in (0, 1).
        reach: how far the toy may extend from the middle of its bounding box, as a share of the picture's side; it wins over `share`.
    """
    return float(min(2 * np.sqrt(share / cells.area), 2 * reach / cells.reach))


def room(cells: Cells, zoom: float) -> tuple[float, float]:
    """How far the middle of the toy's bounding box may be from the picture's, right or left and up or down; negative if it cannot fit."""
    left, right, bottom, top = cells.box
    return EDGE - zoom * (right - left) / 2, EDGE - zoom * (top - bottom) / 2


def placed(cells: Cells, zoom: float, middle: tuple[float, float]) -> Frame:
    """Put the middle of the toy's bounding box at a point of the picture, which is [-1, 1] squared."""
    left, right, bottom, top = cells.box
    return Frame(zoom, float(middle[0] - zoom * (left + right) / 2), float(middle[1] - zoom * (bottom + top) / 2))


def look(toy: Toy, seen: View, grid: int) -> Cells:
    """Look at a toy through a coarse grid: which cells it may touch, from which distance on, and its silhouette."""
    half = toy.radius / np.sqrt(seen.distance**2 - toy.radius**2) * 1.02
    return tracing.cells(toy, seen.eye, seen.rays, half, grid)


def turned(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Matrix (3, 3) times vectors (3, n), one term after the other: the same bytes on any number of threads."""
    return (matrix[:, :1] * vectors[0] + matrix[:, 1:2] * vectors[1] + matrix[:, 2:] * vectors[2]).astype(np.float32)
