"""Renewals of leases that write into no index."""

from collections.abc import Sequence

from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_index("ix_lease_expires_at", "lease")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE lease SET (fillfactor = 45)")


def downgrade() -> None:
    op.create_index("ix_lease_expires_at", "lease", ["expires_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE lease RESET (fillfactor)")
