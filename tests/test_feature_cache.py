"""Banks hold what the layers give, are made once, and appear whole or not at all."""

import resource

import numpy as np
import pytest
import torch

from zfutils.attribution import activations
from zfutils.core.errors import Problem
from zfutils.models import architectures, checkpoints
from zfutils.models.architectures import ZFNET
from zfutils.models.crops import CENTRE, Crops
from zfutils.models.trained import Trained
from zfutils.transfer import feature_cache


@pytest.fixture
def trained(tmp_path) -> Trained:
    """A small net with random weights, as if it had been trained."""
    architecture = architectures.scaled(ZFNET, width=1 / 8, fc_units=32, image_size=56, classes=4)
    net = architectures.build(architecture, generator=torch.Generator().manual_seed(1))
    checkpoints.save(net, architecture, tmp_path / "net.safetensors", card={"recipe": "zfnet"})
    return Trained(tmp_path)


def test_a_bank_holds_the_pooled_outputs_of_the_layers(trained, tiny_set):
    found = feature_cache.of(trained, tiny_set, tiny_set.mean(), batch=25)
    inputs = Crops(tiny_set, 56, device=torch.device("cpu"))
    rows = np.arange(len(tiny_set.table))
    direct = activations.of(trained.net(), inputs.batch(rows, CENTRE), list(feature_cache.LAYERS.values()))
    for number, layer in feature_cache.LAYERS.items():
        maps = direct[layer].numpy()
        if maps.ndim == 4 and maps.shape[2] > 6:
            edges = [(int(np.floor(n * maps.shape[2] / 6)), int(np.ceil((n + 1) * maps.shape[2] / 6))) for n in range(6)]
            maps = np.stack([np.stack([maps[:, :, a:b, c:d].mean((2, 3)) for c, d in edges], -1) for a, b in edges], -2)
        expected = maps.reshape(len(rows), -1)
        assert found[number].shape == expected.shape and found[number].dtype == np.float16
        np.testing.assert_allclose(found[number], expected, rtol=2e-3, atol=2e-3)


def test_the_second_time_it_is_read_and_another_mean_is_another_bank(trained, tiny_set, monkeypatch):
    feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})

    def ran(*given):
        raise AssertionError("the net ran again")

    with monkeypatch.context() as patch:
        patch.setattr(feature_cache, "batch_of", ran)
        assert feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})[7].shape == (72, 32)
        with pytest.raises(AssertionError, match="ran again"):
            feature_cache.of(trained, tiny_set, tiny_set.mean() + 1, layers={7: "relu7"})
    assert not list(trained.folder.glob("features/*/.*")), "what was begun is gone"


def test_a_net_that_was_trained_anew_has_another_bank(trained, tiny_set):
    first = feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})[7]
    net = architectures.build(trained.architecture, generator=torch.Generator().manual_seed(2))
    checkpoints.save(net, trained.architecture, trained.folder / "net.safetensors", card={"recipe": "zfnet"})
    assert not np.array_equal(feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})[7], first)


def test_a_run_that_is_cut_off_leaves_no_bank(trained, tiny_set, monkeypatch):
    whole, calls = feature_cache.batch_of, []

    def second_fails(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*given)

    monkeypatch.setattr(feature_cache, "batch_of", second_fails)
    with pytest.raises(KeyboardInterrupt):
        feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"}, batch=20)
    assert not list(trained.folder.glob("features/*/*.npy"))


def test_a_full_disk_is_said_in_one_line_and_leaves_no_bank(trained, tiny_set):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))  # the bank takes 4,736 bytes
    try:
        with pytest.raises(Problem, match="no room to write .*layer7.npy"):
            feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"}, batch=20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(trained.folder.glob("features/*/*.npy"))
    assert feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})[7].shape == (72, 32)


def test_pictures_of_another_size_an_unknown_layer_and_overflow_are_refused(trained, tiny_set, monkeypatch):
    with pytest.raises(Problem, match="expected pictures of 32 px"):
        feature_cache.of(trained, tiny_set, np.zeros((32, 32, 3), np.float32))
    with pytest.raises(Problem, match="conv9"):
        feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={9: "conv9"})
    monkeypatch.setattr(feature_cache, "batch_of", lambda net, images, layers, *side: {"relu7": torch.full((len(images), 2), 1e6)})
    with pytest.raises(Problem, match="do not fit float16"):
        feature_cache.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})
