"""Where agents wait for wakes; changes of names by network; name servers of a network."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_INDEX, _TABLE = "ix_allocation_event_network_id", "allocation_event"


def upgrade() -> None:
    op.add_column("agent", sa.Column("wake_ip", sa.String(length=45)))
    op.add_column("agent", sa.Column("wake_port", sa.Integer()))
    op.add_column("agent", sa.Column("wake_key", sa.String(length=64)))
    op.add_column("network", sa.Column("dns_servers", sa.JSON()))
    op.create_index(_INDEX, _TABLE, ["network_id", "occurred_at_us"])


def downgrade() -> None:
    op.drop_index(_INDEX, _TABLE)
    with op.batch_alter_table("network") as network:
        network.drop_column("dns_servers")
    for name in ("wake_key", "wake_port", "wake_ip"):
        op.drop_column("agent", name)
