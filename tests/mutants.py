"""Mutants: one-line mistakes in the paper's equations, each of which a named test must notice (`make mutants`).

Every entry of `mutants.yml` is applied to a copy of the package, and its test is run there: the test passes without the mistake and fails
with it, or the entry is reported and the exit status is 1. A test that cannot be collected counts as neither.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
_COPIED = ("zfutils", "tests", "book", "data_manifests")
_FAILED = 1  # pytest's status when a test failed; others say that it could not be run


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes:
        equation: what of the paper is made wrong, and how.
        file: within the repository.
        line: the text that is replaced; it stands in the file once.
        instead: what is put there.
        killer: the test that must fail, as pytest names it.
    """

    equation: str
    file: str
    line: str
    instead: str
    killer: str

    def applied(self, text: str) -> str:
        """The file's text with the mistake.

        Raises:
            ValueError: the line does not stand there exactly once, so the entry is out of date.
        """
        if text.count(self.line) != 1:
            count = text.count(self.line)
            raise ValueError(f"{self.file} holds {self.line!r} {count} times, expected once; mend the entry {self.equation!r}")
        return text.replace(self.line, self.instead)


def listed() -> list[Mutant]:
    """The entries of `mutants.yml`."""
    return [Mutant(**entry) for entry in yaml.safe_load(Path(__file__).with_name("mutants.yml").read_text(encoding="utf-8"))]


def verdict(mutant: Mutant, folder: Path) -> str:
    """Run a mutant's test in a copy of the repository, without and with the mistake; empty where the test notices it."""
    file = folder / mutant.file
    whole = file.read_text(encoding="utf-8")
    if status := _status(mutant.killer, folder):
        return f"its test does not pass without it (status {status})"
    file.write_text(mutant.applied(whole), encoding="utf-8")
    try:
        status = _status(mutant.killer, folder)
    finally:
        file.write_text(whole, encoding="utf-8")
    return "" if status == _FAILED else f"alive: {mutant.killer} ended with status {status}"


def main() -> int:
    """Run all, as many at once as there are cores; those whose equation holds a word of the command line, if one is given."""
    chosen = [mutant for mutant in listed() if all(word in mutant.equation for word in sys.argv[1:])]
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        verdicts = list(pool.map(_in_a_copy, chosen))
    for mutant, said in zip(chosen, verdicts, strict=True):
        print(f"{said or 'killed':8} | {mutant.equation} | {mutant.killer}")
    alive = sum(bool(said) for said in verdicts)
    print(f"{len(chosen) - alive} of {len(chosen)} mutants killed")
    return 1 if alive else 0


def _in_a_copy(mutant: Mutant) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for name in _COPIED:
            shutil.copytree(REPOSITORY / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(REPOSITORY / "pyproject.toml", folder)
        return verdict(mutant, Path(folder))


def _status(test: str, folder: Path) -> int:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode


if __name__ == "__main__":
    sys.exit(main())
