"""Difficulty: every knob of the pictures in one place, frozen once the reference net's error is where it should be."""

from dataclasses import dataclass

from zfutils.core import keys

Range = tuple[float, float]


@dataclass(frozen=True)
class Difficulty:
    """Ranges that are drawn from, the same for every class unless said otherwise; angles in degrees.

    Attributes:
        coverage: share of the picture that the toy covers, but where it does not fit around its position.
        least: share to which a toy may shrink there; a toy that needs less is turned until it does not.
        scene_coverage: the same for each toy of a scene.
        reach: how far a toy extends at most from the middle of its bounding box, share of the picture's side.
        spread: how far the middle of the toy's bounding box may be from the picture's middle, right or left and up or down, in half sides.
        focal: focal length of the camera, in half sides of the picture.
        nearest: least distance from camera to toy, radii of the toy.
        distance: the same for scenes and turning toys, where the focal length follows from it.
        elevation: how far the camera looks down.
        roll: turn of the camera, to both sides.
        face_yaw, face_tilt: turn and lean of toys with a face, to both sides.
        flat_lean: how far flat toys (wheel, star, flower) turn away from the viewer.
        flat_odd: share of the flat toys that turn away up to `flat_odd_lean`.
        flat_odd_lean: see there.
        desk_tilt: how far toys that are seen from above (keyboard) are raised towards the viewer.
        floor: share of the pictures with a floor.
        clutter: fewest and most objects behind the toy.
        clutter_size: radius of such an object, share of the picture's side.
        wall_saturation, wall_value: of the colours of backdrop and floor.
        texture: strength of the backdrop's texture, share of the way between its two colours.
        contrast: least distance between the colours of toy and backdrop, in [0, 1].
        light: strength of the lamp.
        ambient: strength of the light from everywhere.
        shadow: softness of the shadow, radians.
        grain: std of the camera's noise, share of full scale.
        scene_toys: fewest and most toys of a scene.
        turn_steps: frames in one full turn.
    """

    coverage: Range = (0.09, 0.235)
    least: float = 0.055
    scene_coverage: Range = (0.035, 0.07)
    reach: float = 0.45
    spread: float = 0.42
    focal: Range = (2.2, 4.2)
    nearest: float = 2.4
    distance: Range = (3.2, 7.0)
    elevation: Range = (4.0, 32.0)
    roll: float = 10.0
    face_yaw: float = 45.0
    face_tilt: float = 14.0
    flat_lean: float = 16.0
    flat_odd: float = 0.2
    flat_odd_lean: float = 45.0
    desk_tilt: Range = (12.0, 50.0)
    floor: float = 0.5
    clutter: tuple[int, int] = (0, 3)
    clutter_size: Range = (0.04, 0.12)
    wall_saturation: Range = (0.03, 0.35)
    wall_value: Range = (0.35, 0.8)
    texture: Range = (0.08, 0.25)
    contrast: float = 0.22
    light: Range = (0.75, 1.15)
    ambient: Range = (0.3, 0.5)
    shadow: Range = (0.08, 0.3)
    grain: Range = (0.004, 0.025)
    scene_toys: tuple[int, int] = (2, 4)
    turn_steps: int = 30


DIFFICULTY = Difficulty()


def hash() -> str:
    """Digest of `DIFFICULTY`, quoted by every result that rests on toys."""
    return keys.digest(DIFFICULTY)
