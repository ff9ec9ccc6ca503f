"""Ranges of subnets of which addresses are given only by name."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import VARBINARY

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Address = sa.LargeBinary(16).with_variant(VARBINARY(16), "mysql", "mariadb")
Pk = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "static_range",
        sa.Column("subnet_pk", Pk, nullable=False),
        sa.Column("first", Address, nullable=False),
        sa.Column("last", Address, nullable=False),
        sa.Column("label", sa.String(length=64), server_default="", nullable=False),
        sa.Column("owner", sa.String(length=255), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["subnet_pk"], ["subnet.pk"], name="fk_static_range_subnet_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnet_pk", "first", name="pk_static_range"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )


def downgrade() -> None:
    op.drop_table("static_range")
