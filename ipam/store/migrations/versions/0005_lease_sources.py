"""Who said that a lease began or ended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "lease_event",
        sa.Column("source", sa.String(length=16), server_default="hook", nullable=False),
    )


def downgrade() -> None:
    with op.batch_alter_table("lease_event") as table:
        table.drop_column("source")
