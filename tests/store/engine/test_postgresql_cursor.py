"""psycopg's cursor as the product sets it up, on a real server."""

from typing import Any

import pytest
from psycopg import Cursor
from sqlalchemy import text

from ipam.store.engine.database import Database
from ipam.store.engine.kept_statements import OFTEN, PREPARED_LENGTH_MAX

pytestmark = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)


def test_postgresql_prepares_no_long_statement_but_what_is_marked(database: Database) -> None:
    prepared = "SELECT statement FROM pg_prepared_statements"
    long = "SELECT 1 /* " + "x" * PREPARED_LENGTH_MAX + " */"
    marked = f"{long} {OFTEN}"
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        for _ in range(10):
            connection.execute(text(long))
            connection.execute(text(marked))
            connection.execute(text("SELECT 2"))
        texts = [row[0] for row in connection.execute(text(prepared))]
    assert {"SELECT 2", marked} <= set(texts)
    assert max(len(each) for each in texts if each != marked) <= PREPARED_LENGTH_MAX


@pytest.mark.parametrize("query", ['SELECT 1 AS "ü", now() AS at', "SELECT", "SET x.y = 'z'"])
def test_columns_have_the_names_and_types_that_psycopg_says(
    database: Database, query: str
) -> None:
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        ours, theirs = driver.cursor().execute(query), Cursor(driver).execute(query)
        described = [(each.name, each.type_code) for each in theirs.description or ()]
        assert [each[:2] for each in ours.description or ()] == described
        assert all(len(each) == 7 for each in ours.description or ())
