"""The agent's process from its start to its end, with the agent itself replaced."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam import model, settings, systemd
from ipam.agent import main
from ipam.agent.host.sole_agent import sole_agent
from ipam.errors import HostUnfit, SettingsUnfit
from ipam.settings import Settings
from tests.private_ca import PrivateCa
from tests.waiting import PATIENCE_SECONDS


class Agent:
    """Serves until it is stopped, and notes what happens in which order."""

    dnsmasq_version = "2.92"

    def __init__(self) -> None:
        self.events: list[str] = []
        self._stopped = threading.Event()
        self.sent: list[signal.Signals] = []
        """The signals that come while it serves."""

    def serve(self) -> None:
        self.events.append("serves")
        for one in self.sent:
            os.kill(os.getpid(), one)
        assert self._stopped.wait(PATIENCE_SECONDS)
        self.events.append("served")

    def stop(self) -> None:
        self.events.append("is stopped")
        self._stopped.set()

    def remove_everything(self) -> None:
        self.events.append("removes everything")

    @contextlib.contextmanager
    def running(self, *_parts: Any) -> Iterator["Agent"]:
        yield self
        self.events.append("is closed")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    one = Agent()
    one.sent = [signal.SIGTERM]
    monkeypatch.setattr(main, "running_agent", one.running)
    monkeypatch.setattr(main, "prepare", lambda _settings: None)
    monkeypatch.setattr(systemd, "notify", one.events.append)
    return one


def loaded(directory: Path, more: str = "") -> Settings:
    file = directory / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nrun_path = {directory}/run\nstate_path = {directory}/state\n[agent]\n{more}\n"
    )
    return settings.load([str(file)])


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_in_order(
    agent: Agent, tmp_path: Path, sent: signal.Signals
) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    agent.sent = [sent]
    main.run(loaded(tmp_path))
    assert agent.events == [
        "READY=1",
        "serves",
        "is stopped",
        "served",
        "STOPPING=1",
        "is closed",
    ]
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before


def test_everything_is_removed_only_if_it_is_asked_for_and_before_the_end(
    agent: Agent, tmp_path: Path
) -> None:
    main.run(loaded(tmp_path), stop_everything_on_exit=True)
    assert agent.events[-3:] == ["STOPPING=1", "removes everything", "is closed"]


def test_the_directories_are_free_again_after_a_service_that_failed(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unfit(_settings: Settings) -> None:
        raise HostUnfit("no dnsmasq")

    found = loaded(tmp_path)
    monkeypatch.setattr(main, "prepare", unfit)
    with pytest.raises(HostUnfit, match="no dnsmasq"):
        main.run(found)
    with sole_agent(found.agent.state_path, found.run_path):
        assert agent.events == [], "it was not said to be ready"


def test_a_second_agent_is_refused_before_the_host_is_prepared(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = loaded(tmp_path)
    prepared: list[object] = []
    monkeypatch.setattr(main, "prepare", prepared.append)
    with (
        sole_agent(found.agent.state_path, found.run_path),
        pytest.raises(HostUnfit, match="Another agent runs"),
    ):
        main.run(found)
    assert prepared == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"socket_path": True}),
        ("api_url = http://api:9696", {"url": "http://api:9696", "auth": None}),
        (
            "api_url = http://api:9696\nusername = agent\npassword = secret",
            {"url": "http://api:9696", "auth": ("agent", "secret")},
        ),
        (
            "api_url = http://api:9696\nusername = agent@node-7\npassword_file = FILE",
            {"url": "http://api:9696", "auth": ("agent@node-7", "from a file")},
        ),
        (
            "api_url = http://api:9696\nauth_strategy = keystone",
            {"url": "http://api:9696", "auth": "keystone's"},
        ),
    ],
    ids=["on this host", "at a URL", "with a password", "with a file", "with Keystone"],
)
def test_the_agent_signs_in_as_its_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, expected: dict[str, Any]
) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(main, "Client", lambda **named: made.append(named))
    monkeypatch.setattr("ipam.keystone_session.agent_auth", lambda _settings: "keystone's")
    file = tmp_path / "password"
    file.write_text("from a file\n")
    found = loaded(tmp_path, more.replace("FILE", str(file)))
    main._client(found)
    (named,) = made
    assert named.pop("timeout_seconds") == main.API_TIMEOUT_SECONDS
    if "socket_path" in expected:
        expected = {"socket_path": found.api.socket}
    assert named == expected


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    more = f"api_url = http://api:9696\nusername = agent\npassword_file = {tmp_path}/none"
    with pytest.raises(SettingsUnfit, match=r"\[agent\] password_file: .*none"):
        main._client(loaded(tmp_path, more))


@pytest.mark.parametrize(("user", "warned"), [("agent@node-7", False), ("nova", True)])
def test_an_agent_that_signs_in_as_another_user_says_so_at_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, user: str, *, warned: bool
) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nhost = node-7\nstate_path = {tmp_path}\n[agent]\nusername = {user}\n"
        "api_url = http://api:9696\npassword = x\n"
    )
    main._client(settings.load([str(file)])).close()
    assert ("`ipam agent enrol node-7`" in caplog.text) is warned


@pytest.mark.parametrize(
    ("url", "more", "warned"),
    [
        ("http://10.0.0.1:9696", "password = x", True),
        ("http://127.0.0.1:9696", "password = x", False),
        ("https://10.0.0.1:9696", "password = x", False),
    ],
)
def test_a_password_that_others_can_read_on_the_way_is_said_once_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str, more: str, *, warned: bool
) -> None:
    user = model.agent_user("h")
    main._client(loaded(tmp_path, f"api_url = {url}\nusername = {user}\n{more}")).close()
    said = [one.getMessage() for one in caplog.records if "use https://" in one.getMessage()]
    assert len(said) == warned
    assert all(url in line for line in said)


def test_the_agent_takes_its_certificate_from_its_settings(tmp_path: Path) -> None:
    files = PrivateCa(tmp_path).files("node-7.test")
    more = f"certificate_file = {files.certificate}\nkey_file = {files.key}\nca_file = {files.ca}"
    main._client(loaded(tmp_path, f"api_url = https://api.test\n{more}")).close()
    assert files.key
    files.key.unlink()
    with pytest.raises(SettingsUnfit, match=str(files.key)):
        main._client(loaded(tmp_path, f"api_url = https://api.test\n{more}"))
