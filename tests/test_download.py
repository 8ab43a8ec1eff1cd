"""Archives are fetched and checked; nothing that is wrong gets through, and nothing half-done stays."""

import functools
import hashlib
import http.server
import resource
import subprocess
import sys
import threading

import pytest

from zfutils.core.errors import Problem
from zfutils.data import download
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
    found = download.fetch(archive(url=url), tmp_path / "new")
    assert found.path == tmp_path / "new" / "a.bin" and found.path.read_bytes() == CONTENT
    assert (found.origin, found.digest) == ("upstream", f"md5:{md5(CONTENT)}")
    assert not list(found.path.parent.glob("*.part"))


def test_second_fetch_asks_nobody_and_reads_nothing(tmp_path, served, monkeypatch):
    url, asked = served()
    first = download.fetch(archive(url=url), tmp_path)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert download.fetch(archive(url=url), tmp_path) == first and len(asked) == 1


def test_a_changed_file_is_checked_again(tmp_path, served):
    url, _ = served()
    found = download.fetch(archive(url=url), tmp_path)
    found.path.write_bytes(b"other")
    with pytest.raises(Problem, match="wrong checksum"):
        download.fetch(archive(url=url), tmp_path)


def test_download_that_was_cut_off_goes_on_where_it_was(tmp_path, served):
    broken, _ = served(cut=1_500_000)
    with pytest.raises(Problem, match="run again to go on"):
        download.fetch(archive(url=broken), tmp_path)
    assert (tmp_path / "a.bin.part").stat().st_size == 1_500_000 and not (tmp_path / "a.bin").exists()
    whole, asked = served()
    assert download.fetch(archive(url=whole), tmp_path).path.read_bytes() == CONTENT
    assert asked == ["bytes=1500000-"]


def test_server_without_ranges_starts_over(tmp_path, served):
    (tmp_path / "a.bin.part").write_bytes(b"x" * 1000)
    url, asked = served(ranges=False)
    assert download.fetch(archive(url=url), tmp_path).path.read_bytes() == CONTENT
    assert asked == ["bytes=1000-"]


@pytest.mark.parametrize("size", [len(CONTENT), None], ids=["size known", "size unknown"])
def test_download_that_was_complete_but_not_renamed_is_used(tmp_path, served, size):
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    url, _ = served()
    assert download.fetch(Archive("a.bin", (md5(CONTENT),), url=url, size=size), tmp_path).path.read_bytes() == CONTENT


def test_wrong_checksum_is_kept_aside_as_bad(tmp_path, served):
    url, _ = served()
    with pytest.raises(Problem, match=r"wrong checksum.*expected 0123.*kept as a\.bin\.bad"):
        download.fetch(Archive("a.bin", ("0123",), url=url), tmp_path)
    assert (tmp_path / "a.bin.bad").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin.bad"]


def test_unreachable_server_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(Problem, match=r"expected to download a\.bin.*MIRROR=folder") as caught:
        download.fetch(archive(url="http://127.0.0.1:9/a.bin"), tmp_path)
    assert "\n" not in str(caught.value)


def test_archive_that_must_be_asked_for_says_so_until_it_is_there(tmp_path):
    with pytest.raises(Problem, match="ask for it in person"):
        download.fetch(archive(), tmp_path)
    (tmp_path / "a.bin").write_bytes(CONTENT)
    assert download.fetch(archive(), tmp_path).origin == "upstream"


def test_older_published_copy_is_accepted(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"older")
    assert download.fetch(archive(older=(md5(b"older"),)), tmp_path).digest == f"md5:{md5(b'older')}"


def test_mirror_is_checked_by_its_own_sums_and_used_in_place(tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "a.bin").write_bytes(b"my own copy")
    (mirror / "SHA256SUMS").write_text(f"{hashlib.sha256(b'my own copy').hexdigest()}  a.bin\n", encoding="utf-8")
    found = download.fetch(archive(), tmp_path / "kept", mirror=mirror)
    assert (found.path, found.origin) == (mirror / "a.bin", "local copy")
    (mirror / "SHA256SUMS").write_text(f"{'0' * 64} *a.bin\n", encoding="utf-8")
    with pytest.raises(Problem, match="wrong checksum.*SHA256SUMS"):
        download.fetch(archive(), tmp_path / "kept", mirror=mirror)


def test_mirror_without_sums_must_hold_the_published_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(CONTENT)
    assert download.fetch(archive(), tmp_path / "kept", mirror=tmp_path).origin == "upstream"
    (tmp_path / "a.bin").write_bytes(b"my own copy")
    with pytest.raises(Problem, match="wrong checksum"):
        download.fetch(archive(), tmp_path / "kept", mirror=tmp_path)
    assert (tmp_path / "a.bin").exists()  # what is not ours is never moved


def test_mirror_without_the_file_is_said(tmp_path, served):
    url, asked = served()
    with pytest.raises(Problem, match=r"expected a\.bin in the mirror .*leave MIRROR out to download it"):
        download.fetch(archive(url=url), tmp_path / "kept", mirror=tmp_path)
    assert asked == []


def test_mirror_with_damaged_sums_is_said(tmp_path):
    (tmp_path / "a.bin").write_bytes(CONTENT)
    (tmp_path / "SHA256SUMS").write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(Problem, match="SHA256SUMS"):
        download.fetch(archive(), tmp_path / "kept", mirror=tmp_path)


def limited(code: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run code whose files may not grow over 100 kB."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    return subprocess.run([sys.executable, "-B", "-c", code, *arguments], capture_output=True, text=True, preexec_fn=limit)


def test_full_disk_while_downloading_is_one_line_and_resumable(tmp_path, served):
    url, _ = served()
    code = (
        "import sys, pathlib; from zfutils.data import download; from zfutils.data.manifests import Archive;"
        "download.fetch(Archive('a.bin', (sys.argv[2],), url=sys.argv[3]), pathlib.Path(sys.argv[1]))"
    )
    run = limited(code, str(tmp_path), md5(CONTENT), url)
    assert "Problem: no room to write" in run.stderr and not (tmp_path / "a.bin").exists()
    assert download.fetch(archive(url=url), tmp_path).path.read_bytes() == CONTENT
