"""Weights: no pickle, a card in every file, files that are broken refused."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from zfutils.core.errors import Problem
from zfutils.models import architectures, checkpoints

ARCHITECTURE = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4)


def saved(path):
    net = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(1))
    checkpoints.save(net, ARCHITECTURE, path, card={"recipe": "zfnet", "seed": 1, "val_wrong": 3, "val_n": 12})
    return net


def test_a_net_comes_back_as_it_was_with_its_card(tmp_path):
    net, path = saved(tmp_path / "net.safetensors"), tmp_path / "net.safetensors"
    again = checkpoints.load(path)
    x = torch.randn(2, 3, 56, 56)
    assert torch.equal(net.eval()(x), again(x)) and not again.training
    assert checkpoints.architecture(path) == ARCHITECTURE
    card = checkpoints.card(path)
    assert (card["recipe"], card["seed"], card["val_wrong"], card["val_n"]) == ("zfnet", 1, 3, 12)


def test_a_card_of_before_says_deviations(tmp_path):
    path = tmp_path / "net.safetensors"
    net = saved(path)
    card = checkpoints.card(path)
    card["architecture"]["deviations"] = card["architecture"].pop("stds")
    save_file(net.state_dict(), path, metadata={"card": json.dumps(card)})
    assert checkpoints.architecture(path) == ARCHITECTURE and len(checkpoints.load(path)) == len(net)


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_a_broken_file_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "net.safetensors").write_bytes(content)
    with pytest.raises(Problem, match="not a whole safetensors file") as caught:
        checkpoints.load(tmp_path / "net.safetensors")
    assert "\n" not in str(caught.value)


def test_an_absent_file_and_a_file_without_a_card_are_refused(tmp_path):
    with pytest.raises(Problem, match="no weights at"):
        checkpoints.card(tmp_path / "none.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "plain.safetensors")
    with pytest.raises(Problem, match="no model card"):
        checkpoints.load(tmp_path / "plain.safetensors")


def test_a_truncated_file_is_refused(tmp_path):
    saved(tmp_path / "net.safetensors")
    whole = (tmp_path / "net.safetensors").read_bytes()
    (tmp_path / "net.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem, match="train the net again"):
        checkpoints.load(tmp_path / "net.safetensors")
    assert np.frombuffer(whole[:8], np.uint64)[0] > 0  # a header length, not a pickle
