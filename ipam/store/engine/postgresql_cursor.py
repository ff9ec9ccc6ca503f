"""The cursor of psycopg as SQLAlchemy uses it here. Import this only where PostgreSQL is used."""

from typing import Any

from psycopg import Cursor

from ipam.store.engine.kept_statements import OFTEN, PREPARED_LENGTH_MAX


class LeanCursor(Cursor[Any]):
    """Has few long statements prepared, and describes columns by name and type alone."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        if len(query) > PREPARED_LENGTH_MAX and OFTEN not in query:
            options["prepare"] = False
        return super().execute(query, params, **options)

    @property
    def description(self) -> Any:
        """A tuple of seven for each column, as DB-API says; None if there are no columns.

        psycopg makes an object of each column, which looks its type up: a tenth of the price of a
        statement that reads a port. SQLAlchemy reads the name, and the type if it does not know
        it.
        """
        result = self.pgresult
        if result is None or not result.nfields:
            return None
        name, kind = result.fname, result.ftype
        return [
            ((name(n) or b"").decode(), kind(n), None, None, None, None, None)
            for n in range(result.nfields)
        ]
