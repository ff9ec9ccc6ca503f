"""What counts as the same column type when a database is compared with `ipam.store.tables`."""

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.dialects.mysql import LONGTEXT


def same_type(
    _context: Any, _inspected: Any, _column: Any, found: Any, wanted: Any
) -> bool | None:
    """False (no difference) for types that a database reports under another name.

    None lets Alembic decide. MariaDB's JSON is an alias of LONGTEXT with a check.
    """
    if isinstance(found, LONGTEXT) and isinstance(wanted, JSON):
        return False
    return None
