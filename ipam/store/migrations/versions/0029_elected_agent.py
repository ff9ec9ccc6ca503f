"""Which agent answers machines behind a network's uplink."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "elected_agent",
        sa.Column("network_pk", PK, autoincrement=False, nullable=False),
        sa.Column("agent_pk", PK, nullable=True),
        sa.Column("elected_at", sa.BigInteger(), nullable=False),
        sa.Column("opens_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("network_pk", name="pk_elected_agent"),
        sa.ForeignKeyConstraint(
            ["network_pk"],
            ["network.pk"],
            name="fk_elected_agent_network_pk",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["agent_pk"], ["agent.pk"], name="fk_elected_agent_agent_pk", ondelete="SET NULL"
        ),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )
    op.create_index("ix_elected_agent_agent_pk", "elected_agent", ["agent_pk"])


def downgrade() -> None:
    op.drop_table("elected_agent")
