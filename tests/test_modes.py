"""Who may read what the product makes, whatever the umask it was started with."""

import ast
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import create_autospec

import pytest

import ipam
from ipam.agent.dnsmasq.files import CONFIG, ServerFiles, prepare_directory
from ipam.agent.dnsmasq.log_file import LogFile
from ipam.agent.holds import Holds
from ipam.agent.last_known_networks import LastKnownNetworks
from ipam.agent.leases.inbox import Spool
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.lease_files import LeaseFiles
from ipam.agent.leases.table import LeaseTable
from ipam.agent.leaving_prefixes import LeavingPrefixes
from ipam.agent.outside import Advertiser
from ipam.identity import htpasswd
from ipam.protocol.wake import WakeSocket
from ipam.store import schema
from ipam.store.engine.database import Database, Transaction
from tests.agent.leases.events import numbered

NETWORK = "11111111-1111-4111-8111-111111111111"
ME = pwd.getpwuid(os.getuid()).pw_name
PACKAGE = Path(ipam.__file__).parent

MAKERS = {"mkdir", "makedirs", "touch", "write_text", "write_bytes", "mkstemp", "chmod", "umask"}
"""Calls whose modes come from the umask, or that are about modes."""
ALLOWED = {
    "files.py": MAKERS,
    "agent/host/checks.py": {"write_text"},  # sysctls
    "agent/host/netlink.py": {"write_text"},  # sysctls
    "cli/commands/service_user.py": {"chmod"},  # what root hands over to the service
    "agent/host/premises.py": {"chmod"},  # puts back a mode that was chosen
    "agent/host/preparation.py": {"chmod"},  # adds a way through an administrator's directory
}


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def _any_umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(directory: Path) -> dict[str, int]:
    """The modes of all below the directory, by path."""
    return {
        str(path.relative_to(directory)): stat.S_IMODE(path.lstat().st_mode)
        for path in sorted(directory.rglob("*"))
    }


@pytest.mark.usefixtures("_any_umask")
def test_the_agents_state_is_roots_alone_but_for_the_hooks_way_in(tmp_path: Path) -> None:
    LastKnownNetworks(tmp_path / "networks")
    LeavingPrefixes(tmp_path / "leaving", create_autospec(Advertiser))
    holds = Holds(tmp_path)
    holds.hold(NETWORK)
    Spool(tmp_path / "spool", ME).prepare(NETWORK)
    table = LeaseTable(tmp_path / "leases")
    table.apply(numbered(1)[0])
    table.save()
    inbox = InboxFile(tmp_path)
    inbox.append(numbered(1, 2))
    inbox.forget(inbox.peek(1)[1])
    inbox.set_aside({"line": "x"}, "refused")
    inbox.close()
    found = modes(tmp_path)
    assert found.pop("spool") == 0o711
    directories = {name for name in found if (tmp_path / name).is_dir()}
    assert directories == {"networks", "holds", "leases", "leaving"}
    assert {found.pop(name) for name in directories} == {0o700}
    assert set(found.values()) == {0o600}, found
    assert len(found) == 6


@pytest.mark.usefixtures("_any_umask")
def test_dnsmasq_as_nobody_reads_hosts_and_options_and_nothing_else(tmp_path: Path) -> None:
    prepare_directory(tmp_path / "dhcp")
    server = ServerFiles(tmp_path / "dhcp" / NETWORK)
    log = LogFile(server.directory)
    server.write_startup("port=0\n")
    LeaseFiles(tmp_path / "dhcp").write(NETWORK, [])
    server.write("hosts/p", "a\n")
    server.remove("hosts/p")
    server.write("options/p", "a\n")
    log.close()
    assert modes(tmp_path / "dhcp" / NETWORK) == {
        ".reload-due": 0o600,
        CONFIG: 0o600,
        "hosts": 0o755,
        "dnsmasq.leases": 0o600,
        "log": 0o600,
        "names": 0o755,
        "options": 0o755,
        "options/p": 0o644,
    }
    assert modes(tmp_path)["dhcp"] == modes(tmp_path)[f"dhcp/{NETWORK}"] == 0o711


@pytest.mark.usefixtures("_any_umask")
def test_a_database_and_all_beside_it_is_the_services_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ipam.sqlite")
    assert not schema.is_current(database), "a look is what makes the file first"
    schema.upgrade(database)

    def beside(_tx: Transaction) -> dict[str, int]:
        return modes(tmp_path)

    found = database.write(beside)
    database.dispose()
    assert set(found.values()) == {0o600}, found
    assert {"ipam.sqlite", "ipam.sqlite-wal", "ipam.sqlite-shm", "ipam.sqlite.lock"} <= set(found)


@pytest.mark.usefixtures("_any_umask")
def test_passwords_and_wakes_have_their_modes(tmp_path: Path) -> None:
    htpasswd.put(tmp_path / "lib" / "htpasswd", "anna", "secret", role="reader")
    wake = WakeSocket(tmp_path / "wake.sock")
    wake.bind()
    assert modes(tmp_path) == {
        "lib": 0o711,
        "lib/htpasswd": 0o600,
        "wake.sock": 0o660,
        "wake.sock.lock": 0o600,
    }
    wake.close()


def test_nothing_else_in_the_product_makes_files() -> None:
    """`ipam.files` chooses every mode: a new call elsewhere would leave it to the umask."""
    found = {
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.func.attr}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in MAKERS - ALLOWED.get(str(path.relative_to(PACKAGE)), set())
        and ast.unparse(node.func.value) not in ("rows", "files", "tx.notes")
    }
    assert found == set()
