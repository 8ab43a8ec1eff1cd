"""`python -m zfutils <verb>`."""

import signal
import sys

from zfutils.run.command_line import main


def _stop_as_ctrl_c_does() -> None:
    """Let `kill` and a closed terminal stop a run as Ctrl-C does, with what it has started; `nohup` still keeps it going."""
    for sent in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sent) == signal.SIG_DFL:
            signal.signal(sent, signal.default_int_handler)


if __name__ == "__main__":
    _stop_as_ctrl_c_does()
    sys.exit(main())
