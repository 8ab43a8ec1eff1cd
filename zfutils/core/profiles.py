"""Profiles: the sizes at which the same book runs, from a test of seconds to the paper itself."""

import math
from dataclasses import dataclass

from zfutils.core.errors import unknown


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
class TransferPlan:
    """Sizes of the transfer experiments (section 5.2).

    Attributes:
        sizes: training images of a class in tables 4 and 5.
        curve: training images of a class in figure 9.
        layers: training images of a class in table 7; its claims are decided at the largest.
        test: most test images of a class.
        folds: draws of training and test images.
        scratch_sizes: training images of a class for the nets that are trained from scratch.
        scratch_folds: how many of the draws they are trained on.
        scratch_steps: length of their training, in steps, at least.
        scratch_passes: how often each of their training images is seen at least.
        scratch_drops: shares of their training after which the learning rate drops by ten, all before the last fifth.
    """

    sizes: tuple[int, ...] = (15, 30, 45, 60)
    curve: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 10, 15, 30, 45, 60)
    layers: tuple[int, ...] = (30, 60)
    test: int = 50
    folds: int = 5
    scratch_sizes: tuple[int, ...] = (15, 30, 45, 60)
    scratch_folds: int = 5
    scratch_steps: int = 3000
    scratch_passes: int = 0
    scratch_drops: tuple[float, ...] = (0.6, 0.75)

    def scratch_epochs(self, images: int, batch: int) -> int:
        """Length of a training from scratch on so many images, in epochs."""
        return max(self.scratch_passes, math.ceil(self.scratch_steps / math.ceil(images / batch)))


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
        batch: images a training step; the paper's are 128 (section 3).
        learning_rate: at the start of training; the paper's is .01 (section 3).
        transfer: sizes of the transfer experiments.
        latest_drops: shares of a training run after which its learning rate is dropped at the latest. All lie before the last fifth, so
            that what the loss does there, by which a net is called under-trained, is seen at one rate.
        drop_factor: what a drop multiplies the learning rate with.
        ships: whether a run takes those of its nets that come with the book and trains none that only fills a row of a table, unless it
            is asked to: they take hours.
        scratch_from: training images from which on a net starts from random weights; with fewer it starts from one of the same sizes that
            was trained on photographs and ships. 0 starts every net from random weights.
        least_steps: of a training run: where the epochs are fewer, because pictures are few, there are more of them.
    """

    name: str
    purpose: str
    dataset: str
    image_size: int
    width: float
    fc_units: int
    epochs: int
    toys: ToyDraw | None = None
    batch: int = 128
    learning_rate: float = 0.01
    transfer: TransferPlan = TransferPlan()
    least_steps: int = 0
    latest_drops: tuple[float, ...] = (0.6, 0.75)
    drop_factor: float = 0.1
    ships: bool = False
    scratch_from: int = 0

    def epochs_of(self, images: int) -> int:
        """Length of a training run with so many training images, in epochs."""
        return max(self.epochs, math.ceil(self.least_steps / math.ceil(images / self.batch)))

    @property
    def prepared_size(self) -> int:
        """Side of the prepared square picture, pixels: 256 for inputs of 224 (section 3), in proportion for others."""
        return self.image_size * 8 // 7


_SMOKE_TOYS, _TOYS = ToyDraw(80, 40, 40, 6, 16, 12), ToyDraw(5000, 500, 2000, 110, 400, 600)
_SMOKE_PLAN = TransferPlan((1, 2), (1, 2), layers=(2,), test=2, folds=2, scratch_sizes=(2,), scratch_folds=1, scratch_steps=4)
_TOY_PLAN = TransferPlan(scratch_sizes=(15, 60), scratch_folds=2, scratch_steps=2000)
# Of 15 pictures a class, seen 63 times each, a net errs on 62 % when it ends; seen 94 times on 26 %, with the last drop after 90 % of its
# run, or on 40 % with it after 75 %: most is learned at the middle rate. So all are seen more often, and the middle rate lasts longest that
# ends before the last fifth, in which it is looked whether the net still learns.
_PHOTO_PLAN = TransferPlan(
    sizes=(15, 30),
    layers=(30,),
    curve=(1, 2, 3, 4, 5, 6, 7, 10, 15, 30),
    scratch_sizes=(15,),
    scratch_folds=1,
    scratch_steps=6000,
    scratch_passes=120,
    scratch_drops=(0.6, 0.78),
)

_ALL = (
    Profile("smoke", "tests: seconds, numbers without meaning", "toybox", 112, 1 / 8, 64, 2, _SMOKE_TOYS, 16, transfer=_SMOKE_PLAN),
    # A net stays at chance for about its first thousand steps, whatever their batch: with few pictures, small batches save it visits.
    Profile("toybox", "any laptop, offline", "toybox", 112, 1 / 4, 512, 24, _TOYS, 16, 0.0025, _TOY_PLAN),
    # The batch is small for the same reason. The rate for one picture is that of the toys: at the paper's .01 the loss stood at 4.76 after
    # four epochs, at this one at 4.45. From there on it stalls: two epochs that went on from the fourth ended, after a last half at a low
    # rate, at a development loss of 3.79 from .0015, 3.88 from .0005, and four more at .005 at 4.19. So the drops come early, by less.
    Profile(
        "photos",
        "real photographs: Tiny ImageNet, Caltech-101",
        "photos",
        112,
        1 / 4,
        1024,
        20,
        None,
        32,
        0.005,
        _PHOTO_PLAN,
        latest_drops=(0.25, 0.5, 0.75),
        drop_factor=0.3,
        ships=True,
    ),
    Profile("imagenet", "the paper itself: ILSVRC2012, on GPUs", "imagenet", 224, 1.0, 4096, 70),
    # The sizes of `photos`, so that the nets can start from those that ship. From random weights twice the thousand steps at chance.
    Profile(
        "folder",
        "your own pictures: DATA=dir with train/<class>/ and val/<class>/",
        "folder",
        112,
        1 / 4,
        1024,
        15,
        batch=32,
        least_steps=2000,
        ships=True,
        scratch_from=20_000,
    ),
)

# torchvision's; 5 MB, as accurate as AlexNet, and its first layer has 96 filters of 7 x 7 at stride 2, as the paper's has.
IMAGENET_NET = "squeezenet1_0"

PROFILES = {profile.name: profile for profile in _ALL}


def profile(name: str) -> Profile:
    """Look a profile up by name.

    Raises:
        Problem: there is no such profile; the message lists those that exist.
    """
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    return PROFILES[name]
