"""Which free address of a subnet a port gets."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("subnet") as table:
        table.add_column(
            sa.Column(
                "address_selection",
                sa.String(32),
                nullable=False,
                server_default="least-recently-used",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("subnet") as table:
        table.drop_column("address_selection")
