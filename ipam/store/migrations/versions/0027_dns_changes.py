"""Which addresses have names in zones elsewhere, and the outbox of changes of these."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def upgrade() -> None:
    published: sa.Column[bool] = sa.Column(
        "dns_publish_fixed_ip", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("subnet", published)
    op.create_index(
        "ix_subnet_dns_publish_fixed_ip",
        "subnet",
        ["dns_publish_fixed_ip"],
        sqlite_where=sa.text("dns_publish_fixed_ip"),
        postgresql_where=sa.text("dns_publish_fixed_ip"),
    )
    op.add_column(
        "port", sa.Column("dns_domain", sa.String(length=255), server_default="", nullable=False)
    )
    op.create_index("ix_port_dns_name", "port", ["dns_name"])
    op.create_table(
        "dns_change",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("zone", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("send_at_us", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=1024), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_dns_change"),
        sa.UniqueConstraint("zone", "name", name="uq_dns_change_zone_name"),
        **TEXT,
    )
    op.create_index("ix_dns_change_zone_send_at_us", "dns_change", ["zone", "send_at_us"])


def downgrade() -> None:
    op.drop_table("dns_change")
    op.drop_index("ix_port_dns_name", "port")
    op.drop_column("port", "dns_domain")
    op.drop_index("ix_subnet_dns_publish_fixed_ip", "subnet")
    op.drop_column("subnet", "dns_publish_fixed_ip")
