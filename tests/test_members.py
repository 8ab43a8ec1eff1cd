"""Members: every file of an archive is found and read where it lies, and an archive that is wrong is refused."""

import gzip
import io
import tarfile
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.layouts import tar, tgz, zipped
from tests.test_download import CONTENT, limited
from zfutils.core.errors import Problem
from zfutils.data import members
from zfutils.data.members import Member


def found(tmp_path, name: str, content: bytes) -> dict[str, Member]:
    (tmp_path / name).write_bytes(content)
    return members.of_archive(tmp_path / name, tmp_path / "expanded")


def contents(files: dict[str, Member]) -> dict[str, bytes]:
    return {name: member.read() for name, member in files.items()}


FILES = {"top/a.txt": b"a", "top/deep/b.txt": b"b" * 100_000}


@pytest.mark.parametrize(
    ("name", "content"), [("x.tar", tar(FILES)), ("x.tgz", tgz(FILES)), ("x.tar.gz", tgz(FILES)), ("x.zip", zipped(FILES))]
)
def test_every_kind_is_read(tmp_path, name, content):
    files = found(tmp_path, name, content)
    assert contents(files) == FILES
    assert contents(members.of_archive(tmp_path / name, tmp_path / "expanded")) == FILES, "again, with what is expanded already"


def test_tars_and_tars_in_them_are_read_in_place(tmp_path):
    inner = {"w1.tar": tar({"p.jpg": b"1"}), "w2.tar": tar({"p.jpg": b"2", "./q.jpg": b"3"})}
    files = found(tmp_path, "x.tar", tar(inner))
    assert contents(files) == {"w1/p.jpg": b"1", "w2/p.jpg": b"2", "w2/q.jpg": b"3"}
    assert {member.path for member in files.values()} == {str(tmp_path / "x.tar")}
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar"]


def test_members_are_read_by_many_processes(tmp_path):
    files = found(tmp_path, "x.tar", tar({f"{n}.tar": tar({f"{n}.txt": bytes([n]) * 600}) for n in range(8)}))
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        assert list(pool.map(Member.read, files.values())) == [bytes([n]) * 600 for n in range(8)]


def test_tar_inside_a_zip_that_holds_its_own_folder_gets_no_second_one(tmp_path):
    inner = tgz({"sets/cat/1.jpg": b"1"})
    assert contents(found(tmp_path, "x.zip", zipped({"up/sets.tar.gz": inner}))) == {"up/sets/cat/1.jpg": b"1"}


def test_shadow_files_of_macos_are_no_archives(tmp_path):
    files = {"__MACOSX/up/._sets.tar.gz": b"Mac", "up/._more.tar": b"Mac"}
    assert contents(found(tmp_path, "x.zip", zipped(files))) == files


def test_files_of_a_folder_have_names_relative_to_it(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.txt").write_bytes(b"c")
    assert contents(members.of_folder(tmp_path)) == {"a/b/c.txt": b"c"}
    assert str(members.of_folder(tmp_path)["a/b/c.txt"]).endswith("c.txt")


def linked(kind: bytes, target: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        member = tarfile.TarInfo("innocent")
        member.type, member.linkname = kind, target
        made.addfile(member)
    return out.getvalue()


def linked_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        member = zipfile.ZipInfo("innocent")
        member.external_attr = 0o120777 << 16
        made.writestr(member, "/etc/passwd")
    return out.getvalue()


@pytest.mark.parametrize("leading", ["../out.txt", "a/../../out.txt", "/tmp/zfutils-out.txt", "..\\out.txt", "C:/out.txt"])
@pytest.mark.parametrize("pack", [tar, tgz, zipped, lambda files: zipped({"in.tgz": tgz(files)})], ids=["tar", "tgz", "zip", "tgz in zip"])
def test_a_name_that_leads_out_writes_nothing_there(tmp_path, leading, pack):
    name = "x.zip" if zipfile.is_zipfile(io.BytesIO(pack({leading: b"x"}))) else "x.tar"
    (tmp_path / "in").mkdir()
    files = found(tmp_path / "in", name, pack({leading: b"x"}))
    assert list(contents(files).values()) == [b"x"]
    assert {path.parent.name for path in tmp_path.rglob("*") if path.is_file()} <= {"in", "expanded"}
    assert [path.name for path in tmp_path.iterdir()] == ["in"] and not any(path.name.endswith("out.txt") for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.tar", linked(tarfile.SYMTYPE, "/etc/passwd")),
        ("x.tar", linked(tarfile.SYMTYPE, "beside")),
        ("x.tar", linked(tarfile.LNKTYPE, "../out.txt")),
        ("x.tar", linked(tarfile.CHRTYPE, "")),
        ("x.tar", linked(tarfile.FIFOTYPE, "")),
        ("x.zip", linked_zip()),
    ],
)
def test_links_and_devices_are_refused(tmp_path, name, content):
    with pytest.raises(Problem, match="refused to read.*link or a device"):
        found(tmp_path, name, content)


NOISE = {"noise.bin": gzip.compress(CONTENT) * 20}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.tgz", tgz(NOISE)[:-5000]),
        ("x.tar", tar(NOISE)[:50_000]),
        ("x.tar", tar({"in.tar": tar(NOISE)[:50_000], "more": b"x" * 9_000_000})),
        ("x.zip", zipped(NOISE)[:-3000]),
        ("x.zip", zipped({"in.tar.gz": tgz(NOISE)[:-5000]})),
        ("x.tgz", b""),
        ("x.tgz", b"<html>not found</html>" * 100),
        ("x.zip", b"<html>not found</html>"),
    ],
)
def test_truncated_or_damaged_archive_leaves_nothing_half_expanded(tmp_path, name, content):
    with pytest.raises(Problem, match="expected a whole archive at .*fetch it again"):
        found(tmp_path, name, content)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name.startswith(".")]


def test_unknown_kind_is_said(tmp_path):
    with pytest.raises(Problem, match="expected an archive"):
        found(tmp_path, "x.rar", b"")


def test_full_disk_while_expanding_is_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "x.tgz").write_bytes(tgz({"big": CONTENT}))
    code = (
        "import sys, pathlib; from zfutils.data import members; p = pathlib.Path(sys.argv[1]); members.of_archive(p / 'x.tgz', p / 'out')"
    )
    run = limited(code, str(tmp_path))
    assert "Problem: no room to write" in run.stderr and run.returncode == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["out", "x.tgz"]
