"""Training a net as in section 3 of the paper: one loop for a CPU, a GPU or several processes, which goes on where it was cut off."""

import contextlib
import io
import json
import math
import pickle
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from zfutils import data, devices, keys, nets, places, predictions, profiles, progress, recipes, weights
from zfutils.images import CENTRE, Crops
from zfutils.nets import Architecture
from zfutils.problems import Problem
from zfutils.rotations import TurnedCrops
from zfutils.schedule import Schedule
from zfutils.sets import PreparedSet
from zfutils.trained import Trained

PAPER_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 64)  # of 70: the columns of figure 4
_CODE = ("images", "nets", "norm", "rotations", "schedule", "training")  # whose change makes a trained net stale
_MEMBERS = 1000  # between the seeds of nets that differ in their seed only, so that no seed of a reader meets them
_STOPPED = "stopped.txt"  # why a run diverged
_SAVE_EVERY = 30.0  # seconds of work that a kill may cost


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
        cuts: steps of the learning-rate cuts; None finds them on the development split.
        batch: images a step, over all processes.
        momentum: of SGD.
        turned: whether every training image is turned by a random angle.
    """

    recipe: str
    architecture: Architecture
    epochs: int
    seed: int = 0
    clips: bool = True
    learning_rate: float = 0.01
    cuts: tuple[int, ...] | None = None
    batch: int = 128
    momentum: float = 0.9
    turned: bool = False


def order(settings: Settings, train: np.ndarray, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Order of the training images in one epoch, and which of the ten crops each visit sees.

    *Paper:* section 3. Both depend on the seed and the epoch alone, so every recipe of a seed sees the same images in the same crops.

    Args:
        settings: of the run.
        train: rows of the training split.
        epoch: counted from 0.

    Returns:
        The rows in order and the number of the crop, 0 to 9, for each.
    """
    generator = np.random.default_rng(int(keys.digest("order", settings.seed, epoch), 16))
    return generator.permutation(train), generator.integers(0, 10, len(train))


class Diverged(Problem):
    """The loss of a training run is not finite."""


class Trainer:
    """A training run in a folder, which holds `state.pt` while it runs, and `net.safetensors`, `log.csv` and `checkpoints/` in the end.

    Args:
        settings: the numbers.
        prepared: the pictures, with the splits train and dev.
        folder: where the run lives; what an earlier run left there is taken up.
        device: where the net runs.
        number_type: of the layers; weights and loss stay float32.
    """

    def __init__(self, settings: Settings, prepared: PreparedSet, folder: Path, *, device: torch.device, number_type: torch.dtype):
        self.settings, self.prepared, self.folder, self.device, self.number_type = settings, prepared, folder, device, number_type
        self.rank, self.world = devices.rank_and_world()
        self.train, self.dev = prepared.indices("train"), prepared.indices("dev")
        self.labels = torch.from_numpy(prepared.labels.copy())
        self.cuts = (TurnedCrops if settings.turned else Crops)(prepared, settings.architecture.image_size, device=device)
        self.steps_an_epoch = math.ceil(len(self.train) / settings.batch)
        self.steps = self.steps_an_epoch * settings.epochs
        self.net = nets.build(settings.architecture, generator=torch.Generator().manual_seed(settings.seed))
        self.net.to(device, memory_format=torch.channels_last)
        self.replica = DistributedDataParallel(self.net) if self.world > 1 else self.net
        self.optimizer = torch.optim.SGD(self.net.parameters(), settings.learning_rate, settings.momentum)
        self.schedule = Schedule(settings.learning_rate, self.steps, settings.architecture.classes, settings.cuts)
        self.radii = nets.clip_radii(settings.architecture) if settings.clips else {}
        self.step, self.log, self._saved = 0, [], time.monotonic()
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
                self._advance()
                shown.update(1)
                shown.set_postfix_str(self._last_words())

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and crops of the whole next batch, over all processes."""
        epoch, place = divmod(self.step, self.steps_an_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, *order(self.settings, self.train, epoch))
        window = slice(place * self.settings.batch, (place + 1) * self.settings.batch)
        return self._order[1][window], self._order[2][window]

    def backward(self) -> Tensor:
        """Compute the gradients of the next batch; with several processes each takes its share and the gradients are those of the whole.

        Returns:
            Shape (3,): sum of the losses, wrong answers and number of images of this process.
        """
        rows, crops = self.batch()
        whole = len(rows)
        rows, crops = rows[self.rank :: self.world], crops[self.rank :: self.world]
        images, labels = self.cuts.batch(rows, crops), self.labels[rows].to(self.device)
        self._stop_if_not_finite()  # of the step before: asked only now, a GPU is not kept waiting
        self.replica.train()
        # Dropout follows from the seed and the step alone, so that a resumed run draws what an uninterrupted one does.
        torch.manual_seed(int(keys.digest("dropout", self.settings.seed, self.step, self.rank), 16) % 2**63)
        self.optimizer.zero_grad(set_to_none=True)
        with self._narrow():
            logits = self.replica(images)
        losses = F.cross_entropy(logits.float(), labels, reduction="sum")
        (losses * (self.world / whole)).backward()  # processes' gradients are averaged, hence the factor
        self._loss = losses.detach()
        wrong = (logits.argmax(1) != labels).sum()
        return torch.stack([self._loss, wrong, torch.tensor(len(rows), device=self.device)])

    def _advance(self) -> None:
        """One step: gradients, update, clipping, schedule, and what falls due."""
        self._sums += self.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate
        self.optimizer.step()
        self._clipped += nets.clip_filters(self.net, self.radii)
        self.step += 1
        self.schedule.after_step(self.step)
        self._keep_checkpoints()
        if self.step % self.steps_an_epoch == 0:
            self._end_epoch()
        if self.step == self.steps or time.monotonic() - self._saved > _SAVE_EVERY:
            self._save()

    def _narrow(self) -> contextlib.AbstractContextManager:
        """Compute the layers in the run's number type."""
        return torch.autocast(self.device.type, self.number_type, enabled=self.number_type != torch.float32)

    def _new_epoch(self) -> None:
        exact = torch.float32 if self.device.type == "mps" else torch.float64  # Apple's GPU has no float64
        self._sums = torch.zeros(3, dtype=exact, device=self.device)
        self._clipped = torch.zeros(len(self.radii), dtype=torch.int64, device=self.device)
        self._seconds, self._clock, self._order, self._loss = 0.0, time.monotonic(), None, None

    def _end_epoch(self) -> None:
        """Measure the development split, write the log, let the schedule see it."""
        self._stop_if_not_finite()
        loss, wrong, n = devices.summed(self._sums.clone()).tolist()
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
    def _measure(self, rows: np.ndarray) -> list[float]:
        """Sum of losses, wrong answers and number of images on the centre crops of some rows."""
        self.net.eval()
        sums = torch.zeros_like(self._sums)
        mine = rows[self.rank :: self.world]
        for start in range(0, len(mine), 250):
            some = mine[start : start + 250]
            labels = self.labels[some].to(self.device)
            with self._narrow():
                logits = self.net(self.cuts.batch(some, CENTRE)).float()
            loss, wrong = F.cross_entropy(logits, labels, reduction="sum"), (logits.argmax(1) != labels).sum()
            sums += torch.stack([loss, wrong, torch.tensor(len(some), device=self.device)])
        return devices.summed(sums).tolist()

    def _largest_rms(self) -> list[float]:
        """Largest root mean square of a filter in each convolutional layer, as a share of the layer's radius, clipped or not."""
        radii = nets.clip_radii(self.settings.architecture)
        return [float(nets.filter_rms(self.net.get_submodule(name).weight.detach()).max()) / radius for name, radius in radii.items()]

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
                weights.save(self.net, self.settings.architecture, path, card=about)

    def _save(self) -> None:
        """Write all that a resumed run needs."""
        self._stop_if_not_finite()
        self._saved = time.monotonic()
        if self.rank:
            return
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
        with places.whole(self.folder / "state.pt") as fresh:
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


