"""Decides what machines that boot from the network are told, by their architecture. Pure.

Firmware says its architecture (DHCP option 93, DHCPv6 option 61; the numbers are IANA's, RFC 4578
and RFC 5970). iPXE, loaded by firmware or in a network card's ROM, asks again and says so: it gets
the script, so that it does not load itself for ever.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from ipam import values
from ipam.model import ip_version
from ipam.rules.dhcp_options import DhcpOption

Boot: TypeAlias = Mapping[str, str]
"""Boot settings: by architecture, or `tftp_server` or `ipxe_script`. None are those of nothing."""

VENDOR_CLASS, SERVER_NAME, FILE, NEXT_SERVER = 60, 66, 67, 255
FILE_URL6, VENDOR_CLASS6 = 59, 16
NUMBERS: Final = {4: frozenset({SERVER_NAME, FILE, NEXT_SERVER}), 6: frozenset({FILE_URL6})}
"""The options of boot settings, by IP version."""

HTTP_CLIENT: Final = "HTTPClient"
"""What UEFI wants to see in an answer that it boots from by HTTP (UEFI 2.10, 24.7.3)."""
_HTTP_CLIENT6: Final = ("UE", HTTP_CLIENT)
"""dnsmasq sends texts here, each with its length before it. So the first one and its length stand
where the enterprise number is, which firmware does not look at."""
IPXE: Final = {4: "ipxe", 6: "ipxe6"}
"""The tags of requests that iPXE sends, by IP version; as Neutron has them."""
_IPXE_FILES: Final = ("ipxe", "undionly", "snponly")
FILE_MAX: Final = 127
"""The length of the field in the head of a message."""
URL_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kind of firmware."""

    name: str
    numbers: tuple[int, ...]
    by_http: bool = False

    @property
    def tag(self) -> str:
        """The tag of its requests."""
        return self.name.replace("_", "-")


ARCHITECTURES: Final = (
    Architecture("bios", (0,)),
    Architecture("uefi_ia32", (6,)),
    Architecture("uefi_x64", (7, 9)),  # 9 is EBC, which much x86-64 firmware says
    Architecture("uefi_arm32", (10,)),
    Architecture("uefi_arm64", (11,)),
    Architecture("uefi_riscv64", (27,)),
    Architecture("uefi_ia32_http", (15,), by_http=True),
    Architecture("uefi_x64_http", (16, 17), by_http=True),
    Architecture("uefi_arm32_http", (18,), by_http=True),
    Architecture("uefi_arm64_http", (19,), by_http=True),
    Architecture("uefi_riscv64_http", (28,), by_http=True),
)


def boot_options(boot: Boot, version: int) -> list[DhcpOption]:
    """The options of one IP version, each for the requests that it is for.

    What only the other version reaches is left out: a TFTP server or a URL with its address.
    """
    script = _script(boot, version)
    found: list[DhcpOption] = []
    for one in ARCHITECTURES:
        what = boot.get(one.name)
        if what is None or not _reaches(boot, one, what, version):
            continue
        loads_again = script is not None or _is_ipxe(what)
        conditions = (one.tag, *([f"!{IPXE[version]}"] if loads_again else []))
        server = None if one.by_http else boot["tftp_server"]
        found += _file(what, server, conditions, version)
        if one.by_http:
            found.append(_http_client(conditions, version))
    if script is not None:
        server = None if "://" in script else boot["tftp_server"]
        found += _file(script, server, (IPXE[version],), version)
    return found


