"""What tests in a real browser share: Chromium, a server of a folder, and why they are skipped where there is no browser."""

import functools
import http.server
import importlib.util
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
MARKS = [
    pytest.mark.skipif(
        importlib.util.find_spec("axe_playwright_python") is None, reason="playwright is not installed; pip install -r requirements.txt"
    ),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; apt-get install chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def browser_test(test):
    """A test that needs a browser; where there is none it says so."""
    return functools.reduce(lambda marked, mark: mark(marked), MARKS, test)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *told):
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on this machine, for as long as it is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chromium() -> Iterator:
    """The browser, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield opened
        finally:
            opened.close()


def watched(page, address: str) -> list[str]:
    """What a page complains of, a list that grows: errors of the console and of scripts, and what is asked of other hosts."""
    complaints = []

    def asked(request) -> None:
        if not request.url.startswith((address, "data:", f"blob:{address}")):
            complaints.append(request.url)

    page.on("console", lambda message: complaints.append(f"{message.text} {message.location}") if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", asked)
    return complaints


def quiet_page(browser, address: str):
    """A new page of a desk's width, and in `page.complaints` what it complains of."""
    page = browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme="light")
    page.complaints = watched(page, address)
    return page
