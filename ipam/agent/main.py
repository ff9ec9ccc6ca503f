"""The agent's process."""

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator
from typing import Any

from ipam import extras, model, systemd
from ipam.agent.agent import Agent, running_agent
from ipam.agent.host.preparation import prepare
from ipam.agent.host.sole_agent import sole_agent
from ipam.client import Client, sends_secrets_openly
from ipam.errors import SettingsUnfit
from ipam.settings import Settings
from ipam.settings.agent import AgentSettings
from ipam.tls import TlsFiles, client_context

LOG = logging.getLogger(__name__)

API_TIMEOUT_SECONDS = 30.0
SWITCH_SECONDS = 0.0005
"""How long a thread that computes keeps others waiting; Python's default is 5 ms.

The thread that tells the API of a port waits so long after each answer, while the loop computes.
"""


def run(settings: Settings, *, stop_everything_on_exit: bool = False) -> None:
    """Serve until SIGTERM or SIGINT. The dnsmasqs run on, unless everything is to stop.

    Raises HostUnfit, before anything is touched, if the host cannot do it, and AgentHostInUse if
    another agent lives under this host's name: at once, or later if the API was away at the start.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with (
        sole_agent(settings.agent.state_path, settings.agent.run_path, settings.run_path),
        _client(settings) as client,
        running_agent(settings, client, prepare(settings)) as agent,
    ):
        with _stopped_by_signals(agent):
            systemd.notify("READY=1")
            LOG.info("Agent of host %s, dnsmasq %s", settings.host, agent.dnsmasq_version)
            agent.serve()
        systemd.notify("STOPPING=1")
        if stop_everything_on_exit:
            agent.remove_everything()


@contextlib.contextmanager
def _stopped_by_signals(agent: Agent) -> Iterator[None]:
    """Make SIGTERM and SIGINT end `serve`."""
    signals = (signal.SIGTERM, signal.SIGINT)
    before = {one: signal.signal(one, lambda *_unused: agent.stop()) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _client(settings: Settings) -> Client:
    if not settings.agent.api_url:
        return Client(socket_path=settings.api.socket, timeout_seconds=API_TIMEOUT_SECONDS)
    agent, auth = settings.agent, _auth(settings)
    if auth and sends_secrets_openly(agent.api_url):
        LOG.warning(
            "The password goes to %s where others can read it on the way: use https://.",
            agent.api_url,
        )
    return Client(url=agent.api_url, auth=auth, timeout_seconds=API_TIMEOUT_SECONDS, **_tls(agent))


def _tls(agent: AgentSettings) -> dict[str, Any]:
    """What the client needs for https. Raises SettingsUnfit."""
    if not agent.api_url.startswith("https://"):
        return {}
    files = TlsFiles(
        agent.certificate_file, agent.key_file, agent.ca_file, agent.tls_minimum_version
    )
    return {"verify": client_context(files)}


def _auth(settings: Settings) -> Any:
    """How the agent signs in at a URL."""
    if settings.agent.auth_strategy == "keystone":
        with extras.needed_for("[agent] auth_strategy = keystone"):
            from ipam.keystone_session import agent_auth  # noqa: PLC0415  # an optional package

        return agent_auth(settings)
    user = settings.agent.username
    if not user:
        return None
    if user != model.agent_user(settings.host):
        LOG.warning(
            "[agent] username is %s, not %s: it may do more than the agent of this host, or"
            " nothing; `ipam agent enrol %s` where the API runs makes an identity of its own",
            *(user, model.agent_user(settings.host), settings.host),
        )
    return user, _password(settings.agent)


def _password(of_agent: AgentSettings) -> str:
    if of_agent.password_file is None:
        return of_agent.password
    try:
        return of_agent.password_file.read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsUnfit(f"[agent] password_file: {error}") from error
