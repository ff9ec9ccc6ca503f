"""A private name server with zones that keys may update: on loopback, on a free port."""

import secrets
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

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
RIGHTS: Final = ("A", "AAAA", "PTR", "DHCID")

ZONE_FILE = """$TTL 300
@ SOA ns.test. admin.test. 1 3600 600 86400 60
@ NS ns.test.
"""


class PrimaryServer(ABC):
    """The keys are `ipam` (its rights alone), `admin` (all) and `weak` (none), each in a file."""

    program: ClassVar[str]
    package: ClassVar[str]
    """Of Debian."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"ipam-{self.package}-"))
        self.port = free_port()
        # AppArmor knows the program by its path, and lets it read nothing in /tmp.
        self._program = shutil.copy(str(shutil.which(self.program)), self.directory / self.program)
        self._secrets = {name: secrets.token_hex(32) for name in ("ipam", "admin", "weak")}
        for name in self._secrets:
            self.key_file(name)
        files = {zone: self.directory / f"zone{number}" for number, zone in enumerate(ZONES)}
        for file in files.values():
            file.write_text(ZONE_FILE)
        self._conf = self.directory / f"{self.program}.conf"
        self._conf.write_text(self._configuration(files))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    @abstractmethod
    def _configuration(self, files: Mapping[str, Path]) -> str:
        """The text of its configuration with these zones, each in its file."""

    @abstractmethod
    def _arguments(self) -> Sequence[str]:
        """With which its program stays in the foreground and logs to its output."""

    @classmethod
    def missing(cls) -> str | None:
        """The sentence to skip with when it cannot run here."""
        is_there = shutil.which(cls.program)
        return None if is_there else f"no {cls.program}: apt install {cls.package}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = self.directory / "log"
        command = [self._program, *self._arguments()]
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
