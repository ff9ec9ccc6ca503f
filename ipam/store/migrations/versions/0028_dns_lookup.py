"""The last question to each agent about names."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("agent", sa.Column("dns_lookup", sa.JSON()))


def downgrade() -> None:
    with op.batch_alter_table("agent") as agent:
        agent.drop_column("dns_lookup")
