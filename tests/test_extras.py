"""The small installation, `pip install dnsmasq-ipam`, serves; what it lacks it names."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ipam import extras
from ipam.errors import SettingsUnfit

WITHOUT_EXTRAS = f"import sys; sys.modules.update(dict.fromkeys({tuple(extras.EXTRAS)}))\n"
"""Lets every import of an optional package fail as if it were not installed."""

AUTHORIZED = """
import json, sys
from ipam import settings
from ipam.identity.caller import Caller
from ipam.identity.policy import Policy
grant = Policy(settings.load([sys.argv[1]])).grant(Caller("max", "p1", "member"), "create_port")
print(json.dumps(sorted(grant.relations)))
"""


def run_without_extras(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS + program, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")
    return file


def test_the_default_rules_need_no_optional_package(config: Path) -> None:
    done = run_without_extras(AUTHORIZED, str(config))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["network_owner", "shared"]


@pytest.mark.parametrize("named", [True, False])
def test_a_policy_file_that_cannot_be_obeyed_stops_the_start(config: Path, *, named: bool) -> None:
    """A small installation never ignores rules that forbid something."""
    if named:
        config.write_text(f"{config.read_text()}[oslo_policy]\npolicy_file = rules.yaml\n")
    else:
        (config.parent / "policy.yaml").write_text('"create_port": "!"\n')
    done = run_without_extras(AUTHORIZED, str(config))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "oslo_policy, which is not installed: `pip install 'dnsmasq-ipam[openstack]'`" in last


@pytest.mark.parametrize(
    ("settings", "call"),
    [
        ("[api]\nauth_strategy = keystone", "identity.authentication.authenticator"),
        ("[agent]\nauth_strategy = keystone", "agent.main._auth"),
        ("[compute]\nsend_events = true", "worker.main.run"),
        ("[compute]\nreclaim_orphans = true", "worker.main.run"),
        ("[dns]\nzones = lab.example 192.0.2.53", "worker.main.run"),
        ("[database]\nconnection = mysql+mysqldb://h/ipam", "api.app.create_app"),
    ],
)
def test_a_setting_that_asks_for_an_optional_package_names_the_extra(
    config: Path, settings: str, call: str
) -> None:
    config.write_text(f"{config.read_text()}{settings}\n")
    module, _, function = f"ipam.{call}".rpartition(".")
    program = (
        "import importlib, ipam.settings\nfunction = getattr(importlib.import_module"
        f"({module!r}), {function!r})\nfunction(ipam.settings.load([sys.argv[1]]))"
    )
    done = run_without_extras(program, str(config))
    assert done.returncode == 1, done
    assert done.stderr.splitlines()[-1].startswith("ipam.errors.SettingsUnfit: [")
    extra = {"[dns]": "dns", "[database]": "mysqlclient"}.get(
        settings.split(maxsplit=1)[0], "openstack"
    )
    assert f"not installed: `pip install 'dnsmasq-ipam[{extra}]'`" in done.stderr


def test_a_command_that_asks_nova_names_the_extra(config: Path) -> None:
    program = "from ipam.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = run_without_extras(program, "compute", "audit", "--config-file", str(config))
    assert done.returncode == 1, done
    assert "not installed: `pip install 'dnsmasq-ipam[openstack]'`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_module_of_our_own_that_is_missing_is_no_matter_of_extras() -> None:
    with pytest.raises(ModuleNotFoundError), extras.needed_for("This"):
        raise ModuleNotFoundError(name="ipam.lost")
    with pytest.raises(SettingsUnfit), extras.needed_for("This"):
        raise ModuleNotFoundError(name="keystoneauth1.loading")


def test_the_extra_has_them_and_the_core_has_not() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    names = [re.split("[<>=[]", each)[0] for each in project["dependencies"]]
    distributions = {"keystoneauth1", "keystonemiddleware", "openstacksdk", "oslo.policy"}
    assert {each.replace(".", "_").removesuffix("sdk") for each in distributions} == set(
        extras.OF_OPENSTACK
    )
    assert not distributions & set(names)
    assert "dnsmasq-ipam[keystone]" in optional["openstack"]
    added = {re.split("[<>=[]", each)[0] for each in optional["keystone"] + optional["openstack"]}
    assert distributions <= added
    assert [re.split("[<>=]", each)[0] for each in optional["dns"]] == ["dnspython"]
    assert [re.split("[<>=]", each)[0] for each in optional["mysqlclient"]] == ["mysqlclient"]
    assert not {"dnspython", "mysqlclient"} & set(names)
