"""The figures of the peers for the same operations, measured once on a 2-core machine.

Neutron 29.0.0 from PyPI: noauth, ML2 vxlan without a mechanism driver, no service plugin, uWSGI
with 2 processes of 1 thread, MariaDB 10.11 with innodb_flush_log_at_trx_commit=1. Milliseconds of
CPU are those of API and database together, with one client. The database counted the `statements`.
"""

from typing import Final

NEUTRON_29: Final = {
    "port create, fresh /16": {"cpu_ms": 95.6, "p50_ms": 96.1, "statements": 110},
    "port create, /16 99 % full": {"cpu_ms": 4335, "p50_ms": 4302.6, "statements": 691},
    "bulk of 100 ports": {"cpu_ms": 8380, "p50_ms": 8953.5, "statements": 10021},
    "port show": {"cpu_ms": 16.4, "p50_ms": 16.8, "statements": 11},
    "port update": {"cpu_ms": 94.4, "p50_ms": 101.3, "statements": 74},
    "port delete": {"cpu_ms": 98.3, "p50_ms": 103.4, "statements": 88},
    "list of 1,000 ports": {"cpu_ms": 970, "p50_ms": 1105.0, "statements": 207},
    "page of 100 of 1,000 ports": {"cpu_ms": 100, "p50_ms": 95.0, "statements": 18},
    "list of 10,000 ports": {"cpu_ms": 9060, "p50_ms": 9109.5, "statements": 110},
    "page of 100 of 10,000 ports": {"cpu_ms": 86, "p50_ms": 90.6, "statements": 11},
}

READS_IN_A_BOOT: Final = 9
"""Of networks, ports, a subnet and the quota, which were not measured one by one. A list of one
thing takes Neutron no less than to show it; extensions and floating IPs count nothing here."""

NEUTRON_29_BOOT: Final = {
    name: round(
        NEUTRON_29["port create, fresh /16"][name]
        + NEUTRON_29["port update"][name]
        + READS_IN_A_BOOT * NEUTRON_29["port show"][name],
        1,
    )
    for name in ("p50_ms", "cpu_ms")
}
"""The calls of one boot, without Keystone."""
