"""Preparation: pictures made by several processes into a prepared set, which goes on where it was cut off."""

import collections
import contextlib
import hashlib
import json
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np
import pandas as pd

from zfutils.core import cpu, paths, progress
from zfutils.core.errors import Problem
from zfutils.data.prepared_sets import PreparedSet, load

_CHUNK = 32  # pictures a worker makes before they are on disk: what a killed run may have to make again
_WINDOW = 256  # pictures read at once when the whole set is gone through

Worker = Callable[[object, list[dict]], list[dict]]


def build(
    path: Path,
    table: pd.DataFrame,
    worker: Worker,
    context: object,
    *,
    size: int,
    classes: Sequence[str],
    key: str,
    maps: Sequence[str] = (),
    jobs: int | None = None,
    allowed_broken: int = 0,
    facts: dict | None = None,
) -> PreparedSet:
    """Make a prepared set, or open it when the same one exists.

    A run that is cut off at any moment, `kill -9` included, goes on where it was. The result does not depend on `jobs`.

    Args:
        path: folder of the set.
        table: one row a picture, with at least the columns `file`, `split` and `label`; `member`, where its bytes are, is not kept.
        worker: `worker(context, rows) -> answers`, a module-level function that is run in other processes. Each answer is a dict with
            `image` (uint8, (size, size, 3)), one uint8 (size, size) entry for every name in `maps`, and optionally `columns`, a dict
            of further columns; or with `broken`, the reason why there is no picture.
        context: what the worker needs; must be picklable.
        size: side of the pictures, pixels.
        classes: class names.
        key: digest of all that the bytes depend on.
        maps: names of the maps of ground truth.
        jobs: number of processes; default all cores.
        allowed_broken: how many broken pictures may be left out.
        facts: further facts to keep with the set.

    Raises:
        Problem: too many broken pictures (each is named), or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{path}.lock"):
        if _is_made(path, key):
            return load(path, remedy="make it again")
        plan = _Plan(path.with_name(path.name + ".part"), size, tuple(maps), len(table), key)
        if not _is_made(plan.folder, key):  # else an earlier run was cut off just before the last rename
            with paths.room_for(plan.folder):
                answers = _fill(plan, table, worker, context, cpu.jobs(jobs))
                _finish(plan, table, answers, list(classes), allowed_broken, facts or {})
        _replace(plan.folder, path)
    return load(path, remedy="make it again")


@dataclass(frozen=True)
class _Plan:
    """A set in the making."""

    folder: Path
    size: int
    maps: tuple[str, ...]
    count: int
    key: str

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def files(self) -> Iterator[tuple[str, Path, int]]:
        """Name, file and bytes a picture of the pictures and of each map."""
        yield "image", self.folder / "images.u8", self.size**2 * 3
        for name in self.maps:
            yield name, self.folder / f"{name}.u8", self.size**2


def _is_made(path: Path, key: str) -> bool:
    """Whether a whole set with this key exists."""
    facts = path / "facts.json"
    return facts.exists() and json.loads(facts.read_text(encoding="utf-8"))["key"] == key


def _fill(plan: _Plan, table: pd.DataFrame, worker: Worker, context: object, jobs: int) -> list[dict]:
    """Make every picture that the journal does not list; return the answers without pictures, in the order of the table."""
    finished = _resume(plan)
    starts = [start for start in range(0, plan.count, _CHUNK) if start not in finished]
    chunks = ((start, table.iloc[start : start + _CHUNK].to_dict("records")) for start in starts)
    done = sum(len(part) for part in finished.values())
    with progress.bar(total=plan.count, text=f"preparing {plan.folder.stem}", unit="pictures", done=done) as shown, _writer(plan) as write:
        for start, answers in _work(worker, context, chunks, min(jobs, max(1, len(starts)))):
            finished[start] = write(start, answers)
            shown.update(len(answers))
    return [answer for start in sorted(finished) for answer in finished[start]]


def _resume(plan: _Plan) -> dict[int, list[dict]]:
    """Answers of the chunks that an earlier run finished; a folder of another plan is emptied first."""
    wanted = {"key": plan.key, "count": plan.count, "size": plan.size, "maps": list(plan.maps)}
    note = plan.folder / "plan.json"
    whole = all(file.exists() and file.stat().st_size == plan.count * stride for _, file, stride in plan.files())
    if not whole or not note.exists() or json.loads(note.read_text(encoding="utf-8")) != wanted:
        shutil.rmtree(plan.folder, ignore_errors=True)
        plan.folder.mkdir(parents=True)
        for _, file, stride in plan.files():
            _reserve(file, plan.count * stride)
        with paths.whole(note) as fresh:
            fresh.write_text(json.dumps(wanted), encoding="utf-8")
    return dict(_journal(plan.journal))


def _reserve(file: Path, size: int) -> None:
    """Make a file of its final size, so that a full disk shows at the start and not after an hour."""
    with open(file, "wb") as opened:
        if hasattr(os, "posix_fallocate") and size:
            os.posix_fallocate(opened.fileno(), 0, size)
        else:
            opened.truncate(size)


def _journal(file: Path) -> Iterator[tuple[int, list[dict]]]:
    """Chunks that are on disk. A last line that was cut off by a kill is dropped, and so is its chunk."""
    if not file.exists():
        return
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        with paths.whole(file) as fresh:
            fresh.write_text(whole, encoding="utf-8")
    for line in whole.splitlines():
        yield tuple(json.loads(line))


@contextlib.contextmanager
def _writer(plan: _Plan) -> Iterator[Callable[[int, list[dict]], list[dict]]]:
    """What puts chunks on disk, bytes first, then their line in the journal, and returns their answers without the pictures."""
    with contextlib.ExitStack() as opened:
        files = [(name, opened.enter_context(open(file, "r+b")), stride) for name, file, stride in plan.files()]
        journal = opened.enter_context(open(plan.journal, "a", encoding="utf-8"))

        def write(start: int, answers: list[dict]) -> list[dict]:
            for name, file, stride in files:
                for position, answer in enumerate(answers, start):
                    if "broken" not in answer:
                        file.seek(position * stride)
                        file.write(np.ascontiguousarray(answer[name], np.uint8).tobytes())
                file.flush()
                os.fsync(file.fileno())
            kept = [{name: answer[name] for name in ("columns", "broken") if name in answer} for answer in answers]
            journal.write(json.dumps([start, kept], default=_number) + "\n")
            journal.flush()
            return kept

        yield write


def _number(thing: object) -> object:
    """A NumPy number as a plain one."""
    return thing.item() if hasattr(thing, "item") else str(thing)


def _work(worker: Worker, context: object, chunks: Iterator[tuple[int, list[dict]]], jobs: int) -> Iterator[tuple[int, list[dict]]]:
    """Run the worker over the chunks, in this process or in several, answers in order."""
    if jobs == 1:
        yield from ((start, worker(context, rows)) for start, rows in chunks)
        return
    with _one_thread_each(), ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _serve) as pool:
        waiting: collections.deque[tuple[int, Future]] = collections.deque()
        try:
            for start, rows in chunks:
                waiting.append((start, pool.submit(worker, context, rows)))
                if len(waiting) > 3 * jobs:  # a bounded queue: pictures must not pile up in memory
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Give every process that is started inside one thread, because two processes of two threads on two cores crawl."""
    before = {name: os.environ.get(name) for name in cpu.threads(1)}
    os.environ.update(cpu.threads(1))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve() -> None:
    """Start a worker: it leaves Ctrl-C to the parent process, and ends with it, also when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _finish(plan: _Plan, table: pd.DataFrame, answers: list[dict], classes: list[str], allowed_broken: int, facts: dict) -> None:
    """Write table, mean and facts once all pictures are there; broken ones leave."""
    broken = [(index, answer["broken"]) for index, answer in enumerate(answers) if "broken" in answer]
    named = [f"{table['file'].iloc[index]} ({reason})" for index, reason in broken]
    if len(broken) > allowed_broken:
        shutil.rmtree(plan.folder)  # they are broken in the source: mending it must not find the old answers in the journal
        examples = ", ".join(named[:5]) + (", …" if len(named) > 5 else "")
        raise Problem(f"{len(broken)} broken pictures, at most {allowed_broken} allowed: {examples}; restore or remove them and run again")
    for name in named:
        progress.say(f"left out, broken: {name}")
    kept = np.setdiff1d(np.arange(plan.count), [index for index, _ in broken])
    if broken:
        _compact(plan, kept)
    columns = pd.DataFrame([answers[index].get("columns", {}) for index in kept], index=kept)
    whole = pd.concat([table.drop(columns="member", errors="ignore").reset_index(drop=True).loc[kept], columns], axis=1)
    whole.to_csv(plan.folder / "table.csv", index=False)
    images = np.memmap(plan.folder / "images.u8", np.uint8, "r", shape=(len(kept), plan.size, plan.size, 3))
    mean, sha256 = _mean_and_digest(images, whole["split"].to_numpy() == "train")
    np.save(plan.folder / "mean.npy", mean)
    about = {"size": plan.size, "count": len(kept), "key": plan.key, "sha256": sha256, "classes": classes, "maps": list(plan.maps)}
    with paths.whole(plan.folder / "facts.json") as fresh:  # written last: a folder with facts is a whole set
        fresh.write_text(json.dumps({**facts, **about, "broken": named}, indent=1), encoding="utf-8")
    for leftover in (plan.journal, plan.folder / "plan.json"):
        leftover.unlink(missing_ok=True)


def _compact(plan: _Plan, kept: np.ndarray) -> None:
    """Close the gaps that broken pictures leave."""
    for _, file, stride in plan.files():
        pictures = np.memmap(file, np.uint8, "r", shape=(plan.count, stride))
        with paths.whole(file) as fresh, open(fresh, "wb") as opened:
            for start in range(0, len(kept), _WINDOW):
                opened.write(pictures[kept[start : start + _WINDOW]].tobytes())


def _mean_and_digest(images: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, str]:
    """Mean training picture (all pictures where there is no split train) and SHA-256 of all bytes."""
    chosen = train if train.any() else np.ones_like(train)
    total, digest = np.zeros(images.shape[1:], np.int64), hashlib.sha256()
    for start in range(0, len(images), _WINDOW):
        window = np.asarray(images[start : start + _WINDOW])
        digest.update(window.tobytes())
        total += window[chosen[start : start + _WINDOW]].sum(0, dtype=np.int64)
    return (total / max(1, chosen.sum())).astype(np.float32), digest.hexdigest()


def _replace(fresh: Path, path: Path) -> None:
    """Put a finished folder in the place of an older one."""
    old = path.with_name(path.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    fresh.rename(path)
    shutil.rmtree(old, ignore_errors=True)
