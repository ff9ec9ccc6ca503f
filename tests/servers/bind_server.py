"""A private BIND."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.primary_server import ADDRESS, RIGHTS, PrimaryServer

CONF = """
options {{
  directory "{directory}"; pid-file none; session-keyfile none;
  listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify no;
}};
controls {{ }};
include "{directory}/ipam.key"; include "{directory}/admin.key"; include "{directory}/weak.key";
{zones}
"""
ZONE = """
zone "{zone}" {{
  type primary; file "{file}"; allow-transfer {{ key ipam; key admin; }};
  update-policy {{ grant ipam zonesub {rights}; grant admin zonesub ANY; }};
}};
"""


class BindServer(PrimaryServer):
    program, package = "named", "bind9"

    def _configuration(self, files: Mapping[str, Path]) -> str:
        zones = "".join(
            ZONE.format(zone=zone, file=file, rights=" ".join(RIGHTS))
            for zone, file in files.items()
        )
        return CONF.format(directory=self.directory, port=self.port, address=ADDRESS, zones=zones)

    def _arguments(self) -> Sequence[str]:
        return "-f", "-n", "1", "-c", str(self._conf), "-g"
