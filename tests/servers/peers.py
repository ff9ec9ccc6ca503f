"""Makes the environments of tests with other clients: `python -m tests.servers.peers`.

A test also makes a missing one, but then the minutes count as the test's time.
"""

from concurrent.futures import ThreadPoolExecutor

from tests.servers.keystone_server import KEYSTONE
from tests.servers.openstack import guest
from tests.servers.openstack.releases import NOVA33, NOVA34
from tests.servers.openstack_client import CLIENT

EVERY = (NOVA34.environment, NOVA33.environment, KEYSTONE, CLIENT)

if __name__ == "__main__":
    with ThreadPoolExecutor() as threads:
        for made in [threads.submit(each.prepare) for each in EVERY]:
            made.result()
    guest.make(NOVA33.environment.folder / "guest")
