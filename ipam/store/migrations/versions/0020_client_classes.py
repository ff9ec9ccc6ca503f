"""Machines of a subnet that are told apart by what they send."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("subnet", sa.Column("client_classes", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("subnet") as subnet:
        subnet.drop_column("client_classes")
