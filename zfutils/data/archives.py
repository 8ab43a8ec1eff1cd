"""Archives: fetched from their publisher or from a mirror folder, checked, and unpacked whole or not at all."""

import gzip
import hashlib
import http
import http.client
import json
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from zfutils.core import paths, progress
from zfutils.core.errors import Problem
from zfutils.data.manifests import Archive

_BLOCK = 1 << 20  # bytes
_PATIENCE = 60  # seconds without an answer
_TAR = (".tar", ".tar.gz", ".tgz")
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError)


@dataclass(frozen=True)
class Fetched:
    """An archive that is on disk and checked.

    Attributes:
        path: where it lies.
        digest: its checksum, with the kind of checksum in front.
        origin: `upstream`, or `local copy` where only the mirror folder's own checksum vouches for it.
    """

    path: Path
    digest: str
    origin: str


def fetch(archive: Archive, folder: Path, *, mirror: Path | None = None) -> Fetched:
    """Find or download an archive and check it before anybody uses it.

    A download that was cut off goes on where it was. A file that was checked before is not read again while its size and time
    of change stay the same. Files in a mirror are used where they are.

    Args:
        archive: what to fetch.
        folder: where downloads are kept; made when absent.
        mirror: a folder that holds the archive under its own name. If it has a `SHA256SUMS` that lists the file, that is what
            is checked (a copy of one's own may differ from the published file), else the published checksum.

    Raises:
        Problem: the mirror lacks the file, the download failed (nothing is lost), no one may download it but the user, or the
            checksum is wrong (a download is then kept beside, as `.bad`).
    """
    if mirror is not None:
        return _from_mirror(archive, folder, Path(mirror).expanduser())
    path = folder / archive.name
    if not path.exists():
        _download(archive, path)
    return _recorded(path, folder, "upstream", lambda: _published(path, archive))


