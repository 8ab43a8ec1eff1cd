"""Runs: from a profile to figures, tables and scoreboard, each step skipped when nothing that it depends on has changed."""

import concurrent.futures
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from zfutils.core import cpu, keys, paths, progress
from zfutils.core.profiles import Profile
from zfutils.core.subprocesses import STOPPED, Children
from zfutils.data import registry
from zfutils.data.prepared_sets import PreparedSet
from zfutils.models import pretrained
from zfutils.models.trained import Trained
from zfutils.paper import claims, numbers
from zfutils.report import results, scoreboard
from zfutils.run import chapters, notebooks
from zfutils.run.chapters import Chapter
from zfutils.training import from_scratch


def reproduce(
    profile: Profile,
    *,
    seed: int = 0,
    jobs: int | None = None,
    only: str | None = None,
    extras: bool = False,
    retrain: bool = False,
    only_trained: bool = False,
    **where: str | None,
) -> int:
    """Rebuild the figures and tables of a profile.

    Args:
        profile: what to run.
        seed: of everything that is drawn.
        jobs: parallel processes; default all cores, on GPUs one a GPU.
        only: one result or chapter with what it needs; default all.
        extras: whether extra chapters run too.
        retrain: train the nets anew.
        only_trained: train no net that only fills a row of a table, none that ships, and none from scratch; where answers ship they stand
            in, and what is not there is marked as missing. Where a profile's nets ship (`Profile.ships`) the first two hold unless it is
            to `retrain`, and nets from scratch are trained where no answers of theirs ship.
        where: `mirror`, `folder` and `transfer`, as in `data.prepare`.

    Returns:
        0, or 1 when a chapter failed or was not run; those are named.

    Raises:
        Problem: data or nets could not be made.
    """
    start = time.monotonic()
    wanted = chapters.chosen(only=only, extras=extras, dataset=profile.dataset)
    for source in notebooks.write([paths.BOOK / f"{chapter.name}.py" for chapter in wanted]):
        progress.say(f"{source.stem}: notebook made from its source")
    os.environ |= (from_scratch.ONLY_TRAINED if only_trained else {}) | (from_scratch.RETRAIN if retrain else {})  # chapters are processes
    options = {"retrain": retrain, "only_trained": only_trained or profile.ships and not retrain}
    failed = _make(profile, wanted, seed, jobs, options, where)
    _keep_extras(profile, wanted)
    board = scoreboard.write(profile.name, seed=seed)
    progress.say(f"{scoreboard.summary(board)}; {paths.results_dir(profile.name)}")
    progress.say(f"{'failed: ' + ', '.join(failed) if failed else 'done'} in {time.monotonic() - start:.1f} s")
    return 1 if failed else 0


def _make(profile: Profile, wanted: list[Chapter], seed: int, jobs: int | None, options: dict, where: dict) -> list[str]:
    """Prepare sets, train nets and run chapters, each as early as it can; return the names of the chapters that failed.

    The net that all others follow is trained alone: beside it those sets are made that it does not need. The chapters that need no other
    net run beside the other trainings, and the longest of all is among them.
    """
    from zfutils.models import devices  # only here: what only reads the results need not load torch
    from zfutils.training import runs, train_all

    needed, nets = tuple(dict.fromkeys(name for chapter in wanted for name in chapter.sets)), chapters.nets_of(wanted)
    children = Children(devices.slots(jobs))
    beside = children if children.at_once > 1 and any(nets) else None
    first = needed[:1] if beside and profile.toys else needed
    prepared = registry.prepare(profile, seed=seed, jobs=jobs, chosen=first, **where)
    if beside is None:
        trained = train_all.make(profile, *nets, seed=seed, jobs=jobs, **options) if any(nets) else {}
        return _run_all(profile, wanted, prepared, trained, seed=seed, children=children)
    with concurrent.futures.ThreadPoolExecutor(1) as pool, children:  # children end first
        begun = threading.Event()
        training = pool.submit(train_all.make, profile, *nets, seed=seed, jobs=jobs, beside=children, begun=begun, **options)
        training.add_done_callback(lambda ended: begun.set())
        if rest := needed[len(first) :]:
            beside_a_net = train_all.begins_alone(profile, nets[0], seed=seed, **options)
            prepared |= registry.prepare(profile, seed=seed, jobs=children.at_once - beside_a_net, chosen=rest, **where)
        begun.wait()
        leaders = {name: runs.trained(profile, name, seed=seed) for name in train_all.LEADERS if not training.done()}
        early = _early(wanted, set(leaders), {*nets[0], *nets[1]})
        return _run_all(profile, wanted, prepared, leaders, seed=seed, children=children, training=training, early=early)


