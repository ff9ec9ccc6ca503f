"""Marks for tests that do not run on all databases."""

import pytest

on_servers = pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
"""For what only a server can do: be away, or hold two writers."""
