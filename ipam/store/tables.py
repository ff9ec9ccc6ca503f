"""Every table, as SQLAlchemy Core metadata. The migrations create exactly this.

`pk` is a small integer that never leaves the database; `id` is the UUID the API shows. Addresses
are packed (`model.pack`), so they compare and sort as bytes on every database. Times are epoch
seconds (`*_at`) or microseconds (`*_at_us`).
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB, VARBINARY

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Address = LargeBinary(16).with_variant(VARBINARY(16), "mysql", "mariadb")
"""`socket.inet_pton` output: 4 bytes or 16."""

Pk = BigInteger().with_variant(Integer, "sqlite")
"""SQLite gives rows a number by itself only in an INTEGER PRIMARY KEY."""

UUID_LENGTH = 36


def _dhcp_settings() -> tuple[Column[Any], ...]:
    """What a network or a subnet tells its machines. `lease_time` is in seconds, -1 for ever."""
    return (
        Column("dhcp_options", JSON),
        Column("dhcp_boot", JSON),
        Column("lease_time", Integer),
    )


def _standard_columns() -> list[Column[object]]:
    """The columns of every resource (Neutron's standard attributes)."""
    return [
        Column("pk", Pk, primary_key=True, autoincrement=True),
        Column("id", String(UUID_LENGTH), nullable=False, unique=True),
        Column("project_id", String(255), nullable=False, index=True),
        Column("name", String(255), nullable=False, server_default=""),
        Column("description", String(255), nullable=False, server_default=""),
        Column("revision_number", BigInteger, nullable=False, server_default="0"),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("tags", JSON),  # for showing; filters use the table `tag`
    ]


network = Table(
    "network",
    metadata,
    *_standard_columns(),
    Column("admin_state_up", Boolean, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("mtu", Integer, nullable=False),
    Column("dns_domain", String(255), nullable=False, server_default=""),
    Column("dns_servers", JSON(none_as_null=True)),
    Column("port_security_enabled", Boolean, nullable=False),
    Column("router_external", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("provider_network_type", String(32)),
    Column("provider_physical_network", String(64)),
    Column("provider_segmentation_id", Integer),
    Column("segment", String(128), unique=True),  # the three above as one text; NULL for local
    Column("availability_zone_hints", String(1024), nullable=False, server_default=""),
    *_dhcp_settings(),
)

address_scope = Table(
    "address_scope",
    metadata,
    *_standard_columns(),
    Column("ip_version", SmallInteger, nullable=False),
    Column("shared", Boolean, nullable=False),
)

subnetpool = Table(
    "subnetpool",
    metadata,
    *_standard_columns(),
    Column("ip_version", SmallInteger, nullable=False),
    Column("min_prefixlen", SmallInteger, nullable=False),
    Column("default_prefixlen", SmallInteger, nullable=False),
    Column("max_prefixlen", SmallInteger, nullable=False),
    Column("default_quota", BigInteger),
    Column("shared", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("default_for", SmallInteger, unique=True),
    Column("address_scope_pk", Pk, ForeignKey("address_scope.pk"), index=True),
)
"""`default_for` is the IP version if `is_default`, else NULL. Its unique key allows one default
pool per IP version."""

subnetpool_prefix = Table(
    "subnetpool_prefix",
    metadata,
    Column("subnetpool_pk", Pk, ForeignKey("subnetpool.pk", ondelete="CASCADE"), primary_key=True),
    Column("first", Address, primary_key=True),
    Column("prefixlen", SmallInteger, nullable=False),
)

subnet = Table(
    "subnet",
    metadata,
    *_standard_columns(),
    Column("network_pk", Pk, ForeignKey("network.pk"), nullable=False, index=True),
    Column("subnetpool_pk", Pk, ForeignKey("subnetpool.pk"), index=True),
    Column("ip_version", SmallInteger, nullable=False),
    Column("cidr", String(64), nullable=False),
    Column("gateway_ip", Address),
    Column("enable_dhcp", Boolean, nullable=False),
    Column("ipv6_ra_mode", String(16)),
    Column("ipv6_address_mode", String(16)),
    Column("dns_nameservers", JSON, nullable=False),
    Column("host_routes", JSON, nullable=False),
    Column("service_types", JSON, nullable=False),
    Column("address_selection", String(32), nullable=False, server_default="least-recently-used"),
    Column("client_classes", JSON),
    *_dhcp_settings(),
    Column("dns_publish_fixed_ip", Boolean, nullable=False, server_default=false()),
    Index(
        "ix_subnet_dns_publish_fixed_ip",
        "dns_publish_fixed_ip",
        sqlite_where=text("dns_publish_fixed_ip"),
        postgresql_where=text("dns_publish_fixed_ip"),
    ),
)

allocation_pool = Table(
    "allocation_pool",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk", ondelete="CASCADE"), primary_key=True),
    Column("first", Address, primary_key=True),
    Column("last", Address, nullable=False),
)

dynamic_range = Table(
    "dynamic_range",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk", ondelete="CASCADE"), primary_key=True),
    Column("first", Address, primary_key=True),
    Column("last", Address, nullable=False),
)
"""The addresses that a subnet's DHCP servers give by themselves. No pool has them."""

static_range = Table(
    "static_range",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk", ondelete="CASCADE"), primary_key=True),
    Column("first", Address, primary_key=True),
    Column("last", Address, nullable=False),
    Column("label", String(64), nullable=False, server_default=""),
    Column("owner", String(255), nullable=False, server_default=""),
)
"""The addresses of a subnet that are given only to who names them. No pool has them."""

port = Table(
    "port",
    metadata,
    *_standard_columns(),
    Column("network_pk", Pk, ForeignKey("network.pk"), nullable=False),
    Column("mac_address", String(17), nullable=False),
    Column("admin_state_up", Boolean, nullable=False),
    Column("status", String(16), nullable=False),
    Column("device_id", String(255), nullable=False, index=True),
    Column("device_owner", String(255), nullable=False),
    Column("dns_name", String(255), nullable=False, server_default="", index=True),
    Column("dns_domain", String(255), nullable=False, server_default=""),
    Column("binding_host_id", String(255), nullable=False, server_default="", index=True),
    Column("binding_vnic_type", String(32), nullable=False),
    Column("binding_profile", JSON, nullable=False),
    Column("binding_vif_type", String(32), nullable=False),
    Column("extra_dhcp_opts", JSON, nullable=False),
    Column("allowed_address_pairs", JSON, nullable=False),
    Column("port_security_enabled", Boolean, nullable=False),
    Column("expires_at", BigInteger),
    UniqueConstraint("network_pk", "mac_address"),
    Index("ix_port_network_pk_device_owner", "network_pk", "device_owner"),
    Index("ix_port_network_pk", "network_pk", "pk"),
    Index(
        "ix_port_expires_at",
        "expires_at",
        sqlite_where=text("expires_at IS NOT NULL"),
        postgresql_where=text("expires_at IS NOT NULL"),
    ),
)
"""`expires_at` is when the worker deletes the port, if no device has it then; NULL for never."""

port_binding = Table(
    "port_binding",
    metadata,
    Column("port_pk", Pk, ForeignKey("port.pk", ondelete="CASCADE"), primary_key=True),
    Column("host", String(255), primary_key=True),
    Column("vnic_type", String(32), nullable=False),
    Column("profile", JSON, nullable=False),
    Column("vif_type", String(32), nullable=False),
    Column("ready", Boolean, nullable=False),
    Column("leaving", Boolean, nullable=False, server_default=false()),
    Index("ix_port_binding_host", "host"),
)
"""Inactive bindings; the active one is in `port`. `ready`: the host's agent serves the port.
`leaving`: the port has left the host, which serves the port until its new host does."""

ip_address = Table(
    "ip_address",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk"), primary_key=True),
    Column("ip", Address, primary_key=True),
    Column("owner_pk", Pk, ForeignKey("port.pk"), index=True),
    Column("free_at", BigInteger),
    CheckConstraint("(owner_pk IS NULL) = (free_at IS NOT NULL)", name="owned_or_cooling"),
    Index("ix_ip_address_ip", "ip"),
    Index(
        "ix_ip_address_free",
        "subnet_pk",
        "free_at",
        "ip",
        sqlite_where=text("owner_pk IS NULL"),
        postgresql_where=text("owner_pk IS NULL"),
    ),
    sqlite_with_rowid=False,
)
"""One row per address that is owned, or released and cooling down. The key decides every race."""

subnet_usage_day = Table(
    "subnet_usage_day",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk", ondelete="CASCADE"), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("used", BigInteger, nullable=False),
    Index("ix_subnet_usage_day_day", "day"),
)
"""The most addresses of a subnet's pools that were used at once on a day since 1970, in UTC."""

subnet_usage = Table(
    "subnet_usage",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk", ondelete="CASCADE"), primary_key=True),
    Column("owned", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("dynamic", BigInteger, nullable=False),
)
"""The counters of `store.subnet_counters`. Only the worker changes them, and a change of pools."""

ip_cursor = Table(
    "ip_cursor",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk", ondelete="CASCADE"), primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("next", Address, nullable=False),
    Column("last", Address, nullable=False),
)
"""The part of the allocation pools that was never given, in shards. A used up one is deleted."""

ip_candidates = Table(
    "ip_candidates",
    metadata,
    Column("subnet_pk", Pk, ForeignKey("subnet.pk", ondelete="CASCADE"), primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("worker", String(64), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("addresses", LargeBinary(65535), nullable=False),
)
"""Addresses that one process tries first. Rows never change; see `ipam.allocator`."""

lease = Table(
    "lease",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("network_id", String(UUID_LENGTH), nullable=False),
    Column("ip_address", Address, nullable=False, index=True),
    Column("project_id", String(255), nullable=False, index=True),
    Column("subnet_id", String(UUID_LENGTH)),
    Column("port_id", String(UUID_LENGTH), index=True),
    Column("mac_address", String(17), index=True),
    Column("client_id", String(1024)),
    Column("duid", String(1024)),
    Column("iaid", String(16)),
    Column("hostname", String(255)),
    Column("host", String(255), nullable=False),
    Column("expires_at", BigInteger),
    Column("first_seen_at_us", BigInteger, nullable=False),
    Column("last_seen_at_us", BigInteger, nullable=False),
    Column("source", String(16), nullable=False, server_default="dhcp"),
    Column("own_name", String(63), nullable=False, server_default=""),
    UniqueConstraint("network_id", "ip_address"),
    postgresql_with={"fillfactor": 45},
)
"""What a DHCP server last said about an address; `expires_at` NULL is an infinite lease. Where the
`source` is `slaac`, the machine made the address itself, and an agent has seen it. `own_name` is
how its machine calls itself, where its port may answer to that, too. What a renewal changes has no
index, and a page has room for it: so PostgreSQL writes into no index."""

lease_release = Table(
    "lease_release",
    metadata,
    Column("lease_pk", Pk, ForeignKey("lease.pk", ondelete="CASCADE"), primary_key=True),
    Column("asked_at", BigInteger, nullable=False),
)
"""The leases that somebody asked to end. The row goes with the lease."""

lease_event = Table(
    "lease_event",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("network_id", String(UUID_LENGTH), nullable=False, index=True),
    Column("project_id", String(255), nullable=False, index=True),
    Column("port_id", String(UUID_LENGTH), index=True),
    Column("action", String(16), nullable=False),
    Column("source", String(16), nullable=False, server_default="hook"),
    Column("ip_address", Address, nullable=False, index=True),
    Column("mac_address", String(17), index=True),
    Column("client_id", String(1024)),
    Column("duid", String(1024)),
    Column("iaid", String(16)),
    Column("hostname", String(255)),
    Column("host", String(255), nullable=False),
    Column("expires_at", BigInteger),
    Column("details", JSON, nullable=False),
    Column("occurred_at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False, index=True),
    *(
        Index(
            f"ix_lease_event_{name}_occurred_at_us",
            name,
            "occurred_at_us",
            sqlite_where=text("action <> 'old'"),
            postgresql_where=text("action <> 'old'"),
        )
        for name in ("ip_address", "mac_address", "hostname")
    ),
)
"""Append-only. The unique `id`, made where the event was seen, makes a second delivery
harmless. The indexes by time are for who held what: most events are renewals, which they leave
out."""

lease_sequence = Table(
    "lease_sequence",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("epoch", String(32), nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
"""The last lease event that each host told: see `ipam.store.leases.sequences`."""

allocation_event = Table(
    "allocation_event",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("action", String(16), nullable=False),
    Column("ip_address", Address, nullable=False),
    Column("network_id", String(UUID_LENGTH), nullable=False),
    Column("subnet_id", String(UUID_LENGTH), nullable=False),
    Column("port_id", String(UUID_LENGTH), nullable=False, index=True),
    Column("project_id", String(255), nullable=False, index=True),
    Column("device_id", String(255), nullable=False, index=True),
    Column("device_owner", String(255), nullable=False),
    Column("mac_address", String(17), nullable=False),
    Column("occurred_at_us", BigInteger, nullable=False, index=True),
    Column("uncounted_in", BigInteger),
    Column("held_change", SmallInteger),
    Column("dynamic_change", SmallInteger),
    Index("ix_allocation_event_ip_address", "ip_address", "subnet_id"),
    Index("ix_allocation_event_network_id", "network_id", "occurred_at_us"),
    Index(
        "ix_allocation_event_uncounted_in",
        "uncounted_in",
        sqlite_where=text("uncounted_in IS NOT NULL"),
        postgresql_where=text("uncounted_in IS NOT NULL"),
    ),
    Index(
        "ix_allocation_event_mac_address",
        "mac_address",
        sqlite_where=text("action <> 'allocated'"),
        postgresql_where=text("action <> 'allocated'"),
    ),
)
"""Append-only: which port got or gave back which address, with the port's attributes at that time.
`pk` orders the events of one address: the next owner's row is written after the commit of the
previous owner's last row. A MAC address finds the ports that had it by the events of their ends,
and those that live by their own rows, so that allocating an address writes one index less.
`uncounted_in` is the number of the subnet until the event is in its counters, then NULL."""

agent = Table(
    "agent",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("agent_type", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("binary", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("availability_zone", String(64)),
    Column("admin_state_up", Boolean, nullable=False),
    Column("description", String(255), nullable=False, server_default=""),
    Column("configurations", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
    Column("tunneling_ip", String(45)),
    Column("port_filter", Boolean, nullable=False, server_default=false()),
    Column("networks", JSON(none_as_null=True)),
    Column("recovery_id", String(UUID_LENGTH)),
    Column("wake_ip", String(45)),
    Column("wake_port", Integer),
    Column("wake_key", String(64)),
    Column("dns_lookup", JSON(none_as_null=True)),
    UniqueConstraint("agent_type", "host"),
)
"""`tunneling_ip` is that of `configurations`, for joins; NULL for a host without tunnels.
`networks` says where each network is on the host. It may be long, and few ask for it.
`recovery_id` is the last restore after which the agent has told what it holds. `wake_…` is where
the agent waits for wakes, all NULL if it does not; `wake_key` is shown to nobody. `dns_lookup` is
the last question to the agent about names, with its answer."""

network_dhcp_agent = Table(
    "network_dhcp_agent",
    metadata,
    Column("network_pk", Pk, ForeignKey("network.pk", ondelete="CASCADE"), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("agent_pk", Pk, ForeignKey("agent.pk", ondelete="CASCADE"), nullable=False, index=True),
    UniqueConstraint("network_pk", "agent_pk"),
)
"""Which agents serve a network's unbound ports: `slot` runs below `dhcp_agents_per_network`."""

network_dhcp_agent_barred = Table(
    "network_dhcp_agent_barred",
    metadata,
    Column("network_pk", Pk, ForeignKey("network.pk", ondelete="CASCADE"), primary_key=True),
    Column(
        "agent_pk",
        Pk,
        ForeignKey("agent.pk", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
)
"""The agents from which an admin took a network. They do not take it again by themselves."""

elected_agent = Table(
    "elected_agent",
    metadata,
    Column(
        "network_pk",
        Pk,
        ForeignKey("network.pk", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("agent_pk", Pk, ForeignKey("agent.pk", ondelete="SET NULL"), index=True),
    Column("elected_at", BigInteger, nullable=False),
    Column("opens_at", BigInteger, nullable=False),
)
"""The agent that answers machines behind a network's uplink, from `opens_at` on. NULL for none."""

rbac_policy = Table(
    "rbac_policy",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("project_id", String(255), nullable=False, index=True),
    Column("object_type", String(32), nullable=False),
    Column("object_id", String(UUID_LENGTH), nullable=False),
    Column("action", String(32), nullable=False),
    Column("target_project_id", String(255), nullable=False),
    UniqueConstraint("object_id", "action", "target_project_id"),
    Index("ix_rbac_policy_target", "target_project_id", "object_type", "action", "object_id"),
)
"""With which projects an object is shared. The target `*` is everybody."""

tag = Table(
    "tag",
    metadata,
    Column("resource_type", String(32), primary_key=True),
    Column("resource_pk", Pk, primary_key=True, autoincrement=False),
    Column("tag", String(255), primary_key=True),
    Index("ix_tag_resource_type_tag", "resource_type", "tag", "resource_pk"),
)
"""The tags of every kind of resource, for filters. `resource_type` is the resource's table."""

quota = Table(
    "quota",
    metadata,
    Column("project_id", String(255), primary_key=True),
    Column("resource", String(32), primary_key=True),
    Column("maximum", Integer),
    Column("most_used", BigInteger, nullable=False, server_default="0"),
    Column("counted_at", BigInteger, nullable=False, server_default="0"),
)
"""A project's own limits. Where `maximum` is NULL the default holds. The project has at most
`most_used` of the resource, which was counted at `counted_at` and added to since then."""

compute_event = Table(
    "compute_event",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("name", String(32), nullable=False),
    Column("server_id", String(UUID_LENGTH), nullable=False),
    Column("port_id", String(UUID_LENGTH), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("send_at_us", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", String(255), nullable=False, server_default=""),
    Index("ix_compute_event_send_at_us", "send_at_us"),
)
"""Events for Nova about its servers' ports. A row is deleted when Nova has accepted it. A worker
that sends a row first moves `send_at_us` into the future, so that no other worker sends it,
too."""

dns_change = Table(
    "dns_change",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("zone", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("created_at_us", BigInteger, nullable=False),
    Column("send_at_us", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", String(1024), nullable=False, server_default=""),
    UniqueConstraint("zone", "name"),
    Index("ix_dns_change_zone_send_at_us", "zone", "send_at_us"),
)
"""Names of zones elsewhere that may not be as they should be; an empty name stands for the zone.
Each change of a name that is here already raises its `revision`, so that a worker which sent an
older one keeps the row. It is claimed as a `compute_event` is."""

port_probe = Table(
    "port_probe",
    metadata,
    Column("port_pk", ForeignKey("port.pk", ondelete="CASCADE"), primary_key=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("answers", JSON, nullable=False),
)
"""The last question about what a port's machine would get, with what agents answered, by host."""

address_check = Table(
    "address_check",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column(
        "network_pk", Pk, ForeignKey("network.pk", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("ip_addresses", JSON, nullable=False),
    Column("hosts", JSON, nullable=False),
    Column("answers", JSON, nullable=False),
)
"""Questions about who uses addresses: the hosts that are to look, and what each heard."""

dhcp_refusal = Table(
    "dhcp_refusal",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("network_pk", ForeignKey("network.pk", ondelete="CASCADE"), nullable=False),
    Column("host", String(255), nullable=False),
    Column("client", String(300), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("ip_address", String(64), nullable=False, server_default=""),
    Column("tap", String(64), nullable=False, server_default=""),
    Column("times", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
    UniqueConstraint("network_pk", "host", "client"),
)
"""Machines that a DHCP server did not answer. `client` is a MAC address, or a DHCPv6 client's
DUID, `tap` the link of the bridge from which it asks. Agents keep their number small."""

audit_event = Table(
    "audit_event",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("occurred_at_us", BigInteger, nullable=False),
    Column("request_id", String(64), nullable=False, index=True),
    Column("user_id", String(255), nullable=False),
    Column("user_project_id", String(255), nullable=False),
    Column("roles", String(255), nullable=False),
    Column("authentication", String(32), nullable=False),
    Column("address", String(64), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("path", String(255), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("object_type", String(64), nullable=False),
    Column("object_id", String(255), nullable=False),
    Column("object_name", String(255), nullable=False),
    Column("project_id", String(255), nullable=False),
    Column("changes", JSON, nullable=False),
    Column("reason", String(255), nullable=False),
    Column("times", Integer, nullable=False),
    Column("user_name", String(255), nullable=False, server_default=""),
    Index("ix_audit_event_user_id", "user_id", "pk"),
    Index("ix_audit_event_user_name", "user_name", "pk"),
    Index("ix_audit_event_object_id", "object_id", "pk"),
    Index("ix_audit_event_object_name", "object_name", "pk"),
    Index("ix_audit_event_project_id", "project_id", "pk"),
)
"""Append-only: who changed what, and who was refused. `user_*` is the actor, `project_id` the
object's owner. A `status` from 400 on is a refusal. `times` refusals are summed up in one row.
`id` grows with time, so that its index finds events by time, too."""

audit_seal = Table(
    "audit_seal",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("first_pk", BigInteger, nullable=False),
    Column("last_pk", BigInteger, nullable=False),
    Column("last_at_us", BigInteger, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    Column("marks_digest", String(64), nullable=False),
    Column("marks", LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")),
    Column("digest", String(64), nullable=False),
)
"""Seals over the audit events from `first_pk` to `last_pk`. Each `digest` covers the one before.
`marks` is NULL once the events are past their retention and deleted."""

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer),
    Column("answer", LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")),
    Column("created_at", BigInteger, nullable=False, index=True),
)
"""Answers to POSTs with an Idempotency-Key. `id` and `request` are hashes, see `ipam.api`."""

import_run = Table(
    "import_run",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=True),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("project_id", String(255), nullable=False, index=True),
    Column("user_id", String(255), nullable=False),
    Column("format", String(32), nullable=False),
    Column("source", String(255), nullable=False),
    Column("networks", Integer, nullable=False),
    Column("subnets", Integer, nullable=False),
    Column("ports", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("undone_at", BigInteger),
    Column(
        "contents", LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb"), nullable=False
    ),
)
"""What was imported. `contents` is compressed JSON: what was made, as it was made, and the report.
"""

recovery = Table(
    "recovery",
    metadata,
    Column("pk", Pk, primary_key=True, autoincrement=False),
    Column("id", String(UUID_LENGTH), nullable=False, unique=True),
    Column("made_at", BigInteger, nullable=False),
    Column("restored_at", BigInteger, nullable=False),
    Column("finished_at_us", BigInteger),
    Column("findings", JSON, nullable=False),
)
"""The last restore of a backup, in one row; `finished_at_us` is NULL while the service is
recovering: see `ipam.store.recovery`."""

recovery_report = Table(
    "recovery_report",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("received_at", BigInteger, nullable=False),
    Column(
        "contents", LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb"), nullable=False
    ),
)
"""What agents said after a restore that their hosts hold, in parts, as compressed JSON."""

for _table in metadata.tables.values():
    # Text compares as on the other two databases: case and trailing spaces count.
    for _dialect in ("mysql", "mariadb"):
        _table.dialect_kwargs[f"{_dialect}_charset"] = "utf8mb4"
        _table.dialect_kwargs[f"{_dialect}_collate"] = "utf8mb4_nopad_bin"

# lease_event.details may hold any text that a client sent. It is stored, never rendered.
__all__ = [
    "Address",
    "address_check",
    "address_scope",
    "agent",
    "allocation_event",
    "allocation_pool",
    "audit_event",
    "audit_seal",
    "compute_event",
    "dns_change",
    "dynamic_range",
    "elected_agent",
    "idempotency_key",
    "import_run",
    "ip_address",
    "ip_candidates",
    "ip_cursor",
    "lease",
    "lease_event",
    "lease_release",
    "lease_sequence",
    "metadata",
    "network",
    "network_dhcp_agent",
    "network_dhcp_agent_barred",
    "port",
    "port_binding",
    "quota",
    "rbac_policy",
    "recovery",
    "recovery_report",
    "static_range",
    "subnet",
    "subnet_usage",
    "subnet_usage_day",
    "subnetpool",
    "subnetpool_prefix",
    "tag",
]
