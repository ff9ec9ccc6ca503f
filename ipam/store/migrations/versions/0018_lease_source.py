"""Where the address of a lease is from: a DHCP server, or the machine that made it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "lease", sa.Column("source", sa.String(length=16), server_default="dhcp", nullable=False)
    )


def downgrade() -> None:
    with op.batch_alter_table("lease") as table:
        table.drop_column("source")
