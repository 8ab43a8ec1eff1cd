"""Shipping: a trained net of this machine becomes what a clone finds in `weights/`."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from zfutils.analysis import regime
from zfutils.attribution import shipped_winners, topk
from zfutils.core import paths, progress, shipped_files
from zfutils.core.errors import Problem
from zfutils.core.profiles import Profile
from zfutils.data import registry, samples
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import cached_predictions, crops, predictions, recipes, shipped, shipped_answers
from zfutils.models.crops import CENTRE, Crops
from zfutils.models.trained import Trained, of_shipped
from zfutils.run import chapters
from zfutils.training import from_scratch, runs, scratch_answers
from zfutils.training.trainer import PAPER_EPOCHS

LARGEST = 13_500_000  # bytes that the weights of a net may take; with its mean and card 14 MB
PER_CLASS = {"val": 10, "train": 2}  # pictures of each class in a sample
VAL_QUALITY = 80  # of the val pictures among which the winners are, as there are many
NINE = 9
FROM_SCRATCH = "from-scratch"  # the name of all nets from scratch of a profile
_KEPT = (  # of the card of a trained net
    *("recipe", "settings", "seed", "data", "data_sha256", "classes", "lr_drops", "steps", "visits", "multiply_adds", "seconds"),
    *("images_per_second", "clipped", "learned", "dtype", "device", "torch"),
)
MOST_LOST = 0.005  # share of val pictures that rounding to half precision may turn wrong


def ship(profile: Profile, name: str, *, seed: int = 0) -> list[str]:
    """Write a trained net into `weights/`, and of rendered toys a sample, the val pictures and the winners of every unit.

    Args:
        profile: its sizes.
        name: a recipe that is trained.
        seed: of the run.

    Returns:
        The names of the files.

    Raises:
        Problem: the net is not trained, or too large to ship, or it is the name of several.
    """
    if name in (*recipes.TOGETHER, FROM_SCRATCH):
        raise Problem(f"{name} are several nets, of which the answers alone ship: give --answers too")
    trained, prepared = runs.trained(profile, name, seed=seed), registry.opened(profile, seed=seed)
    shipped_name, net = shipped.name_of(profile.name, name), shipped.rounded(trained.net())
    if (size := 2 * sum(tensor.numel() for tensor in net.state_dict().values())) > LARGEST:
        raise Problem(
            f"{shipped_name} takes {size / 1e6:.0f} MB, at most {LARGEST / 1e6:.0f} ship; take a profile with fewer units: PROFILE=toybox"
        )
    card = _card(profile, name, trained, prepared, net, seed)
    if card["val_wrong"] - trained.card["val_wrong"] > MOST_LOST * card["val_n"]:
        found = f"{card['val_wrong']} of {card['val_n']} val pictures wrong, {trained.card['val_wrong']} before"
        raise Problem(f"{shipped_name} does not bear half precision ({found}); train it at a smaller scale of its signals")
    if not card["learned"]:
        progress.say(f"{shipped_name} has not learned ({card['val_wrong']} of {card['val_n']} val pictures wrong): for trying out only")
    files = [shipped.write(shipped_name, net, trained.architecture, prepared.mean(), card=card)]
    if name == "zfnet":  # those of figure 4; what stands before training follows from the seed
        files.append(shipped.write_checkpoints(shipped_name, {epoch: trained.checkpoint(epoch) for epoch in PAPER_EPOCHS}))
    if profile.dataset == "toybox":  # of photographs no picture ships
        files += [*_pictures(profile, prepared), _winners(profile, shipped_name, net, prepared)]
    for file in files:
        progress.say(f"{file}: {file.stat().st_size / 1e6:.2f} MB")
    return [file.name for file in files]


def ship_answers(profile: Profile, name: str, *, seed: int = 0) -> list[str]:
    """Write into `weights/` which pictures a trained net got wrong, where its weights are too many to ship.

    Of a net that chapters look at its first layer comes along; of one that only fills a row of a table it does not.

    *Paper:* tables 2 to 5, figure 6 (a), figure 9.

    Args:
        profile: its sizes.
        name: a recipe that is trained, or several that are averaged, by their name in `recipes.TOGETHER`, or `FROM_SCRATCH` for all that
            were trained from scratch, whatever the seed.
        seed: of the run.

    Returns:
        The names of the files: of what ships of each net that is averaged, and of the answers.

    Raises:
        Problem: a net is not trained.
    """
    if name in recipes.TOGETHER:
        return _ship_together(profile, name, seed)
    if name == FROM_SCRATCH:
        return [_told(scratch_answers.ship(profile.name, from_scratch.folders(profile.name)))]
    trained, prepared = runs.trained(profile, name, seed=seed), registry.opened(profile, seed=seed)
    asked = [*_val(prepared), (regime.training_images(prepared, seed=seed), (CENTRE,))]
    answers = [(indices, which, cached_predictions.of(trained, prepared, indices, crops=which)) for indices, which in asked]
    about = {fact: trained.card[fact] for fact in (*_KEPT, "val_wrong", "val_n")} | _run(profile, name, trained, prepared, seed)
    looked_at, _ = chapters.nets_of(list(chapters.CHAPTERS.values()))
    layer = trained.net().conv1 if name in looked_at else None
    return [_told(shipped_answers.write(shipped.name_of(profile.name, name), layer, trained.architecture, answers, prepared, card=about))]


def _ship_together(profile: Profile, name: str, seed: int) -> list[str]:
    """Write the answers of nets whose probabilities are averaged; before, those of each whose weights do not ship.

    Their card holds the digest of what ships of each net, so that they count for these nets alone.
    """
    prepared, nets, files = registry.opened(profile, seed=seed), {}, {}
    for net in recipes.TOGETHER[name]:
        found = of_shipped(profile.name, net, seed=seed)  # readers have its weights, so it answers with these
        nets[net] = found or runs.trained(profile, net, seed=seed)
        files[net] = found.file.name if found else ship_answers(profile, net, seed=seed)[0]
    answers = []
    for indices, which in _val(prepared):
        each = [cached_predictions.of(net, prepared, indices, crops=which) for net in nets.values()]
        answers.append((indices, which, cached_predictions.averaged(each)))
    digests = {net: shipped_files.index()[file]["sha256"] for net, file in files.items()}
    about = {"recipe": name, "nets": digests, "says": "probabilities averaged", **_pictures_of(profile, prepared, seed)}
    return [*files.values(), _told(shipped_answers.write(shipped.name_of(profile.name, name), None, None, answers, prepared, card=about))]


def _val(prepared: PreparedSet) -> list[tuple[np.ndarray, tuple[int, ...]]]:
    """What answers are asked of the val pictures: indices and crops."""
    return [(prepared.indices("val"), crops.TEN), (prepared.indices("val"), (CENTRE,))]


def _told(file: Path) -> str:
    """Say how large a file of answers is, and return its name."""
    progress.say(f"{file}: {file.stat().st_size / 1e3:.1f} kB")
    return file.name


def _run(profile: Profile, name: str, trained: Trained, prepared: PreparedSet, seed: int) -> dict:
    """Of a card: what the run was that the net comes from."""
    about = {"says": recipes.recipe(name).says, **_pictures_of(profile, prepared, seed)}
    return about | {"log": trained.log.round(6).to_dict("list")}


def _pictures_of(profile: Profile, prepared: PreparedSet, seed: int) -> dict:
    """Of a card: in which profile, with which pictures and which seed a run was made."""
    return {"profile": profile.name, "data_digest": prepared.digest(), "run_seed": seed}


def _card(profile: Profile, name: str, trained: Trained, prepared: PreparedSet, net: nn.Sequential, seed: int) -> dict:
    """What is to be known of a net that ships; its errors are measured with the weights that ship."""
    indices = prepared.indices("val")
    guessed = predictions.probabilities(net, Crops(prepared, profile.image_size, device=torch.device("cpu")), indices)
    error = predictions.error_rate(predictions.wrong(guessed, prepared.labels[indices]))
    return {
        **_run(profile, name, trained, prepared, seed),
        **{fact: trained.card[fact] for fact in _KEPT},
        "val_wrong": error.wrong,
        "val_n": error.n,
        "val_error": error.rate,
        "val_interval": error.interval(),
        "shipped_dtype": "float16",
    }


def _pictures(profile: Profile, prepared: PreparedSet) -> list[Path]:
    """A sample, pixel by pixel, and all val pictures, a little coarser: the nets that ship share them."""
    sample, val = paths.WEIGHTS / f"{profile.name}.sample.zip", paths.WEIGHTS / f"{profile.name}{shipped_winners.VAL}"
    samples.write(prepared, np.concatenate([samples.per_class(prepared, *some) for some in PER_CLASS.items()]), sample)
    samples.write(prepared, prepared.indices("val"), val, quality=VAL_QUALITY, maps=False)
    return [shipped_files.enlist(sample), shipped_files.enlist(val)]


def _winners(profile: Profile, name: str, net: nn.Sequential, prepared: PreparedSet) -> Path:
    """The nine strongest val pictures of every unit: which of the val pictures that ship, and where."""
    inputs = Crops(prepared, profile.image_size, device=torch.device("cpu"))
    layers = [layer for layer, module in net.named_children() if isinstance(module, nn.Conv2d | nn.Linear)]
    val = prepared.indices("val")
    tops = topk.scan(net, lambda some: inputs.batch(some, CENTRE), layers=layers, k=NINE, indices=val)
    topk.save({layer: top.among(val) for layer, top in tops.items()}, winners := paths.WEIGHTS / f"{name}{shipped_winners.WINNERS}")
    return shipped_files.enlist(winners)