def settings_of(profile: profiles.Profile, recipe: recipes.Recipe, prepared: PreparedSet, *, seed: int = 0) -> Settings:
    """The numbers of a recipe in a profile. The cuts of the recipe that it follows must be known: that net is trained before."""
    size = {"width": profile.width, "image_size": profile.image_size, "fc_units": profile.fc_units, "classes": len(prepared.classes)}
    architecture = nets.scaled(recipe.paper, **size)
    cuts = None
    if recipe.follows:
        followed = _where(profile, settings_of(profile, recipes.recipe(recipe.follows), prepared, seed=seed), prepared)
        cuts = tuple(Trained(followed).card["cuts"])
    drawn = seed + _MEMBERS * recipe.member
    options = {"learning_rate": profile.learning_rate, "cuts": cuts, "batch": profile.batch, "turned": recipe.turned}
    return Settings(recipe.name, architecture, profile.epochs, drawn, recipe.clips, **options)


def train(profile: profiles.Profile, name: str, *, seed: int = 0, retrain: bool = False) -> Path:
    """Train a recipe in a profile, and the recipe that it follows before it; do nothing where that is done.

    Args:
        profile: the sizes.
        name: of the recipe.
        seed: of everything that is drawn.
        retrain: start anew although the net exists.

    Returns:
        The folder of the trained net.

    Raises:
        Diverged: the loss is not finite, now or when it was tried before.
        Problem: unknown recipe, absent data, a full disk.
    """
    recipe, prepared = recipes.recipe(name), data.opened(profile, seed=seed)
    if recipe.follows:
        train(profile, recipe.follows, seed=seed)
    settings = settings_of(profile, recipe, prepared, seed=seed)
    folder = _where(profile, settings, prepared)
    if retrain:
        for file in ("net.safetensors", "state.pt", _STOPPED):
            (folder / file).unlink(missing_ok=True)
    if (folder / _STOPPED).exists():  # the same run would end the same way
        raise Diverged((folder / _STOPPED).read_text())
    if not (folder / "net.safetensors").exists():
        devices.join_group()
        device = devices.device()
        trainer = Trainer(settings, prepared, folder, device=device, number_type=devices.number_type(device))
        _run(trainer)
        if trainer.rank == 0:
            _finish(trainer)
    return folder


