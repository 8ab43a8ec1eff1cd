"""From prepared pictures to the nets' input and back: the ten crops, the mean, the display."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfutils.data.prepared_sets import PreparedSet

CENTRE = 4  # number of the plain centre crop among the ten
TEN = tuple(range(10))
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of each colour, as torchvision's nets were trained


def crop_corners(picture: int, crop: int) -> list[tuple[int, int, bool]]:
    """The ten crops of section 3: four corners and the centre, then the same mirrored.

    Args:
        picture: side of the prepared picture, pixels.
        crop: side of the crop, pixels.

    Returns:
        Ten triples: top, left (pixels of the picture) and whether the crop is mirrored left to right.
    """
    far, middle = picture - crop, (picture - crop) // 2
    corners = [(0, 0), (0, far), (far, 0), (far, far), (middle, middle)]
    return [(top, left, mirrored) for mirrored in (False, True) for top, left in corners]


def overlap(corner: tuple[int, int], side: int, size: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a square window and a picture meet.

    Args:
        corner: row and column of the window's top left pixel in the picture; may lie outside.
        side: of the window, pixels.
        size: height and width of the picture, pixels.

    Returns:
        Slices of rows and columns, within the window and within the picture.
    """
    ends = [(first, max(first, 0), min(first + side, length)) for first, length in zip(corner, size, strict=True)]
    return tuple(slice(start - first, end - first) for first, start, end in ends), tuple(slice(start, end) for _, start, end in ends)


class Crops:
    """Cuts batches of input out of a prepared set.

    Args:
        prepared: the pictures.
        size: side of the net's input, pixels.
        device: where the batches go.

    Attributes:
        drawn: numbers of the first crop that training draws and of the one behind the last.
    """

    drawn = (0, 10)

    def __init__(self, prepared: PreparedSet, size: int, *, device: torch.device, mean: np.ndarray | None = None):
        # A plain view of the memory map: slicing the map's own class costs more than the copy.
        self.images, self.size, self.device = prepared.images.view(np.ndarray), size, device
        self.corners = crop_corners(self.images.shape[1], size)
        mean = prepared.mean() if mean is None else mean
        means = np.stack([_cut(mean, corner, size) for corner in self.corners])
        self.mirrored = np.array([mirrored for _, _, mirrored in self.corners])
        self.means = torch.from_numpy(means).to(device)  # (10, size, size, 3)

    def scaling(self) -> tuple:
        """What a key must hold beside the pictures, the mean and the net; nothing here."""
        return ()

    def batch(self, indices: np.ndarray, crops: np.ndarray | int) -> Tensor:
        """Cut one crop of each picture and subtract the mean.

        *Paper:* section 3: the mean of every pixel over the training pictures is subtracted, nothing is divided.

        Args:
            indices: of the pictures, (n,).
            crops: number of the crop, 0 to 9, for each picture or for all.

        Returns:
            float32 of shape (n, 3, size, size), in [-255, 255], channels last in memory.
        """
        crops = np.broadcast_to(crops, len(indices))
        pictures = np.empty((len(indices), self.size, self.size, 3), np.uint8)
        for picture, index, crop in zip(pictures, indices.tolist(), crops.tolist(), strict=True):
            top, left, _ = self.corners[crop]
            picture[:] = self.images[index, top : top + self.size, left : left + self.size]
        pixels = torch.from_numpy(pictures).to(self.device)
        return (self._one_by_one if pixels.is_cpu else self._at_once)(pixels, crops).permute(0, 3, 1, 2)

    def pictures(self, images: Tensor) -> np.ndarray:
        """Centre crops as one would see them: the mean is added again, so that where the net's input is 0 one sees the mean picture.

        Args:
            images: input of the net, (n, 3, size, size), also changed by hand; what leaves [0, 255] is cut off.

        Returns:
            uint8 of shape (n, size, size, 3).
        """
        pixels = images.permute(0, 2, 3, 1).to(self.means) + self.means[CENTRE]
        return pixels.round().clamp(0, 255).byte().cpu().numpy()

    def _one_by_one(self, pixels: Tensor, crops: np.ndarray) -> Tensor:
        """Mirror and subtract picture by picture: on a CPU three times faster, because picture and mean stay in its cache."""
        batch = torch.empty(pixels.shape)
        for picture, crop, out in zip(pixels, crops.tolist(), batch, strict=True):
            torch.sub(picture.flip(1) if self.mirrored[crop] else picture, self._mean_of(crop), out=out)
        return batch

    def _mean_of(self, crop: int) -> Tensor:
        """The crop of the mean, (size, size, 3)."""
        return self.means[crop]

    def _at_once(self, pixels: Tensor, crops: np.ndarray) -> Tensor:
        """Mirror and subtract with few calls, as a GPU wants it."""
        mirrored = torch.from_numpy(np.flatnonzero(self.mirrored[crops])).to(self.device)
        pixels[mirrored] = pixels[mirrored].flip(2)
        return pixels - self.means[torch.from_numpy(crops.copy()).to(self.device)]


