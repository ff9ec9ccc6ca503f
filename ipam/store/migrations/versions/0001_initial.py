"""All tables of the first release."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMBLOB, VARBINARY

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ADDRESS = sa.LargeBinary(16).with_variant(VARBINARY(16), "mysql", "mariadb")
TEXT: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}

TABLES = (
    "ip_cursor",
    "ip_candidates",
    "ip_address",
    "allocation_pool",
    "subnet",
    "subnetpool_prefix",
    "subnetpool",
    "address_scope",
    "port_binding",
    "port",
    "network_dhcp_agent_barred",
    "network_dhcp_agent",
    "network",
    "lease_event",
    "lease",
    "allocation_event",
    "agent",
    "rbac_policy",
    "tag",
    "quota",
    "idempotency_key",
)
"""Each table stands before the tables that refer to it."""


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("agent_type", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("binary", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("availability_zone", sa.String(length=64), nullable=True),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(length=255), server_default="", nullable=False),
        sa.Column("configurations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_agent"),
        sa.UniqueConstraint("agent_type", "host", name="uq_agent_agent_type_host"),
        sa.UniqueConstraint("id", name="uq_agent_id"),
        **TEXT,
    )
    op.create_table(
        "lease",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("ip_address", ADDRESS, nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("subnet_id", sa.String(length=36), nullable=True),
        sa.Column("port_id", sa.String(length=36), nullable=True),
        sa.Column("mac_address", sa.String(length=17), nullable=True),
        sa.Column("client_id", sa.String(length=1024), nullable=True),
        sa.Column("duid", sa.String(length=1024), nullable=True),
        sa.Column("iaid", sa.String(length=16), nullable=True),
        sa.Column("hostname", sa.String(length=255), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_lease"),
        sa.UniqueConstraint("id", name="uq_lease_id"),
        sa.UniqueConstraint("network_id", "ip_address", name="uq_lease_network_id_ip_address"),
        **TEXT,
    )
    op.create_index("ix_lease_expires_at", "lease", ["expires_at"])
    op.create_index("ix_lease_ip_address", "lease", ["ip_address"])
    op.create_index("ix_lease_mac_address", "lease", ["mac_address"])
    op.create_index("ix_lease_port_id", "lease", ["port_id"])
    op.create_index("ix_lease_project_id", "lease", ["project_id"])
    op.create_table(
        "lease_event",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("ip_address", ADDRESS, nullable=False),
        sa.Column("mac_address", sa.String(length=17), nullable=True),
        sa.Column("client_id", sa.String(length=1024), nullable=True),
        sa.Column("duid", sa.String(length=1024), nullable=True),
        sa.Column("iaid", sa.String(length=16), nullable=True),
        sa.Column("hostname", sa.String(length=255), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("occurred_at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_lease_event"),
        sa.UniqueConstraint("id", name="uq_lease_event_id"),
        **TEXT,
    )
    op.create_index("ix_lease_event_ip_address", "lease_event", ["ip_address"])
    op.create_index("ix_lease_event_mac_address", "lease_event", ["mac_address"])
    op.create_index("ix_lease_event_network_id", "lease_event", ["network_id"])
    op.create_index("ix_lease_event_port_id", "lease_event", ["port_id"])
    op.create_index("ix_lease_event_project_id", "lease_event", ["project_id"])
    op.create_index("ix_lease_event_recorded_at_us", "lease_event", ["recorded_at_us"])
    op.create_table(
        "network",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("description", sa.String(length=255), server_default="", nullable=False),
        sa.Column("revision_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("dns_domain", sa.String(length=255), server_default="", nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("router_external", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("provider_network_type", sa.String(length=32), nullable=True),
        sa.Column("provider_physical_network", sa.String(length=64), nullable=True),
        sa.Column("provider_segmentation_id", sa.Integer(), nullable=True),
        sa.Column("segment", sa.String(length=128), nullable=True),
        sa.Column(
            "availability_zone_hints", sa.String(length=1024), server_default="", nullable=False
        ),
        sa.PrimaryKeyConstraint("pk", name="pk_network"),
        sa.UniqueConstraint("id", name="uq_network_id"),
        sa.UniqueConstraint("segment", name="uq_network_segment"),
        **TEXT,
    )
    op.create_index("ix_network_project_id", "network", ["project_id"])
    op.create_table(
        "network_dhcp_agent",
        sa.Column("network_pk", PK, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent_pk", PK, nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_pk"], ["agent.pk"], name="fk_network_dhcp_agent_agent_pk", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["network_pk"],
            ["network.pk"],
            name="fk_network_dhcp_agent_network_pk",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("network_pk", "slot", name="pk_network_dhcp_agent"),
        sa.UniqueConstraint(
            "network_pk", "agent_pk", name="uq_network_dhcp_agent_network_pk_agent_pk"
        ),
        **TEXT,
    )
    op.create_index("ix_network_dhcp_agent_agent_pk", "network_dhcp_agent", ["agent_pk"])
    op.create_table(
        "port",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("description", sa.String(length=255), server_default="", nullable=False),
        sa.Column("revision_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("network_pk", PK, nullable=False),
        sa.Column("mac_address", sa.String(length=17), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("device_id", sa.String(length=255), nullable=False),
        sa.Column("device_owner", sa.String(length=255), nullable=False),
        sa.Column("dns_name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("binding_host_id", sa.String(length=255), server_default="", nullable=False),
        sa.Column("binding_vnic_type", sa.String(length=32), nullable=False),
        sa.Column("binding_profile", sa.JSON(), nullable=False),
        sa.Column("binding_vif_type", sa.String(length=32), nullable=False),
        sa.Column("extra_dhcp_opts", sa.JSON(), nullable=False),
        sa.Column("allowed_address_pairs", sa.JSON(), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["network_pk"], ["network.pk"], name="fk_port_network_pk"),
        sa.PrimaryKeyConstraint("pk", name="pk_port"),
        sa.UniqueConstraint("id", name="uq_port_id"),
        sa.UniqueConstraint("network_pk", "mac_address", name="uq_port_network_pk_mac_address"),
        **TEXT,
    )
    op.create_index("ix_port_binding_host_id", "port", ["binding_host_id"])
    op.create_index("ix_port_device_id", "port", ["device_id"])
    op.create_index("ix_port_network_pk_device_owner", "port", ["network_pk", "device_owner"])
    op.create_index("ix_port_project_id", "port", ["project_id"])
    _create_subnetpools()
    op.create_table(
        "subnet",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("description", sa.String(length=255), server_default="", nullable=False),
        sa.Column("revision_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("network_pk", PK, nullable=False),
        sa.Column("subnetpool_pk", PK, nullable=True),
        sa.Column("ip_version", sa.SmallInteger(), nullable=False),
        sa.Column("cidr", sa.String(length=64), nullable=False),
        sa.Column("gateway_ip", ADDRESS, nullable=True),
        sa.Column("enable_dhcp", sa.Boolean(), nullable=False),
        sa.Column("ipv6_ra_mode", sa.String(length=16), nullable=True),
        sa.Column("ipv6_address_mode", sa.String(length=16), nullable=True),
        sa.Column("dns_nameservers", sa.JSON(), nullable=False),
        sa.Column("host_routes", sa.JSON(), nullable=False),
        sa.Column("service_types", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["network_pk"], ["network.pk"], name="fk_subnet_network_pk"),
        sa.ForeignKeyConstraint(
            ["subnetpool_pk"], ["subnetpool.pk"], name="fk_subnet_subnetpool_pk"
        ),
        sa.PrimaryKeyConstraint("pk", name="pk_subnet"),
        sa.UniqueConstraint("id", name="uq_subnet_id"),
        **TEXT,
    )
    op.create_index("ix_subnet_network_pk", "subnet", ["network_pk"])
    op.create_index("ix_subnet_project_id", "subnet", ["project_id"])
    op.create_index("ix_subnet_subnetpool_pk", "subnet", ["subnetpool_pk"])
    op.create_table(
        "allocation_pool",
        sa.Column("subnet_pk", PK, nullable=False),
        sa.Column("first", ADDRESS, nullable=False),
        sa.Column("last", ADDRESS, nullable=False),
        sa.ForeignKeyConstraint(
            ["subnet_pk"], ["subnet.pk"], name="fk_allocation_pool_subnet_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnet_pk", "first", name="pk_allocation_pool"),
        **TEXT,
    )
    op.create_table(
        "ip_address",
        sa.Column("subnet_pk", PK, nullable=False),
        sa.Column("ip", ADDRESS, nullable=False),
        sa.Column("owner_pk", PK, nullable=True),
        sa.Column("free_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(owner_pk IS NULL) = (free_at IS NOT NULL)", name="ck_ip_address_owned_or_cooling"
        ),
        sa.ForeignKeyConstraint(["owner_pk"], ["port.pk"], name="fk_ip_address_owner_pk"),
        sa.ForeignKeyConstraint(["subnet_pk"], ["subnet.pk"], name="fk_ip_address_subnet_pk"),
        sa.PrimaryKeyConstraint("subnet_pk", "ip", name="pk_ip_address"),
        **TEXT,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_ip_address_free",
        "ip_address",
        ["subnet_pk", "free_at", "ip"],
        unique=False,
        sqlite_where=sa.text("owner_pk IS NULL"),
        postgresql_where=sa.text("owner_pk IS NULL"),
    )
    op.create_index("ix_ip_address_ip", "ip_address", ["ip"])
    op.create_index("ix_ip_address_owner_pk", "ip_address", ["owner_pk"])
    op.create_table(
        "ip_candidates",
        sa.Column("subnet_pk", PK, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("addresses", sa.LargeBinary(length=65535), nullable=False),
        sa.ForeignKeyConstraint(
            ["subnet_pk"], ["subnet.pk"], name="fk_ip_candidates_subnet_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnet_pk", "id", name="pk_ip_candidates"),
        **TEXT,
    )
    op.create_table(
        "ip_cursor",
        sa.Column("subnet_pk", PK, nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next", ADDRESS, nullable=False),
        sa.Column("last", ADDRESS, nullable=False),
        sa.ForeignKeyConstraint(
            ["subnet_pk"], ["subnet.pk"], name="fk_ip_cursor_subnet_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subnet_pk", "shard", name="pk_ip_cursor"),
        **TEXT,
    )
    op.create_table(
        "network_dhcp_agent_barred",
        sa.Column("network_pk", PK, nullable=False),
        sa.Column("agent_pk", PK, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_pk"],
            ["agent.pk"],
            name="fk_network_dhcp_agent_barred_agent_pk",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["network_pk"],
            ["network.pk"],
            name="fk_network_dhcp_agent_barred_network_pk",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("network_pk", "agent_pk", name="pk_network_dhcp_agent_barred"),
        **TEXT,
    )
    op.create_index(
        "ix_network_dhcp_agent_barred_agent_pk", "network_dhcp_agent_barred", ["agent_pk"]
    )
    _create_what_stands_alone()
    _create_allocation_event()


def _create_what_stands_alone() -> None:
    """Tables that name resources of several kinds, and therefore have no foreign key to them."""
    op.create_table(
        "rbac_policy",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("target_project_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_rbac_policy"),
        sa.UniqueConstraint("id", name="uq_rbac_policy_id"),
        sa.UniqueConstraint(
            "object_id",
            "action",
            "target_project_id",
            name="uq_rbac_policy_object_id_action_target_project_id",
        ),
        **TEXT,
    )
    op.create_index("ix_rbac_policy_project_id", "rbac_policy", ["project_id"])
    op.create_index(
        "ix_rbac_policy_target",
        "rbac_policy",
        ["target_project_id", "object_type", "action", "object_id"],
    )
    op.create_table(
        "tag",
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_pk", PK, autoincrement=False, nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("resource_type", "resource_pk", "tag", name="pk_tag"),
        **TEXT,
    )
    op.create_index("ix_tag_resource_type_tag", "tag", ["resource_type", "tag", "resource_pk"])
    op.create_table(
        "quota",
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("resource", sa.String(length=32), nullable=False),
        sa.Column("maximum", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "resource", name="pk_quota"),
        **TEXT,
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column(
            "answer",
            sa.LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb"),
            nullable=True,
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_key"),
        **TEXT,
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])


def _create_subnetpools() -> None:
    op.create_table(
        "address_scope",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("description", sa.String(length=255), server_default="", nullable=False),
        sa.Column("revision_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("ip_version", sa.SmallInteger(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_address_scope"),
        sa.UniqueConstraint("id", name="uq_address_scope_id"),
        **TEXT,
    )
    op.create_index("ix_address_scope_project_id", "address_scope", ["project_id"])
    op.create_table(
        "subnetpool",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("description", sa.String(length=255), server_default="", nullable=False),
        sa.Column("revision_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("ip_version", sa.SmallInteger(), nullable=False),
        sa.Column("min_prefixlen", sa.SmallInteger(), nullable=False),
        sa.Column("default_prefixlen", sa.SmallInteger(), nullable=False),
        sa.Column("max_prefixlen", sa.SmallInteger(), nullable=False),
        sa.Column("default_quota", sa.BigInteger(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("default_for", sa.SmallInteger(), nullable=True),
        sa.Column("address_scope_pk", PK, nullable=True),
        sa.ForeignKeyConstraint(
            ["address_scope_pk"], ["address_scope.pk"], name="fk_subnetpool_address_scope_pk"
        ),
        sa.PrimaryKeyConstraint("pk", name="pk_subnetpool"),
        sa.UniqueConstraint("default_for", name="uq_subnetpool_default_for"),
        sa.UniqueConstraint("id", name="uq_subnetpool_id"),
        **TEXT,
    )
    op.create_index("ix_subnetpool_address_scope_pk", "subnetpool", ["address_scope_pk"])
    op.create_index("ix_subnetpool_project_id", "subnetpool", ["project_id"])
    op.create_table(
        "subnetpool_prefix",
        sa.Column("subnetpool_pk", PK, nullable=False),
        sa.Column("first", ADDRESS, nullable=False),
        sa.Column("prefixlen", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subnetpool_pk"],
            ["subnetpool.pk"],
            name="fk_subnetpool_prefix_subnetpool_pk",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subnetpool_pk", "first", name="pk_subnetpool_prefix"),
        **TEXT,
    )


def _create_allocation_event() -> None:
    op.create_table(
        "allocation_event",
        sa.Column("pk", PK, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("ip_address", ADDRESS, nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("subnet_id", sa.String(length=36), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=False),
        sa.Column("device_id", sa.String(length=255), nullable=False),
        sa.Column("device_owner", sa.String(length=255), nullable=False),
        sa.Column("mac_address", sa.String(length=17), nullable=False),
        sa.Column("occurred_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name="pk_allocation_event"),
        sa.UniqueConstraint("id", name="uq_allocation_event_id"),
        **TEXT,
    )
    op.create_index("ix_allocation_event_device_id", "allocation_event", ["device_id"])
    op.create_index(
        "ix_allocation_event_ip_address", "allocation_event", ["ip_address", "subnet_id"]
    )
    op.create_index("ix_allocation_event_occurred_at_us", "allocation_event", ["occurred_at_us"])
    op.create_index("ix_allocation_event_port_id", "allocation_event", ["port_id"])
    op.create_index("ix_allocation_event_project_id", "allocation_event", ["project_id"])
    op.create_table(
        "port_binding",
        sa.Column("port_pk", PK, autoincrement=False, nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("vnic_type", sa.String(length=32), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("vif_type", sa.String(length=32), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["port_pk"], ["port.pk"], name="fk_port_binding_port_pk", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("port_pk", "host", name="pk_port_binding"),
        **TEXT,
    )
    op.create_index("ix_port_binding_host", "port_binding", ["host"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
