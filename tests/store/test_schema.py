"""The migrations make what the tables say, on each database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from ipam.store import schema
from ipam.store.engine.database import Database


@pytest.fixture
def bare(empty_database_url: Callable[[], str]) -> Iterator[Database]:
    database = Database(empty_database_url())
    yield database
    database.dispose()


def test_an_empty_database_has_no_revision_and_is_not_current(bare: Database) -> None:
    assert schema.current(bare) is None
    assert not schema.is_current(bare)


def test_upgrade_makes_exactly_the_tables_of_the_program(bare: Database) -> None:
    schema.upgrade(bare)
    assert schema.is_current(bare)
    assert schema.check(bare) == []


def test_upgrade_twice_changes_nothing(bare: Database) -> None:
    schema.upgrade(bare)
    schema.upgrade(bare)
    assert schema.is_current(bare)


def test_downgrade_to_base_leaves_no_table_behind(bare: Database) -> None:
    schema.upgrade(bare)
    schema.downgrade(bare, "base")
    assert sqlalchemy.inspect(bare.engine).get_table_names() == ["alembic_version"]
    assert schema.current(bare) is None


def test_check_names_a_column_that_is_missing(bare: Database) -> None:
    schema.upgrade(bare)
    drop = sqlalchemy.text("ALTER TABLE agent DROP COLUMN topic")
    bare.write(lambda tx: tx.execute(drop))
    assert any("topic" in difference for difference in schema.check(bare))


def test_head_is_the_newest_migration_in_the_package() -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # dear, and only here

    scripts = ScriptDirectory(str(Path(schema.__file__).with_name("migrations")))
    assert scripts.get_heads() == [schema.HEAD]


def test_a_new_sqlite_file_and_what_sqlite_puts_beside_it_are_private(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ipam.sqlite")
    schema.upgrade(database)
    database.read(lambda tx: tx.execute(sqlalchemy.text("SELECT 1")))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.dispose()
    assert modes
    assert set(modes.values()) == {0o600}, modes
