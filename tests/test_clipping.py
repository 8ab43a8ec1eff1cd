"""Short runs find the first learning rate at which clipping acts."""

import pytest
import torch

from zfutils.core import profiles
from zfutils.core.errors import Problem
from zfutils.models import architectures, filters
from zfutils.training import clipping, schedule, trainer
from zfutils.training.trainer import Settings, Trainer

PROFILE = profiles.Profile("tiny", "a test", "toybox", 56, 1 / 16, 16, 10)


def test_rates_are_tried_in_order_and_the_first_that_clips_comes_with_its_unclipped_twin(tiny_set, monkeypatch):
    start = filters.radii(architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4))
    # The runs are too short for filters to grow: bring the radius down to them at the second rate only.
    real = filters.clip

    def clip(net, radii):
        return torch.ones(len(radii), dtype=torch.int64) if radii and rates[-1] == 0.02 else real(net, radii)

    rates = []

    class Noted(schedule.Schedule):
        def __init__(self, start, *others):
            super().__init__(start, *others)
            rates.append(start)

    monkeypatch.setattr(trainer, "Schedule", Noted)
    monkeypatch.setattr(filters, "clip", clip)
    clipped, free = clipping.first_that_acts(PROFILE, tiny_set)
    assert rates == [0.01, 0.02, 0.02] and (clipped.rate, clipped.clips, free.rate, free.clips) == (0.02, True, 0.02, False)
    assert len(clipped.log) == 2 and clipped.filters().shape == (6, 3, 7, 7) and len(start) == 5
    assert clipping.first_that_acts(PROFILE, tiny_set)[1] == free and len(rates) == 3  # read from disk


def test_where_it_acts_at_no_rate_the_answer_is_none(tiny_set):
    assert clipping.first_that_acts(PROFILE, tiny_set) is None


def test_without_a_filter_over_the_radius_the_unclipped_net_is_the_same_bit_for_bit(tiny_set, tmp_path):
    architecture, nets_made = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=16, classes=4), []
    for clips in (True, False):
        settings = Settings("zfnet", architecture, 3, clips=clips, batch=16)
        run = Trainer(settings, tiny_set, tmp_path / str(clips), device=torch.device("cpu"), dtype=torch.float32)
        run.run()
        assert sum(row["clipped"] for row in run.log) == 0
        nets_made.append(run.net)
    pairs = zip(nets_made[0].parameters(), nets_made[1].parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_before_anything_is_prepared_the_unclipped_net_has_the_filters_that_ship(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    net = clipping.unclipped(profiles.profile("toybox"))
    assert net.name == "zfnet-unclipped-toybox" and net.first_layer().conv1.weight.shape[1] == 3
    with pytest.raises(Problem, match="run: make train NET=zfnet PROFILE=toybox SEED=1"):
        clipping.unclipped(profiles.profile("toybox"), seed=1)
