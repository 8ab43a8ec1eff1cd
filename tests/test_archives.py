"""Archives: fetched, checked and unpacked; nothing that is wrong gets through, and nothing half-done stays."""

import functools
import gzip
import hashlib
import http.server
import io
import resource
import subprocess
import sys
import tarfile
import threading
import zipfile

import pytest

from tests.layouts import tar, tgz, zipped
from zfutils.core.errors import Problem
from zfutils.data import archives
from zfutils.data.manifests import Archive

CONTENT = bytes(range(256)) * 9000  # 2.3 MB: more than one block


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def archive(content: bytes = CONTENT, url: str | None = None, name: str = "a.bin", *, older: tuple[str, ...] = ()) -> Archive:
    return Archive(name, (md5(content), *older), url=url, size=len(content))


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; `ranges` off: as a server that cannot go on in the middle; `cut`: closes after so many bytes."""

    ranges, cut = True, None
    asked: list = []

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        begin = int(wanted[6:-1]) if wanted and self.ranges else 0
        if begin >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if wanted and self.ranges else 200)
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        self.wfile.write(CONTENT[begin : self.cut])

    def log_message(self, *args):
        """Stay quiet."""


@pytest.fixture
def served(monkeypatch):
    """Start a server of a kind; gives its address and the ranges that it was asked for."""
    monkeypatch.setenv("no_proxy", "*")
    servers = []

    def start(**kind):
        handler = type("Kind", (Server,), {"asked": [], **kind})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=functools.partial(server.serve_forever, 0.01), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/a.bin", handler.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_download_is_checked_and_kept_under_its_name(tmp_path, served):
    url, _ = served()
    found = archives.fetch(archive(url=url), tmp_path / "new")
    assert found.path == tmp_path / "new" / "a.bin" and found.path.read_bytes() == CONTENT
    assert (found.origin, found.digest) == ("upstream", f"md5:{md5(CONTENT)}")
    assert not list(found.path.parent.glob("*.part"))


def test_second_fetch_asks_nobody_and_reads_nothing(tmp_path, served, monkeypatch):
    url, asked = served()
    first = archives.fetch(archive(url=url), tmp_path)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert archives.fetch(archive(url=url), tmp_path) == first and len(asked) == 1


def test_a_changed_file_is_checked_again(tmp_path, served):
    url, _ = served()
    found = archives.fetch(archive(url=url), tmp_path)
    found.path.write_bytes(b"other")
    with pytest.raises(Problem, match="wrong checksum"):
        archives.fetch(archive(url=url), tmp_path)


def test_download_that_was_cut_off_goes_on_where_it_was(tmp_path, served):
    broken, _ = served(cut=1_500_000)
    with pytest.raises(Problem, match="run again to go on"):
        archives.fetch(archive(url=broken), tmp_path)
    assert (tmp_path / "a.bin.part").stat().st_size == 1_500_000 and not (tmp_path / "a.bin").exists()
    whole, asked = served()
    assert archives.fetch(archive(url=whole), tmp_path).path.read_bytes() == CONTENT
    assert asked == ["bytes=1500000-"]


def test_server_without_ranges_starts_over(tmp_path, served):
    (tmp_path / "a.bin.part").write_bytes(b"x" * 1000)
    url, asked = served(ranges=False)
    assert archives.fetch(archive(url=url), tmp_path).path.read_bytes() == CONTENT
    assert asked == ["bytes=1000-"]


@pytest.mark.parametrize("size", [len(CONTENT), None], ids=["size known", "size unknown"])
def test_download_that_was_complete_but_not_renamed_is_used(tmp_path, served, size):
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    url, _ = served()
    assert archives.fetch(Archive("a.bin", (md5(CONTENT),), url=url, size=size), tmp_path).path.read_bytes() == CONTENT


def test_wrong_checksum_is_kept_aside_as_bad(tmp_path, served):
    url, _ = served()
    with pytest.raises(Problem, match=r"wrong checksum.*expected 0123.*kept as a\.bin\.bad"):
        archives.fetch(Archive("a.bin", ("0123",), url=url), tmp_path)
    assert (tmp_path / "a.bin.bad").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin.bad"]


def test_unreachable_server_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(Problem, match=r"expected to download a\.bin.*MIRROR=folder") as caught:
        archives.fetch(archive(url="http://127.0.0.1:9/a.bin"), tmp_path)
    assert "\n" not in str(caught.value)


def test_archive_that_must_be_asked_for_says_so_until_it_is_there(tmp_path):
    with pytest.raises(Problem, match="ask for it in person"):
        archives.fetch(archive(), tmp_path)
    (tmp_path / "a.bin").write_bytes(CONTENT)
    assert archives.fetch(archive(), tmp_path).origin == "upstream"


def test_older_published_copy_is_accepted(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"older")
    assert archives.fetch(archive(older=(md5(b"older"),)), tmp_path).digest == f"md5:{md5(b'older')}"


def test_mirror_is_checked_by_its_own_sums_and_used_in_place(tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "a.bin").write_bytes(b"my own copy")
    (mirror / "SHA256SUMS").write_text(f"{hashlib.sha256(b'my own copy').hexdigest()}  a.bin\n")
    found = archives.fetch(archive(), tmp_path / "kept", mirror=mirror)
    assert (found.path, found.origin) == (mirror / "a.bin", "local copy")
    (mirror / "SHA256SUMS").write_text(f"{'0' * 64} *a.bin\n")
    with pytest.raises(Problem, match="wrong checksum.*SHA256SUMS"):
        archives.fetch(archive(), tmp_path / "kept", mirror=mirror)


def test_mirror_without_sums_must_hold_the_published_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(CONTENT)
    assert archives.fetch(archive(), tmp_path / "kept", mirror=tmp_path).origin == "upstream"
    (tmp_path / "a.bin").write_bytes(b"my own copy")
    with pytest.raises(Problem, match="wrong checksum"):
        archives.fetch(archive(), tmp_path / "kept", mirror=tmp_path)
    assert (tmp_path / "a.bin").exists()  # what is not ours is never moved


def test_mirror_without_the_file_is_said(tmp_path, served):
    url, asked = served()
    with pytest.raises(Problem, match=r"expected a\.bin in the mirror .*leave MIRROR out to download it"):
        archives.fetch(archive(url=url), tmp_path / "kept", mirror=tmp_path)
    assert asked == []


def test_mirror_with_damaged_sums_is_said(tmp_path):
    (tmp_path / "a.bin").write_bytes(CONTENT)
    (tmp_path / "SHA256SUMS").write_text("nonsense\n")
    with pytest.raises(Problem, match="SHA256SUMS"):
        archives.fetch(archive(), tmp_path / "kept", mirror=tmp_path)


def unpacked(tmp_path, name: str, content: bytes) -> dict[str, bytes]:
    (tmp_path / name).write_bytes(content)
    folder = archives.unpack(tmp_path / name, tmp_path / "out")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


FILES = {"top/a.txt": b"a", "top/deep/b.txt": b"b" * 100_000}


@pytest.mark.parametrize(
    ("name", "content"), [("x.tar", tar(FILES)), ("x.tgz", tgz(FILES)), ("x.tar.gz", tgz(FILES)), ("x.zip", zipped(FILES))]
)
def test_every_kind_is_unpacked(tmp_path, name, content):
    assert unpacked(tmp_path, name, content) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out"])


def test_unpacking_again_does_nothing(tmp_path):
    unpacked(tmp_path, "x.zip", zipped(FILES))
    (tmp_path / "out" / "mark").write_text("kept")
    assert "mark" in unpacked(tmp_path, "x.zip", b"not even an archive")


def test_tar_inside_is_unpacked_into_a_folder_of_its_name(tmp_path):
    inner = {"w1.tar": tar({"p.jpg": b"1"}), "w2.tar": tar({"p.jpg": b"2", "q.jpg": b"3"})}
    assert unpacked(tmp_path, "x.tar", tar(inner)) == {"w1/p.jpg": b"1", "w2/p.jpg": b"2", "w2/q.jpg": b"3"}


def test_tar_inside_a_zip_that_holds_its_own_folder_gets_no_second_one(tmp_path):
    inner = tgz({"sets/cat/1.jpg": b"1"})
    assert unpacked(tmp_path, "x.zip", zipped({"up/sets.tar.gz": inner})) == {"up/sets/cat/1.jpg": b"1"}


def test_shadow_files_of_macos_are_no_archives(tmp_path):
    files = {"__MACOSX/up/._sets.tar.gz": b"Mac", "up/._more.tar": b"Mac"}
    assert unpacked(tmp_path, "x.zip", zipped(files)) == files


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


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.tar", tar({"../out.txt": b"x"}), "leads out"),
        ("x.tar", tar({"a/../../out.txt": b"x"}), "leads out"),
        ("x.tar", tar({"/tmp/out.txt": b"x"}), "leads out"),
        ("x.tar", tar({"..\\out.txt": b"x"}), "leads out"),
        ("x.tar", tar({"C:/out.txt": b"x"}), "leads out"),
        ("x.zip", zipped({"../out.txt": b"x"}), "leads out"),
        ("x.zip", zipped({"/tmp/out.txt": b"x"}), "leads out"),
        ("x.zip", zipped({"in.tar": tar({"../../out.txt": b"x"})}), "leads out"),
        ("x.tar", linked(tarfile.SYMTYPE, "/etc/passwd"), "link or a device"),
        ("x.tar", linked(tarfile.SYMTYPE, "beside"), "link or a device"),
        ("x.tar", linked(tarfile.LNKTYPE, "../out.txt"), "link or a device"),
        ("x.tar", linked(tarfile.CHRTYPE, ""), "link or a device"),
        ("x.tar", linked(tarfile.FIFOTYPE, ""), "link or a device"),
        ("x.zip", linked_zip(), "link or a device"),
    ],
)
def test_archive_that_is_not_to_be_trusted_is_refused_whole(tmp_path, name, content, reason):
    with pytest.raises(Problem, match=f"refused to unpack.*{reason}"):
        unpacked(tmp_path, name, content)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


NOISE = {"noise.bin": gzip.compress(CONTENT) * 20}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.tgz", tgz(NOISE)[:-5000]),
        ("x.tar", tar(NOISE)[:50_000]),
        ("x.zip", zipped(NOISE)[:-3000]),
        ("x.zip", zipped({"in.tar.gz": tgz(NOISE)[:-5000]})),
        ("x.tgz", b""),
        ("x.tgz", b"<html>not found</html>" * 100),
        ("x.zip", b"<html>not found</html>"),
    ],
)
def test_truncated_or_damaged_archive_leaves_nothing(tmp_path, name, content):
    with pytest.raises(Problem, match="expected a whole archive at .*fetch it again"):
        unpacked(tmp_path, name, content)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_unknown_kind_is_said(tmp_path):
    with pytest.raises(Problem, match="expected an archive"):
        unpacked(tmp_path, "x.rar", b"")


def test_leftovers_of_a_killed_unpacking_are_cleared(tmp_path):
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part" / "half").write_text("x")
    assert unpacked(tmp_path, "x.tar", tar(FILES)) == FILES


def limited(code: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run code whose files may not grow over 100 kB."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    return subprocess.run([sys.executable, "-B", "-c", code, *arguments], capture_output=True, text=True, preexec_fn=limit)


def test_full_disk_while_unpacking_is_one_line_and_leaves_nothing(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar({"big": CONTENT}))
    code = "import sys, pathlib; from zfutils.data import archives; p = pathlib.Path(sys.argv[1]); archives.unpack(p / 'x.tar', p / 'out')"
    run = limited(code, str(tmp_path))
    assert "Problem: no room to write" in run.stderr and run.returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.tar"]


def test_full_disk_while_downloading_is_one_line_and_resumable(tmp_path, served):
    url, _ = served()
    code = (
        "import sys, pathlib; from zfutils.data import archives; from zfutils.data.manifests import Archive;"
        "archives.fetch(Archive('a.bin', (sys.argv[2],), url=sys.argv[3]), pathlib.Path(sys.argv[1]))"
    )
    run = limited(code, str(tmp_path), md5(CONTENT), url)
    assert "Problem: no room to write" in run.stderr and not (tmp_path / "a.bin").exists()
    assert archives.fetch(archive(url=url), tmp_path).path.read_bytes() == CONTENT
