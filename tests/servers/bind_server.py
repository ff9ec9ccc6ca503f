"""A private BIND with zones that keys may update: on loopback, on a free port."""

import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.tsig
import dns.update

from tests.servers.private_server import free_port
from tests.waiting import PATIENCE_SECONDS, until_it_serves

ADDRESS: Final = "127.0.0.1"
ZONES: Final = (
    "lab.example",
    "other.example",
    "2.0.192.in-addr.arpa",
    "64/26.3.0.192.in-addr.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
)
RIGHTS: Final = "A AAAA PTR DHCID"

ZONE_FILE = """$TTL 300
@ SOA ns.test. admin.test. 1 3600 600 86400 60
@ NS ns.test.
"""
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


class BindServer:
    """The keys are `ipam` (its rights alone), `admin` (all) and `weak` (none), each in a file."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ipam-bind-"))
        self.port = free_port()
        # AppArmor knows the program by its path, and lets it read nothing in /tmp.
        self._program = shutil.copy(str(shutil.which("named")), self.directory / "named")
        self._secrets = {name: secrets.token_hex(32) for name in ("ipam", "admin", "weak")}
        for name in self._secrets:
            self.key_file(name)
        text = ""
        for number, zone in enumerate(ZONES):
            (self.directory / f"zone{number}").write_text(ZONE_FILE)
            text += ZONE.format(zone=zone, file=f"zone{number}", rights=RIGHTS)
        conf = CONF.format(directory=self.directory, port=self.port, address=ADDRESS, zones=text)
        (self.directory / "named.conf").write_text(conf)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    @staticmethod
    def missing() -> str | None:
        """The sentence to skip with when it cannot run here."""
        return None if shutil.which("named") else "no named: apt install bind9"

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = self.directory / "log"
        command = [self._program, "-f", "-n", "1", "-c", str(self.directory / "named.conf"), "-g"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        until_it_serves(self._process, self._answers, log)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Stop, as in a crash; what it has confirmed is in its journals."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()

    def pause(self, *, on: bool) -> None:
        """Let it take connections and be silent, or go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    def secret(self, key: str) -> str:
        return self._secrets[key]

    def key_file(self, name: str, *, secret: str = "", called: str = "") -> Path:
        """A file with the key as tsig-keygen writes it, or with another secret in it."""
        path = self.directory / f"{called or name}.key"
        value = secret or self._secrets[name]
        path.write_text(f'key "{name}" {{\n\talgorithm hmac-sha256;\n\tsecret "{value}";\n}};\n')
        path.chmod(0o600)
        return path

    def line(self, zone: str, *more: object) -> str:
        """The item of [dns] zones."""
        return " ".join([zone, f"{ADDRESS}:{self.port}", *map(str, more)])

    def values(self, name: str, kind: str) -> list[str]:
        """The values of a name's records of a type, sorted."""
        answer = self._ask(dns.message.make_query(name, kind))
        return sorted(
            rdata.to_text()
            for rrset in answer.answer
            for rdata in rrset
            if rrset.name == dns.name.from_text(name)
        )

    def edit(self, zone: str, lines: Iterable[Sequence[str]], *, removing: str = "") -> None:
        """What an admin does by hand: remove a name, and add records (name, type, value)."""
        key = dns.tsig.Key("admin", self._secrets["admin"], "hmac-sha256")
        update = dns.update.UpdateMessage(zone, keyring=key)
        if removing:
            update.delete(dns.name.from_text(removing))
        for name, kind, value in lines:
            update.add(dns.name.from_text(name), 300, kind, value)
        answer = self._ask(update)
        assert answer.rcode() == 0, answer

    def _ask(self, message: dns.message.Message) -> dns.message.Message:
        return dns.query.tcp(message, ADDRESS, PATIENCE_SECONDS, port=self.port)

    def _answers(self) -> bool:
        try:
            return bool(self.values("lab.example", "SOA"))
        except (OSError, EOFError, dns.exception.DNSException):
            return False
