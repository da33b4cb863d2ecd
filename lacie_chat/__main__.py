"""`python -m lacie_chat` is `lacie`."""

import sys

from lacie_chat.cli import main

if __name__ == "__main__":
    sys.exit(main())
