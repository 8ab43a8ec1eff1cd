"""Banks hold what the layers give, are made once, and appear whole or not at all."""

import numpy as np
import pytest
import torch

from zfutils import banks, features, nets, weights
from zfutils.images import CENTRE, Crops
from zfutils.nets import ZFNET
from zfutils.problems import Problem
from zfutils.trained import Trained


@pytest.fixture
def trained(tmp_path) -> Trained:
    """A small net with random weights, as if it had been trained."""
    architecture = nets.scaled(ZFNET, width=1 / 8, fc_units=32, image_size=56, classes=4)
    net = nets.build(architecture, generator=torch.Generator().manual_seed(1))
    weights.save(net, architecture, tmp_path / "net.safetensors", card={"recipe": "zfnet"})
    return Trained(tmp_path)


def test_a_bank_holds_the_pooled_outputs_of_the_layers(trained, tiny_set):
    found = banks.of(trained, tiny_set, tiny_set.mean(), batch=25)
    cuts = Crops(tiny_set, 56, device=torch.device("cpu"))
    rows = np.arange(len(tiny_set.table))
    direct = features.of(trained.net(), cuts.batch(rows, CENTRE), list(banks.LAYERS.values()))
    for number, layer in banks.LAYERS.items():
        maps = direct[layer].numpy()
        if maps.ndim == 4 and maps.shape[2] > 6:
            edges = [(int(np.floor(n * maps.shape[2] / 6)), int(np.ceil((n + 1) * maps.shape[2] / 6))) for n in range(6)]
            maps = np.stack([np.stack([maps[:, :, a:b, c:d].mean((2, 3)) for c, d in edges], -1) for a, b in edges], -2)
        expected = maps.reshape(len(rows), -1)
        assert found[number].shape == expected.shape and found[number].dtype == np.float16
        np.testing.assert_allclose(found[number], expected, rtol=2e-3, atol=2e-3)


def test_the_second_time_it_is_read_and_another_mean_is_another_bank(trained, tiny_set, monkeypatch):
    banks.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})

    def ran(*given):
        raise AssertionError("the net ran again")

    with monkeypatch.context() as patch:
        patch.setattr(banks, "batch_of", ran)
        assert banks.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})[7].shape == (72, 32)
        with pytest.raises(AssertionError, match="ran again"):
            banks.of(trained, tiny_set, tiny_set.mean() + 1, layers={7: "relu7"})
    assert not list(trained.folder.glob("features/*/.*")), "what was begun is gone"


def test_a_net_that_was_trained_anew_has_another_bank(trained, tiny_set):
    first = banks.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})[7]
    net = nets.build(trained.architecture, generator=torch.Generator().manual_seed(2))
    weights.save(net, trained.architecture, trained.folder / "net.safetensors", card={"recipe": "zfnet"})
    assert not np.array_equal(banks.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})[7], first)


def test_a_run_that_is_cut_off_leaves_no_bank(trained, tiny_set, monkeypatch):
    whole, calls = banks.batch_of, []

    def second_fails(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*given)

    monkeypatch.setattr(banks, "batch_of", second_fails)
    with pytest.raises(KeyboardInterrupt):
        banks.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"}, batch=20)
    assert not list(trained.folder.glob("features/*/*.npy"))


def test_pictures_of_another_size_an_unknown_layer_and_overflow_are_refused(trained, tiny_set, monkeypatch):
    with pytest.raises(Problem, match="expected pictures of 32 px"):
        banks.of(trained, tiny_set, np.zeros((32, 32, 3), np.float32))
    with pytest.raises(Problem, match="conv9"):
        banks.of(trained, tiny_set, tiny_set.mean(), layers={9: "conv9"})
    monkeypatch.setattr(banks, "batch_of", lambda net, images, layers: {"relu7": torch.full((len(images), 2), 1e6)})
    with pytest.raises(Problem, match="do not fit float16"):
        banks.of(trained, tiny_set, tiny_set.mean(), layers={7: "relu7"})
