"""Training a net as in section 3 of the paper: one loop for a CPU, a GPU or several processes, which goes on where it was cut off."""

import io
import math
import pickle
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfutils.core import keys, paths, progress
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import architectures, checkpoints, devices, filters, shipped
from zfutils.models.architectures import Architecture
from zfutils.models.crops import CENTRE, AnyCrops, Crops
from zfutils.models.rotated_crops import TurnedCrops
from zfutils.training.schedule import Schedule

PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)  # of 70: the columns of figure 4
TRAINING_VERSION = 1  # raised when the same settings, pictures and seed give another net: nets of other versions are trained anew
_SAVE_EVERY = 30.0  # seconds of work that a kill may cost, or more where the state of a large net takes long to write:
_WORK = 100  # times as long as the last save took, so that saving takes at most about 1 % of the time


@dataclass(frozen=True)
class Settings:
    """All numbers of a training run, as in section 3.

    Attributes:
        recipe: its name.
        architecture: the net.
        epochs: visits to every training image.
        seed: of the weights, the order, the crops and the dropout.
        clips: whether filters are scaled back to their radius.
        learning_rate: at the start.
        lr_drops: steps of the learning-rate drops; None finds them on the development split.
        batch: images a step, over all processes.
        momentum: of SGD.
        turned: whether every training image is turned by a random angle.
        weight_decay: of SGD; the paper gives none.
        anywhere: whether a training crop may lie anywhere, not only where the ten lie.
        latest_drops: shares of the run after which the learning rate is dropped at the latest, where `lr_drops` is None.
        drop_factor: what a drop multiplies the learning rate with.
        start: the net that ships from which all layers but the last start, as `shipped.digest` names it; empty for random weights.
    """

    recipe: str
    architecture: Architecture
    epochs: int
    seed: int = 0
    clips: bool = True
    learning_rate: float = 0.01
    lr_drops: tuple[int, ...] | None = None
    batch: int = 128
    momentum: float = 0.9
    turned: bool = False
    weight_decay: float = field(default=0.0, metadata=keys.LATER)
    anywhere: bool = field(default=False, metadata=keys.LATER)
    start: str = field(default="", metadata=keys.LATER)
    latest_drops: tuple[float, ...] = field(default=(0.7, 0.9), metadata=keys.LATER)
    drop_factor: float = field(default=0.1, metadata=keys.LATER)


def order(settings: Settings, train: np.ndarray, epoch: int, crops: tuple[int, int] = (0, 10)) -> tuple[np.ndarray, np.ndarray]:
    """Order of the training images in one epoch, and which of the ten crops each visit sees.

    *Paper:* section 3. Both depend on the seed and the epoch alone, so every recipe of a seed sees the same images in the same crops.

    Args:
        settings: of the run.
        train: indices of the training split.
        epoch: counted from 0.
        crops: numbers of the first crop that may be drawn and of the one behind the last.

    Returns:
        The indices in order and the number of the crop for each.
    """
    generator = np.random.default_rng(int(keys.digest("order", settings.seed, epoch), 16))
    return generator.permutation(train), generator.integers(*crops, len(train))


class Diverged(Problem):
    """The loss of a training run is not finite."""


