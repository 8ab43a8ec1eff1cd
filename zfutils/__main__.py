"""`python -m zfutils <verb>`."""

import os
import signal
import sys

from zfutils.core import subprocesses
from zfutils.run.command_line import main

_ENDING = (signal.SIGTERM, signal.SIGHUP)  # of `kill`, and of a terminal that is closed


def _stop_as_ctrl_c_does() -> None:
    """Let `kill` and a closed terminal stop a run with what it has started, as Ctrl-C does; what is ignored, as under `nohup`, stays so."""
    for sent in _ENDING:
        if signal.getsignal(sent) == signal.SIG_DFL:
            signal.signal(sent, _stop)


def _stop(*about: object) -> None:
    for sent in _ENDING:  # a closed terminal says so twice, and the second must not disturb the end
        signal.signal(sent, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    _stop_as_ctrl_c_does()
    if os.environ.pop(subprocesses.HELD, ""):  # what this command starts has another stdin
        subprocesses.end_with_the_run()
    sys.exit(main())
