"""The settings files of a lab's services, as text. Everything listens on 127.0.0.1."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

PASSWORD: Final = "sesame"
REGION: Final = "RegionOne"

Sections = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports of the services; `nova_db` is MariaDB's."""

    keystone: int
    placement: int
    nova: int
    glance: int
    network: int
    rabbit: int
    rabbit_distribution: int
    epmd: int
    nova_db: int

    CHOSEN: ClassVar = (
        *("placement", "nova", "glance", "network"),
        *("rabbit", "rabbit_distribution", "epmd"),
    )
    """Those that are not their server's own choice."""


def ini(sections: Sections) -> str:
    """The text of an INI file."""
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in values.items())]) + "\n"
        for name, values in sections.items()
    )


def merged(*parts: Sections) -> Sections:
    """Sections over each other, the last one on top."""
    found: dict[str, Mapping[str, object]] = {}
    for part in parts:
        for name, values in part.items():
            found[name] = {**found.get(name, {}), **values}
    return found


def sign_in(ports: Ports, user: str) -> dict[str, object]:
    """How a service signs in: keystoneauth's options."""
    return {
        "auth_type": "password",
        "auth_url": f"http://127.0.0.1:{ports.keystone}/v3",
        "username": user,
        "password": PASSWORD,
        "user_domain_id": "default",
        "project_name": "service",
        "project_domain_id": "default",
        "region_name": REGION,
    }


def token_check(ports: Ports, user: str) -> dict[str, object]:
    """keystonemiddleware's section."""
    return {
        **sign_in(ports, user),
        "www_authenticate_uri": f"http://127.0.0.1:{ports.keystone}/v3",
        "service_token_roles": "service",
        "service_token_roles_required": "true",
    }


def database_url(ports: Ports, name: str) -> str:
    return f"mysql+pymysql://ipam:ipam@127.0.0.1:{ports.nova_db}/{name}"


def nova(directory: Path, ports: Ports, host: str, paste: Path) -> Sections:
    """One file for the controller and, with its own host, for each nova-compute.

    `[neutron]` is all that leads Nova to ipam.
    """
    return {
        "DEFAULT": {
            "log_dir": directory / "log",
            "use_stderr": "false",
            "state_path": directory / "nova" / host,
            "my_ip": "127.0.0.1",
            "host": host,
            "compute_driver": "fake.FakeDriverWithoutFakeNodes",
            "transport_url": f"rabbit://guest:guest@127.0.0.1:{ports.rabbit}/",
            "report_interval": 2,
            "service_down_time": 60,  # on a loaded machine reports come late
            "graceful_shutdown_timeout": 1,
            "rpc_response_timeout": 300,
            "vif_plugging_timeout": 300,
            "vif_plugging_is_fatal": "true",
            "reserved_host_memory_mb": 0,
            "periodic_fuzzy_delay": 0,  # up to a minute before the first look for new hosts
            "update_resources_interval": 5,
        },
        "api_database": {"connection": database_url(ports, "nova_api")},
        "database": {"connection": database_url(ports, "nova_cell1")},
        "keystone_authtoken": {**token_check(ports, "nova"), "service_type": "compute"},
        "service_user": {**sign_in(ports, "nova"), "send_service_user_token": "true"},
        "placement": sign_in(ports, "nova"),
        "neutron": {**sign_in(ports, "nova-network"), "http_retries": 8},  # two minutes
        "glance": {"region_name": REGION, "valid_interfaces": "public"},
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 2},
        "conductor": {"workers": 1},
        "vnc": {"enabled": "false"},
        "oslo_concurrency": {"lock_path": directory / "nova" / "lock"},
        "wsgi": {"api_paste_config": paste},
    }


def placement(directory: Path, ports: Ports) -> Sections:
    return {
        "DEFAULT": {"log_file": directory / "log" / "placement.log"},
        "placement_database": {"connection": database_url(ports, "placement")},
        "keystone_authtoken": token_check(ports, "placement"),
    }


def glance(directory: Path, ports: Ports, paste: Path) -> Sections:
    return {
        "DEFAULT": {
            "log_file": directory / "log" / "glance.log",
            "enabled_backends": "store:file",
        },
        "database": {"connection": f"sqlite:///{directory}/glance/glance.db"},
        "glance_store": {"default_backend": "store"},
        "store": {"filesystem_store_datadir": directory / "glance" / "images"},
        "os_glance_tasks_store": {"filesystem_store_datadir": directory / "glance" / "tasks"},
        "os_glance_staging_store": {"filesystem_store_datadir": directory / "glance" / "staging"},
        "paste_deploy": {"flavor": "keystone", "config_file": paste},
        "keystone_authtoken": token_check(ports, "glance"),
    }


def ipam(directory: Path, ports: Ports, host: str, run_path: Path) -> Sections:
    """The file of API, worker and, with its own host and run path, of each agent."""
    return {
        "DEFAULT": {
            "host": host,
            "state_path": directory / "ipam" / host,
            "run_path": run_path,
        },
        "database": {"connection": database_url(ports, "ipam")},
        "api": {
            "bind_port": ports.network,
            "auth_strategy": "keystone",
            "socket": directory / "run" / "api.sock",
        },
        "network": {"agent_down_time": 30, "address_cooldown_seconds": 0},
        "quotas": {"quota_port": -1, "quota_fixed_ip": -1},
        "agent": {"report_interval": 3, "poll_interval": 1},
        "compute": {"send_events": "true"},
        "keystone_authtoken": {**token_check(ports, "ipam"), "service_type": "network"},
        "nova": sign_in(ports, "ipam"),
    }


RABBITMQ: Final = """\
listeners.tcp.1 = 127.0.0.1:{port}
loopback_users = none
vm_memory_high_watermark.relative = 0.4
disk_free_limit.absolute = 50MB
"""
