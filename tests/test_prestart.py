"""The explorer's kernel starts with the server; where it cannot, the page is shown all the same."""

import asyncio
import logging
from types import SimpleNamespace

from zfutils.run import prestart


class Sessions:
    """Sessions of a server, which can open none."""

    async def create_session(self, **asked) -> dict:
        assert asked["path"] == prestart.PAGE and asked["type"] == "notebook"
        raise RuntimeError("no such kernel: python3")


def test_a_kernel_that_cannot_start_is_told_and_stops_nothing(caplog):
    server = SimpleNamespace(session_manager=Sessions(), log=logging.getLogger("a server"))
    with caplog.at_level(logging.WARNING):
        asyncio.run(prestart._start(server))
    (told,) = caplog.records
    assert told.getMessage() == "the explorer's kernel was not started beforehand: no such kernel: python3"