def _early(wanted: list[Chapter], trained: set[str], nets: set[str]) -> list[Chapter]:
    """The chapters that wait for no chapter and for none of the nets of this run that are still to be trained."""
    ready = [chapter for chapter in wanted if not (chapter.rows or chapter.needs)]
    return [chapter for chapter in ready if set(chapter.nets) <= trained and not set(chapter.seeds) & nets - trained]


def _keep_extras(profile: Profile, wanted: list[Chapter]) -> None:
    """Copy the tables of extra chapters into `results/<profile>-extras/`: what ran for an hour is not lost with what runs in minutes."""
    tables, kept = (paths.results_dir(name) / "tables" for name in (profile.name, f"{profile.name}-extras"))
    for name in [name for chapter in wanted if chapter.extra for name in chapter.results]:
        for file in sorted(tables.glob(f"{name}.*")):
            if (kept / file.name).exists() and (kept / file.name).read_bytes() == file.read_bytes():
                continue
            with paths.whole(kept / file.name) as fresh:
                fresh.write_bytes(file.read_bytes())


def _run_all(
    profile: Profile,
    wanted: list[Chapter],
    prepared: dict[str, PreparedSet],
    nets: dict[str, Trained],
    *,
    seed: int,
    children: Children,
    training: concurrent.futures.Future[dict[str, Trained]] | None = None,
    early: Sequence[Chapter] = (),
) -> list[str]:
    """Run chapters, one in each slot, each when those that it needs have ended; return the names of those that failed.

    Where a training goes on, which gives all nets when it ends, only the early chapters do not wait for it.
    """
    names = {chapter.name for chapter in wanted}
    waiting, ended, failed = list(wanted), set(), []
    with concurrent.futures.ThreadPoolExecutor(children.at_once) as pool, children:  # children end first
        running: dict[concurrent.futures.Future, Chapter] = {}
        while waiting or running:
            if training and training.done() and not (running and training.exception()):
                nets, training = training.result(), None
            free = [chapter for chapter in waiting if training is None or chapter in early]
            ready = [chapter for chapter in free if not (names & set(chapter.needs)) - ended]  # needs of this run end first
            for chapter in sorted(ready, key=lambda chapter: -chapter.minutes):
                waiting.remove(chapter)
                if lacking := [need for need in chapter.needs if need in failed]:
                    progress.say(f"{chapter.name}: not run, it needs {', '.join(lacking)}")
                    failed.append(chapter.name)
                    ended.add(chapter.name)
                    continue
                if why := pretrained.why_not(chapter.weights):
                    progress.say(f"{chapter.name}: passed over, {why}")
                    ended.add(chapter.name)
                    continue
                key = _key(profile, chapter, prepared, nets, seed)
                threads = max(1, cpu.available() // min(children.at_once, len(wanted)))
                running[pool.submit(_run_one, children, profile, chapter, key, seed, threads)] = chapter
            has_failed = training and training.done() and training.exception()  # which is told when the chapters that run have ended
            awaited = [*running, training] if training and not has_failed else running
            done, _ = concurrent.futures.wait(awaited, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done & running.keys():
                chapter = running.pop(future)
                ended.add(chapter.name)
                if said := future.result():
                    failed.append(chapter.name)
                    progress.say(said)
    return failed


def _key(profile: Profile, chapter: Chapter, prepared: dict[str, PreparedSet], nets: dict[str, Trained], seed: int) -> str:
    """Digest of all that a chapter's results depend on: its text, the code that it uses, the data, the nets."""
    text = (paths.BOOK / f"{chapter.name}.py").read_text(encoding="utf-8")
    pictures = [prepared[name].digest() for name in chapter.sets if name in prepared]
    used = keys.code("paper.claims", "paper.numbers", *keys.imports_of(text))
    taken = [from_scratch.only_trained(), from_scratch.shipped_digest(profile)] if "from_scratch" in text else [False]
    rules = [asdict(claim) for id, claim in claims.claims().items() if id in text]
    tables = [*sorted(numbers.FOLDER.glob("*.csv")), *sorted(paths.MANIFESTS.glob("*.yml"))]
    printed = [hashlib.sha256(file.read_bytes()).hexdigest() for file in tables]
    sizes = {name: value for name, value in asdict(profile).items() if name != "purpose"}
    needed = [_state(profile, need).get("key") for need in chapter.needs]
    digests = [*_nets_of(chapter, nets), *_others_of(profile, chapter, nets, seed)]
    return keys.digest(text, used, taken, rules, printed, sizes, seed, pictures, digests, needed)


def _nets_of(chapter: Chapter, nets: dict[str, Trained]) -> list[str]:
    """Digests of a chapter's nets, which may have been trained anew under the same name; a row that is missing is one too."""
    files = [nets[name].file if name in nets else None for name in (*chapter.nets, *chapter.rows)]
    return ["missing" if file is None else hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def _others_of(profile: Profile, chapter: Chapter, nets: dict[str, Trained], seed: int) -> list[str]:
    """Digests of what else a chapter takes in where it is there: nets from further seeds, and answers that ship in place of nets."""
    names = [name for name in (*chapter.rows, *chapter.seeds) if name not in nets]
    if not names and not chapter.together:
        return []
    from zfutils.analysis import error_rates  # only here: a chapter without nets need not load torch
    from zfutils.training import runs

    files = {name: net.file for name in names if (net := runs.answered(profile, name, seed=seed))}
    files |= {name: net.file for name in chapter.together if (net := error_rates.answered_together(profile, name, seed=seed))}
    return [f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for name, file in files.items()]


def _state_file(profile: Profile, name: str) -> Path:
    return paths.results_dir(profile.name) / "runs" / f"{name}.json"


def _state(profile: Profile, name: str) -> dict:
    """What is known of the latest run of a chapter."""
    file = _state_file(profile, name)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _is_done(profile: Profile, chapter: Chapter, key: str) -> bool:
    """Whether a chapter ran with this key and its results are there."""
    folder = paths.results_dir(profile.name)
    there = all(any(results.was_made_here(folder, name, file) for file in folder.glob(f"*/{name}.json")) for name in chapter.results)
    return there and _state(profile, chapter.name).get("key") == key


def _command(profile: Profile, chapter: Chapter, seed: int) -> list[str]:
    """The command that runs one chapter alone."""
    return [sys.executable, "-m", "zfutils", "chapter", "--only", chapter.name, "--profile", profile.name, "--seed", str(seed)]


def _run_one(children: Children, profile: Profile, chapter: Chapter, key: str, seed: int, threads: int) -> str:
    """Run one chapter in a process of its own, unless nothing has changed; return what went wrong, or an empty string."""
    if children.stopped:
        return "stopped"
    if _is_done(profile, chapter, key):
        progress.say(f"{chapter.name}: nothing changed")
        return ""
    start = 0.0

    def begins() -> None:
        nonlocal start
        start = time.monotonic()
        progress.say(f"{chapter.name}: running")

    environment = {**os.environ, **cpu.threads(threads), **cpu.CALM}
    status, said = children.run(_command(profile, chapter, seed), environment, begins=begins)
    if status == STOPPED and not children.stopped:
        return f"{chapter.name} was stopped from outside; the same command goes on where it was"
    if status:
        return (said.strip().splitlines() or [f"{chapter.name} ended with status {status}"])[-1]
    with paths.whole(_state_file(profile, chapter.name)) as fresh:
        fresh.write_text(json.dumps({"key": key, "seconds": round(time.monotonic() - start, 1)}), encoding="utf-8")
    progress.say(f"{chapter.name}: done in {time.monotonic() - start:.1f} s")
    return ""
