"""Speed against what one would use instead, measured in one run, as ratios."""

import importlib
import json
from dataclasses import asdict

import torch

from zfutils.core import paths
from zfutils.core.profiles import Profile
from zfutils.models import devices
from zfutils.report import results

# Modules of this package, each with `measure`.
SECTIONS = ("training", "growth", "projections", "scan", "banks", "occlusion", "nothing_changed")


def run(profile: Profile, *, seed: int = 0) -> int:
    """Measure, print, and write `bench.json` into the results of the profile.

    Returns:
        0.
    """
    rows = [row for name in SECTIONS for row in importlib.import_module(f"zfutils.run.bench.{name}").measure(profile, seed=seed)]
    report = {"rows": [asdict(row) for row in rows], **results.provenance(profile, seed=seed, seconds=0.0)}
    with paths.whole(paths.results_dir(profile.name) / "bench.json") as fresh:
        fresh.write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(f"{devices.describe(devices.device())}, torch {torch.__version__}")
    for section in dict.fromkeys(row.section for row in rows):
        print(section)
        for row in rows:
            if row.section == section:
                print(row)
    return 0
