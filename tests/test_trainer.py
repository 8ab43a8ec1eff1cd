"""Training: what section 3 says, learning, exact resumption, several processes, clear failures."""

import dataclasses
import math
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from zfutils.analysis import regime
from zfutils.core import paths, profiles
from zfutils.core.errors import Problem
from zfutils.models import architectures, recipes
from zfutils.training import from_scratch, runs, schedule
from zfutils.training import trainer as loop
from zfutils.training.trainer import Settings, Trainer, order

ARCHITECTURE = architectures.scaled(architectures.ZFNET, width=1 / 16, image_size=56, fc_units=32, classes=4)
CPU = torch.device("cpu")


def trainer(prepared, folder: Path, **changes) -> Trainer:
    settings = Settings(**{"recipe": "zfnet", "architecture": ARCHITECTURE, "epochs": 4, "batch": 10, **changes})
    return Trainer(settings, prepared, folder, device=CPU, dtype=torch.float32)


def weights_of(one: Trainer) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in one.net.parameters()]


def test_every_epoch_visits_every_training_image_once_in_another_order(tiny_set):
    settings, train = Settings("zfnet", ARCHITECTURE, 2), tiny_set.indices("train")
    (first, crops), (second, _) = (order(settings, train, epoch) for epoch in range(2))
    assert sorted(first) == sorted(second) == sorted(train) and list(first) != list(second)
    assert set(crops) <= set(range(10)) and len(set(crops)) > 3


def test_recipes_of_a_seed_see_the_same_images_and_seeds_differ(tiny_set):
    train = tiny_set.indices("train")
    one = order(Settings("zfnet", ARCHITECTURE, 2), train, 1)
    other = order(Settings("alexnet", ARCHITECTURE, 9), train, 1)
    reseeded = order(Settings("zfnet", ARCHITECTURE, 2, seed=1), train, 1)
    assert np.array_equal(one, other) and not np.array_equal(one, reseeded)


def test_a_tiny_net_learns_what_can_be_learnt(tiny_set, tmp_path):
    run = trainer(tiny_set, tmp_path, epochs=60, batch=16)
    run.run()
    last = run.log[-1]
    assert (last["train_n"], last["dev_n"]) == (48, 12)
    assert last["dev_wrong"] <= 3 and last["train_loss"] < 0.7 < run.log[0]["train_loss"]
    assert isinstance(last["train_wrong"], int)


