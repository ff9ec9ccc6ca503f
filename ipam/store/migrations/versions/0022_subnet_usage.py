"""Counters of each subnet's addresses, and what each event of an address changes in them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS = ("uncounted_in", "held_change", "dynamic_change")
NOT_YET = sa.text("uncounted_in IS NOT NULL")
COUNT = """
    INSERT INTO subnet_usage (subnet_pk, owned, used, held, dynamic)
    SELECT subnet.pk, COUNT(ip_address.owner_pk), COUNT(allocation_pool.subnet_pk),
        COUNT(CASE WHEN port.device_id = '' THEN allocation_pool.subnet_pk END),
        COUNT(CASE WHEN port.device_owner = 'dhcp:lease' THEN 1 END)
    FROM subnet
    LEFT JOIN ip_address
        ON ip_address.subnet_pk = subnet.pk AND ip_address.owner_pk IS NOT NULL
    LEFT JOIN port ON port.pk = ip_address.owner_pk
    LEFT JOIN allocation_pool ON allocation_pool.subnet_pk = subnet.pk
        AND ip_address.ip BETWEEN allocation_pool.first AND allocation_pool.last
    GROUP BY subnet.pk
"""


def upgrade() -> None:
    op.create_table(
        "subnet_usage",
        sa.Column("subnet_pk", PK, nullable=False),
        sa.Column("owned", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("dynamic", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subnet_pk"], ["subnet.pk"], name="fk_subnet_usage_subnet_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnet_pk", name="pk_subnet_usage"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )
    op.add_column("allocation_event", sa.Column("uncounted_in", sa.BigInteger()))
    op.add_column("allocation_event", sa.Column("held_change", sa.SmallInteger()))
    op.add_column("allocation_event", sa.Column("dynamic_change", sa.SmallInteger()))
    op.create_index(
        "ix_allocation_event_uncounted_in",
        "allocation_event",
        ["uncounted_in"],
        sqlite_where=NOT_YET,
        postgresql_where=NOT_YET,
    )
    op.execute(COUNT)


def downgrade() -> None:
    op.drop_table("subnet_usage")
    op.drop_index("ix_allocation_event_uncounted_in", "allocation_event")
    for name in COLUMNS:
        op.drop_column("allocation_event", name)
