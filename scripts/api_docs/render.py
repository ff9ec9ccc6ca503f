"""Renders the page from an application that exists only for this."""

from scripts.api_docs import extensions
from scripts.api_docs.examples import EXAMPLES
from scripts.api_docs.page import page
from scripts.api_docs.running import fresh_api, run


def render() -> str:
    """docs/api.md."""
    with fresh_api() as api:
        return page(api, run(api, EXAMPLES), extensions.table())
