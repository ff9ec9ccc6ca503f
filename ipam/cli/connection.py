"""Chooses the service that a command talks to, and makes the client for it.

The first of these that is there counts: options; OS_* of the environment; IPAM_URL or IPAM_SOCKET;
the local socket if this machine runs the service; clouds.yaml; else the local socket.
"""

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import click

from ipam import extras
from ipam.cli import global_options
from ipam.cli.request_trace import in_a_line, in_full
from ipam.cli.terminal import say, say_lines
from ipam.errors import ServiceUnavailable

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

    from ipam.client import Client, Exchange
    from ipam.tls import TlsFiles

DEFAULT_SOCKET = "/run/ipam/api.sock"
OPENSTACK_VARIABLES = (
    "OS_CLOUD",
    "OS_AUTH_URL",
    "OS_AUTH_TYPE",
    "OS_ENDPOINT",
    "OS_NETWORK_ENDPOINT_OVERRIDE",
    "OS_CLIENT_CONFIG_FILE",
)
CLOUDS_FILES = ("clouds.yaml", "~/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml")


@dataclass(frozen=True, slots=True)
class Target:
    """The values of the options that say which service to talk to, and how."""

    socket: str | None = None
    url: str | None = None
    user: str | None = None
    password_stdin: bool = False
    os_cloud: str | None = None
    cacert: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    tls_min: Literal["1.2", "1.3"] | None = None
    timeout: float | None = None
    verbose: bool = False
    debug: bool = False
    asks: bool = True
    """Whether the user may be asked for a password."""


@dataclass(frozen=True, slots=True)
class Service:
    """The service's address: exactly one of the three fields is set."""

    socket: str | None = None
    url: str | None = None
    openstack: bool = False


def choose(
    target: Target, environment: Mapping[str, str], *, local: bool, clouds_yaml: bool
) -> Service:
    """The service that options and environment name.

    `local`: the directory of the default socket exists, so this machine runs the service;
    `clouds_yaml`: there is a clouds.yaml in one of its usual places.
    """
    if target.os_cloud:
        return Service(openstack=True)
    if target.url:
        return Service(url=target.url)
    if target.socket:
        return Service(socket=target.socket)
    if any(environment.get(name) for name in OPENSTACK_VARIABLES):
        return Service(openstack=True)
    if url := environment.get("IPAM_URL"):
        return Service(url=url)
    if socket := environment.get("IPAM_SOCKET"):
        return Service(socket=socket)
    if clouds_yaml and not local:
        return Service(openstack=True)
    return Service(socket=DEFAULT_SOCKET)


def connect() -> "Client":
    """The client for the running command. It is closed when the command line ends."""
    context = click.get_current_context().find_root()
    target = _target()
    client = _client(_chosen(target), target)
    context.call_on_close(client.close)
    return _rehearsed(client)


def _rehearsed(client: "Client") -> "Client":
    """The client, or what keeps its changes back where they are to be told first."""
    if {"dry_run", "may_stop"}.isdisjoint(global_options.given()):
        return client
    from ipam.cli import rehearsal  # noqa: PLC0415  # not wanted by the other commands

    found: Client = rehearsal.around(client)
    return found


def _target() -> Target:
    names = {field.name for field in fields(Target)}
    used = {name: value for name, value in global_options.given().items() if name in names}
    return Target(**used)


def connect_with_nova(config_files: Sequence[str]) -> "tuple[Client, Adapter]":
    """The client and an adapter for Nova: both of the cloud, or both from the settings."""
    context = click.get_current_context()
    target = _target()
    if config_files:
        client, nova = _as_configured(config_files, target)
    elif _chosen(target).openstack:
        client, nova = _clouds().cloud_services(target.os_cloud, **_manner(target))
    else:
        raise click.ClickException(
            "This asks Nova, too, so it has to sign in at an OpenStack cloud: name one of"
            " clouds.yaml with --os-cloud or OS_CLOUD, set OS_AUTH_URL and the other OS_*, or give"
            " --config-file with the group [nova]."
        )
    context.call_on_close(client.close)
    return client, nova


