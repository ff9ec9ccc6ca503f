"""`ipam up`: API, agent and worker of one machine, in one command."""

import fcntl
import http.client
import json
import os
import shutil
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ipam import files
from ipam.api.serving.draining import DRAIN_SECONDS
from ipam.cli.commands import preflight
from ipam.cli.commands.service_user import (
    ServiceUser,
    check_access,
    hand_over,
    service_user,
)
from ipam.cli.commands.supervisor import ChildFailedError, Supervisor, ipam_command
from ipam.cli.configured import load_settings
from ipam.cli.connection import DEFAULT_SOCKET
from ipam.cli.options import config_file_option, examples
from ipam.escaping import escaped

START_SECONDS = 60.0
"""Long enough for a loaded machine with one core. A start usually takes two or three seconds."""
AGENT_STOP_SECONDS = 60.0
"""Removing hundreds of networks takes some seconds."""
STOP_SECONDS = DRAIN_SECONDS + 10
"""The API first answers its open requests. Its own limit must end before this one."""
LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started, and where."""

    config_files: tuple[str, ...]
    socket: str
    url: str
    host: str
    state_path: str
    keep_on_exit: bool
    user: ServiceUser | None
    """As whom API and worker run; None: as whoever runs this."""

    def command(self, *words: str) -> list[str]:
        """A child's command line."""
        files = [word for name in self.config_files for word in ("--config-file", name)]
        return ipam_command(*words, *files)


@click.command(
    epilog=examples(
        "sudo ipam up",
        "sudo ipam up --port 19696 --state-path /tmp/try --run-path /run/try",
        "sudo ipam up --config-file /etc/ipam/ipam.conf --keep-on-exit",
    )
)
@config_file_option
@click.option("--state-path", type=click.Path(), metavar="DIR", help="Where the database is kept.")
@click.option("--run-path", type=click.Path(), metavar="DIR", help="Where sockets are made.")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port of the API; 0: a free one.")
@click.option(
    "--keep-on-exit",
    is_flag=True,
    help="Keep bridges and dnsmasq at the end, so that machines are still served.",
)
def up(
    config_files: Sequence[str],
    state_path: str | None,
    run_path: str | None,
    port: int | None,
    keep_on_exit: bool,
) -> None:
    """Run API, agent and worker on this machine until Ctrl-C.

    Upgrades the database's schema first. At the end it removes every bridge, namespace and dnsmasq
    that it made, unless --keep-on-exit is given.
    """
    with ExitStack() as stack:
        plan = _prepare(
            stack,
            config_files=config_files,
            state_path=state_path,
            run_path=run_path,
            port=port,
            keep_on_exit=keep_on_exit,
        )
        supervisor = stack.enter_context(Supervisor(_write_line))
        try:
            if _start(supervisor, plan):
                _write(_summary(plan))
                supervisor.run_until_signal()
        except ChildFailedError as error:
            raise click.ClickException(
                f"{error} ended before everything had started; its lines above say why."
            ) from error
        finally:
            _stop(supervisor, plan)


def _prepare(
    stack: ExitStack,
    *,
    config_files: Sequence[str],
    state_path: str | None,
    run_path: str | None,
    port: int | None,
    keep_on_exit: bool,
) -> Plan:
    """Check everything, make the directories, and write settings for the options."""
    settings = load_settings(config_files)
    state_path = str(Path(state_path or settings.state_path).absolute())
    run_path = str(Path(run_path or settings.run_path).absolute())
    bind_host = settings.api.bind_host
    bind_port = settings.api.bind_port if port is None else port
    allowed = settings.agent.allow_vulnerable_dnsmasq
    dnsmasq = settings.agent.dnsmasq
    if faults := preflight.faults(dnsmasq, bind_host, bind_port, allow_vulnerable=allowed):
        raise click.ClickException("\n".join(["Cannot start:", *faults]))
    files.make_directory(Path(state_path), files.WAY_DIRECTORY)
    files.make_directory(Path(run_path), files.PUBLIC_DIRECTORY)
    _lock(stack, Path(run_path, "up.lock"))
    bind_port = bind_port or preflight.free_port(bind_host)
    overlay = Path(run_path, "up.conf")
    text = (
        f"# Written by `ipam up` on top of {', '.join(config_files) or 'the usual settings'}.\n"
        f"[DEFAULT]\nstate_path = {state_path}\nrun_path = {run_path}\n"
        f"[api]\nbind_port = {bind_port}\n"
    )
    files.put(overlay, text.encode(), mode=files.PUBLIC)
    names = (*(config_files or settings.config_files), str(overlay))
    effective = load_settings(names)
    user = service_user(effective.service_user)
    if user is not None:
        check_access(user, names)
        hand_over(user, Path(state_path), Path(run_path))
    shown_host = f"[{bind_host}]" if ":" in bind_host else bind_host
    return Plan(
        config_files=tuple(str(Path(name).absolute()) for name in names),
        socket=str(effective.api.socket),
        url=effective.api.public_url or f"http://{shown_host}:{bind_port}",
        host=effective.host,
        state_path=state_path,
        keep_on_exit=keep_on_exit,
        user=user,
    )


