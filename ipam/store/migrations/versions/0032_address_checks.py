"""Questions about who uses addresses."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def upgrade() -> None:
    op.create_table(
        "address_check",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("network_pk", PK, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("ip_addresses", sa.JSON(), nullable=False),
        sa.Column("hosts", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_pk"],
            ["network.pk"],
            name="fk_address_check_network_pk",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pk", name="pk_address_check"),
        sa.UniqueConstraint("id", name="uq_address_check_id"),
        **TEXT,
    )
    op.create_index("ix_address_check_network_pk", "address_check", ["network_pk"])
    op.create_index("ix_address_check_asked_at", "address_check", ["asked_at"])


def downgrade() -> None:
    op.drop_table("address_check")
