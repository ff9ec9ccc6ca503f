"""Where each network is on an agent's host, as the agent says."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    column: sa.Column[object] = sa.Column("networks", sa.JSON(), nullable=True)
    op.add_column("agent", column)


def downgrade() -> None:
    op.drop_column("agent", "networks")