class Trainer:
    """A training run in a folder, which holds `state.pt` while it runs, and `net.safetensors`, `log.csv` and `checkpoints/` in the end.

    Args:
        settings: the numbers.
        prepared: the pictures, with the splits train and dev.
        folder: where the run lives; what an earlier run left there is taken up.
        device: where the net runs.
        dtype: of the layers; weights and loss stay float32.
    """

    def __init__(self, settings: Settings, prepared: PreparedSet, folder: Path, *, device: torch.device, dtype: torch.dtype):
        self.settings, self.prepared, self.folder, self.device, self.dtype = settings, prepared, folder, device, dtype
        self.rank, self.world = devices.rank_and_world()
        self.train, self.dev = prepared.indices("train"), prepared.indices("dev")
        self.labels = torch.from_numpy(prepared.labels.copy())
        kind = TurnedCrops if settings.turned else AnyCrops if settings.anywhere else Crops
        self.inputs = kind(prepared, settings.architecture.image_size, device=device)
        self.steps_an_epoch = math.ceil(len(self.train) / settings.batch)
        self.steps = self.steps_an_epoch * settings.epochs
        self.net = architectures.build(settings.architecture, generator=torch.Generator().manual_seed(settings.seed))
        if settings.start:
            self.net.load_state_dict({**self.net.state_dict(), **shipped.start(settings.start.split("@")[0])})
        self.net.to(device, memory_format=torch.channels_last)
        self.replica = devices.replicated(self.net)
        self.optimizer = torch.optim.SGD(
            self.net.parameters(), settings.learning_rate, settings.momentum, weight_decay=settings.weight_decay
        )
        self.schedule = Schedule(
            settings.learning_rate,
            self.steps,
            settings.architecture.classes,
            settings.latest_drops,
            settings.lr_drops,
            settings.drop_factor,
        )
        self.radii = filters.radii(settings.architecture) if settings.clips else {}
        self.step, self.log, self._save_at = 0, [], time.monotonic() + _SAVE_EVERY
        self._new_epoch()
        self._resume()

    def run(self) -> None:
        """Train to the end.

        Raises:
            Problem: the loss is not finite (the step is named), or the disk is full.
        """
        bar = progress.bar(total=self.steps, text=f"training {self.settings.recipe}", unit="steps", done=self.step)
        with devices.threads_for(self.settings.batch), bar as shown:
            if self.step == 0:
                self._keep_checkpoints()
            self._clock = time.monotonic()
            while self.step < self.steps:
                self.advance()
                shown.update(1)
                shown.set_postfix_str(self._last_words())

    def advance(self) -> None:
        """One step: gradients, update, clipping, schedule, and what falls due."""
        self._sums += devices.summed(self.backward())  # so that all processes hold, and rank 0 saves, the sums of all
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate
        self.optimizer.step()
        self._clipped += filters.clip(self.net, self.radii)
        self.step += 1
        self.schedule.after_step(self.step)
        self._keep_checkpoints()
        if self.step % self.steps_an_epoch == 0:
            self._end_epoch()
        if self.step == self.steps or time.monotonic() > self._save_at:
            self._save()

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices and crops of the whole next batch, over all processes."""
        epoch, position = divmod(self.step, self.steps_an_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, *order(self.settings, self.train, epoch, self.inputs.drawn))
        window = slice(position * self.settings.batch, (position + 1) * self.settings.batch)
        return self._order[1][window], self._order[2][window]

    def backward(self) -> Tensor:
        """Compute the gradients of the next batch; with several processes each takes its share and the gradients are those of the whole.

        Returns:
            Shape (3,): sum of the losses, wrong answers and number of images of this process.
        """
        indices, crops = self.batch()
        whole = len(indices)
        indices, crops = indices[self.rank :: self.world], crops[self.rank :: self.world]
        images, labels = self.inputs.batch(indices, crops), self.labels[indices].to(self.device)
        self._stop_if_not_finite()  # of the step before: asked only now, a GPU is not kept waiting
        self.replica.train()
        # Dropout follows from the seed and the step alone, so that a resumed run draws what an uninterrupted one does.
        devices.seed(self.device, int(keys.digest("dropout", self.settings.seed, self.step, self.rank), 16) % 2**63)
        self.optimizer.zero_grad(set_to_none=True)
        with devices.autocast(self.device, self.dtype):
            logits = self.replica(images)
        losses = F.cross_entropy(logits.float(), labels, reduction="sum")
        (losses * (self.world / whole)).backward()  # processes' gradients are averaged, hence the factor
        self._loss = losses.detach()
        wrong = (logits.argmax(1) != labels).sum()
        return torch.stack([self._loss, wrong, torch.tensor(len(indices), device=self.device)])

    def _new_epoch(self) -> None:
        exact = torch.float32 if self.device.type == "mps" else torch.float64  # Apple's GPU has no float64
        self._sums = torch.zeros(3, dtype=exact, device=self.device)
        self._clipped = torch.zeros(len(self.radii), dtype=torch.int64, device=self.device)
        self._seconds, self._clock, self._order, self._loss = 0.0, time.monotonic(), None, None

    def _end_epoch(self) -> None:
        """Measure the development split, write the log, let the schedule see it."""
        self._stop_if_not_finite()
        loss, wrong, n = self._sums.tolist()
        dev_loss, dev_wrong, dev_n = self._measure(self.dev)
        self._seconds += time.monotonic() - self._clock
        self.log.append(
            {
                "epoch": self.step // self.steps_an_epoch,
                "step": self.step,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                "train_loss": loss / n,
                "train_wrong": int(wrong),
                "train_n": int(n),
                "dev_loss": dev_loss / dev_n,
                "dev_wrong": int(dev_wrong),
                "dev_n": int(dev_n),
                "clipped": int(self._clipped.sum()),
                "clipped_first_layer": int(self._clipped[:1].sum()),
                "largest_rms_over_radius": max(self._largest_rms()),
                "largest_rms_over_radius_first_layer": self._largest_rms()[0],
                "seconds": round(self._seconds, 3),
            }
        )
        self.schedule.after_epoch(self.step, dev_loss / dev_n)
        self._new_epoch()

    @torch.no_grad()
    def _measure(self, indices: np.ndarray) -> list[float]:
        """Sum of losses, wrong answers and number of images on the centre crops of some pictures."""
        self.net.eval()
        sums = torch.zeros_like(self._sums)
        mine = indices[self.rank :: self.world]
        for start in range(0, len(mine), 250):
            chosen = mine[start : start + 250]
            labels = self.labels[chosen].to(self.device)
            with devices.autocast(self.device, self.dtype):
                logits = self.net(self.inputs.batch(chosen, CENTRE)).float()
            loss, wrong = F.cross_entropy(logits, labels, reduction="sum"), (logits.argmax(1) != labels).sum()
            sums += torch.stack([loss, wrong, torch.tensor(len(chosen), device=self.device)])
        return devices.summed(sums).tolist()

    def _largest_rms(self) -> list[float]:
        """Largest root mean square of a filter in each convolutional layer, as a share of the layer's radius, clipped or not."""
        radii = filters.radii(self.settings.architecture)
        return [float(filters.rms(self.net.get_submodule(name).weight.detach()).max()) / radius for name, radius in radii.items()]

    def _stop_if_not_finite(self) -> None:
        if self._loss is not None and not math.isfinite(float(self._loss)):
            raise Diverged(
                f"training {self.settings.recipe} stopped: the loss is not finite at step {self.step} of {self.steps} "
                f"(learning rate {self.schedule.rate:g}); lower the learning rate of the profile or train anew with RETRAIN=1"
            )

    def _last_words(self) -> str:
        """The latest line of the log in a few words."""
        if not self.log:
            return ""
        last = self.log[-1]
        return f"loss {last['train_loss']:.3f}, dev errors {last['dev_wrong']}/{last['dev_n']}, rate {self.schedule.rate:g}"

    def _keep_checkpoints(self) -> None:
        """Keep the weights of step 0 and of the paper's fractions of the run (figure 4)."""
        if self.rank:
            return
        for epoch in (0, *PAPER_EPOCHS):
            if checkpoint_step(epoch, self.steps) == self.step:
                self._stop_if_not_finite()
                path = self.folder / "checkpoints" / f"epoch-{epoch:02d}.safetensors"
                about = {"recipe": self.settings.recipe, "paper_epoch": epoch, "step": self.step, "steps": self.steps}
                checkpoints.save(self.net, self.settings.architecture, path, card=about)

    def _save(self) -> None:
        """Write all that a resumed run needs."""
        self._stop_if_not_finite()
        start = time.monotonic()
        if self.rank == 0:
            self._write()
        took = time.monotonic() - start
        self._save_at = start + took + max(_SAVE_EVERY, _WORK * took)

    def _write(self) -> None:
        """Write `state.pt`."""
        state = {
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state(),
            "log": self.log,
            "sums": self._sums,
            "clipped": self._clipped,
            "seconds": self._seconds + time.monotonic() - self._clock,
        }
        written = io.BytesIO()  # torch hides a full disk behind an error of its own; a plain write tells
        torch.save(state, written)
        with paths.whole(self.folder / "state.pt") as fresh:
            fresh.write_bytes(written.getbuffer())

    def _resume(self) -> None:
        """Go on from `state.pt`, when there is one."""
        file = self.folder / "state.pt"
        if not file.exists():
            return
        try:
            state = torch.load(file, map_location=self.device, weights_only=True)
            self.net.load_state_dict(state["net"])
        except (RuntimeError, KeyError, EOFError, OSError, pickle.UnpicklingError) as error:
            raise Problem(f"cannot go on from {file} ({str(error).splitlines()[0]}); delete that file to train from the start") from None
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.restore(state["schedule"])
        self.step, self.log, self._sums = state["step"], state["log"], state["sums"]
        self._clipped, self._seconds = state["clipped"], state["seconds"]


def checkpoint_step(paper_epoch: int, steps: int) -> int:
    """The step of a run that stands for an epoch of the paper's 70."""
    return round(paper_epoch / 70 * steps)
