"""A network that real dnsmasq serves from the files that the agent makes of `dhcp-state`."""

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ipam import model
from ipam.agent.desired import served_network
from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import Site, mac_tags_file
from ipam.agent.host.kernel import NetlinkKernel
from ipam.agent.observed import ObservedNetwork
from ipam.agent.served import ServedNetwork
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent import network_rows
from tests.agent.network_rows import HOST, Json
from tests.system.dhcp_network import DNSMASQ, DhcpNetwork
from tests.waiting import PATIENCE_SECONDS


class PromisedNetwork(DhcpNetwork):
    """Its files are `served.state.files`. A test may change what dnsmasq reads instead."""

    served: ServedNetwork

    def serve(self, row: Json) -> None:
        """Write the files of this description."""
        (self.directory / "mac_tags").write_text(mac_tags_file())
        site = Site(
            run_path=safe_words.path(str(self.directory.parent)),
            mac_tags=safe_words.path(str(self.directory / "mac_tags")),
            hook=safe_words.path(str(self.hook())),
            hook_user=safe_words.user("root"),
        )
        self.served = served_network(msgspec.convert(row, FullNetwork), site, HOST)
        state = self.served.state
        assert state.interface is not None
        assert state.bridge is not None
        assert state.server is not None
        self.interface, self.bridge = state.interface, state.bridge
        self.addresses = tuple(sorted(state.addresses))
        (self.directory / "dnsmasq.conf").write_text(state.server)

    def start(self) -> None:
        for path, text in self.served.state.files.items():
            (self.directory / path).write_text(text)
        subprocess.run(
            [
                *("nsenter", f"--net=/run/netns/{model.dhcp_namespace(self.id)}", "--"),
                *(DNSMASQ, f"--conf-file={self.directory}/dnsmasq.conf"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.log.begin_anew(),
            check=True,
            timeout=PATIENCE_SECONDS,
        )

    def seen(self) -> ObservedNetwork:
        """As the agent observes it."""
        return ObservedNetwork(self.served.state, False, (), frozenset())


@contextmanager
def promised_network(**more: object) -> Iterator[PromisedNetwork]:
    """Started from a row of `network_rows` with these fields, and gone at the end."""
    run_path = Path(tempfile.mkdtemp(prefix="ipam-promised-"))
    run_path.chmod(0o755)
    kernel = NetlinkKernel()
    network_id, dhcp_port = str(uuid.uuid4()), str(uuid.uuid4())
    row = network_rows.network(id=network_id, **more)
    row["dhcp_port"] = row["dhcp_port"] | {"id": dhcp_port}
    (run_path / network_id).mkdir()
    network = PromisedNetwork(run_path / network_id, kernel, (), (), id=network_id)
    try:
        network.serve(row)
        network.make()
        network.start()
        yield network
    finally:
        network.remove()
        network.log.close()
        kernel.close()
        shutil.rmtree(run_path)