def _lock(stack: ExitStack, path: Path) -> None:
    file = stack.enter_context(os.fdopen(files.opened(path, os.O_WRONLY), "wb"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise click.ClickException(
            f"Another `ipam up` runs on {path.parent}: stop that first, or give this one a"
            " --run-path, a --state-path and a --port of its own."
        ) from error


def _start(supervisor: Supervisor, plan: Plan) -> bool:
    """Start everything in order; False if the user stops it before the end."""
    environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    _write_line("up", "bringing the database's schema up to date")
    supervisor.run("db", plan.command("db", "upgrade"), environment, plan.user)
    supervisor.start("api", plan.command("api"), environment, plan.user)
    answered = supervisor.wait_until(
        lambda: _ask(plan.socket, "/v2.0/agents") is not None,
        seconds=START_SECONDS,
        pause=LOOK_AGAIN_SECONDS,
    )
    if not answered:
        return _give_up(supervisor, "The API does not answer")
    removal = [] if plan.keep_on_exit else ["--remove-on-exit"]
    supervisor.start("agent", plan.command("agent", "run", *removal), environment)
    supervisor.start("worker", plan.command("worker"), environment, plan.user)
    alive = supervisor.wait_until(
        lambda: _agent_is_alive(plan), seconds=START_SECONDS, pause=LOOK_AGAIN_SECONDS
    )
    return alive or _give_up(supervisor, "The agent does not report")


def _give_up(supervisor: Supervisor, what: str) -> bool:
    if supervisor.signals:
        return False
    raise click.ClickException(f"{what} after {START_SECONDS:.0f} s; the lines above may say why.")


def _stop(supervisor: Supervisor, plan: Plan) -> None:
    """Stop the agent first, while the API still takes its reports."""
    _write_line("up", "stopping" if plan.keep_on_exit else "stopping, and removing what was made")
    supervisor.stop("agent", seconds=AGENT_STOP_SECONDS)
    supervisor.stop("worker", "api", seconds=STOP_SECONDS)
    _write_line("up", "stopped")


def _agent_is_alive(plan: Plan) -> bool:
    answer = _ask(plan.socket, "/v2.0/agents") or {}
    return any(one["alive"] and one["host"] == plan.host for one in answer.get("agents", ()))


def _ask(socket_path: str, path: str) -> Any:
    """The API's answer over its socket, None when there is none.

    The supervisor runs for a long time and needs this only at the start. An HTTP library would
    stay in its memory.
    """
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(5)
    try:
        connection.sock.connect(socket_path)
        connection.request("GET", path)
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _summary(plan: Plan) -> str:
    program = f"sudo {'ipam' if shutil.which('ipam') else Path(sys.argv[0]).absolute()}"
    ipam = program if plan.socket == DEFAULT_SOCKET else f"{program} --socket {plan.socket}"
    config = "" if plan.socket == DEFAULT_SOCKET else f" --config-file {plan.config_files[-1]}"
    end = "and machines are served on" if plan.keep_on_exit else "and leaves this host as it was"
    return f"""
ipam is up.
  API      {plan.url}   for users: {program} user add NAME --role ROLE{config}
  socket   {plan.socket}   for root, without a password
  agent    {plan.host}
  state    {plan.state_path}

Try in another terminal:
  {ipam} network create demo
  {ipam} subnet create --network demo --subnet-range 10.0.0.0/24
  {ipam} port create --network demo --host {plan.host} web-1
  {ipam} port wait web-1
  {ipam} lease list

Ctrl-C stops it, {end}.
"""


def _write_line(name: str, line: str) -> None:
    _write(f"{name:<6} | {escaped(line)}")


def _write(text: str) -> None:
    """Print, but ignore a reader that is gone: the children must still be stopped."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        return
