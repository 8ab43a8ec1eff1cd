"""`python -m zfutils <verb>`."""

import sys

from zfutils.run.command_line import main

if __name__ == "__main__":
    sys.exit(main())
