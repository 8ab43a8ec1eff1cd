"""Data: prepares and opens every set of pictures that a profile needs."""

import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from zfutils.core import cpu, keys, paths, shipped_files
from zfutils.core.errors import Problem, unknown
from zfutils.core.profiles import Profile
from zfutils.data import decode, download, listings, manifests, members, preparation, prepared_sets, samples
from zfutils.data.manifests import Manifest
from zfutils.data.members import Member
from zfutils.data.prepared_sets import PreparedSet

# For each source of photographs: its sets, and the manifests that each is made of.
_PARTS = {
    "photos": {"transfer": ("caltech101",), "sharper": ("imagenette", "imagewoof"), "pretraining": ("tinyimagenet",)},
    "imagenet": {"pretraining": ("ilsvrc2012",), "transfer": ("caltech101",), "caltech256": ("caltech256",), "voc2012": ("voc2012",)},
}
_CLEANED = ("splits",)  # layouts whose training pictures must not occur in val; ILSVRC stays as the paper used it
_TRAINED_ON = ("splits", "tiny", "ilsvrc")  # layouts of sets that nets are trained on, which need a split dev
PHOTOS_VERSION = 1  # raised when the same archives or folders give another listing or other bytes


def prepare(
    profile: Profile,
    *,
    seed: int = 0,
    jobs: int | None = None,
    mirror: Path | str | None = None,
    folder: Path | str | None = None,
    transfer: Path | str | None = None,
    chosen: tuple[str, ...] | None = None,
) -> dict[str, PreparedSet]:
    """Prepare the sets of a profile; what is there already is opened in a second.

    Args:
        profile: which sets, and how large their pictures.
        seed: seed of the toys; photographs do not depend on it.
        jobs: number of processes; default all cores.
        mirror: for photographs, a folder with the archives; default: download them. Sets that were made from a mirror are kept
            when it is left out later.
        folder: for the profile `folder`, the pictures: `train/<class>/` and `val/<class>/`; default the variable `DATA`.
        transfer: for the profile `folder`, the pictures for transfer: `<class>/`; default the variable `TRANSFER`, else there are none.
        chosen: names of the sets that are needed, of which a profile may have none; default all. Of one's own pictures all are made.

    Returns:
        The sets by name: `pretraining`, `transfer` and what else the profile has.

    Raises:
        Problem: an archive, a class, a picture or a folder is not what it should be, or the disk is full.
    """
    if profile.dataset == "toybox":
        from zfutils.data.toybox import collection  # only here: the renderer is not needed for photographs

        return collection.prepare(profile, seed=seed, jobs=jobs, chosen=chosen or collection.WHICH)
    if profile.dataset == "folder":
        return _prepare_own(profile, _given(folder, "DATA"), _given(transfer, "TRANSFER"), jobs)
    mirror = Path(mirror).expanduser().resolve() if mirror else None
    paths.data_dir().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(paths.data_dir() / "prepare.lock"):  # two runs must not expand and remove the same files
        if mirror is not None:
            download.keep_weights(mirror, paths.data_dir() / "weights")
        parts = {which: names for which, names in _PARTS[profile.dataset].items() if chosen is None or which in chosen}
        return {which: _prepare_photos(profile, which, names, jobs, mirror) for which, names in parts.items()}


def opened(profile: Profile, which: str = "pretraining", *, seed: int = 0, folder: Path | str | None = None) -> PreparedSet:
    """Open a set that was prepared before.

    Args:
        profile: its profile.
        which: its name, as in the answer of `prepare`.
        seed: seed of the toys.
        folder: for the profile `folder`, where the pictures came from; default the variable `DATA`.

    Raises:
        Problem: the profile has no such set, or it is not prepared; the message says how large the download is and how to make it.
    """
    if profile.dataset == "toybox":
        from zfutils.data.toybox import collection

        return collection.load(profile, which, seed=seed)
    if profile.dataset == "folder":
        return _opened_own(profile, which, _given(folder, "DATA"))
    parts = _PARTS[profile.dataset]
    if which not in parts:
        raise unknown("set", which, parts)
    size = sum(manifests.read(name).megabytes() for names in parts.values() for name in names)
    remedy = f"run: make data PROFILE={profile.name} (fetches {size} MB; with MIRROR=folder it takes the archives from there)"
    return prepared_sets.load(paths.data_dir() / profile.name / which, remedy=remedy)