def _run(trainer: Trainer) -> None:
    """Train to the end; why a run diverged is kept beside its state."""
    try:
        trainer.run()
    except Diverged as stopped:
        with places.whole(trainer.folder / _STOPPED) as fresh:
            fresh.write_text(str(stopped))
        raise


def stopped(profile: profiles.Profile, name: str, *, seed: int = 0) -> str:
    """Why the training of a net diverged; empty where it did not. What it follows must be trained."""
    file = _folder(profile, name, seed) / _STOPPED
    return file.read_text() if file.exists() else ""


def state(profile: profiles.Profile, name: str, *, seed: int = 0) -> str:
    """What is there of a net: `trained`, `at step 120 of 3756`, `missing`, or why its training stopped."""
    recipe, prepared = recipes.recipe(name), data.opened(profile, seed=seed)
    if is_trained(profile, name, seed=seed):
        return "trained"
    if recipe.follows and not is_trained(profile, recipe.follows, seed=seed):
        return "missing"  # its learning-rate cuts are not known yet
    if why := stopped(profile, name, seed=seed):
        return why
    file = _folder(profile, name, seed) / "state.pt"
    if not file.exists():
        return "missing"
    done = torch.load(file, map_location="cpu", weights_only=True)["step"]
    return f"at step {done} of {math.ceil(len(prepared.indices('train')) / profile.batch) * profile.epochs}"


def trained(profile: profiles.Profile, name: str, *, seed: int = 0) -> Trained:
    """Find a trained net.

    Raises:
        Problem: it is not trained yet; the command that does it is named.
    """
    if not is_trained(profile, name, seed=seed):
        command = f"make train NET={name} PROFILE={profile.name}" + (f" SEED={seed}" if seed else "")
        raise Problem(f"{name} is not trained in profile {profile.name}; run: {command}")
    return Trained(_folder(profile, name, seed))


def is_trained(profile: profiles.Profile, name: str, *, seed: int = 0) -> bool:
    """Whether a net is trained.

    Raises:
        Problem: unknown recipe or absent data.
    """
    recipe = recipes.recipe(name)
    if recipe.follows and not is_trained(profile, recipe.follows, seed=seed):
        return False
    return (_folder(profile, name, seed) / "net.safetensors").exists()


def _folder(profile: profiles.Profile, name: str, seed: int) -> Path:
    """Folder of a recipe's run; what it follows must be trained."""
    prepared = data.opened(profile, seed=seed)
    return _where(profile, settings_of(profile, recipes.recipe(name), prepared, seed=seed), prepared)


def _where(profile: profiles.Profile, settings: Settings, prepared: PreparedSet) -> Path:
    """Folder of a run, named by all that the net depends on: the settings, the pictures with their classes, the code."""
    key = keys.digest(settings, keys.of_set(prepared), keys.code_of(*_CODE))
    return places.data_dir() / profile.name / "nets" / f"{settings.recipe}-seed{settings.seed}-{key[:8]}"


def _finish(trainer: Trainer) -> None:
    """Write the log and the net with its card; then the state has served."""
    settings, log = trainer.settings, pd.DataFrame(trainer.log)
    with places.whole(trainer.folder / "log.csv") as fresh:
        log.to_csv(fresh, index=False)
    with devices.threads_for(settings.batch):
        card = _card(trainer, log)
    weights.save(trainer.net, settings.architecture, trainer.folder / "net.safetensors", card=card)
    (trainer.folder / "state.pt").unlink(missing_ok=True)


def _card(trainer: Trainer, log: pd.DataFrame) -> dict:
    """What is to be known of a trained net."""
    settings, prepared, last = trainer.settings, trainer.prepared, log.iloc[-1]
    rows = prepared.indices("val")
    guessed = predictions.probabilities(trainer.net.eval(), trainer.cuts, rows)
    error = predictions.error_rate(predictions.wrong(guessed, prepared.labels[rows]))
    visits, seconds = settings.epochs * len(trainer.train), float(log["seconds"].sum())
    return {
        "settings": json.loads(json.dumps({**asdict(settings), "architecture": str(settings.architecture)})),
        "recipe": settings.recipe,
        "seed": settings.seed,
        "data": prepared.path.name,
        "data_sha256": prepared.facts["sha256"],
        "classes": prepared.classes,
        "cuts": trainer.schedule.cuts,
        "steps": trainer.steps,
        "visits": visits,
        "multiply_adds": sum(nets.multiply_adds(settings.architecture).values()),
        "seconds": seconds,
        "images_per_second": round(visits / seconds, 1),
        "dev_wrong": int(last["dev_wrong"]),
        "dev_n": int(last["dev_n"]),
        "val_wrong": error.wrong,
        "val_n": error.n,
        "clipped": int(log["clipped"].sum()),
        "number_type": str(trainer.number_type).removeprefix("torch."),
        "device": devices.describe(trainer.device),
        "processes": trainer.world,
        "torch": torch.__version__,
    }
