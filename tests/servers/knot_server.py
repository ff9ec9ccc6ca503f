"""A private Knot."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.primary_server import ADDRESS, RIGHTS, PrimaryServer

CONF = """
server:
  rundir: "{directory}"
  listen: "{address}@{port}"
log:
  - target: stderr
    any: info
database:
  storage: "{directory}"
key:
{keys}
acl:
  - id: ipam
    key: ipam
    action: [update, transfer]
    update-type: [{rights}]
  - id: admin
    key: admin
    action: [update, transfer]
zone:
{zones}
"""
KEY = """
  - id: {name}
    algorithm: hmac-sha256
    secret: {secret}
"""
ZONE = """
  - domain: "{zone}"
    file: "{file}"
    acl: [ipam, admin]
"""


class KnotServer(PrimaryServer):
    program, package = "knotd", "knot"

    def _configuration(self, files: Mapping[str, Path]) -> str:
        return CONF.format(
            directory=self.directory,
            address=ADDRESS,
            port=self.port,
            keys="".join(KEY.format(name=n, secret=s) for n, s in self._secrets.items()),
            rights=", ".join(RIGHTS),
            zones="".join(ZONE.format(zone=zone, file=file) for zone, file in files.items()),
        )

    def _arguments(self) -> Sequence[str]:
        return "-c", str(self._conf)
