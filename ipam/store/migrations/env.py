"""Run by Alembic: migrates on the connection that `ipam.store.schema` opened."""

from alembic import context

from ipam.store.migrations.comparison import same_type
from ipam.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=same_type,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
