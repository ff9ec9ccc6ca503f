"""A failing command prints a line or two with the next step, and never a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ipam.cli.failures import with_next_step
from ipam.errors import IpamError, RevisionNumberConstraintFailed
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi

# httpcore leaves the socket of a failed connect to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket")


def test_an_api_that_is_away_is_named_with_the_next_step(ipam: Ipam, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    outcome = ipam("--socket", str(path), "network", "list")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == (
        f"ipam: Cannot reach ipam at the socket {path}: No such file or directory."
        " Is the service running? `ipam up` starts it.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["netwrok", "list"], "Did you mean 'network'?"),
        (["frobnicate"], "`ipam --help` shows what there is."),
        (["network", "lst"], "No such command"),
        (["network", "show"], "Missing argument"),
        (["network", "list", "--colour"], "No such option"),
        (["network", "list", "-f", "xml"], "'xml'"),
        (["network", "list", "-c", "Colour"], "There are: ID, Name"),
        (["network", "list", "--limit", "many"], "'many'"),
        (["subnet", "create", "--network", "x"], "--subnet-range"),
        (["subnet", "set", "x", "--allocation-pool", "10.0.0.1-10.0.0.9"], "start=…"),
        (["subnet", "set", "x", "--allocation-pool", "start=10.0.0.1"], "lacks end=…"),
        (["port", "list", "--fixed-ip", "10.0.0.1"], "ip-address=…"),
        (["user", "add", "anna", "--role", "king"], "'king'"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_says_what_is_wrong(
    ipam: Ipam, words: list[str], said: str
) -> None:
    outcome = ipam(*words)
    assert (outcome.status, outcome.out) == (2, "")
    assert said in outcome.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file. `ipam config sample`"),
        (b"[api]\nbind_port = many\n", "bind_port"),
        (b"[api]\nbind_port = 70000\n", "bind_port"),
        (b"no equals sign", "settings have a fault"),
        (b"[api]\nbind_host = \xff\xfe\n", "settings have a fault"),
    ],
)
def test_settings_that_cannot_be_read_are_a_sentence(
    ipam: Ipam, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "ipam.conf"
    if content is not None:
        path.write_bytes(content)
    for words in (["config", "show"], ["db", "current"], ["api"], ["user", "list"]):
        outcome = ipam(*words, "--config-file", str(path))
        assert (outcome.status, outcome.out) == (1, "")
        assert said in outcome.err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
@pytest.mark.root
def test_without_permission_the_socket_is_named_with_the_next_step(
    api: LiveApi, tmp_path: Path
) -> None:
    done = as_nobody("--socket", api.socket, "network", "list")
    assert done.returncode == 1
    assert "Permission denied. Run this as root" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
@pytest.mark.root
def test_without_permission_the_settings_are_named_with_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "ipam.conf"
    path.write_text("")
    path.chmod(0o600)
    done = as_nobody("config", "show", "--config-file", str(path))
    assert done.returncode == 1
    assert "ermission denied" in done.stderr
    assert "Traceback" not in done.stderr


def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
    """The command as user 65534; the interpreter is loaded before the user changes."""
    program = (
        "import os, sys; import ipam.cli.root, ipam.client, ipam.settings; os.setgroups([]);"
        "os.setgid(65534); os.setuid(65534);"
        "from ipam.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words", [["--help"], ["config", "sample"], ["network", "list", "--help"]]
)
def test_a_reader_that_goes_away_is_no_error_message(words: list[str]) -> None:
    writer = [sys.executable, "-m", "ipam", *words]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(writer, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.stderr == ""


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def fail(*_: object) -> None:
    raise RuntimeError("of all things")


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [(interrupt, 130, "Interrupted."), (fail, 1, "unexpected RuntimeError: of all things")],
)
def test_whatever_is_raised_ends_as_a_line(
    ipam: Ipam,
    monkeypatch: pytest.MonkeyPatch,
    failure: Callable[..., None],
    status: int,
    said: str,
) -> None:
    monkeypatch.setattr("ipam.cli.commands.network.connect", failure)
    outcome = ipam("network", "list")
    assert outcome.status == status
    assert said in outcome.err


def test_a_lost_update_tells_to_look_again() -> None:
    text = with_next_step(RevisionNumberConstraintFailed("Revision 3 is not 4."))
    assert text.startswith("Revision 3 is not 4.")
    assert "repeat" in text
    assert with_next_step(IpamError("plain")) == "plain"
