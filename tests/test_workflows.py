"""What continuous integration is told: valid YAML that asks make for verbs and variables that there are."""

import re

import pytest
import yaml

from zfutils.core import paths, profiles
from zfutils.run.site import build

FILES = {file.stem: file for file in (paths.REPOSITORY / ".github" / "workflows").glob("*.yml")}
MAKEFILE = (paths.REPOSITORY / "Makefile").read_text(encoding="utf-8")


def steps(name: str) -> list[dict]:
    return [step for job in yaml.safe_load(FILES[name].read_text(encoding="utf-8"))["jobs"].values() for step in job["steps"]]


def commands(name: str) -> list[str]:
    return [line for step in steps(name) for line in step.get("run", "").splitlines()]


def test_there_are_a_workflow_of_tests_and_one_of_pages():
    assert sorted(FILES) == ["pages", "test"]


@pytest.mark.parametrize("name", FILES)
def test_it_parses_and_every_step_does_one_thing(name):
    known = yaml.safe_load(FILES[name].read_text(encoding="utf-8"))
    assert {"name", True, "permissions", "jobs"} <= set(known), "YAML reads `on` as true"
    assert all(("uses" in step) != ("run" in step) for step in steps(name))
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps(name) if "uses" in step)
    assert all(job["timeout-minutes"] for job in known["jobs"].values() if any("run" in step for step in job["steps"]))


@pytest.mark.parametrize("name", FILES)
def test_make_is_asked_for_verbs_and_variables_that_there_are(name):
    verbs = set(re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE))
    for line in commands(name):
        make, verb, *given = line.split()
        assert make == "make" and verb in verbs, line
        for variable, _, value in (one.partition("=") for one in given):
            assert re.search(rf"\$\({variable}\)|\$\(call told,{variable},", MAKEFILE), line
            assert variable != "PROFILE" or value in profiles.PROFILES, line


def test_tests_run_on_the_oldest_and_the_newest_python_and_pages_carry_the_built_book():
    job = yaml.safe_load(FILES["test"].read_text(encoding="utf-8"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"] and commands("test")[-1] == "make test"
    assert commands("pages")[1:] == ["make reproduce PROFILE=toybox", "make book PROFILE=toybox"]
    carried = [step["with"]["path"] for step in steps("pages") if "upload-pages-artifact" in step.get("uses", "")]
    assert [paths.REPOSITORY / path for path in carried] == [build.folder()]