def _as_configured(config_files: Sequence[str], target: Target) -> "tuple[Client, Adapter]":
    """The API at its socket, or where the options say, and Nova as [nova] says."""
    from ipam.cli.configured import load_settings  # noqa: PLC0415  # slow import

    with extras.needed_for("Signing in at Nova"):
        from keystoneauth1 import exceptions  # noqa: PLC0415  # not needed for help

        from ipam.keystone_session import nova_adapter  # noqa: PLC0415  # slow import

    settings = load_settings(config_files)
    try:
        nova = nova_adapter(settings)
    except exceptions.ClientException as error:
        raise click.ClickException(f"The group [nova] of the settings: {error}") from error
    local = Service(socket=target.socket or str(settings.api.socket))
    return _client(Service(url=target.url) if target.url else local, target), nova


def _chosen(target: Target) -> Service:
    """The service to talk to. Raises UsageError when the command line names two."""
    named = {"--os-cloud": target.os_cloud, "--url": target.url, "--socket": target.socket}
    given = [option for option, value in named.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} name two services: give one of them.")
    return choose(
        target,
        os.environ,
        local=Path(DEFAULT_SOCKET).parent.is_dir(),
        clouds_yaml=any(_is_readable(Path(name).expanduser()) for name in CLOUDS_FILES),
    )


def _is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK)


def _client(service: Service, target: Target) -> "Client":
    # httpx and ssl, not needed for help and completion
    from ipam.client import Client, sends_secrets_openly  # noqa: PLC0415
    from ipam.tls import client_context  # noqa: PLC0415

    if service.openstack:
        client: Client = _clouds().cloud_client(target.os_cloud, **_manner(target))
        return client
    if service.socket:
        return Client(socket_path=service.socket, **_manner(target, service.socket))
    if not str(service.url).startswith(("http://", "https://")):
        raise click.UsageError(f"The URL {service.url!r} does not begin with http:// or https://.")
    auth = _credentials(target)
    if auth and sends_secrets_openly(str(service.url)):
        say(
            f"ipam: The password goes to {service.url} where others can read it on the way:"
            " use https://.",
            err=True,
        )
    if not str(service.url).startswith("https://"):
        return Client(url=service.url, auth=auth, **_manner(target))
    context = client_context(_tls_files(target))
    return Client(url=service.url, auth=auth, verify=context, **_manner(target))


def _manner(target: Target, socket: str | None = None) -> dict[str, Any]:
    """How the client waits, and tells of its requests."""
    manner: dict[str, Any] = {"timeout_seconds": target.timeout} if target.timeout else {}
    if target.verbose or target.debug:
        manner["watch"] = partial(_tell, socket=socket, debug=target.debug)
    return manner


def _tell(exchange: "Exchange", *, socket: str | None, debug: bool) -> None:
    """Show a request on standard error."""
    told = in_full(exchange, socket) if debug else in_a_line(exchange)
    if told:
        say_lines(told, err=True)


def _tls_files(target: Target) -> "TlsFiles":
    """What options and environment name."""
    from ipam.tls import TlsFiles  # noqa: PLC0415  # ssl is slow

    minimum = target.tls_min or os.environ.get("IPAM_TLS_MIN") or "1.2"
    if minimum not in ("1.2", "1.3"):
        raise click.UsageError(f"IPAM_TLS_MIN={minimum} is neither 1.2 nor 1.3.")
    return TlsFiles(
        target.cert or _file_of("IPAM_CERT"),
        target.key or _file_of("IPAM_KEY"),
        target.cacert or _file_of("IPAM_CACERT"),
        "1.3" if minimum == "1.3" else "1.2",
    )


def _file_of(variable: str) -> Path | None:
    name = os.environ.get(variable)
    return Path(name) if name else None


def _credentials(target: Target) -> tuple[str, str] | None:
    user = target.user or os.environ.get("IPAM_USER")
    if not user:
        if target.password_stdin:
            raise click.UsageError("--password-stdin needs --user NAME.")
        return None
    if target.password_stdin:
        return user, sys.stdin.readline().rstrip("\n")
    if password := os.environ.get("IPAM_PASSWORD"):
        return user, password
    if not (target.asks and sys.stdin.isatty()):
        raise ServiceUnavailable(
            f"No password for {user}: set IPAM_PASSWORD, or send it to --password-stdin."
        )
    return user, click.prompt(f"Password of {user}", type=str, hide_input=True, err=True)


def _clouds() -> ModuleType:
    """The module for clouds. Raises ClickException if its extra is not installed."""
    if importlib.util.find_spec("openstack") is None:
        raise click.ClickException(
            extras.lacking("Signing in at a cloud of clouds.yaml or OS_*", "openstacksdk")
        )
    return importlib.import_module("ipam.cli.openstack_cloud")  # slow
