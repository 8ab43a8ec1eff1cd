"""What tests share: folders of their own, a tiny set of pictures, and the smoke profile prepared once."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
import pytest

# Before torch is loaded: tests run beside each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "agg")
for variable in ("DATA", "TRANSFER", "JOBS", "PROFILE", "SEED", "DEVICE", "BOOK_REPOSITORY", "ONLY_TRAINED", "RETRAIN"):
    os.environ.pop(variable, None)

import safetensors.torch  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402

from tests import browser  # noqa: E402
from zfutils.data import preparation, prepared_sets  # noqa: E402
from zfutils.models import pretrained  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first, the short ones at the end keep both processes busy.

    Of two processes each begins with one half of the list: the first with the smoke run and what waits for it, the second with the pages
    in a browser that do not, each of which is one long test and would else be left to one process at the end.
    """
    long = ("installed", "smoke", "site")
    apart = [item for item in items if "lab" in item.fixturenames and "smoke" not in item.fixturenames]
    others = [item for item in items if item not in apart]
    others.sort(key=lambda item: next((rank for rank, name in enumerate(long) if name in item.fixturenames), len(long)))
    middle = len(items) // 2
    items[:] = [*others[:middle], *apart, *others[middle:]]


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test reads or writes the user's data or results."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RESULTS_DIR", str(tmp_path / "results"))


def draw(context: int, rows: list[dict]) -> list[dict]:
    """Pictures in which the class is the height of a bright band, which mirroring does not change: a net can learn them."""
    answers = []
    for row in rows:
        generator = np.random.default_rng([context, row["number"]])
        image = generator.integers(0, 120, (64, 64, 3))
        image[row["label"] * 16 : row["label"] * 16 + 16] += 110
        answers.append({"image": image.astype(np.uint8)})
    return answers


def draw_tiny_set(path: Path) -> prepared_sets.PreparedSet:
    """48 train, 12 dev and 12 val pictures of 64 px, 4 classes."""
    number = range(72)
    split = ["train"] * 48 + ["dev"] * 12 + ["val"] * 12
    table = pd.DataFrame({"file": [f"picture-{n}" for n in number], "split": split, "label": [n % 4 for n in number], "number": number})
    return preparation.build(path, table, draw, 5, size=64, classes=["a", "b", "c", "d"], key="tiny", jobs=1)


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory) -> prepared_sets.PreparedSet:
    """A set that tests share; see `draw_tiny_set`."""
    return draw_tiny_set(tmp_path_factory.mktemp("tiny") / "set")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Path:
    """A data folder with the pictures of the smoke profile, rendered once; a test that writes beside them takes a copy."""
    return once(tmp_path_factory, "rendered", _render)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory, rendered) -> Path:
    """A folder with `data` and `results` of the smoke profile, all chapters run, the extra ones too; the exit status is in `status`.

    Made once: of the processes that tests run in, one makes it and the others wait.
    """
    return once(tmp_path_factory, "smoke", lambda folder: _make_smoke(folder, rendered))


def once(tmp_path_factory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first of the processes that tests run in makes, while the others wait for it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / name
    with filelock.FileLock(shared / f"{name}.lock"):
        if not (made := shared / f"{name}.made").exists():
            make(folder)
            made.touch()
    return folder


def _render(folder: Path) -> None:
    from zfutils.core import profiles
    from zfutils.data import registry

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(folder))
        registry.prepare(profiles.profile("smoke"), jobs=1)


def _make_smoke(folder: Path, rendered: Path) -> None:
    from zfutils.core import profiles
    from zfutils.run import chapters, runner
    from zfutils.training import train_all

    smallest = profiles.profile("smoke")
    shutil.copytree(rendered, folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(folder / "data"))
        patch.setenv("RESULTS_DIR", str(folder / "results"))
        train_all.make(smallest, *chapters.nets_of(chapters.chosen(extras=True)), jobs=1)  # in this process: each takes a second
        made_up_weights(folder / "data" / "weights")
        # First what runs in no profile of toys by itself: the page that gathers the results of all is made last.
        alone = [runner.reproduce(smallest, jobs=2, only=name) for name in ("13_imagenet", "14_classes")]
        status = max(*alone, runner.reproduce(smallest, jobs=2, extras=True))
    (folder / "status").write_text(str(status), encoding="utf-8")


def made_up_weights(folder: Path) -> None:
    """A copy of weights for the chapter on ImageNet's net, drawn, not trained: it runs on them without a network."""
    torch.manual_seed(0)
    net = torchvision.models.get_model(pretrained.DEFAULT, weights=None)
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(net.state_dict(), folder / f"{pretrained.DEFAULT}.safetensors")


@pytest.fixture(scope="module")
def address(site):
    """Of the site that a module's tests look at, on this machine."""
    with browser.served(site) as found:
        yield found


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    with browser.chromium() as opened:
        yield opened


@pytest.fixture
def page(chromium, address):
    """A page, and in `page.complaints` what it complains of."""
    opened = browser.quiet_page(chromium, address)
    yield opened
    opened.close()


@pytest.fixture
def closing():
    """Sliders that end with the test."""
    made = []
    yield lambda sliders: made.append(sliders) or sliders
    for one in made:
        one.pipeline.close()


@pytest.fixture
def interruptible():
    """Processes started in the test heed Ctrl-C and a closed terminal, also where the tests run in the background or under nohup, whose
    children ignore it."""
    sent = (signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(one, signal.default_int_handler) for one in sent]  # a handler, unlike 'ignore', is not inherited
    yield
    for one, handler in zip(sent, before, strict=True):
        signal.signal(one, handler)