def unpack(path: Path, folder: Path) -> Path:
    """Unpack a tar (compressed or not) or a zip into a new folder, whole or not at all.

    A tar inside is unpacked as well, into a folder of its name, without a copy of it on disk. An archive is not trusted: nothing
    in it may be a link or a device, or have a name that leads out of the folder.

    Args:
        path: the archive.
        folder: the folder to make. If it exists, it is taken to be whole and nothing is done.

    Returns:
        The folder.

    Raises:
        Problem: the archive is truncated, damaged, of an unknown kind or not to be trusted, or the disk is full.
    """
    if folder.exists():
        return folder
    fresh = folder.with_name(folder.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    progress.say(f"unpacking {path.name}")
    try:
        with _plain_errors(path, fresh):
            fresh.mkdir(parents=True)
            _unpack_file(path, fresh)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return folder


def _from_mirror(archive: Archive, folder: Path, mirror: Path) -> Fetched:
    """The archive in a mirror folder, checked."""
    path = mirror / archive.name
    if not path.is_file():
        or_download = " or leave MIRROR out to download it" if archive.url else ""
        raise Problem(f"expected {archive.name} in the mirror {mirror}, found no such file; put it there{or_download}")
    own = _own_sums(mirror).get(archive.name)
    if own is None:
        return _recorded(path, folder, "upstream", lambda: _published(path, archive))
    found = _recorded(path, folder, "local copy", lambda: f"sha256:{_sum(path, 'sha256')}")
    if found.digest != f"sha256:{own}":
        raise Problem(f"wrong checksum of {path}: expected {own} (SHA256SUMS beside it), got {found.digest[7:]}; copy the file again")
    return found


def _own_sums(mirror: Path) -> dict[str, str]:
    """File names and checksums that a mirror's SHA256SUMS lists."""
    sums = mirror / "SHA256SUMS"
    lines = [line.split(maxsplit=1) for line in sums.read_text().splitlines() if line.strip()] if sums.exists() else []
    if any(len(line) != 2 for line in lines):
        raise Problem(f"expected lines 'checksum  name' in {sums}, got another; write it again with sha256sum")
    return {name.strip().lstrip("*"): checksum.lower() for checksum, name in lines}


def _published(path: Path, archive: Archive) -> str:
    """Check a file against the published checksums; one that a download made is put aside when it fails."""
    found = _sum(path, "md5")
    if found in archive.md5:
        return f"md5:{found}"
    raise Problem(
        f"wrong checksum of {path}: expected {' or '.join(archive.md5)} ({archive.size or 'unknown'} bytes), "
        f"got {found} ({path.stat().st_size} bytes); fetch the archive again"
    )


def _sum(path: Path, kind: str) -> str:
    """Checksum of a file."""
    if path.stat().st_size > 1e9:
        progress.say(f"checking {path.name}")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def _recorded(path: Path, folder: Path, origin: str, check: Callable[[], str]) -> Fetched:
    """Run `check`, which gives the checksum, or take its earlier answer if the file has not changed since."""
    notes, about = folder / "checked.json", path.stat()
    state = [about.st_size, about.st_mtime_ns]
    known = json.loads(notes.read_text()) if notes.exists() else {}
    note = known.get(str(path.resolve()), {})
    if note.get("state") == state and note["origin"] == origin:
        return Fetched(path, note["digest"], origin)
    found = Fetched(path, check(), origin)
    known[str(path.resolve())] = {"state": state, "digest": found.digest, "origin": origin}
    with paths.whole(notes) as fresh:
        fresh.write_text(json.dumps(known, indent=1, sort_keys=True))
    return found


def _download(archive: Archive, path: Path) -> None:
    """Download to `name.part`, going on where an earlier try stopped; check; rename."""
    if archive.url is None:
        raise Problem(
            f"expected {archive.name} in {path.parent}, found none; its licence wants that you ask for it in person: "
            "see the source in its manifest, then put it there or give MIRROR=folder"
        )
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _transfer(archive, part)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = " ".join(str(error).split())
        raise Problem(
            f"expected to download {archive.name} from {archive.url}, got {reason}; run again to go on, or give MIRROR=folder"
        ) from error
    except OSError as error:
        if paths.is_full(error):
            raise paths.full(part) from error
        raise
    _keep_only_if_right(archive, part, path)


def _keep_only_if_right(archive: Archive, part: Path, path: Path) -> None:
    """Rename a finished download to its own name, or to `.bad` when its checksum is wrong."""
    try:
        _published(part, archive)
    except Problem as problem:
        bad = path.with_name(path.name + ".bad")
        part.replace(bad)
        raise Problem(f"{problem} (what came is kept as {bad.name}; run again, or give MIRROR=folder)") from None
    part.replace(path)


def _transfer(archive: Archive, part: Path) -> None:
    """Copy from the network to the end of `part`."""
    have = part.stat().st_size if part.exists() else 0
    if archive.size is not None and have >= archive.size:
        return  # all there: the checksum decides
    request = urllib.request.Request(archive.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=_PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        return  # nothing after what is there: the checksum decides
    with answer:
        begin = have if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0  # a server may ignore the range and send everything
        coming = int(answer.headers.get("Content-Length") or 0)
        _append(answer, part, begin, coming, archive.name)
    if coming and part.stat().st_size != begin + coming:
        raise http.client.IncompleteRead(b"", begin + coming - part.stat().st_size)


def _append(answer: BinaryIO, part: Path, begin: int, coming: int, name: str) -> None:
    """Write what comes, from byte `begin` on, under a progress bar."""
    total = round((begin + coming) / 1e6)
    shown_at = progress.bar(total=total, text=f"downloading {name}", unit="MB", done=round(begin / 1e6))
    with open(part, "r+b" if begin else "wb") as file, shown_at as shown:
        file.seek(begin)
        while block := answer.read(_BLOCK):
            file.write(block)
            shown.update(len(block) / 1e6)


@contextmanager
def _plain_errors(path: Path, fresh: Path) -> Iterator[None]:
    """Turn the many errors of damaged archives and full disks into Problems."""
    try:
        yield
    except tarfile.FilterError as error:
        raise Problem(f"refused to unpack {path}: {error}; fetch the archive from its publisher") from error
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Problem(f"expected a whole archive at {path}, got a truncated or damaged one ({reason}); fetch it again") from error
    except OSError as error:
        if paths.is_full(error):
            raise paths.full(fresh) from error
        raise


def _unpack_file(path: Path, target: Path) -> None:
    """Unpack by kind."""
    if path.name.endswith(".zip"):
        _unpack_zip(path, target)
    elif path.name.endswith(_TAR):
        with open(path, "rb") as stream:
            _unpack_tar(stream, target, path)
    else:
        raise Problem(f"expected an archive (.zip, {', '.join(_TAR)}), got {path}; give one of these kinds")


def _unpack_zip(path: Path, target: Path) -> None:
    """Unpack a zip, member by member."""
    with zipfile.ZipFile(path) as whole:
        for member in whole.infolist():
            kind = member.external_attr >> 16 & 0o170000  # of Unix zips; 0 elsewhere
            _refuse_to_leave(member.filename, path, plain=kind in (0, 0o100000, 0o040000))
            if member.is_dir():
                (target / member.filename).mkdir(parents=True, exist_ok=True)
            else:
                with whole.open(member) as stream:
                    _put(stream, target, member.filename, path)


def _unpack_tar(stream: BinaryIO, target: Path, path: Path) -> None:
    """Unpack a tar that is read once from front to end, so that one inside another needs no copy on disk."""
    with tarfile.open(fileobj=stream, mode="r|*") as whole:
        for member in whole:
            _refuse_to_leave(member.name, path, plain=member.isreg() or member.isdir())
            if member.isreg() and _is_tar(member.name):
                _put(whole.extractfile(member), target, member.name, path)
            else:
                whole.extract(member, target, filter="data")


def _refuse_to_leave(name: str, path: Path, *, plain: bool) -> None:
    """Stop at a member that is no plain file or folder, or whose name leads elsewhere."""
    windows = PureWindowsPath(name)
    if not plain:
        raise Problem(f"refused to unpack {path}: {name!r} in it is a link or a device; fetch the archive from its publisher")
    if PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise Problem(f"refused to unpack {path}: {name!r} in it leads out of the folder; fetch the archive from its publisher")


def _is_tar(name: str) -> bool:
    """Whether a member is a tar to unpack; the shadow files that macOS adds to zips have such names and are none."""
    member = PurePosixPath(name)
    return member.name.endswith(_TAR) and not member.name.startswith("._") and "__MACOSX" not in member.parts


def _put(stream: BinaryIO, target: Path, name: str, path: Path) -> None:
    """Write one member; if it is a tar, what is in it."""
    place = target / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if _is_tar(name):
        _put_inner(stream, place, path)
        return
    with open(place, "wb") as file:
        shutil.copyfileobj(stream, file, _BLOCK)


def _put_inner(stream: BinaryIO, place: Path, path: Path) -> None:
    """Unpack a tar within an archive into a folder of its name."""
    stem = next(place.name.removesuffix(ending) for ending in _TAR if place.name.endswith(ending))
    inner = place.with_name(stem + ".inner")
    inner.mkdir()
    _unpack_tar(stream, inner, path)
    wrapped = inner / stem  # a tar often holds one folder of its own name
    if os.listdir(inner) == [stem] and wrapped.is_dir():
        wrapped.rename(place.with_name(stem))
        inner.rmdir()
    else:
        inner.rename(place.with_name(stem))
