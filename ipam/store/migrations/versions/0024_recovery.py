"""What is known after a backup was restored, until the agents have told what they hold."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TEXT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def upgrade() -> None:
    op.create_table(
        "recovery",
        sa.Column(
            "pk",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("restored_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_us", sa.BigInteger()),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_recovery"),
        sa.UniqueConstraint("id", name="uq_recovery_id"),
        **_TEXT,
    )
    op.create_table(
        "recovery_report",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "contents",
            sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("host", "part", name="pk_recovery_report"),
        **_TEXT,
    )
    op.add_column("agent", sa.Column("recovery_id", sa.String(length=36)))


def downgrade() -> None:
    op.drop_column("agent", "recovery_id")
    op.drop_table("recovery_report")
    op.drop_table("recovery")
