"""`ipam agent enrol` and `ipam agent revoke`: the user that an agent signs in as."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from ipam import files, model
from ipam.cli.commands.user import file_option
from ipam.cli.configured import load_settings
from ipam.cli.options import config_file_option, examples
from ipam.cli.system_log import record
from ipam.cli.terminal import say, say_lines
from ipam.errors import NotFound

if TYPE_CHECKING:
    from ipam.settings import Settings

PASSWORD_BYTES = 32
PASSWORD_MODE = 0o600
SOMEWHERE = "https://network.example.org   # the URL of this API"

ON_THE_HOST = """\
The user {user} may read what {host} serves and report what happens there, and nothing else.
Its password is in {file}. Bring it to {host}, as /etc/ipam/agent.password of root with mode 0600,
delete it here, write there into /etc/ipam/ipam.conf

[DEFAULT]
host = {host}

[agent]
api_url = {url}
username = {user}
password_file = /etc/ipam/agent.password

and start the agent again. `ipam agent revoke {host}` ends what it may do.
"""
WITH_KEYSTONE = """\
The users are Keystone's. Make one with the role agent and this name, which says its host:

openstack role create agent
openstack user create --domain default --password-prompt {user}
openstack role add --project service --user {user} agent

On {host}, write into /etc/ipam/ipam.conf

[DEFAULT]
host = {host}

[agent]
api_url = {url}
auth_strategy = keystone

[agent_keystone]
auth_type = password
auth_url = https://keystone.example.org/v3
username = {user}
password = ...
user_domain_name = Default
project_name = service
project_domain_name = Default

and start the agent again. `openstack user set --disable {user}` ends what it may do.
"""


@click.command(
    epilog=examples(
        "sudo ipam agent enrol node-7",
        "sudo ipam agent enrol node-7 --password-file /root/node-7.password",
    )
)
@click.argument("host")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the new password; agent-HOST.password in this directory if left out.",
)
@config_file_option
@file_option
def enrol(
    host: str,
    password_file: Path | None,
    config_files: Sequence[str],
    htpasswd_file: Path | None,
) -> None:
    """Give the agent of a host an identity of its own, or a new password.

    Run it where the API runs. It prints what to write on the host. HOST is the host's name, as
    [DEFAULT] host there says.
    """
    settings = load_settings(config_files)
    user, url = model.agent_user(host), settings.api.public_url or SOMEWHERE
    if _is_keystones(settings, htpasswd_file):
        say_lines(WITH_KEYSTONE.format(host=host, user=user, url=url), end="")
        return
    from ipam.identity import htpasswd  # noqa: PLC0415  # bcrypt, for this alone

    file = password_file or Path(f"agent-{quote(host, safe='')}.password")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    htpasswd.check_name(user)
    files.put(file, f"{password}\n".encode(), durable=True, mode=PASSWORD_MODE)
    path = htpasswd_file or settings.api.htpasswd_file
    htpasswd.put(path, user, password, role="agent")
    record(f"user {user} was given a new password and role agent in {path}")
    say_lines(ON_THE_HOST.format(host=host, user=user, url=url, file=file), end="")


@click.command(epilog=examples("sudo ipam agent revoke node-7"))
@click.argument("host")
@config_file_option
@file_option
def revoke(host: str, config_files: Sequence[str], htpasswd_file: Path | None) -> None:
    """Take the identity of a host's agent away. A running API refuses it at once.

    The host goes on serving what it knows. `ipam agent delete` forgets the agent.
    """
    settings, user = load_settings(config_files), model.agent_user(host)
    if _is_keystones(settings, htpasswd_file):
        say(f"The users are Keystone's: openstack user set --disable {user}")
        return
    from ipam.identity import htpasswd  # noqa: PLC0415  # bcrypt, for this alone

    path = htpasswd_file or settings.api.htpasswd_file
    if not htpasswd.remove(path, user):
        raise NotFound(f"No user named '{user}' in {path}. `ipam user list` shows who there is.")
    record(f"user {user} was deleted in {path}")


def _is_keystones(settings: "Settings", htpasswd_file: Path | None) -> bool:
    return settings.api.auth_strategy == "keystone" and htpasswd_file is None
