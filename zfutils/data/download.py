"""Download: archives are fetched from their publisher or taken from a mirror folder, and checked."""

import hashlib
import http
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zfutils.core import paths, progress
from zfutils.core.errors import Problem
from zfutils.data.manifests import Archive

_BLOCK = 1 << 20  # bytes
_PATIENCE = 60  # seconds without an answer


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


def keep_weights(mirror: Path, folder: Path) -> list[str]:
    """Copy the weights of nets that a mirror holds, so that they are there when it is left out later.

    Args:
        mirror: a folder; every `.safetensors` in it is taken, and checked where its `SHA256SUMS` lists it.
        folder: where the copies go.

    Returns:
        Names of the files.

    Raises:
        Problem: a wrong checksum, or a full disk.
    """
    sums, kept = _own_sums(mirror), sorted(mirror.glob("*.safetensors"))
    for file in kept:
        content = file.read_bytes()
        if file.name in sums and hashlib.sha256(content).hexdigest() != sums[file.name]:
            raise Problem(f"wrong checksum of {file}: expected {sums[file.name]} (SHA256SUMS beside it); copy the file again")
        if not (folder / file.name).exists() or (folder / file.name).read_bytes() != content:
            with paths.whole(folder / file.name) as fresh:
                fresh.write_bytes(content)
    return [file.name for file in kept]


def _from_mirror(archive: Archive, folder: Path, mirror: Path) -> Fetched:
    """The archive in a mirror folder, checked."""
    path = mirror / archive.name
    if not path.is_file():
        or_download = " or leave MIRROR out to download it" if archive.url else ""
        raise Problem(f"expected {archive.name} in the mirror {mirror}, found no such file; put it there{or_download}")
    own = _own_sums(mirror).get(archive.name)
    if own is None:
        return _recorded(path, folder, "upstream", lambda: _published(path, archive))
    fetched = _recorded(path, folder, "local copy", lambda: f"sha256:{_sum(path, 'sha256')}")
    if fetched.digest != f"sha256:{own}":
        raise Problem(f"wrong checksum of {path}: expected {own} (SHA256SUMS beside it), got {fetched.digest[7:]}; copy the file again")
    return fetched


def _own_sums(mirror: Path) -> dict[str, str]:
    """File names and checksums that a mirror's SHA256SUMS lists."""
    sums = mirror / "SHA256SUMS"
    lines = [line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines() if line.strip()] if sums.exists() else []
    if any(len(line) != 2 for line in lines):
        raise Problem(f"expected lines 'checksum  name' in {sums}, got another; write it again with sha256sum")
    return {name.strip().lstrip("*"): checksum.lower() for checksum, name in lines}


def _published(path: Path, archive: Archive) -> str:
    """Check a file against the published checksums; one that a download made is put aside when it fails."""
    checksum = _sum(path, "md5")
    if checksum in archive.md5:
        return f"md5:{checksum}"
    raise Problem(
        f"wrong checksum of {path}: expected {' or '.join(archive.md5)} ({archive.size or 'unknown'} bytes), "
        f"got {checksum} ({path.stat().st_size} bytes); fetch the archive again"
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
    known = json.loads(notes.read_text(encoding="utf-8")) if notes.exists() else {}
    note = known.get(str(path.resolve()), {})
    if note.get("state") == state and note["origin"] == origin:
        return Fetched(path, note["digest"], origin)
    fetched = Fetched(path, check(), origin)
    known[str(path.resolve())] = {"state": state, "digest": fetched.digest, "origin": origin}
    with paths.whole(notes) as fresh:
        fresh.write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")
    return fetched


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
        with paths.room_for(part):
            _transfer(archive, part)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = " ".join(str(error).split())
        raise Problem(
            f"expected to download {archive.name} from {archive.url}, got {reason}; run again to go on, or give MIRROR=folder"
        ) from error
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
