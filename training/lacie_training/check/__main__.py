"""`python -m lacie_training.check`"""

from lacie_training.check.command import main

if __name__ == "__main__":
    raise SystemExit(main())