def is_prepared(profile: Profile, which: str = "pretraining", *, seed: int = 0) -> bool:
    """Whether a set of a profile was prepared on this machine; of a folder of one's own `opened` says what is missing.

    Raises:
        Problem: rendered toys have no such set.
    """
    if profile.dataset == "folder":
        return True
    if profile.dataset == "toybox":
        from zfutils.data.toybox import collection

        return (collection.path(profile, which, seed=seed) / "facts.json").exists()
    return (paths.data_dir() / profile.name / which / "facts.json").exists()


def at_hand(profile: Profile, *, seed: int = 0) -> PreparedSet:
    """The pictures that nets are trained on, or a few of them that ship where they are not prepared on this machine.

    Raises:
        Problem: as `opened`, where none ship; or the file that ships is damaged.
    """
    file = f"{profile.name}.sample.zip"
    if is_prepared(profile, seed=seed) or seed or file not in shipped_files.index():
        return opened(profile, seed=seed)
    return samples.read(shipped_files.checked(file))


@dataclass(frozen=True)
class _Source:
    """A data set whose archives are on disk and checked."""

    manifest: Manifest
    fetched: tuple[download.Fetched, ...]

    def files(self) -> dict[str, Member]:
        """All files in the archives; what is compressed is expanded into a folder, another one for other archives."""
        folder = _unpacked() / f"{self.manifest.name}-{keys.digest([archive.digest for archive in self.fetched])}"
        files = {}
        for archive, fetched in zip(self.manifest.archives, self.fetched, strict=True):
            inside = f"{archive.into}/" if archive.into else ""
            files |= {inside + name: member for name, member in members.of_archive(fetched.path, folder).items()}
        return files

    def facts(self) -> dict:
        """What is kept with the prepared set."""
        return {archive.path.name: {"origin": archive.origin, "checksum": archive.digest} for archive in self.fetched}


def _unpacked() -> Path:
    """Where what is compressed is expanded for as long as its pictures are needed."""
    return paths.data_dir() / "unpacked"


def listed(name: str, *, mirror: Path | None = None) -> listings.Listing:
    """List all pictures of a data set of photographs, before any is left out.

    Args:
        name: of its manifest.
        mirror: a folder with the archives; default: download them.

    Raises:
        Problem: an archive or a class is not what it should be.
    """
    source = _source(manifests.read(name), mirror)
    return listings.listing(source.manifest, source.files())


def _source(manifest: Manifest, mirror: Path | None) -> _Source:
    """A data set with its archives, fetched where they are not on disk."""
    folder = paths.data_dir() / "archives"
    folder.mkdir(parents=True, exist_ok=True)
    return _Source(manifest, tuple(download.fetch(archive, folder, mirror=mirror) for archive in manifest.archives))


def _prepare_photos(profile: Profile, which: str, names: tuple[str, ...], jobs: int | None, mirror: Path | None) -> PreparedSet:
    """One set of photographs: fetched, listed, decoded; what was expanded for it is removed."""
    path = paths.data_dir() / profile.name / which
    parts = [manifests.read(name) for name in names]
    recipe = keys.digest(PHOTOS_VERSION, profile.prepared_size, [_what_counts(part) for part in parts])
    if mirror is None and (made := _made(path, recipe)):
        return made
    sources = [_source(part, mirror) for part in parts]
    origins = {name: fact for source in sources for name, fact in source.facts().items()}
    if (made := _made(path, recipe)) and made.facts["archives"] == origins:
        return made
    prepared = _decode(path, sources, profile.prepared_size, recipe, jobs, origins)
    shutil.rmtree(_unpacked(), ignore_errors=True)  # with what runs that were cut off have left
    return prepared


