"""Ranges of subnets that DHCP servers give by themselves, and leases that are to end."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import VARBINARY

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Address = sa.LargeBinary(16).with_variant(VARBINARY(16), "mysql", "mariadb")
Pk = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "dynamic_range",
        sa.Column("subnet_pk", Pk, nullable=False),
        sa.Column("first", Address, nullable=False),
        sa.Column("last", Address, nullable=False),
        sa.ForeignKeyConstraint(
            ["subnet_pk"], ["subnet.pk"], name="fk_dynamic_range_subnet_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnet_pk", "first", name="pk_dynamic_range"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )
    op.create_table(
        "lease_release",
        sa.Column("lease_pk", Pk, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lease_pk"], ["lease.pk"], name="fk_lease_release_lease_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lease_pk", name="pk_lease_release"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )


def downgrade() -> None:
    op.drop_table("lease_release")
    op.drop_table("dynamic_range")
