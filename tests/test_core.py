"""Files are whole or absent; keys follow what counts; cores respect limits."""

import dataclasses

import pytest

from zfutils.core import cpu, keys, paths, profiles
from zfutils.core.errors import Problem


def test_a_file_is_written_whole_or_keeps_its_old_content(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with paths.whole(path) as fresh:
        fresh.write_text("one", encoding="utf-8")
    with pytest.raises(RuntimeError), paths.whole(path) as fresh:
        fresh.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "one" and [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_a_full_disk_is_one_line(tmp_path):
    with pytest.raises(Problem, match="no room to write .*file.txt") as caught, paths.whole(tmp_path / "file.txt"):
        raise OSError(28, "No space left on device")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())
    with pytest.raises(PermissionError), paths.whole(tmp_path / "file.txt"):
        raise PermissionError(13, "denied")


def test_digests_are_stable_and_tell_values_apart():
    assert keys.digest({"a": 1, "b": [2, "x"]}) == keys.digest({"b": [2, "x"], "a": 1}) == "f37df6601c75dc24"
    assert len({keys.digest(thing) for thing in (1, "1", 1.5, [1], None, profiles.profile("smoke"), profiles.profile("toybox"))}) == 7
    with pytest.raises(TypeError, match="cannot digest a object"):
        keys.digest(object())


def test_a_field_that_was_added_later_counts_only_where_it_is_set():
    @dataclasses.dataclass
    class Before:
        rate: float

    @dataclasses.dataclass
    class Now:
        rate: float
        decay: float = dataclasses.field(default=0.0, metadata=keys.LATER)

    assert keys.digest(Now(0.1)) == keys.digest(Before(0.1)) != keys.digest(Now(0.1, 0.5))


def test_modules_reach_what_they_import():
    reached = keys.reachable(["models.predictions"])
    assert "models.crops" in reached and "data.prepared_sets" in reached and "training" not in reached and "core.errors" not in reached
    assert keys.imports_of("from zfutils.models import recipes\nimport numpy\nfrom zfutils.data.toybox import scene\n") == (
        "models",
        "models.recipes",
        "data.toybox",
        "data.toybox.scene",
    )


def test_jobs_come_from_the_argument_the_variable_or_the_machine(monkeypatch):
    assert cpu.jobs() == cpu.available() >= 1
    monkeypatch.setenv("JOBS", "3")
    assert cpu.jobs() == 3 and cpu.jobs(2) == 2
    monkeypatch.setenv("JOBS", "many")
    with pytest.raises(Problem, match="JOBS must be a whole number above 0, got 'many'"):
        cpu.jobs()


def test_profiles_are_those_of_the_book():
    assert list(profiles.PROFILES) == ["smoke", "toybox", "photos", "imagenet", "folder"]
    assert (profiles.profile("toybox").prepared_size, profiles.profile("imagenet").prepared_size) == (128, 256)
    with pytest.raises(Problem, match="unknown profile 'x'"):
        profiles.profile("x")
