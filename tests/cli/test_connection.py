"""Which service a command talks to, and how it signs in."""

import io
import json
from pathlib import Path

import click
import pytest

from ipam.cli import connection
from ipam.cli.connection import DEFAULT_SOCKET, Service, Target, choose
from tests.cli.conftest import Ipam
from tests.private_ca import PrivateCa
from tests.servers.live_api import LiveApi

OPENSTACK = Service(openstack=True)


@pytest.mark.parametrize(
    ("why", "target", "environment", "local", "clouds_yaml", "expected"),
    [
        ("nothing is said", {}, {}, False, False, Service(socket=DEFAULT_SOCKET)),
        ("--socket", {"socket": "/a"}, {"OS_CLOUD": "x"}, True, True, Service(socket="/a")),
        ("--url", {"url": "http://a"}, {"OS_CLOUD": "x"}, True, True, Service(url="http://a")),
        ("--os-cloud", {"os_cloud": "x", "url": "http://a"}, {}, True, True, OPENSTACK),
        ("OS_CLOUD", {}, {"OS_CLOUD": "x", "IPAM_URL": "http://a"}, True, False, OPENSTACK),
        ("OS_AUTH_URL", {}, {"OS_AUTH_URL": "http://k"}, True, False, OPENSTACK),
        ("an empty OS_CLOUD", {}, {"OS_CLOUD": ""}, True, False, Service(socket=DEFAULT_SOCKET)),
        ("OS_USERNAME alone", {}, {"OS_USERNAME": "a"}, 1, 0, Service(socket=DEFAULT_SOCKET)),
        ("IPAM_URL", {}, {"IPAM_URL": "http://a"}, True, True, Service(url="http://a")),
        ("IPAM_SOCKET", {}, {"IPAM_SOCKET": "/a"}, True, True, Service(socket="/a")),
        ("a local service", {}, {}, True, True, Service(socket=DEFAULT_SOCKET)),
        ("a clouds.yaml elsewhere", {}, {}, False, True, OPENSTACK),
    ],
)
def test_the_most_explicit_word_wins(
    why: str,
    target: dict[str, str],
    *,
    environment: dict[str, str],
    local: bool,
    clouds_yaml: bool,
    expected: Service,
) -> None:
    chosen = choose(Target(**target), environment, local=local, clouds_yaml=clouds_yaml)  # type: ignore[arg-type]  # rows hold strings only
    assert chosen == expected, why


def test_a_user_signs_in_over_tcp_with_a_password_from_the_environment(
    api: LiveApi, ipam: Ipam
) -> None:
    secret = {"IPAM_PASSWORD": "sesame"}
    made = ipam(
        "--url", api.url, "--user", "admin", "network", "create", "demo", environment=secret
    )
    assert made.status == 0, made.err
    assert made.out


def test_a_user_signs_in_with_a_password_from_standard_input(
    api: LiveApi, ipam: Ipam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sesame\n"))
    outcome = ipam(
        "--url",
        f"{api.url}/v2.0",
        "--user",
        "admin",
        "--password-stdin",
        "network",
        "list",
        "-f",
        "json",
    )
    assert (outcome.status, outcome.out) == (0, "[]\n")


def test_a_wrong_password_is_refused_with_the_next_step(api: LiveApi, ipam: Ipam) -> None:
    wrong = {"IPAM_URL": api.url, "IPAM_USER": "admin", "IPAM_PASSWORD": "guess"}
    outcome = ipam("network", "list", environment=wrong)
    assert (outcome.status, outcome.out) == (1, "")
    assert "ipam user list" in outcome.err


def test_no_password_is_said_before_anything_is_sent(api: LiveApi, ipam: Ipam) -> None:
    nobody = ipam("--url", api.url, "network", "list")
    assert nobody.status == 1
    assert "Authentication" in nobody.err
    unasked = ipam("--url", api.url, "--user", "admin", "network", "list")
    assert unasked.status == 1
    assert "IPAM_PASSWORD" in unasked.err
    assert ipam("--url", api.url, "--password-stdin", "network", "list").status == 2


def test_a_reader_may_look_and_not_change(api: LiveApi, ipam: Ipam) -> None:
    reader = {"IPAM_URL": api.url, "IPAM_USER": "reader", "IPAM_PASSWORD": "look"}
    assert ipam("network", "list", environment=reader).status == 0
    refused = ipam("network", "create", "demo", environment=reader)
    assert refused.status == 1
    assert "role admin" in refused.err


def clouds_yaml(directory: Path, **auth: str) -> dict[str, str]:
    """The environment that names a clouds.yaml with the cloud `lab`.

    openstacksdk settles where else it looks when it is imported, once for all tests.
    """
    cloud = {"auth_type": auth.pop("auth_type"), "auth": auth, "region_name": ""}
    path = directory / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"lab": cloud}}))
    return {"OS_CLIENT_CONFIG_FILE": str(path)}


