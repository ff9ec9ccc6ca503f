"""A libvirt of the lab's own, and a nova-compute that runs real guests in QEMU through it.

It only emulates. If /dev/kvm exists but cannot be used for libvirt's guests, libvirt would ask
QEMU for its capabilities before each start, which takes half a minute or more. So libvirt's
processes see a file instead that even root cannot write to.
"""

from pathlib import Path
from typing import Final

from tests.servers.openstack.hypervisors import Hypervisor
from tests.servers.openstack.place import Place

LIBVIRTD: Final = Path("/usr/sbin/libvirtd")
QEMU: Final = Path("/usr/bin/qemu-system-x86_64")

QEMU_CONF: Final = """\
user = "root"
group = "root"
remember_owner = 0
stdio_handler = "file"
namespaces = []
cgroup_controllers = []
security_driver = "none"
"""

LIBVIRTD_CONF: Final = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
"""

START: Final = """\
mount --bind {home}/run /run/libvirt
mount --bind {home}/lib /var/lib/libvirt
mount --bind {home}/etc /etc/libvirt
mount --bind {home}/cache /var/cache/libvirt
if [ -e /dev/kvm ]; then
    mount --bind {home}/no-kvm /dev/kvm
    mount -o remount,bind,ro /dev/kvm
fi
exec /usr/sbin/libvirtd
"""
"""In a mount namespace of its own: the machine's libvirt, if it has one, is not touched."""


def missing() -> str | None:
    """The sentence to skip with when guests cannot run here."""
    if LIBVIRTD.exists() and QEMU.exists():
        return None
    return "needs QEMU and libvirt: apt install qemu-system-x86 libvirt-daemon-system"


def socket(directory: Path) -> Path:
    return directory / "libvirt" / "run" / "libvirt-sock"


def hypervisor(host: str, directory: Path, *, vif_type: str = "") -> Hypervisor:
    """A host that runs guests; `directory` is the lab's."""
    helper = "{programs}privsep-helper --config-file {config}"
    return Hypervisor(
        host,
        driver="libvirt.LibvirtDriver",
        vif_type=vif_type,
        privsep=helper,
        nova={
            "DEFAULT": {"force_raw_images": "false", "vif_plugging_timeout": 90},
            "libvirt": {
                "connection_uri": f"qemu+unix:///system?socket={socket(directory)}",
                "virt_type": "qemu",
                "cpu_mode": "none",
                "images_type": "raw",
                "inject_partition": -2,
            },
        },
    )


def start(place: Place) -> None:
    """Start libvirtd, and wait until it listens."""
    home = place.directory / "libvirt"
    for name in ("run", "lib", "etc", "cache"):
        (home / name).mkdir(parents=True)
    (home / "etc" / "qemu.conf").write_text(QEMU_CONF)
    (home / "etc" / "libvirtd.conf").write_text(LIBVIRTD_CONF)
    (home / "no-kvm").touch()
    for target in (Path("/run/libvirt"), Path("/var/cache/libvirt")):
        target.mkdir(exist_ok=True)
    command = ["unshare", "-m", "sh", "-ec", START.format(home=home)]
    place.programs.start("libvirtd", command)
    place.programs.wait(socket(place.directory).exists, "libvirtd listens", "libvirtd")
