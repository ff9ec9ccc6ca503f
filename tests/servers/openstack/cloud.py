"""A cloud on one machine: Keystone, MariaDB, RabbitMQ, Placement, Glance, Nova, and ipam behind.

Everything listens on loopback, on free ports, and keeps its files in one directory.
"""

import contextlib
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import openstack
from openstack.config import OpenStackConfig

from tests.servers.keystone_server import Directory, KeystoneServer
from tests.servers.openstack import controllers, guest, hypervisors, libvirt
from tests.servers.openstack.config_files import Ports, Sections
from tests.servers.openstack.hypervisors import Hypervisor
from tests.servers.openstack.place import Place
from tests.servers.openstack.programs import LabError, Programs
from tests.servers.openstack.releases import NOVA34, NovaDatabase, Release
from tests.servers.private_server import free_port

FLAVORS: Final = {"tiny": 128, "small": 192}
"""Memory in MiB by name."""


class Cloud:
    """Everything of one lab. `launch` starts it, `remove` leaves nothing behind."""

    place: Place
    people: Directory
    image: str
    """The name of an image that every hypervisor takes."""
    image_id: str
    flavors: dict[str, str]
    """Ids by name."""

    def __init__(
        self,
        directory: Path,
        hosts: Sequence[Hypervisor],
        *,
        release: Release = NOVA34,
        say: Callable[[str], None] = lambda _line: None,
        ipam: Sections | None = None,
    ) -> None:
        self.hosts = {each.host: each for each in hosts}
        self.keystone = KeystoneServer()
        self.database = NovaDatabase(release.template / "mariadb")
        self.programs = Programs(directory)
        self._directory = directory
        self.release = release
        self._say = say
        self._ipam = ipam or {}

    def launch(self) -> None:
        """Start everything. Raises LabError with the log to read; `remove` then cleans up."""
        begun = time.monotonic()
        for step, what in (
            (self._prepare, "virtual environments"),
            (self._launch_database, "MariaDB, RabbitMQ begun"),
            (self._launch_keystone, "Keystone, its users and catalog"),
            (lambda: controllers.start_ipam(self.place), "ipam's API and worker"),
            (lambda: controllers.start_nova(self.place), "Placement, Glance, Nova's controller"),
            (self._start_hosts, "nova-compute and ipam's agent on each host"),
            (self._fill, "flavors and an image"),
        ):
            started = time.monotonic()
            try:
                step()
            except (OSError, RuntimeError, AssertionError) as error:
                raise LabError(f"{what}: {error}") from error
            now = time.monotonic()
            self._say(f"{now - begun:6.1f} s  {what} ({now - started:.1f} s)")

    def remove(self) -> None:
        """Stop everything, and delete all but the environments."""
        if hasattr(self, "place"):
            for each in self.hosts.values():
                hypervisors.remove(self.place, each)
        self.programs.stop_all()
        self.keystone.remove()
        self.database.remove()
        shutil.rmtree(self._directory, ignore_errors=True)

    def connection(self, user: str) -> Any:
        """An openstacksdk connection of `admin` or `demo`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what openstacksdk's next version drops
            files = [str(self.place.clouds_yaml)]
            region = OpenStackConfig(config_files=files).get_one(cloud=user)
            return openstack.connection.Connection(config=region)

    def _prepare(self) -> None:
        NOVA34.environment.prepare()
        self.release.environment.prepare()
        self._directory.chmod(0o755)  # the lease hook's user passes through

    def _launch_database(self) -> None:
        if reason := self.database.missing():
            raise LabError(reason)
        self.database.launch()
        self.keystone.port = free_port()
        ports = Ports(
            keystone=self.keystone.port,
            nova_db=self.database.port,
            **{name: free_port() for name in Ports.CHOSEN},
        )
        controller = next(iter(self.hosts))
        self.place = Place(
            self._directory, ports, self.release, self.programs, controller, self._ipam
        )
        controllers.start_rabbitmq(self.place)

    def _launch_keystone(self) -> None:
        self.keystone.launch()
        self.people = controllers.fill_keystone(self.keystone, self.place)

    def _start_hosts(self) -> None:
        if any(not each.is_fake for each in self.hosts.values()):
            libvirt.start(self.place)
        for each in self.hosts.values():
            hypervisors.start(self.place, each, self.hosts[self.place.controller])
        with contextlib.closing(self.connection("admin")) as admin:
            hypervisors.await_conductor(self.place, admin.compute)
            for each in self.hosts.values():
                hypervisors.start_compute(self.place, each)
            hypervisors.await_all(self.place, admin.compute, list(self.hosts.values()))

    def _fill(self) -> None:
        """What a server is made of: flavors and an image. Nova's fake drivers never read it."""
        with contextlib.closing(self.connection("admin")) as admin:
            self.flavors = {
                name: admin.compute.create_flavor(name=name, ram=memory, vcpus=1, disk=1).id
                for name, memory in FLAVORS.items()
            }
            self.image, self.image_id = self._image(admin)
            limits = {"quota_set": dict.fromkeys(("instances", "cores", "ram"), -1)}
            admin.compute.put(f"/os-quota-sets/{self.people.project('demo')}", json=limits)

    def _image(self, admin: Any) -> tuple[str, str]:
        """An image to boot from, its name and id: of nothing, where no hypervisor is real."""
        properties: dict[str, str] = {}
        if any(not each.is_fake for each in self.hosts.values()):
            kernel, initrd = guest.make(self.release.environment.folder / "guest")
            properties = {
                "kernel_id": _upload(admin, "guest-kernel", kernel.read_bytes(), "aki"),
                "ramdisk_id": _upload(admin, "guest-ramdisk", initrd.read_bytes(), "ari"),
                "os_command_line": guest.COMMAND_LINE,
            }
        name = "guest" if properties else "empty"
        return name, _upload(admin, name, bytes(1024), "raw", **properties)


def _upload(admin: Any, name: str, data: bytes, form: str, **properties: str) -> str:
    image = admin.image.create_image(
        name=name,
        data=data,
        disk_format=form,
        container_format=form if form != "raw" else "bare",
        visibility="public",
        **properties,
    )
    return str(image.id)
