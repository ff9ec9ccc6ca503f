"""DHCP options, boot settings and lease times of networks and subnets."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = ("network", "subnet")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("dhcp_options", sa.JSON(), nullable=True))
        op.add_column(table, sa.Column("dhcp_boot", sa.JSON(), nullable=True))
        op.add_column(table, sa.Column("lease_time", sa.Integer(), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as changed:
            for column in ("lease_time", "dhcp_boot", "dhcp_options"):
                changed.drop_column(column)
