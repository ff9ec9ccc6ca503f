"""The address at which an agent's host is reached by the tunnels of others."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("agent", sa.Column("tunneling_ip", sa.String(length=45)))


def downgrade() -> None:
    op.drop_column("agent", "tunneling_ip")
