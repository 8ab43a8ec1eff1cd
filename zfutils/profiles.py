"""Profiles: the sizes at which the same book runs, from a test of seconds to the paper itself."""

from dataclasses import dataclass

from zfutils.problems import unknown


@dataclass(frozen=True)
class ToyDraw:
    """Numbers of rendered pictures.

    Attributes:
        train, dev, val: pictures of the pre-training classes in each split.
        transfer_per_class: pictures of each transfer class.
        scenes: pictures of several toys.
        turning: frames of turning toys, all toys together.
    """

    train: int
    dev: int
    val: int
    transfer_per_class: int
    scenes: int
    turning: int


@dataclass(frozen=True)
class Profile:
    """One size of the whole book.

    Attributes:
        name: what `PROFILE=` takes.
        purpose: whom it is for, in a few words.
        dataset: where the pictures come from: `toybox`, `photos`, `imagenet` or `folder`.
        image_size: side of the nets' input, pixels.
        width: share of the paper's maps in the convolutional layers, in (0, 1].
        fc_units: units of layers 6 and 7.
        epochs: length of a training run; one epoch is one visit to every training image.
        toys: numbers of rendered pictures; None where there are none.
    """

    name: str
    purpose: str
    dataset: str
    image_size: int
    width: float
    fc_units: int
    epochs: int
    toys: ToyDraw | None = None

    @property
    def prepared_size(self) -> int:
        """Side of the prepared square picture, pixels: 256 for inputs of 224 (section 3), in proportion for others."""
        return self.image_size * 8 // 7


_ALL = (
    Profile("smoke", "tests: seconds, numbers without meaning", "toybox", 112, 1 / 8, 64, 2, ToyDraw(80, 40, 40, 4, 6, 12)),
    Profile("toybox", "any laptop, offline", "toybox", 112, 1 / 4, 512, 48, ToyDraw(5000, 500, 2000, 110, 400, 600)),
    Profile("photos", "real photographs: Imagenette and Imagewoof, Caltech-101", "photos", 112, 1 / 2, 1024, 15),
    Profile("imagenet", "the paper itself: ILSVRC2012, on GPUs", "imagenet", 224, 1.0, 4096, 70),
    Profile("folder", "your own pictures: DATA=dir with train/<class>/ and val/<class>/", "folder", 112, 1 / 2, 1024, 15),
)

PROFILES = {profile.name: profile for profile in _ALL}


def profile(name: str) -> Profile:
    """Look a profile up by name.

    Raises:
        Problem: there is no such profile; the message lists those that exist.
    """
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    return PROFILES[name]
