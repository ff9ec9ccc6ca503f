"""Whether the agent of a host keeps its ports from sending from others' addresses."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    column: sa.Column[bool] = sa.Column(
        "port_filter", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("agent", column)


def downgrade() -> None:
    op.drop_column("agent", "port_filter")
