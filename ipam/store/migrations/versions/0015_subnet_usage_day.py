"""How many addresses of each subnet were in use on each day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "subnet_usage_day",
        sa.Column("subnet_pk", PK, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subnet_pk"],
            ["subnet.pk"],
            name="fk_subnet_usage_day_subnet_pk",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subnet_pk", "day", name="pk_subnet_usage_day"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )
    op.create_index("ix_subnet_usage_day_day", "subnet_usage_day", ["day"])


def downgrade() -> None:
    op.drop_table("subnet_usage_day")
