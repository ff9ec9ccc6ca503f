"""The link of its bridge from which a machine asks that a DHCP server refuses."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "dhcp_refusal", sa.Column("tap", sa.String(length=64), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("dhcp_refusal", "tap")
