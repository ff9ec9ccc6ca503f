"""The page that shows what was found, between two marks of its own."""

import argparse
from pathlib import Path


def path(text: str) -> Path:
    """The page as an option names it. Refused before the run that it is to show."""
    page = Path(text)
    if not page.is_file():
        raise argparse.ArgumentTypeError(f"{text} is no file. Name the page that has the table.")
    return page


def put(page: Path, mark: str, table: str) -> None:
    """Put the table between `<!-- mark -->` and `<!-- end of mark -->`, or at the end."""
    before, _, rest = page.read_text().partition(f"<!-- {mark} -->")
    _, _, after = rest.partition(f"<!-- end of {mark} -->")
    page.write_text(f"{before}<!-- {mark} -->\n\n{table}\n\n<!-- end of {mark} -->{after}")
