"""Members: the files in archives, found once and then read where they lie, so that archives are not unpacked.

Names in archives are never names of files on this machine, so none can lead anywhere. What is compressed as a whole is expanded into
files of our own names first; tars, also inside tars, and zips are read in place, by many processes at once.
"""

import gzip
import os
import posixpath
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from zfutils.core import paths, progress
from zfutils.core.errors import Problem

_BLOCK = 1 << 20  # bytes
_TAR = (".tar", ".tar.gz", ".tgz")
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Member:
    """A file, or a part of one that is a file in an archive.

    Attributes:
        path: of the file on this machine.
        offset: first byte.
        size: bytes there.
        inflated: bytes of the file itself where it is deflated, as in a zip; None where it is not.
        crc: checksum of the file, where the archive has one.
    """

    path: str
    offset: int
    size: int
    inflated: int | None = None
    crc: int | None = None

    def __str__(self) -> str:
        return f"{self.path}, byte {self.offset}" if self.offset else self.path

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            Problem: they are damaged.
        """
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            data = file.read(self.size)
        try:
            # Never more than was announced, whatever an archive holds.
            data = data if self.inflated is None else zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, self.inflated or 1)
        except zlib.error:
            data = b""
        if self.crc is not None and zlib.crc32(data) != self.crc:
            raise Problem(f"expected a whole file at {self}, got a damaged one; fetch the archive again")
        return data


def of_folder(folder: Path) -> dict[str, Member]:
    """All files in a folder by their names relative to it, with /."""
    files = (Path(top) / name for top, _, names in os.walk(folder, followlinks=True) for name in names)
    return {path.relative_to(folder).as_posix(): Member(str(path), 0, path.stat().st_size) for path in files}


def of_archive(path: Path, folder: Path) -> dict[str, Member]:
    """All files in a tar (compressed or not) or a zip, by their names.

    The files of a tar inside count as in a folder of its name. An archive is not trusted: nothing in it may be a link or a device.

    Args:
        path: the archive.
        folder: where what is compressed is expanded; it must be kept for as long as members are read.

    Raises:
        Problem: the archive is truncated, damaged, of an unknown kind or not to be trusted, or the disk is full.
    """
    if not path.name.endswith((".zip", *_TAR)):
        raise Problem(f"expected an archive (.zip, {', '.join(_TAR)}), got {path}; give one of these kinds")
    progress.say(f"looking through {path.name}")
    with _plain_errors(path):
        return _in_zip(path, folder) if path.name.endswith(".zip") else _in_tar(Member(str(path), 0, path.stat().st_size), folder)


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Turn the many errors of damaged archives into Problems."""
    try:
        yield
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Problem(f"expected a whole archive at {path}, got a truncated or damaged one ({reason}); fetch it again") from error


def _in_zip(path: Path, folder: Path) -> dict[str, Member]:
    """Files of a zip; what is stored or deflated is read in place, tars and files of rarer methods are expanded."""
    files = {}
    with zipfile.ZipFile(path) as whole, open(path, "rb") as file:
        for number, entry in enumerate(whole.infolist()):
            kind = entry.external_attr >> 16 & 0o170000  # of Unix zips; 0 elsewhere
            _refuse_unless(kind in (0, 0o100000, 0o040000), entry.filename, path)
            if entry.is_dir():
                continue
            if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not entry.filename.endswith(_TAR):
                files[PurePosixPath(entry.filename).as_posix()] = _in_place(file, path, entry)
            else:
                with whole.open(entry) as stream:
                    files |= _named(entry.filename, _expanded(stream, folder / f"{path.name}.{number}"), folder)
    return files


def _in_place(file: BinaryIO, path: Path, entry: zipfile.ZipInfo) -> Member:
    """A file of a zip where it lies: after a header of 30 bytes, its name and extra fields, whose lengths stand in the header."""
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04" or entry.flag_bits & 1:
        raise zipfile.BadZipFile(f"no plain file at {entry.filename!r}")
    start = entry.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    inflated = entry.file_size if entry.compress_type == zipfile.ZIP_DEFLATED else None
    return Member(str(path), start, entry.compress_size, inflated, entry.CRC)


def _in_tar(archive: Member, folder: Path) -> dict[str, Member]:
    """Files of a tar, which is read in place unless it is compressed."""
    files, end = {}, archive.offset + archive.size
    with open(archive.path, "rb") as file:
        file.seek(archive.offset)
        if file.peek(2)[:2] == b"\x1f\x8b":
            name = f"{Path(archive.path).name}.{archive.offset}"
            with gzip.open(file) as stream:
                return _in_tar(_expanded(stream, folder / name), folder)
        with tarfile.open(fileobj=file, mode="r:") as whole:
            for entry in whole:
                if entry.offset_data + entry.size > end:
                    raise tarfile.ReadError("unexpected end of data")
                _refuse_unless(entry.isdir() or entry.isreg() and not entry.issparse(), entry.name, Path(archive.path))
                if entry.isreg():
                    files |= _named(entry.name, Member(archive.path, entry.offset_data, entry.size), folder)
    return files


def _refuse_unless(plain: bool, name: str, path: Path) -> None:
    if not plain:
        raise Problem(f"refused to read {path}: {name!r} in it is a link or a device; fetch the archive from its publisher")


def _expanded(stream: BinaryIO, target: Path) -> Member:
    """A stream as a file, which an earlier run may have made."""
    if not target.exists():
        with paths.whole(target) as fresh, open(fresh, "wb") as file:
            shutil.copyfileobj(stream, file, _BLOCK)
    return Member(str(target), 0, target.stat().st_size)


def _named(name: str, member: Member, folder: Path) -> dict[str, Member]:
    """A member by its name; if it is a tar, what is in it."""
    plain = PurePosixPath(name)
    if not plain.name.endswith(_TAR) or plain.name.startswith("._") or "__MACOSX" in plain.parts:  # shadows that macOS adds are no tars
        return {plain.as_posix(): member}
    stem = plain.with_name(next(plain.name.removesuffix(ending) for ending in _TAR[::-1] if plain.name.endswith(ending)))
    inside = _in_tar(member, folder)
    wrapped = all(name.startswith(f"{stem.name}/") for name in inside)  # a tar often holds one folder of its own name
    return {posixpath.join(stem.parent if wrapped else stem, name): file for name, file in inside.items()}
