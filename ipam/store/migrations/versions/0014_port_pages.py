"""Pages of the ports of a network without a look at all of them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_port_network_pk", "port", ["network_pk", "pk"])


def downgrade() -> None:
    op.drop_index("ix_port_network_pk", "port")
