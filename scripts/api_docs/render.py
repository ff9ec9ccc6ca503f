"""The page, from an application that is made for it and gone after it."""

from scripts.api_docs import extensions
from scripts.api_docs.examples import EXAMPLES
from scripts.api_docs.page import page
from scripts.api_docs.running import fresh_api, run


def render() -> str:
    """docs/api.md."""
    with fresh_api() as api:
        return page(api, run(api, EXAMPLES), extensions.table())
