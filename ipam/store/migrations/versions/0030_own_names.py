"""How a lease's machine calls itself, where its port answers to that, too."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("lease", sa.Column("own_name", sa.String(63), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("lease") as lease:
        lease.drop_column("own_name")
