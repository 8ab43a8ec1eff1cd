"""The command line: `python -m zfutils <verb>`; `make` calls it."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from zfutils.core import cpu, paths, profiles, progress
from zfutils.core.errors import Problem

# Of JupyterLab: the explorer's kernel starts with the server; the explorer runs when it is opened, and nobody is asked about news.
PRESTART = "--ServerApp.jpserver_extensions=zfutils.run.prestart=True"
EXTENSION = f"--LabApp.extra_labextensions_path={Path(__file__).with_name('labextension')}"
_FOLDERS = ("DATA_DIR", "RESULTS_DIR", "DATA", "TRANSFER")  # meant from here, also by chapters, which run in the folder of the book


def main(arguments: list[str] | None = None) -> int:
    """Run one verb.

    Args:
        arguments: as on the command line; default those.

    Returns:
        The exit status: 0, 1 for a failed chapter, 2 for bad input, 130 when it was stopped.
    """
    given = argparse.Namespace()
    try:
        given = _parsed(arguments)
        for variable in _FOLDERS:
            if os.environ.get(variable):
                os.environ[variable] = os.path.abspath(os.path.expanduser(os.environ[variable]))
        return given.verb(given)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        without = " without RETRAIN=1" if vars(given).get("retrain") else ""
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"stopped; the same command{without} goes on where it was", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everything else here does."""

    def error(self, message: str) -> None:
        raise Problem(message)


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The verb and its flags.

    Raises:
        Problem: an unknown verb, a flag that the verb does not use, a value that the flag cannot have.
    """
    parser = _Parser(prog="python -m zfutils", description="A paper you can run: Zeiler & Fergus 2013.")
    verbs = parser.add_subparsers(required=True, metavar="verb", dest="name")
    for verb, (says, flags) in _VERBS.items():
        added = verbs.add_parser(verb.__name__.strip("_"), help=says, description=says)
        added.set_defaults(verb=verb)
        for flag in flags.split():
            added.add_argument(f"--{flag}", **_FLAGS[flag])
    given, refused = parser.parse_known_args(arguments)
    if refused:
        raise Problem(_refusal(given, refused[0].partition("=")[0]))
    for flag, read in (("profile", profiles.profile), ("jobs", cpu.jobs)):  # here, so that a slip is told before anything large is imported
        if vars(given).get(flag) is not None:
            setattr(given, flag, read(getattr(given, flag)))
    if vars(given).get("folder"):  # chapters run in processes of their own and find the pictures by this variable
        os.environ["DATA"] = given.folder
    return given


def _refusal(given: argparse.Namespace, flag: str) -> str:
    """What is said of a flag that the verb does not use."""
    known = [f"--{name}" for name in _VERBS[given.verb][1].split()]
    variable = _VARIABLES.get(flag.strip("-"), flag.strip("-").upper())
    return f"{given.name} takes no {flag} ({variable}=); {'it takes ' + ', '.join(known) if known else 'leave it out'}"


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, got {text!r}; leave it out to take 0")
    return int(text)


def _data(given: argparse.Namespace) -> int:
    from zfutils.data import registry

    where = {"mirror": given.mirror, "folder": given.folder, "transfer": given.transfer}
    made = registry.prepare(given.profile, seed=given.seed, jobs=given.jobs, **where)
    for name, prepared in made.items():
        counts = prepared.table["split"].value_counts(sort=False)
        said = ", ".join(f"{count} {split}" for split, count in counts.items())
        progress.say(f"{name}: {said}; {len(prepared.classes)} classes; {prepared.path}")
    return 0


def _nets(given: argparse.Namespace) -> int:
    from zfutils.run import chapters
    from zfutils.training import train_all

    needed, rows = chapters.nets_of(chapters.chosen(only=given.only, extras=given.extras, dataset=given.profile.dataset))
    print(train_all.table(given.profile, [*needed, *rows], seed=given.seed).to_string(index=False), flush=True)
    if given.only_trained:
        return 0
    return _describe(train_all.make(given.profile, needed, rows, seed=given.seed, jobs=given.jobs, retrain=given.retrain))


def _train(given: argparse.Namespace) -> int:
    from torch import distributed

    from zfutils.models import recipes
    from zfutils.models.trained import Trained
    from zfutils.training import runs

    if given.net is None:
        raise Problem(f"expected a net, got none; give NET= one of: {', '.join(recipes.RECIPES)}")
    name = recipes.recipe(given.net).name
    folder = runs.train(given.profile, name, seed=given.seed, retrain=given.retrain)
    status = _describe({name: Trained(folder)})
    if distributed.is_initialized():  # under torchrun; threads of a group that was not left may abort a process at its end
        distributed.destroy_process_group()
    return status


def _describe(nets: dict) -> int:
    """Say what each net reached."""
    for name, net in nets.items():
        if net.file.exists():  # under torchrun only the first process writes it
            card = net.card
            said = f"{card['val_wrong']} of {card['val_n']} val images wrong, {card['images_per_second']} images/s, {card['seconds']:.0f} s"
            progress.say(f"{name}: {said}{'' if card['learned'] else ', has not learned'}; {net.file}")
    return 0


def _reproduce(given: argparse.Namespace) -> int:
    from zfutils.run import runner

    where = {"mirror": given.mirror, "folder": given.folder, "transfer": given.transfer}
    options = {"only": given.only, "extras": given.extras, "retrain": given.retrain, "only_trained": given.only_trained}
    return runner.reproduce(given.profile, seed=given.seed, jobs=given.jobs, **options, **where)


def _chapter(given: argparse.Namespace) -> int:
    from zfutils.core.errors import unknown
    from zfutils.run import chapters, execution, notebooks

    if given.only not in chapters.CHAPTERS:
        raise unknown("chapter", given.only, chapters.CHAPTERS)
    notebooks.write([paths.BOOK / f"{given.only}.py"])
    notebook = f"{given.only}.ipynb"
    output = paths.results_dir(given.profile.name) / "notebooks" / notebook
    execution.run_chapter(paths.notebooks_dir() / notebook, output=output, parameters={"profile": given.profile.name, "seed": given.seed})
    return 0


def _scoreboard(given: argparse.Namespace) -> int:
    from zfutils.report import scoreboard

    board = scoreboard.write(given.profile.name, seed=given.seed)
    print(board[board["result"].notna()].to_string(index=False))
    print(f"retired claims:\n{scoreboard.retired()}\n{scoreboard.summary(board)}")
    return 0


def _notebooks(given: argparse.Namespace) -> int:
    from zfutils.run import notebooks

    for source in notebooks.write():
        progress.say(f"{source.stem}: notebook made from its source")
    return 0


def _students(given: argparse.Namespace) -> int:
    from zfutils.run import notebooks

    folder = paths.notebooks_dir().with_name("students")
    progress.say(f"{len(notebooks.write_for_students(folder))} chapters without solutions: {folder}")
    return 0


def _lab(given: argparse.Namespace) -> int:
    _notebooks(given)
    return _open_jupyterlab(given)


def _explore(given: argparse.Namespace) -> int:
    from zfutils.run import notebooks

    notebooks.write([paths.BOOK / "explore.py"])  # the others take seconds
    return _open_jupyterlab(given, PRESTART, str(paths.notebooks_dir() / "explore.ipynb"))


def _open_jupyterlab(given: argparse.Namespace, *more: str) -> int:
    """Become JupyterLab on the book; it serves this machine alone, so in a container it may run as root, which it asks to be told."""
    os.environ["PROFILE"] = given.profile.name
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    inside = ["--notebook-dir", str(paths.notebooks_dir()), EXTENSION]
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *inside, *root, *more])


def _book(given: argparse.Namespace) -> int:
    from zfutils.run.site import build

    return build.build(given.profile.name)


def _serve(given: argparse.Namespace) -> int:
    from zfutils.run.site import build

    return build.serve()


def _ship(given: argparse.Namespace) -> int:
    from zfutils.run import shipping

    if given.net is None:
        raise Problem("expected a trained net, got none; give --net zfnet, say")
    write = shipping.ship_answers if given.answers else shipping.ship
    write(given.profile, given.net, seed=given.seed)
    return 0


def _bench(given: argparse.Namespace) -> int:
    from zfutils.run import bench

    return bench.run(given.profile, seed=given.seed)


_VARIABLES = {"folder": "DATA", "only-trained": "TRAINED"}  # of make, where they are called otherwise than the flag

_FLAGS: dict[str, dict] = {
    "profile": {"default": os.environ.get("PROFILE") or "toybox", "help": f"one of: {', '.join(profiles.PROFILES)}"},
    "seed": {"type": _seed, "default": os.environ.get("SEED") or "0", "help": "of everything that is drawn"},
    "jobs": {"help": "parallel processes; default all cores, on GPUs one a GPU"},
    "net": {"help": "a recipe"},
    "answers": {
        "action": "store_true",
        "help": "its answers alone, for a net whose weights are too many to ship, or of nets that table 2 averages: five-zfnets, "
        "six-nets; or of all that chapters trained from scratch: from-scratch",
    },
    "only": {"help": "one result or chapter, with what it needs"},
    "mirror": {"help": "folder with the archives, instead of a download"},
    "folder": {"help": "your pictures, for the profile folder"},
    "transfer": {"help": "your pictures for transfer, for the profile folder"},
    "extras": {"action": "store_true", "help": "run what goes beyond the paper too"},
    "only-trained": {"action": "store_true", "help": "train no net that only fills a row of a table; with `nets`, train none at all"},
    "retrain": {"action": "store_true", "help": "train anew"},
}

_VERBS: dict[Callable[[argparse.Namespace], int], tuple[str, str]] = {
    _data: ("prepare the pictures of a profile", "profile seed jobs mirror folder transfer"),
    _nets: ("train every net that the chapters need", "profile seed jobs folder only extras only-trained retrain"),
    _train: ("train one net (--net)", "profile seed folder net retrain"),
    _reproduce: ("rebuild every figure and table", "profile seed jobs mirror folder transfer only extras only-trained retrain"),
    _chapter: ("run one chapter alone (--only)", "profile seed folder only"),
    _scoreboard: ("gather the results and print those that were measured", "profile seed"),
    _notebooks: ("make the notebooks from their sources", ""),
    _students: ("write copies of the chapters without solutions, to be handed out", ""),
    _lab: ("open JupyterLab on the book", "profile folder"),
    _explore: ("open JupyterLab on the explorer", "profile"),
    _book: ("make the static site from the executed chapters", "profile"),
    _serve: ("show the static site on this machine", ""),
    _ship: ("write a trained net, or its answers, into weights/ (--net)", "profile seed net answers"),
    _bench: ("measure speed against what one would use instead", "profile seed folder"),
}
