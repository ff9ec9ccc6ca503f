"""A guest that boots in seconds under emulation: Debian's kernel, BusyBox, and one script.

It asks for its address by DHCP, prints what it was told on its console, and from then on pings
its neighbours .11 to .14, and by name those that the kernel's command line names (`reach=web-1`).
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

MODULES: Final = (
    *("failover", "net_failover", "virtio_ring", "virtio", "virtio_pci_legacy_dev"),
    *("virtio_pci_modern_dev", "virtio_pci", "virtio_net", "af_packet"),
)
"""In the order in which they need each other."""

COMMAND_LINE: Final = "console=ttyS0 quiet panic=-1"

INIT: Final = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /etc
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for m in %s; do [ -f /modules/$m.ko ] && insmod /modules/$m.ko; done
i=0; while [ ! -e /sys/class/net/eth0 ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
echo "GUEST mac $(cat /sys/class/net/eth0/address)"
ip link set lo up; ip link set eth0 up
udhcpc -i eth0 -q -t 20 -T 1 -s /told -O mtu -O staticroutes -O search -x hostname:guest
echo "GUEST address $(ip -4 -o address show eth0 | tr -s ' ' | cut -d' ' -f4)"
echo "GUEST link-mtu $(cat /sys/class/net/eth0/mtu)"
ip route | while read line; do echo "GUEST route $line"; done
echo "GUEST ready"
net=$(ip -4 -o address show eth0 | tr -s ' ' | cut -d' ' -f4 | cut -d. -f1-3)
while true; do
  for n in 11 12 13 14; do
    ping -c 1 -W 1 $net.$n >/dev/null 2>&1 && echo "GUEST reaches $net.$n"
  done
  for name in $reach; do
    ping -c 1 -W 1 $name >/dev/null 2>&1 && echo "GUEST reaches $name"
  done
  sleep 1
done
"""

TOLD: Final = """\
#!/bin/busybox sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
for name in ip mask router dns domain hostname mtu serverid lease staticroutes; do
  eval "value=\\$$name"
  echo "GUEST told $name=$value"
done
ip address add $ip/$mask dev $interface
[ -n "$mtu" ] && ip link set $interface mtu $mtu
[ -n "$domain" ] && echo "search $domain" >/etc/resolv.conf
for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done
set -- $staticroutes
while [ $# -ge 2 ]; do
  ip route add $1 via $2 dev $interface 2>/dev/null; shift 2
done
[ -n "$router" ] && ip route add default via $router dev $interface 2>/dev/null
true
"""


def make(directory: Path) -> tuple[Path, Path]:
    """The kernel and the initial file system, made in this directory unless they are there."""
    kernel, initrd = directory / "kernel", directory / "initrd"
    stamp = directory / "init"
    text = INIT % " ".join(MODULES) + TOLD
    if kernel.exists() and initrd.exists() and stamp.exists() and stamp.read_text() == text:
        return kernel, initrd
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as name:
        unpacked = Path(name)
        _download_kernel(unpacked)
        shutil.copy(next(unpacked.glob("boot/vmlinuz-*")), kernel)
        _pack(_file_system(unpacked), initrd)
    stamp.write_text(text)
    return kernel, initrd


def _download_kernel(directory: Path) -> None:
    """Debian's kernel for virtual machines, unpacked and not installed."""
    shown = _run("apt-cache", "show", "--no-all-versions", "linux-image-cloud-amd64")
    found = re.search(r"^Depends: (linux-image-\S+)", shown, re.MULTILINE)
    assert found, f"linux-image-cloud-amd64 names no kernel: {shown}"
    os.chmod(directory, 0o777)  # noqa: PTH101  # apt downloads as a user of its own
    _run("apt-get", "download", "-q", found[1], cwd=directory)
    package = next(directory.glob("*.deb"))
    _run("dpkg-deb", "-x", str(package), str(directory))


def _file_system(unpacked: Path) -> Path:
    root = unpacked / "root"
    (root / "bin").mkdir(parents=True)
    (root / "modules").mkdir()
    shutil.copy("/bin/busybox", root / "bin")
    for module in MODULES:
        for path in unpacked.glob(f"lib/modules/*/kernel/**/{module}.ko"):
            shutil.copy(path, root / "modules")
    for name, text in (("init", INIT % " ".join(MODULES)), ("told", TOLD)):
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    return root


def _pack(root: Path, initrd: Path) -> None:
    pack = f"find . | cpio --quiet -o -H newc | gzip -1 >{initrd}"
    _run("sh", "-c", pack, cwd=root)


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr[-2000:]}")
    return done.stdout
