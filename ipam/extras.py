"""The optional packages, and the sentence for who lacks one of them."""

import contextlib
from collections.abc import Iterator
from typing import Final

from ipam.errors import SettingsUnfit

OF_OPENSTACK: Final = ("keystoneauth1", "keystonemiddleware", "openstack", "oslo_policy")
"""What `dnsmasq-ipam[openstack]` adds to `dnsmasq-ipam`: modules that are imported only where the
settings or the command line ask for them."""
OF_DNS: Final = ("dns",)
"""What `dnsmasq-ipam[dns]` adds: dnspython, for names in zones elsewhere."""
OF_MYSQLCLIENT: Final = ("MySQLdb",)
"""What `dnsmasq-ipam[mysqlclient]` adds: the driver of MariaDB that is written in C."""

DISTRIBUTIONS: Final = {"dns": "dnspython", "MySQLdb": "mysqlclient"}
"""What a package is called where it is installed from, if not like its module."""

EXTRAS: Final = {
    **dict.fromkeys(OF_OPENSTACK, "openstack"),
    **dict.fromkeys(OF_DNS, "dns"),
    **dict.fromkeys(OF_MYSQLCLIENT, "mysqlclient"),
}


@contextlib.contextmanager
def needed_for(purpose: str) -> Iterator[None]:
    """A place to import optional packages. Raises SettingsUnfit if one is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package not in EXTRAS:
            raise
        raise SettingsUnfit(lacking(purpose, package)) from error


def lacking(purpose: str, package: str) -> str:
    """The sentence that names the extra."""
    return (
        f"{purpose} needs {DISTRIBUTIONS.get(package, package)}, which is not installed:"
        f" `pip install 'dnsmasq-ipam[{EXTRAS.get(package, 'openstack')}]'`."
    )
