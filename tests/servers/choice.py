"""Which databases a test runs on, where it is not all of them."""

import pytest

on_servers = pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
"""For what only a server can do: be away, or hold two writers."""