def _what_counts(part: Manifest) -> dict:
    """Those facts of a manifest on which a prepared set depends; words may be edited freely."""
    about = asdict(part)
    counts = ("name", "layout", "folder", "classes", "images", "per_class", "allowed_broken")
    return {name: about[name] for name in (*counts, *(["left_out"] if part.left_out else []))}


def _made(path: Path, recipe: str) -> PreparedSet | None:
    """The set at `path`, if there is one and it was made by this recipe."""
    if not (path / "facts.json").exists():
        return None
    prepared = prepared_sets.load(path, remedy="make it again")
    return prepared if prepared.facts.get("recipe") == recipe else None


def _decode(path: Path, sources: list[_Source], size: int, recipe: str, jobs: int | None, origins: dict) -> PreparedSet:
    """List and decode the pictures in archives."""
    listing = listings.joined([listings.listing(source.manifest, source.files()) for source in sources])
    layout = sources[0].manifest.layout
    listing = listings.without_named(listing, [name for source in sources for name in source.manifest.left_out])
    if layout in _CLEANED:
        listing = listings.without_leaks(listing, jobs=cpu.jobs(jobs))
    if layout in _TRAINED_ON:
        listing = listings.with_dev(listing)
    return preparation.build(
        path,
        listing.table,
        decode.worker,
        size,
        size=size,
        classes=listing.classes,
        key=keys.digest(recipe, origins),
        jobs=jobs,
        allowed_broken=sum(source.manifest.allowed_broken for source in sources),
        facts={"recipe": recipe, "archives": origins, **listing.facts},
    )


def _given(folder: Path | str | None, variable: str) -> Path | None:
    """A folder that was given as an argument or a variable."""
    given = folder or os.environ.get(variable)
    return Path(given).expanduser().resolve() if given else None


def _own_path(profile: Profile, which: str, folder: Path | None) -> Path:
    """Where the set made of somebody's own pictures lies."""
    if folder is None:
        raise Problem("expected a folder of pictures for this profile, got none; give DATA=dir with train/<class>/ and val/<class>/")
    return paths.data_dir() / profile.name / keys.digest(folder) / which


def _opened_own(profile: Profile, which: str, folder: Path | None) -> PreparedSet:
    """A set made of somebody's own pictures."""
    known = ("pretraining", "transfer")
    if which not in known:
        raise unknown("set", which, known)
    variables = f"DATA={folder}" if which == "pretraining" else f"DATA={folder} TRANSFER=dir"
    return prepared_sets.load(_own_path(profile, which, folder), remedy=f"run: make data PROFILE={profile.name} {variables}")


def _prepare_own(profile: Profile, folder: Path | None, transfer: Path | None, jobs: int | None) -> dict[str, PreparedSet]:
    """The sets of somebody's own pictures."""

    def pretraining(given: Path) -> listings.Listing:
        return listings.with_dev(listings.without_leaks(listings.own_folder(given), jobs=cpu.jobs(jobs)))

    where = _own_path(profile, "pretraining", folder)
    made = {"pretraining": _own_set(where, folder, pretraining, profile.prepared_size, jobs)}
    if transfer is not None:
        made["transfer"] = _own_set(_own_path(profile, "transfer", folder), transfer, listings.own_classes, profile.prepared_size, jobs)
    return made


def _own_set(path: Path, folder: Path, read: Callable, size: int, jobs: int | None) -> PreparedSet:
    """One set of somebody's own pictures; made again when a file in the folder has changed."""
    if not folder.is_dir():
        raise Problem(f"expected a folder of pictures at {folder}, found none; give DATA=dir (and TRANSFER=dir) with the right path")
    key = keys.digest(PHOTOS_VERSION, size, _state(folder))
    if made := _made(path, key):
        return made
    listing = read(folder)
    facts = {"recipe": key, "archives": {}, **listing.facts}
    return preparation.build(path, listing.table, decode.worker, size, size=size, classes=listing.classes, key=key, jobs=jobs, facts=facts)


def _state(folder: Path) -> list[list]:
    """Name, size and time of change of every file in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [[path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
