"""Three private MariaDB servers that are one Galera cluster, with writers on each."""

import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from tests.servers.mariadb_server import PATH, MariadbServer
from tests.servers.private_server import free_port

PROVIDER: Final = Path("/usr/lib/galera/libgalera_smm.so")
NODES: Final = 3

TRANSFER: Final = """#!/bin/sh
# The state transfer of a node that lacks only transactions which the others still have: the node
# gets those from the group itself, and this says that nothing else comes. The two ends meet at a
# pipe. The server's own script wants rsync and the whole mariadb-server package.
while [ $# -gt 0 ]; do
  case $1 in
    --role) role=$2 ;;
    --address) address=$2 ;;
    --datadir) pipe=$2/transfer ;;
    --gtid) gtid=$2 ;;
    --bypass) bypass=1 ;;
  esac
  shift
done
if [ "$role" = joiner ]; then
  rm -f "$pipe"
  mkfifo "$pipe"
  echo "ready 127.0.0.1$pipe"
  timeout 600 cat "$pipe" # no longer, should the server be killed meanwhile
elif [ -n "$bypass" ]; then
  echo "$gtid" >"${address#127.0.0.1}"
  echo "done $gtid"
else
  echo "a whole copy was asked for, which tests never need" >&2
  exit 1
fi
"""


class GaleraNode(MariadbServer):
    """One of the servers."""

    name = "galera"
    package = "galera-4"

    def __init__(self, port: int, members: Sequence[int], *, durable: bool) -> None:
        """The ports are those of the group."""
        super().__init__(durable=durable)
        self.begins_with: Path | None = None
        """The data directory to copy; without one, a new one is made."""
        self.options: Sequence[str] = ()
        """More options of its next starts."""
        self._group_port = port
        self._members = members
        self._transfer_port = free_port()

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def status(self, name: str) -> str:
        """A variable of its status."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE %s", (name,))
            row = cursor.fetchone()
        return str(row[1]) if row else ""

    @property
    def conflicts(self) -> int:
        """How many of its transactions it undid for one of another node, since its start."""
        counted = ("wsrep_local_cert_failures", "wsrep_local_bf_aborts")
        return sum(int(self.status(name)) for name in counted)

    def catch_up(self) -> None:
        """Return when it has what the group has."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION wsrep_sync_wait = 1")
            cursor.execute("SELECT 1")

    def recover(self) -> None:
        """Start after a crash, from the last transaction that its tables have."""
        self.options = ()
        log = self.directory / "recovery.err"
        self.run([*self._command(self.data), "--wsrep-recover", f"--log-error={log}"])
        (position,) = re.findall(r"Recovered position: (\S+)", log.read_text())
        log.unlink()
        self.options = [f"--wsrep-start-position={position}"]
        self.start()

    def _initialise(self, data: Path) -> None:
        script = self.directory / "wsrep_sst_missing_transactions"
        script.write_text(TRANSFER)
        script.chmod(0o755)
        if self.begins_with is None:
            super()._initialise(data)
        else:
            self._write_users()
            self.run(["cp", "-r", str(self.begins_with), str(data)])

    def _command(self, data: Path) -> list[str]:
        members = ",".join(f"127.0.0.1:{port}" for port in self._members)
        provider = {
            "base_host": "127.0.0.1",
            "base_port": self._group_port,
            "gmcast.listen_addr": f"tcp://127.0.0.1:{self._group_port}",
            "ist.recv_addr": f"127.0.0.1:{self._transfer_port}",
            "gcache.size": "32M",
            "evs.keepalive_period": "PT0.3S",
            "evs.inactive_check_period": "PT0.3S",
            "evs.suspect_timeout": "PT2S",
            "evs.inactive_timeout": "PT6S",
        }
        options = ";".join(f"{name}={value}" for name, value in provider.items())
        return [
            *("env", f"PATH={self.directory}:{PATH}"),
            *super()._command(data),
            *("--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-on=ON"),
            *(f"--wsrep-provider={PROVIDER}", f"--wsrep-provider-options={options}"),
            f"--wsrep-cluster-address=gcomm://{members}",
            *("--wsrep-node-address=127.0.0.1", "--wsrep-sst-method=missing_transactions"),
            *("--wsrep-slave-threads=2", "--innodb-log-file-size=16M", *self.options),
        ]

    def _answers(self) -> bool:
        return super()._answers() and self.status("wsrep_ready") == "ON"


class GaleraCluster:
    """The three servers. A database that one makes is in all of them."""

    name = "galera"

    def __init__(self, *, durable: bool = False) -> None:
        ports = [free_port() for _ in range(NODES)]
        self.nodes = [GaleraNode(port, ports, durable=durable) for port in ports]

    @classmethod
    def missing(cls) -> str | None:
        """The sentence to skip with when the cluster cannot run here."""
        needed = f"needs Galera: apt install {GaleraNode.package}"
        return MariadbServer.missing() or (None if PROVIDER.exists() else needed)

    def launch(self) -> None:
        """Have one node make the state that all begin with, and start them one after the other."""
        first, *others = self.nodes
        try:
            first.options = ["--wsrep-new-cluster"]
            first.launch()
            first.stop()
            beginning = first.directory / "beginning"
            first.run(["cp", "-r", str(first.data), str(beginning)])
            first.start()
            for node in others:
                node.begins_with = beginning
                node.launch()
        except BaseException:
            self.remove()
            raise

    def fresh_url(self) -> str:
        """The URL of a new, empty database, at the first node."""
        return self.nodes[0].fresh_url()

    def urls(self, url: str) -> list[str]:
        """A database's URL at each node."""
        each = (make_url(url).set(port=node.port) for node in self.nodes)
        return [one.render_as_string(hide_password=False) for one in each]

    def kill(self, number: int) -> None:
        """End a node's process with SIGKILL."""
        self.nodes[number].stop(signal.SIGKILL)

    def bring_back(self, number: int) -> None:
        """Start a killed node; it then has what the others have."""
        self.nodes[number].recover()

    def settle(self) -> None:
        """Return when each node has all that was committed on any."""
        for node in self.nodes:
            node.catch_up()

    def remove(self) -> None:
        """Stop all, and delete everything."""
        for node in self.nodes:
            node.remove()
