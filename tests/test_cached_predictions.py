"""Answers of trained nets: what predictions say, computed once, and averaged over nets."""

import numpy as np
import pytest
import torch

from zfutils.models import architectures, cached_predictions, checkpoints, crops, devices, predictions
from zfutils.models.trained import Trained

ARCHITECTURE = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4)


@pytest.fixture
def trained(tmp_path) -> Trained:
    """A net on disk that is sure of its answers."""
    net = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        net.fc8.weight *= 1e4
    checkpoints.save(net, ARCHITECTURE, tmp_path / "net" / "net.safetensors", card={"recipe": "zfnet"})
    return Trained(tmp_path / "net")


def files(trained: Trained) -> set[str]:
    return {path.name for path in (trained.folder / "answers").iterdir()}


@pytest.mark.parametrize("which", [(crops.CENTRE,), crops.TEN])
def test_answers_are_those_of_the_net(trained, tiny_set, which):
    rows = tiny_set.indices("val")
    inputs = crops.Crops(tiny_set, 56, device=devices.device())
    expected = predictions.probabilities(trained.net().to(devices.device()), inputs, rows, crops=which)
    found = cached_predictions.of(trained, tiny_set, rows, crops=which)
    assert found.shape == (12, 4) and found.dtype == np.float32 and np.ptp(found, axis=0).max() > 0
    np.testing.assert_array_equal(found, expected)


def test_the_second_time_they_are_read(trained, tiny_set, monkeypatch):
    rows = tiny_set.indices("val")
    first = cached_predictions.of(trained, tiny_set, rows)
    monkeypatch.setattr(predictions, "probabilities", lambda *args, **options: pytest.fail("computed again"))
    np.testing.assert_array_equal(cached_predictions.of(trained, tiny_set, rows), first)
    assert len(files(trained)) == 1


def test_other_rows_crops_or_pictures_are_other_answers(trained, tiny_set, monkeypatch):
    val, dev = tiny_set.indices("val"), tiny_set.indices("dev")
    assert len(val) == len(dev)
    found = [
        cached_predictions.of(trained, tiny_set, rows, crops=which)
        for rows, which in ((val, (0,)), (dev, (0,)), (val, (1,)), (val[::-1], (0,)))
    ]
    assert len(files(trained)) == 4
    assert not np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
    np.testing.assert_allclose(found[0], found[3][::-1], rtol=1e-3)  # the place of an image in its batch may change a last bit
    monkeypatch.setitem(tiny_set.facts, "sha256", "of other pictures")
    cached_predictions.of(trained, tiny_set, val, crops=(0,))
    assert len(files(trained)) == 5


def test_a_net_that_was_trained_anew_is_asked_anew(trained, tiny_set):
    rows = tiny_set.indices("val")
    first = cached_predictions.of(trained, tiny_set, rows)
    other = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(2))
    checkpoints.save(other, ARCHITECTURE, trained.folder / "net.safetensors", card={"recipe": "zfnet"})
    assert not np.array_equal(cached_predictions.of(trained, tiny_set, rows), first)


def test_a_run_that_is_cut_off_leaves_no_answers(trained, tiny_set, monkeypatch):
    def cut_off(out, array):
        out.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        cached_predictions.of(trained, tiny_set, tiny_set.indices("val"))
    assert not list((trained.folder / "answers").glob("[!.]*.npy"))


def test_several_nets_answer_with_their_mean():
    generator = np.random.default_rng(0)
    several = [generator.dirichlet(np.ones(4), 6).astype(np.float32) for _ in range(3)]
    together = cached_predictions.averaged(several)
    np.testing.assert_allclose(together, (several[0] + several[1] + several[2]) / 3, atol=1e-7)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-6)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(cached_predictions.averaged(several[:1]), several[0])


@pytest.mark.parametrize("several", [[], [np.ones((2, 4)), np.ones((3, 4))], [np.ones((2, 4)), np.ones((2, 5))]])
def test_no_nets_and_answers_to_other_images_are_refused(several):
    with pytest.raises(ValueError, match="one or more nets to the same images"):
        cached_predictions.averaged(several)


def test_pictures_of_another_set_lose_the_mean_that_the_net_knows(trained, tiny_set):
    rows, mean = tiny_set.indices("val"), tiny_set.mean() + 20
    inputs = crops.Crops(tiny_set, 56, device=devices.device(), mean=mean)
    expected = predictions.probabilities(trained.net().to(devices.device()), inputs, rows)
    np.testing.assert_array_equal(cached_predictions.of(trained, tiny_set, rows, mean=mean), expected)
    assert not np.array_equal(cached_predictions.of(trained, tiny_set, rows), expected) and len(files(trained)) == 2
