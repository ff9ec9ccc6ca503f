"""`python -m ipam` is the command line."""

import sys

from ipam.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
