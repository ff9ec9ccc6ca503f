"""user, db and config: the commands that need no running API."""

import io
import json
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from ipam.cli.commands import user
from tests.cli.conftest import Ipam


@pytest.fixture
def config_file(tmp_path: Path) -> str:
    path = tmp_path / "ipam.conf"
    path.write_text(f"[DEFAULT]\nstate_path = {tmp_path}/state\nrun_path = {tmp_path}/run\n")
    (tmp_path / "state").mkdir()
    return str(path)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def type_in(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return type_in


def test_a_network_is_held_and_held_no_longer_without_the_api(
    ipam: Ipam, config_file: str
) -> None:
    network = "5F3A1B2C-0000-4000-8000-00000000000A"
    agent = Path(config_file).with_name("state") / "agent"
    known = agent / "networks" / f"{network.lower()}.json"
    known.parent.mkdir(parents=True)
    known.touch()
    held = ipam("agent", "hold", network, "--config-file", config_file)
    assert (held.status, held.out, held.err) == (0, "", "")
    assert [path.name for path in (agent / "holds").iterdir()] == [network.lower()]
    for _ in range(2):
        assert ipam("agent", "hold", network, "--off", "--config-file", config_file).status == 0
    assert list((agent / "holds").iterdir()) == []
    known.unlink()
    warned = ipam("agent", "hold", network, "--config-file", config_file)
    assert warned.status == 0
    assert f"serves no network {network.lower()} now" in warned.err


def test_a_hold_where_no_agent_ever_ran_is_refused(ipam: Ipam, config_file: str) -> None:
    network = "5f3a1b2c-0000-4000-8000-00000000000a"
    outcome = ipam("agent", "hold", network, "--config-file", config_file)
    assert outcome.status == 1
    assert "No agent has run on this host: its state_path " in outcome.err


def test_users_are_added_listed_and_deleted(ipam: Ipam, config_file: str, typed: Any) -> None:
    typed("sesame\n")
    added = ipam(
        *["user", "add", "anna", "--role", "reader", "--password-stdin"],
        *["--config-file", config_file],
    )
    path = Path(config_file).with_name("state") / "htpasswd"
    assert added.status == 0
    assert added.err == f"User anna with the role reader is in {path}.\n"
    stored = path.read_text().split(":")[1].encode()
    assert bcrypt.checkpw(b"sesame", stored)
    listed = ipam("user", "list", "-f", "json", "--config-file", config_file)
    assert json.loads(listed.out) == [{"Name": "anna", "Role": "reader", "Project": "default"}]
    outcome = ipam("user", "delete", "bert", "anna", "--htpasswd-file", str(path))
    assert outcome.status == 1
    assert outcome.err.startswith(f"ipam: No user named 'bert' in {path}.")
    assert "No users" in ipam("user", "list", "--config-file", config_file).err


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("a:b", "sesame", "':'"),
        ("anna", "", "empty"),
        ("anna", "x" * 73, "72"),
    ],
)
def test_a_user_that_cannot_be_is_refused(
    ipam: Ipam, config_file: str, typed: Any, *, name: str, password: str, said: str
) -> None:
    typed(password + "\n")
    outcome = ipam(
        *["user", "add", name, "--role", "admin"],
        *["--password-stdin", "--config-file", config_file],
    )
    assert outcome.status == 1
    assert said in outcome.err


def test_without_a_terminal_the_password_must_come_from_standard_input(
    ipam: Ipam, config_file: str, typed: Any
) -> None:
    typed("sesame\n")
    outcome = ipam("user", "add", "anna", "--role", "admin", "--config-file", config_file)
    assert outcome.status == 2
    assert "--password-stdin" in outcome.err


def test_a_user_is_made_with_a_role_that_was_named(ipam: Ipam, config_file: str) -> None:
    outcome = ipam("user", "add", "anna", "--password-stdin", "--config-file", config_file)
    assert outcome.status == 2
    for role in user.ROLES:
        assert role in outcome.err
    assert not Path(config_file).with_name("state").joinpath("htpasswd").exists()