def test_small_batches_are_trained_with_one_thread_whatever_the_machine_has(tiny_set, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    for batch in (16, 128):
        run = trainer(tiny_set, tmp_path / str(batch), epochs=1, batch=batch)
        run.run()
    assert asked == [1, 7, 7, 7]


def test_a_run_that_was_cut_off_ends_with_the_same_bits(tiny_set, tmp_path):
    whole = trainer(tiny_set, tmp_path / "whole")
    whole.run()
    for _ in range(7):  # in the middle of the second epoch
        (first := trainer(tiny_set, tmp_path / "cut")).advance()
        first._save()
    rest = trainer(tiny_set, tmp_path / "cut")
    assert rest.step == 7
    rest.run()
    assert all(torch.equal(one, two) for one, two in zip(weights_of(whole), weights_of(rest), strict=True))
    timeless = [pd.DataFrame(run.log).drop(columns="seconds") for run in (whole, rest)]
    pd.testing.assert_frame_equal(*timeless, check_exact=True)


def test_kill_9_in_the_middle_of_training_costs_nothing_but_time(tiny_set, tmp_path):
    code = (
        "import sys, torch; from pathlib import Path; from zfutils.data import prepared_sets as sets\n"
        "from tests.test_trainer import trainer\n"
        "from zfutils.training import trainer as loop; loop._SAVE_EVERY = 0.0\n"
        "trainer(sets.load(Path(sys.argv[1]), remedy=''), Path(sys.argv[2]), epochs=400).run()"
    )
    running = subprocess.Popen([sys.executable, "-c", code, str(tiny_set.path), str(tmp_path / "killed")], cwd=paths.REPOSITORY)
    deadline = time.monotonic() + 60
    while not (tmp_path / "killed" / "state.pt").exists() and time.monotonic() < deadline:
        assert running.poll() is None, "it ended before it was killed"
        time.sleep(0.05)
    time.sleep(0.3)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    resumed = trainer(tiny_set, tmp_path / "killed", epochs=400)
    assert 0 < resumed.step < resumed.steps
    straight = trainer(tiny_set, tmp_path / "straight", epochs=400)
    for _ in range(resumed.step + 2):
        straight.advance()
    for _ in range(2):
        resumed.advance()
    assert all(torch.equal(one, two) for one, two in zip(weights_of(straight), weights_of(resumed), strict=True))


@pytest.mark.parametrize(("save_takes", "saves"), [(0.0, 40), (2.0, 9)])
def test_saving_takes_a_hundredth_of_the_time_however_long_one_save_takes(tiny_set, tmp_path, monkeypatch, save_takes, saves):
    now, written, save = [0.0], [], torch.save
    clock = types.SimpleNamespace(monotonic=lambda: now[0])

    def slow(state, file):
        now[0] += save_takes
        written.append(state["step"])
        save(state, file)

    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(torch, "save", slow)
    run = trainer(tiny_set, tmp_path, epochs=8)  # 40 steps of 50 seconds
    for _ in range(40):
        now[0] += 50.0
        run.advance()
    assert len(written) == saves and written[-1] == 40 and len(written) * save_takes <= 0.011 * now[0]


def test_checkpoints_stand_at_the_papers_fractions_of_the_run(tiny_set, tmp_path):
    run = trainer(tiny_set, tmp_path, epochs=14)  # 70 steps, one for each epoch of the paper
    run.run()
    kept = sorted((tmp_path / "checkpoints").iterdir())
    assert [file.name for file in kept] == [f"epoch-{epoch:02d}.safetensors" for epoch in (0, 1, 2, 5, 10, 20, 30, 40, 64)]
    from zfutils.models import checkpoints

    assert [checkpoints.card(file)["step"] for file in kept] == [0, 1, 2, 5, 10, 20, 30, 40, 64]
    fresh = architectures.build(ARCHITECTURE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(checkpoints.load(kept[0]).conv1.weight, fresh.conv1.weight)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(tiny_set, tmp_path):
    run = trainer(tiny_set, tmp_path)
    for _ in range(3):
        run.advance()
    with torch.no_grad():
        run.net.fc8.weight.fill_(float("nan"))
    with pytest.raises(Problem, match=r"not finite at step 4 of 20 .*lower the learning rate"):
        run.run()
    assert not (tmp_path / "net.safetensors").exists()


def test_a_damaged_state_is_refused_with_the_remedy(tiny_set, tmp_path):
    (tmp_path / "state.pt").write_bytes(b"not a state")
    with pytest.raises(Problem, match="delete that file"):
        trainer(tiny_set, tmp_path)


def test_a_full_disk_while_saving_keeps_the_older_state(tiny_set, tmp_path):
    code = (
        "import resource, signal, sys; from pathlib import Path; from zfutils.data import prepared_sets as sets\n"
        "from zfutils.core.errors import Problem\n"
        "from tests.test_trainer import trainer\n"
        "run = trainer(sets.load(Path(sys.argv[1]), remedy=''), Path(sys.argv[2])); run.advance(); run._save()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); run.advance()\n"
        "try: run._save()\n"
        "except Problem as problem: print(problem)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tiny_set.path), str(tmp_path)], cwd=paths.REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "no room to write" in ended.stdout
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["state.pt"]
    assert trainer(tiny_set, tmp_path).step == 1


def test_the_rate_is_cut_when_the_loss_stalls_and_never_while_the_net_has_not_begun():
    one = schedule.Schedule(0.01, steps=1000, classes=20, latest=(0.6, 0.75))
    for step in range(100, 400, 10):
        one.after_epoch(step, 2.99)  # a guess costs 2.996
    assert one.lr_drops == []
    for step, loss in ((400, 2.0), (450, 1.999), (540, 1.99), (550, 1.99), (600, 1.7), (700, 1.69), (749, 1.69), (750, 1.69)):
        one.after_epoch(step, loss)
    assert one.lr_drops == [550, 750] and one.rate == pytest.approx(0.0001)
    one.after_epoch(990, 1.69)
    assert len(one.lr_drops) == 2


def test_the_rate_is_cut_at_the_latest_after_two_shares_of_the_run_and_given_cuts_are_followed():
    shares = (0.7, 0.9)
    late, given = schedule.Schedule(0.01, 100, 20, shares), schedule.Schedule(0.01, 100, 20, shares, given=(10, 20))
    for step in range(1, 101):
        late.after_step(step)
        given.after_step(step)
    assert late.lr_drops == [70, 90] and given.lr_drops == [10, 20]
    given.after_epoch(100, 0.1)
    assert given.rate == pytest.approx(0.0001)
    again = schedule.Schedule(0.01, 100, 20, shares)
    again.restore(late.state())
    assert again == late


def test_a_profile_may_have_more_drops_and_smaller_ones():
    often = schedule.Schedule(0.005, 100, 20, (0.25, 0.5, 0.75), factor=0.3)
    rates = []
    for step in range(1, 101):
        often.after_step(step)
        rates.append(often.rate)
    assert often.lr_drops == [25, 50, 75] and rates[-1] == pytest.approx(0.005 * 0.027) and rates[24] == pytest.approx(0.0015)


CUT_OFF = """
import os, signal, sys
from pathlib import Path
import torch
from tests.test_trainer import trainer
from zfutils.data import prepared_sets
from zfutils.models import devices

folder, steps = Path(sys.argv[2]), int(sys.argv[3])
devices.join_group()
run = trainer(prepared_sets.load(Path(sys.argv[1]), remedy=""), folder, batch=15, epochs=3)
run.net.drop6.p = run.net.drop7.p = 0.0  # each process draws its own
while run.step < min(steps, run.steps):
    run.advance()
run._save()
torch.distributed.barrier()
if steps < run.steps:
    os.kill(os.getpid(), signal.SIGKILL)
if run.rank == 0:
    torch.save({"net": run.net.state_dict(), "log": run.log}, folder / "end.pt")
torch.distributed.destroy_process_group()
"""


def two_processes(script: Path, *arguments: object) -> subprocess.CompletedProcess:
    """Run a script under torchrun."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    command = [sys.executable, *launch, *(str(argument) for argument in arguments)]
    environment = {**os.environ, "PYTHONPATH": str(paths.REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=paths.REPOSITORY, env=environment, capture_output=True, text=True)


def test_two_processes_that_are_killed_and_resumed_train_the_net_of_one(tiny_set, tmp_path):
    alone = trainer(tiny_set, tmp_path / "alone", batch=15, epochs=3)  # 4 steps an epoch, in which two processes take 8 + 7 images
    alone.net.drop6.p = alone.net.drop7.p = 0.0
    alone.run()
    script, folder = tmp_path / "cut_off.py", tmp_path / "two"
    script.write_text(CUT_OFF, encoding="utf-8")
    assert two_processes(script, tiny_set.path, folder, 6).returncode != 0  # in the middle of the second epoch
    assert (folder / "state.pt").exists() and not (folder / "end.pt").exists()
    ended = two_processes(script, tiny_set.path, folder, 99)
    assert ended.returncode == 0, ended.stderr[-2000:]
    end = torch.load(folder / "end.pt", weights_only=True)
    torch.testing.assert_close(end["net"], dict(alone.net.state_dict()), rtol=1e-3, atol=1e-5)
    assert [row["train_n"] for row in end["log"]] == [48, 48, 48]
    for row, expected in zip(end["log"], alone.log, strict=True):
        assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-3)
        assert abs(row["train_wrong"] - expected["train_wrong"]) <= 1 and row["clipped"] == expected["clipped"]


def test_a_profile_says_when_the_rate_drops_at_the_latest_in_every_kind_of_run(tiny_set, tmp_path):
    early = dataclasses.replace(profiles.profile("smoke"), image_size=56, latest_drops=(0.2, 0.5), drop_factor=0.3)
    settings = runs.settings_of(early, recipes.recipe("zfnet"), tiny_set)
    assert settings.latest_drops == (0.2, 0.5) and settings.drop_factor == 0.3
    modern = runs.settings_of(early, recipes.recipe("zfnet-modern"), tiny_set)
    assert modern.latest_drops == (0.7, 0.9) and modern.drop_factor == 0.1, "it has drops of its own"
    one = Trainer(settings, tiny_set, tmp_path, device=CPU, dtype=torch.float32)
    assert one.schedule.latest == (0.2, 0.5) and one.schedule.factor == 0.3


def test_a_net_from_scratch_sees_its_pictures_as_often_as_the_plan_says_and_drops_where_it_says(tiny_set):
    assert all(max(one.transfer.scratch_drops) < 1 - regime.LAST for one in profiles.PROFILES.values()), "what the last fifth tells"
    plan = profiles.TransferPlan(scratch_steps=7, scratch_passes=9, scratch_drops=(0.2, 0.5))
    few = dataclasses.replace(profiles.profile("smoke"), image_size=56, transfer=plan, latest_drops=(0.9,), drop_factor=0.3)
    train = tiny_set.indices("train")
    settings = from_scratch._settings(few, tiny_set, train, 0.01, 0, "zfnet")
    steps = 9 * math.ceil(len(train) / from_scratch.BATCH)
    assert settings.epochs == 9 and settings.lr_drops == (math.ceil(0.2 * steps), math.ceil(0.5 * steps)) and settings.drop_factor == 0.1
    longer = dataclasses.replace(few, transfer=dataclasses.replace(plan, scratch_steps=100 * steps))
    assert from_scratch._settings(longer, tiny_set, train, 0.01, 0, "zfnet").epochs == 900, "the steps are the least too"
