"""The name of the user who asked for a change, and indexes on it and on the name of the object."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "audit_event",
        sa.Column("user_name", sa.String(length=255), server_default="", nullable=False),
    )
    # Whoever was not known by Keystone had the name for an id. Of others only the id is known.
    op.execute("UPDATE audit_event SET user_name = user_id")
    for column in ("user_name", "object_name"):
        op.create_index(f"ix_audit_event_{column}", "audit_event", [column, "pk"])


def downgrade() -> None:
    for column in ("object_name", "user_name"):
        op.drop_index(f"ix_audit_event_{column}", "audit_event")
    op.drop_column("audit_event", "user_name")
