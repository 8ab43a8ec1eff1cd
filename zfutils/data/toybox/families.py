"""Families: all classes of toys, how each is built and how it stands."""

from collections.abc import Callable
from dataclasses import dataclass

from zfutils.core.errors import unknown
from zfutils.data.toybox import animals, things, vehicles
from zfutils.data.toybox.animals import FACE
from zfutils.data.toybox.draw import Draw
from zfutils.data.toybox.solids import Solid


@dataclass(frozen=True)
class Family:
    """A class of toys.

    Attributes:
        name: of the class.
        build: draws the shape parameters of an instance and makes its solids.
        stance: how it stands before the camera: `face`, `free`, `flat` or `desk`.
        parts: names of its parts.
        symmetry: shape parameter that is the order of its rotational symmetry in the picture plane, None where it has none.
    """

    name: str
    build: Callable[[Draw], list[Solid]]
    stance: str
    parts: tuple[str, ...]
    symmetry: str | None = None


_WHEELED = ("wheels", "hubs", "lights", "windows")

PRETRAINING = (
    Family("dog", animals.dog, "face", (*FACE, "tail")),
    Family("bear", animals.bear, "face", (*FACE, "arms")),
    Family("cat", animals.cat, "face", (*FACE, "tail")),
    Family("rabbit", animals.rabbit, "face", (*FACE, "teeth")),
    Family(
        "elephant", animals.elephant, "face", ("eye_left", "eye_right", "ear_left", "ear_right", "trunk", "tusks", "head", "body", "paws")
    ),
    Family("pig", animals.pig, "face", (*FACE, "tail")),
    Family("car", vehicles.car, "free", (*_WHEELED, "body", "cabin")),
    Family("bus", vehicles.bus, "free", (*_WHEELED, "body")),
    Family("truck", vehicles.truck, "free", (*_WHEELED, "cabin", "load", "frame")),
    Family("tractor", vehicles.tractor, "free", (*_WHEELED, "body", "cabin", "pipe")),
    Family("plane", vehicles.plane, "free", ("body", "wings", "tail", "engines", "windows")),
    Family("boat", vehicles.boat, "free", ("hull", "deck", "cabin", "windows", "mast", "sail")),
    Family("wheel", things.wheel, "flat", ("tyre", "rim", "spokes", "hub", "knobs"), "spokes"),
    Family("star", things.star, "flat", ("arms", "boss", "knobs"), "arms"),
    Family("flower", things.flower, "flat", ("petals", "inner_petals", "heart"), "petals"),
    Family("keyboard", things.keyboard, "desk", ("case", "keys", "long_key", "panel", "knobs")),
    Family("tower", things.tower, "free", ("walls", "windows", "roof", "aerial", "door")),
    Family("mug", things.mug, "free", ("cup", "inside", "handle", "band", "rim")),
    Family("chair", things.chair, "free", ("seat", "legs", "back", "bars")),
    Family(
        "robot",
        things.robot,
        "face",
        ("eye_left", "eye_right", "mouth", "head", "body", "panel", "dials", "aerial", "arms", "hands", "legs", "feet"),
    ),
)

TRANSFER = (
    Family("mouse", animals.mouse, "face", (*FACE, "tail", "whiskers")),
    Family("owl", animals.owl, "face", (*(part for part in FACE if part != "head"), "wings")),
    Family("cow", animals.cow, "face", (*FACE, "horns")),
    Family("fish", animals.fish, "face", ("eye_left", "eye_right", "mouth", "body", "tail", "fins")),
    Family("train", vehicles.train, "free", ("wheels", "hubs", "windows", "boiler", "face", "frame", "cabin", "chimney", "dome")),
    Family("rocket", vehicles.rocket, "face", ("body", "nose_cone", "fins", "windows", "nozzle")),
    Family("bicycle", vehicles.bicycle, "face", ("wheels", "hubs", "spokes", "frame", "saddle", "handlebar")),
    Family("table", things.table, "free", ("top", "legs", "drawer", "knobs", "bowl")),
    Family("lamp", things.lamp, "free", ("foot", "stem", "knobs", "shade", "bulb")),
    Family("teapot", things.teapot, "free", ("pot", "spout", "handle", "lid", "knobs", "foot")),
    Family("windmill", things.windmill, "face", ("walls", "roof", "sails", "hub", "door", "windows")),
    Family("snowman", things.snowman, "face", ("eye_left", "eye_right", "nose", "head", "body", "hat", "buttons", "arms", "scarf")),
)

PARTS = tuple(dict.fromkeys(part for family in (*PRETRAINING, *TRANSFER) for part in family.parts))


def family(name: str) -> Family:
    """Look a family up by name.

    Raises:
        Problem: there is no such family; the message lists those that exist.
    """
    known = {family.name: family for family in (*PRETRAINING, *TRANSFER)}
    if name not in known:
        raise unknown("class of toys", name, known)
    return known[name]