class AnyCrops(Crops):
    """Crops anywhere in the picture, mirrored or not (beyond the paper): from number 10 on, after the ten.

    Args:
        prepared, size, device: as for `Crops`.
    """

    def __init__(self, prepared: PreparedSet, size: int, *, device: torch.device):
        super().__init__(prepared, size, device=device)
        places = range(self.images.shape[1] - size + 1)
        self.corners += [(top, left, mirrored) for mirrored in (False, True) for top in places for left in places]
        self.mirrored = np.array([mirrored for _, _, mirrored in self.corners])
        self.mean, self.drawn = torch.from_numpy(prepared.mean()).to(device), (10, len(self.corners))

    def _mean_of(self, crop: int) -> Tensor:
        """A view of the mean: copies of all crops would take a gigabyte at full size."""
        top, left, mirrored = self.corners[crop]
        cut = self.mean[top : top + self.size, left : left + self.size]
        return cut.flip(1) if mirrored else cut

    def _at_once(self, pixels: Tensor, crops: np.ndarray) -> Tensor:
        mirrored = torch.from_numpy(np.flatnonzero(self.mirrored[crops])).to(self.device)
        pixels[mirrored] = pixels[mirrored].flip(2)
        return pixels - torch.stack([self._mean_of(crop) for crop in crops.tolist()])


class ScaledCrops(Crops):
    """Crops for a net that wants its input divided too, as those of torchvision do.

    Args:
        prepared, size, device: as for `Crops`.
        mean: of each colour, subtracted from pixels in [0, 255], (3,).
        std: of each colour; what is left is divided by it, (3,).
    """

    def __init__(self, prepared: PreparedSet, size: int, *, device: torch.device, mean: Sequence[float], std: Sequence[float]):
        flat = np.broadcast_to(np.asarray(mean, np.float32), prepared.images.shape[1:])
        super().__init__(prepared, size, device=device, mean=flat)
        self.std = torch.tensor(std, dtype=torch.float32, device=device)[:, None, None]
        self._scaling = (size, *map(float, mean), *map(float, std))

    def scaling(self) -> tuple:
        """Side, mean and std: no card of the net holds them."""
        return self._scaling

    def batch(self, indices: np.ndarray, crops: np.ndarray | int) -> Tensor:
        """As `Crops.batch`; about 0 in mean and 1 in std."""
        return super().batch(indices, crops) / self.std

    def pictures(self, images: Tensor) -> np.ndarray:
        """As `Crops.pictures`."""
        return super().pictures(images * self.std)


def _cut(picture: np.ndarray, corner: tuple[int, int, bool], size: int) -> np.ndarray:
    """One crop of a picture (side, side, 3)."""
    top, left, mirrored = corner
    crop = picture[top : top + size, left : left + size]
    return crop[:, ::-1] if mirrored else crop


def sampled(images: Tensor, matrices: Tensor | Sequence[Sequence[float]], border: str = "zeros") -> Tensor:
    """Take every pixel from where a matrix points to, bilinear.

    Args:
        images: (n, channels, h, w).
        matrices: one for each image, (n, 2, 3), or for all, (2, 3), on coordinates in [-1, 1], x before y.
        border: what lies beyond the edge, a padding of `torch.nn.functional.grid_sample`.
    """
    theta = torch.as_tensor(matrices, dtype=images.dtype, device=images.device).expand(len(images), 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode=border, align_corners=False)


def to_display(x: np.ndarray, *, scale: float) -> np.ndarray:
    """Turn signed pixel values into a picture in which zero is one fixed grey.

    Args:
        x: values of shape (..., 3, h, w).
        scale: the absolute value that becomes black or white; larger ones are cut off.

    Returns:
        uint8 of shape (..., h, w, 3); 0 becomes 128.

    Raises:
        ValueError: the scale is not above zero.
    """
    if not scale > 0:
        raise ValueError(f"expected a scale above 0, got {scale}; for values that are all zero take 1")
    grey = np.clip(np.asarray(x, np.float64) / scale, -1, 1) * 127 + 128
    return np.moveaxis(np.rint(grey).astype(np.uint8), -3, -1)
