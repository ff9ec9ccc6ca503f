"""The services of which a lab has one: the message bus, ipam, Placement, Glance, Nova."""

import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from tests.servers.keystone_server import ADMIN_PASSWORD, UWSGI, Directory, KeystoneServer
from tests.servers.openstack import config_files
from tests.servers.openstack.config_files import PASSWORD, Sections
from tests.servers.openstack.place import Place
from tests.servers.openstack.programs import LabError
from tests.servers.openstack.releases import NOVA34, Release
from tests.servers.private_server import is_listening

IPAM: Final = str(Path(sys.executable).with_name("ipam"))
RABBITMQ: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
SERVICE_USERS: Final = ("nova", "placement", "glance", "ipam")
OLD_API_MODULE: Final = "lab_osapi_compute"
OLD_API: Final = """\
from nova.api.openstack import wsgi_app
application = wsgi_app.init_application("osapi_compute")
"""
"""What `nova.wsgi.osapi_compute` is, for a release without it."""
USERS: Final = {"admin": ADMIN_PASSWORD, "demo": PASSWORD}


def start_rabbitmq(place: Place) -> None:
    """Begin to start the message bus: it takes the longest, so nothing waits for it here."""
    if not RABBITMQ.exists():
        raise LabError("needs RabbitMQ: apt install rabbitmq-server")
    home, ports = place.directory / "rabbit", place.ports
    home.mkdir()
    (home / "enabled_plugins").write_text("[].")
    (home / "rabbitmq.conf").write_text(config_files.RABBITMQ.format(port=ports.rabbit))
    place.programs.start(
        "rabbitmq",
        [str(RABBITMQ)],
        {
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"ipam-{ports.rabbit}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": str(place.programs.logs),
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_DIST_PORT": str(ports.rabbit_distribution),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(ports.epmd),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        },
    )


def fill_keystone(keystone: KeystoneServer, place: Place) -> Directory:
    """The services' users, two people of the project demo, the catalog, and clouds.yaml."""
    people = Directory(keystone)
    for user in SERVICE_USERS:
        people.user(user, PASSWORD, "service", "admin", "service")
    people.user("nova-network", PASSWORD, "service", "service")  # whom [neutron] of Nova names
    people.user("demo", PASSWORD, "demo", "member", "reader")
    people.user("admin", ADMIN_PASSWORD, "demo", "admin", "member", "reader")
    ports = place.ports
    for service, name, port, path in (
        ("compute", "nova", ports.nova, "/v2.1"),
        ("placement", "placement", ports.placement, ""),
        ("image", "glance", ports.glance, ""),
        ("network", "ipam", ports.network, ""),
    ):
        people.endpoint(service, name, f"http://127.0.0.1:{port}{path}")
    place.write_clouds(keystone.url, USERS)
    return people


def start_ipam(place: Place) -> None:
    """The API and the worker."""
    sections = config_files.ipam(place.directory, place.ports, place.controller, place.run_path)
    config = place.write("ipam.conf", config_files.merged(sections, place.ipam))
    place.run_path.mkdir(exist_ok=True)
    place.programs.run("ipam-db", [IPAM, "db", "upgrade", "--config-file", config])
    for name in ("api", "worker"):
        place.programs.start(f"ipam-{name}", [IPAM, name, "--config-file", config])
    await_ipam(place)


def await_ipam(place: Place) -> None:
    """Until ipam's API answers at both doors."""

    place.programs.wait(
        lambda: is_listening(place.ports.network), "ipam's API listens", "ipam-api"
    )
    with place.client() as client:
        client.get("/healthcheck")


def start_nova(place: Place) -> None:
    """Placement, Glance, and Nova's API, conductor and scheduler."""
    ports, directory = place.ports, place.directory
    for name in ("nova/lock", "glance/images", "glance/tasks", "glance/staging"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(NOVA34.template / "glance" / "glance.db", directory / "glance")
    paste = place.release.etc("nova/api-paste.ini")
    nova = config_files.nova(directory, ports, place.controller, paste)
    place.write("nova.conf", nova)
    placement = config_files.placement(directory, ports)
    glance = config_files.glance(directory, ports, NOVA34.etc("glance/glance-api-paste.ini"))
    _start_wsgi(place, "placement", "placement.wsgi.api", {"placement.conf": placement}, NOVA34)
    _start_wsgi(place, "glance", "glance.wsgi.api", {"glance-api.conf": glance}, NOVA34)
    place.programs.wait(lambda: is_listening(ports.rabbit), "RabbitMQ listens", "rabbitmq")
    api = {"DEFAULT": {"log_file": directory / "log" / "nova-api.log"}}
    files = {"nova.conf": config_files.merged(nova, api)}
    module = "nova.wsgi.osapi_compute" if place.release.has_wsgi_module else OLD_API_MODULE
    _start_wsgi(place, "nova", module, files, place.release)
    for name in ("nova-conductor", "nova-scheduler"):
        command = [place.release.program(name), "--config-file", place.path("nova.conf")]
        place.programs.start(name, command)
    for name in ("placement", "glance", "nova"):
        listens = partial(is_listening, getattr(ports, name))
        place.programs.wait(listens, f"{name} listens", name)


def _start_wsgi(
    place: Place, name: str, module: str, files: Mapping[str, Sections], release: Release
) -> None:
    """A service in uWSGI, which finds its settings in a directory of its own."""
    kept = place.directory / f"uwsgi-{name}"
    kept.mkdir()
    port = getattr(place.ports, name)
    text = UWSGI.format(port=port, module=f"{module}:application", threads=8)
    (kept / "uwsgi.ini").write_text(text)
    for file, sections in files.items():
        place.write(f"uwsgi-{name}/{file}", sections)
    environment = {f"OS_{name.upper()}_CONFIG_DIR": str(kept)}
    if name == "nova":
        shutil.copy(release.etc("nova/api-paste.ini"), kept)
    if module == OLD_API_MODULE:
        (kept / f"{module}.py").write_text(OLD_API)
        environment["PYTHONPATH"] = str(kept)
    if release.patches_threads:
        environment["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"  # uWSGI's threads are real ones
    if name == "glance":
        environment["OS_GLANCE_CONFIG_FILES"] = ";".join(files)
    place.programs.start(
        name, [release.program("uwsgi"), "--ini", f"{kept}/uwsgi.ini"], environment
    )
