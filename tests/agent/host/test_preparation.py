"""What a host is made of before the first server, on directories and programs of the test."""

import os
import resource
import stat
from pathlib import Path

import pytest

import ipam
from ipam import settings
from ipam.agent.dnsmasq.config import mac_tags_file
from ipam.agent.host import checks, file_lease
from ipam.agent.host.preparation import Preparation, prepare
from ipam.errors import HostUnfit
from ipam.settings import Settings
from tests.agent.host.programs import only_programs_in, program
from tests.agent.loop_host import ME

VERSION = "echo Dnsmasq version 2.92rel2 Copyright"


class Host:
    """A host that can serve, until a test takes something from it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.programs = directory / "bin"
        self.programs.mkdir()
        program(self.programs, "dnsmasq", VERSION)
        for name in ("prlimit", "dhcp_release"):
            program(self.programs, name)
        only_programs_in(self.programs, monkeypatch)
        self.limits: list[tuple[int, tuple[int, int]]] = []
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(resource, "getrlimit", lambda _kind: (1024, 4096))
        monkeypatch.setattr(resource, "setrlimit", lambda *told: self.limits.append(told))
        self.sysctl = directory / "rmem_default"
        self.sysctl.write_text("212992")
        monkeypatch.setattr(checks, "SYSCTLS", {self.sysctl: 4 << 20})

    @property
    def state(self) -> Path:
        return self.directory / "lib" / "agent"

    def settings(
        self, *, hook: str = "auto", hook_user: str = ME, state: str = "lib/agent"
    ) -> Settings:
        file = self.directory / "ipam.conf"
        file.write_text(
            f"[DEFAULT]\nrun_path = {self.directory}/run\nstate_path = {self.directory}/lib\n"
            f"[agent]\nhook = {hook}\nhook_user = {hook_user}\n"
            f"state_path = {self.directory}/{state}\n"
        )
        return settings.load([str(file)])

    def prepare(self) -> Preparation:
        return prepare(self.settings())


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_host_is_prepared_with_all_that_a_server_needs(host: Host) -> None:
    found = host.prepare()
    assert found.dnsmasq_version == "2.92rel2"
    assert str(found.site.run_path) == f"{host.directory}/run/dhcp"
    assert str(found.site.hook_user) == ME
    hook, mac_tags = Path(str(found.site.hook)), Path(str(found.site.mac_tags))
    source = Path(ipam.__file__).parent / "dnsmasq_hook.py"
    assert hook.read_bytes() == source.read_bytes()
    assert mode(hook) == 0o755, "dnsmasq's helper runs it as another user"
    assert mac_tags.read_text() == mac_tags_file()


@pytest.mark.parametrize(
    ("hook", "options", "language"),
    [
        ("auto", "DHCP no-Lua TFTP", "py"),
        ("auto", "DHCP Lua TFTP", "lua"),
        ("python", "DHCP Lua TFTP", "py"),
        ("lua", "DHCP Lua TFTP", "lua"),
    ],
)
def test_the_hook_is_in_the_language_that_is_set_or_that_dnsmasq_has(
    host: Host, hook: str, options: str, language: str
) -> None:
    said = f"Dnsmasq version 2.92rel2\\nCompile time options: IPv6 {options}\\n"
    program(host.programs, "dnsmasq", f"printf '{said}'")
    site = prepare(host.settings(hook=hook)).site
    source = Path(ipam.__file__).parent / f"dnsmasq_hook.{language}"
    assert Path(str(site.hook)).read_bytes() == source.read_bytes()
    assert str(site.hook_option) == {"py": "dhcp-script", "lua": "dhcp-luascript"}[language]


def test_a_hook_in_lua_needs_a_dnsmasq_with_lua(host: Host) -> None:
    with pytest.raises(HostUnfit, match=r"dnsmasq 2\.92rel2 is built without Lua: `apt install"):
        prepare(host.settings(hook="lua"))


def test_without_leases_of_files_the_hook_is_in_python(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Dnsmasq version 2.92rel2\\nCompile time options: DHCP Lua TFTP\\n"
    program(host.programs, "dnsmasq", f"printf '{said}'")
    monkeypatch.setattr(file_lease, "is_possible", lambda _directory: False)
    assert str(host.prepare().site.hook_option) == "dhcp-script"
    with pytest.raises(HostUnfit, match="can have no lease"):
        prepare(host.settings(hook="lua"))


def test_an_installation_keeps_its_name_for_ever(host: Host) -> None:
    first = host.prepare().installation
    assert len(first) == 36
    assert host.prepare().installation == first
    (host.state / "installation").unlink()
    assert host.prepare().installation != first


def test_an_upgrade_brings_its_own_hook_and_tags(host: Host) -> None:
    found = host.prepare()
    paths = [Path(str(found.site.hook)), Path(str(found.site.mac_tags))]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.write_text("of an older version")
    host.prepare()
    assert [path.read_bytes() for path in paths] == before


def test_directories_let_the_hooks_user_pass_and_no_more(host: Host) -> None:
    for name in ("lib", "lib/agent", "run"):
        (host.directory / name).mkdir()
        (host.directory / name).chmod(0o700)
    host.prepare()
    assert [mode(host.directory / name) for name in ("lib", "lib/agent", "run")] == [0o711] * 3
    (host.directory / "run").chmod(0o701)
    host.prepare()
    assert mode(host.directory / "run") == 0o701, "what they may already stays as it is"


def test_limits_are_raised_and_never_lowered(host: Host) -> None:
    host.prepare()
    assert host.sysctl.read_text() == str(4 << 20)
    assert host.limits == [(resource.RLIMIT_NOFILE, (4096, 4096))]
    host.sysctl.write_text(str(8 << 20))
    host.prepare()
    assert host.sysctl.read_text() == str(8 << 20)


@pytest.mark.parametrize("text", [None, "many"])
def test_a_limit_that_cannot_be_raised_is_said_and_the_agent_serves(
    host: Host, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    host.sysctl.unlink()
    if text is not None:
        host.sysctl.write_text(text)
    host.prepare()
    assert "set it in /etc/sysctl.d" in caplog.text


@pytest.mark.parametrize(
    ("lack", "said"),
    [
        ("root", "run it as root"),
        ("user", r"\[agent\] hook_user: there is no user 'nobody-here'"),
        ("dnsmasq", "apt install dnsmasq-base"),
        ("prlimit", "apt install util-linux"),
        ("dhcp_release", "apt install dnsmasq-utils"),
        ("version", "2.87 or later is needed"),
    ],
)
def test_an_unfit_host_is_said_before_anything_is_touched(
    host: Host, lack: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = ME
    if lack == "root":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    elif lack == "user":
        user = "nobody-here"
    elif lack == "version":
        program(host.programs, "dnsmasq", "echo Dnsmasq version 2.86 Copyright")
    else:
        (host.programs / lack).unlink()
    with pytest.raises(HostUnfit, match=said):
        prepare(host.settings(hook_user=user))
    assert not (host.directory / "lib").exists()
    assert not (host.directory / "run").exists()


def test_a_path_that_dnsmasq_would_misread_is_refused(host: Host) -> None:
    with pytest.raises(HostUnfit, match=r"run_path, state_path or \[agent\] hook_user: "):
        prepare(host.settings(state="lib/a b,c"))