def test_a_cloud_of_clouds_yaml_signs_in_by_http_basic(
    api: LiveApi, ipam: Ipam, tmp_path: Path
) -> None:
    file = clouds_yaml(
        tmp_path, auth_type="http_basic", endpoint=api.url, username="admin", password="sesame"
    )
    for words, more in ((["--os-cloud", "lab"], {}), ([], {"OS_CLOUD": "lab"}), ([], {})):
        outcome = ipam(*words, "network", "list", "-f", "json", environment=file | more)
        assert (outcome.status, outcome.out) == (0, "[]\n"), outcome.err
    missing = ipam("--os-cloud", "nowhere", "network", "list", environment=file)
    assert missing.status == 1
    assert "nowhere" in missing.err


def test_a_cloud_with_a_wrong_password_is_refused_with_the_next_step(
    api: LiveApi, ipam: Ipam, tmp_path: Path
) -> None:
    file = clouds_yaml(
        tmp_path, auth_type="http_basic", endpoint=api.url, username="admin", password="guess"
    )
    outcome = ipam("--os-cloud", "lab", "network", "list", environment=file)
    assert outcome.status == 1
    assert "ipam user list" in outcome.err


def test_os_variables_alone_sign_in(api: LiveApi, ipam: Ipam) -> None:
    environment = {
        "OS_AUTH_TYPE": "http_basic",
        "OS_ENDPOINT": api.url,
        "OS_USERNAME": "admin",
        "OS_PASSWORD": "sesame",
    }
    outcome = ipam("network", "list", "-f", "json", environment=environment)
    assert (outcome.status, outcome.out) == (0, "[]\n"), outcome.err


def test_auth_type_none_sends_no_password(api: LiveApi, ipam: Ipam) -> None:
    environment = {"OS_AUTH_TYPE": "none", "OS_ENDPOINT": api.url}
    outcome = ipam("network", "list", environment=environment)
    assert outcome.status == 1
    assert "Authentication" in outcome.err


def test_a_keystone_that_is_away_is_a_sentence(ipam: Ipam) -> None:
    environment = {
        "OS_AUTH_TYPE": "password",
        "OS_AUTH_URL": "http://127.0.0.1:9/v3",
        "OS_USERNAME": "anna",
        "OS_PASSWORD": "x",
        "OS_PROJECT_NAME": "p",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
    }
    outcome = ipam("network", "list", environment=environment)
    assert outcome.status == 1
    assert "127.0.0.1:9" in outcome.err


def test_a_url_without_a_scheme_is_a_usage_error(ipam: Ipam) -> None:
    outcome = ipam("--url", "network.example.org", "network", "list")
    assert outcome.status == 2
    assert "http://" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ("--os-cloud", "x", "--url", "http://a"),
        ("--socket", "/s", "--url", "http://a"),
        ("--os-cloud", "x", "--socket", "/s"),
    ],
)
def test_two_services_on_one_command_line_are_a_usage_error(
    ipam: Ipam, words: tuple[str, ...]
) -> None:
    outcome = ipam(*words, "network", "list")
    assert (outcome.status, outcome.out) == (2, "")
    assert "name two services" in outcome.err


def test_a_password_that_others_can_read_on_the_way_is_said_once(ipam: Ipam) -> None:
    secret = {"IPAM_USER": "ann", "IPAM_PASSWORD": "sesame"}
    for url, said in (
        ("http://api.invalid", 1),
        ("https://api.invalid", 0),
        ("http://[::1]:1", 0),
    ):
        outcome = ipam("--url", url, "network", "list", environment=secret)
        assert outcome.status == 1
        assert outcome.err.count("others can read it on the way: use https://") == said


def test_files_of_tls_come_from_options_or_the_environment(ipam: Ipam, tmp_path: Path) -> None:
    files = PrivateCa(tmp_path).files("node-7.test")
    url = ("--url", "https://127.0.0.1:1", "--cert", str(files.certificate))
    lacking = {"IPAM_KEY": str(tmp_path / "lacking")}
    outcome = ipam(*url, "network", "list", environment=lacking)
    assert (outcome.status, "lacking" in outcome.err) == (1, True)
    right = {"IPAM_KEY": str(files.key), "IPAM_CACERT": str(files.ca), "IPAM_TLS_MIN": "1.3"}
    outcome = ipam(*url, "network", "list", environment=right)
    assert "Cannot reach ipam at https://127.0.0.1:1" in outcome.err
    outcome = ipam(*url, "network", "list", environment={"IPAM_TLS_MIN": "1.1"})
    assert (outcome.status, "neither 1.2 nor 1.3" in outcome.err) == (2, True)


def test_a_cloud_without_openstacksdk_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(click.ClickException, match=r"pip install 'dnsmasq-ipam\[openstack\]'"):
        connection._clouds()