def test_users_without_a_role_are_named_with_the_remedy(ipam: Ipam, config_file: str) -> None:
    path = Path(config_file).with_name("state") / "htpasswd"
    path.parent.mkdir(exist_ok=True)
    hashed = "$2b$04$abcdefghijklmnopqrstuu3aIlPLkXkWvqmWtxqOXr2YR3Vb3SeQm"
    path.write_text(f"anna:{hashed}\nbert:{hashed}:reader:p1\n")
    on_this = ("--config-file", config_file)
    listed = ipam("user", "list", "-f", "json", *on_this)
    assert [one["Role"] for one in json.loads(listed.out)] == ["", "reader"]
    assert "without a role may do nothing: anna." in listed.err
    assert "ipam user set NAME --role" in listed.err
    assert ipam("user", "set", "anna", "--role", "member", *on_this).status == 0
    assert ipam("user", "list", *on_this).err == ""
    assert f"anna:{hashed}:member:default" in path.read_text()
    gone = ipam("user", "set", "carl", "--role", "member", *on_this)
    assert gone.status == 1
    assert gone.err.startswith(f"ipam: No user named 'carl' in {path}.")


def test_the_roles_are_those_of_the_service() -> None:
    from ipam.identity.htpasswd import ROLES  # noqa: PLC0415  # beside the claim

    assert user.ROLES == ROLES


def test_the_schema_is_upgraded_checked_and_taken_back(ipam: Ipam, config_file: str) -> None:
    def db(*words: str) -> Any:
        return ipam("db", *words, "--config-file", config_file)

    assert db("current").out == "none\n"
    behind = db("check")
    assert behind.status == 1
    assert "`ipam db upgrade`" in behind.err
    assert "from none to" in db("upgrade").err
    assert "already" in db("upgrade").err
    assert db("check").status == 0
    assert db("current").out.strip() not in ("", "none")
    assert db("downgrade", "base", "--yes").status == 0
    assert db("current").out == "none\n"


def test_a_downgrade_asks_first(ipam: Ipam, config_file: str, typed: Any) -> None:
    ipam("db", "upgrade", "--config-file", config_file)
    typed("n\n")
    assert ipam("db", "downgrade", "base", "--config-file", config_file).status == 130
    assert ipam("db", "check", "--config-file", config_file).status == 0


def test_a_revision_that_does_not_exist_is_a_sentence(ipam: Ipam, config_file: str) -> None:
    outcome = ipam("db", "upgrade", "9999", "--config-file", config_file)
    assert outcome.status == 1
    assert "9999" in outcome.err


def test_a_database_that_cannot_be_opened_is_named(ipam: Ipam, tmp_path: Path) -> None:
    path = tmp_path / "ipam.conf"
    path.write_text(f"[database]\nconnection = sqlite:///{tmp_path}/nowhere/ipam.sqlite\n")
    outcome = ipam("db", "upgrade", "--config-file", str(path))
    assert outcome.status == 1
    assert "nowhere/ipam.sqlite" in outcome.err


def test_config_show_prints_what_is_in_force_and_hides_passwords(
    ipam: Ipam, tmp_path: Path
) -> None:
    path = tmp_path / "ipam.conf"
    path.write_text(
        "[database]\nconnection = postgresql+psycopg://ipam:secret@db/ipam\n"
        "[agent]\npassword = secret\npoll_interval = 1.5\n"
    )
    every = ipam("config", "show", "--config-file", str(path))
    assert "secret" not in every.out
    assert "bind_port = 9696" in every.out
    changed = ipam("config", "show", "--changed", "-f", "json", "--config-file", str(path))
    assert json.loads(changed.out) == {
        "database": {"connection": "***"},
        "agent": {"password": "***", "poll_interval": 1.5},
    }
