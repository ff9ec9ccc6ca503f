"""Questions about what ports' machines would get, and machines that DHCP servers refuse."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
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
    op.create_table(
        "port_probe",
        sa.Column("port_pk", PK, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["port_pk"], ["port.pk"], name="fk_port_probe_port_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("port_pk", name="pk_port_probe"),
        sa.UniqueConstraint("id", name="uq_port_probe_id"),
        **TEXT,
    )
    op.create_index("ix_port_probe_asked_at", "port_probe", ["asked_at"])
    op.create_table(
        "dhcp_refusal",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("network_pk", PK, nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("client", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("ip_address", sa.String(length=64), server_default="", nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_pk"], ["network.pk"], name="fk_dhcp_refusal_network_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pk", name="pk_dhcp_refusal"),
        sa.UniqueConstraint("id", name="uq_dhcp_refusal_id"),
        sa.UniqueConstraint(
            "network_pk", "host", "client", name="uq_dhcp_refusal_network_pk_host_client"
        ),
        **TEXT,
    )
    op.create_index("ix_dhcp_refusal_last_at", "dhcp_refusal", ["last_at"])


def downgrade() -> None:
    op.drop_table("dhcp_refusal")
    op.drop_table("port_probe")