def faults(boot: Boot, version: int | None = None) -> Iterator[str]:
    """Why the settings cannot be: those of a network, or of a subnet of this IP version."""
    server, script = boot.get("tftp_server"), boot.get("ipxe_script")
    for name, value in boot.items():
        if not (value.isascii() and value.isprintable() and value.strip()):
            yield f"{name} is not printable ASCII: {values.shown(value)}"
    if server is not None and version not in (None, ip_version(server)):
        yield f"tftp_server {server} is no address of IPv{version}, as its subnet is"
    if server is not None and (why := _unreachable(server)):
        yield f"tftp_server {server} is {why}, so no machine can load from it"
    for name in boot:
        host = _parts(boot[name]).hostname if "://" in boot[name] else None
        if host and (why := _unreachable(host)):
            yield f"{name} is at {host}, which is {why}: {values.shown(boot[name])}"
    files = [one.name for one in ARCHITECTURES if not one.by_http and one.name in boot]
    for name in files:
        if "://" in boot[name]:
            yield f"{name} is a file on tftp_server, and {values.shown(boot[name])} is a URL"
    if script is not None and "://" not in script:
        files.append("ipxe_script")
    if files and server is None:
        yield f"tftp_server is missing, from which {' and '.join(files)} would be loaded"
    urls = [one.name for one in ARCHITECTURES if one.by_http and one.name in boot]
    for name in urls:
        if not _is_http(boot[name]):
            yield f"{name} is not a URL such as http://10.0.0.9/x.efi: {values.shown(boot[name])}"
    if script is not None and "://" in script and not _parts(script).hostname:
        yield f"ipxe_script names no host: {values.shown(script)}"
    if server is not None and not files:
        yield "tftp_server is there, and no file to load from it"


def _file(
    what: str, server: str | None, conditions: tuple[str, ...], version: int
) -> Iterable[DhcpOption]:
    if version == 6:
        url = what if server is None else f"tftp://[{server}]/{what.removeprefix('/')}"
        return [DhcpOption(FILE_URL6, 6, (url,), conditions)]
    found = [DhcpOption(FILE, 4, (what,), conditions)]
    if server is not None:
        found.append(DhcpOption(SERVER_NAME, 4, (server,), conditions))
        found.append(DhcpOption(NEXT_SERVER, 4, (IPv4Address(server),), conditions))
    return found


def _http_client(conditions: tuple[str, ...], version: int) -> DhcpOption:
    if version == 6:
        return DhcpOption(VENDOR_CLASS6, 6, _HTTP_CLIENT6, conditions)
    return DhcpOption(VENDOR_CLASS, 4, (HTTP_CLIENT,), conditions)


def _script(boot: Boot, version: int) -> str | None:
    script = boot.get("ipxe_script")
    if script is None:
        return None
    of_version = _host_fits(script, version) if "://" in script else _serves(boot, version)
    return script if of_version else None


def _reaches(boot: Boot, one: Architecture, what: str, version: int) -> bool:
    return _host_fits(what, version) if one.by_http else _serves(boot, version)


def _serves(boot: Boot, version: int) -> bool:
    server = boot.get("tftp_server")
    return server is not None and ip_version(server) == version


def _host_fits(url: str, version: int) -> bool:
    """Whether the URL's host has a name, or an address of this IP version."""
    try:
        return ip_address(_parts(url).hostname or "").version == version
    except ValueError:
        return True


def _unreachable(host: str) -> str:
    """What kind of address the host is, if no machine can ask it; empty for others and names."""
    try:
        ip = ip_address(host)
    except ValueError:
        return ""
    kinds = {
        "unspecified": ip.is_unspecified,
        "a loopback address": ip.is_loopback,
        "a multicast address": ip.is_multicast,
        "link-local": ip.version == 6 and ip.is_link_local,
        "reserved": ip.version == 4 and ip.is_reserved,
    }
    return next((kind for kind, fits in kinds.items() if fits), "")


def _is_http(url: str) -> bool:
    parts = _parts(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _parts(url: str) -> SplitResult:
    """The parts of a URL; none if it cannot be read."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _is_ipxe(file: str) -> bool:
    """Whether the file is iPXE by its name, which would load itself again."""
    return any(part in file.rpartition("/")[2].lower() for part in _IPXE_FILES)
