"""Prints docs/api.md. `scripts/api-docs` writes the file."""

import sys

from scripts.api_docs.render import render

if __name__ == "__main__":
    sys.stdout.write(render())
