"""Makes what the tests of identity and of other clients need: `python -m tests.servers.peers`.

A test makes it too when it is missing; here its minute is not taken for a test's.
"""

from tests.servers.keystone_server import KEYSTONE
from tests.servers.openstack import guest
from tests.servers.openstack.releases import NOVA33, NOVA34
from tests.servers.openstack_client import CLIENT

if __name__ == "__main__":
    KEYSTONE.prepare()
    CLIENT.prepare()
    NOVA34.environment.prepare()
    NOVA33.environment.prepare()
    guest.make(NOVA33.environment.folder / "guest")
