#!/usr/bin/python3 -IS
"""Run by dnsmasq on each DHCP event (`dhcp-script`): hands it to the agent, or spools it.

Each event starts a process, so this is one file that imports only what is built into the
interpreter. For `add`, `old` and `del` it sends one record to the agent's socket and waits for
"written". On any failure it appends the record to the spool, and as long as the spool has records,
too: so they stay in order, and a storm does not wait for an agent that hangs. It always exits with
status 0, so that dnsmasq never fails because of it.

A record is one line of `key=value` fields between tabs. Bytes that are not printable ASCII, and
`%`, stand as `%XX`, so that no client can end a field or a line. By its `id` a second delivery is
recognised: if the answer is lost, the record is in the spool, too.
"""

import _signal  # type: ignore[import-not-found]  # it is built in
import _socket
import posix
import sys
import time

ACTIONS = (b"add", b"old", b"del")
TIMEOUT_SECONDS = 2.0
PAUSE_SECONDS = 0.01
LONGEST_SECONDS = 10
"""dnsmasq waits for each hook before the next: one that hangs is ended by its alarm."""
LONGEST_VALUE = 1024
KEPT = (
    b"INTERFACE",
    b"LEASE_EXPIRES",
    b"TIME_REMAINING",
    b"DOMAIN",
    b"SUPPLIED_HOSTNAME",
    b"OLD_HOSTNAME",
    b"TAGS",
    b"REQUESTED_OPTIONS",
    b"CLIENT_ID",
    b"VENDOR_CLASS",
    b"VENDOR_CLASS_ID",
    b"VENDOR_CLASS0",
    b"USER_CLASS0",
    b"CIRCUIT_ID",
    b"SUBSCRIBER_ID",
    b"REMOTE_ID",
    b"RELAY_ADDRESS",
    b"MUD_URL",
    b"IAID",
    b"SERVER_DUID",
    b"MAC",
    b"DATA_MISSING",
)
"""The `DNSMASQ_*` variables that are passed on; the rest of the environment is ignored."""


def escape(value: bytes) -> str:
    """The value as printable ASCII, cut to a bound."""
    return "".join(
        chr(byte) if 32 < byte < 127 and byte != 37 else f"%{byte:02X}"
        for byte in value[:LONGEST_VALUE]
    )


def record(arguments: list[bytes], environment: dict[bytes, bytes]) -> bytes:
    """The line for one event; `arguments` are action, MAC or DUID, address, and perhaps a name."""
    fields = [
        ("id", posix.urandom(16).hex().encode()),
        ("us", b"%d" % (time.time_ns() // 1000)),
        ("network", environment.get(b"IPAM_NETWORK", b"")),
        ("action", arguments[0]),
        ("who", arguments[1]),
        ("ip", arguments[2]),
    ]
    if len(arguments) > 3:
        fields.append(("hostname", arguments[3]))
    for name in KEPT:
        value = environment.get(b"DNSMASQ_" + name)
        if value is not None:
            fields.append((name.decode(), value))
    return "\t".join(key + "=" + escape(value) for key, value in fields).encode() + b"\n"


def deliver(line: bytes, path: bytes) -> bool:
    """True once the agent has answered that the record is on its disk."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    connection.settimeout(TIMEOUT_SECONDS)
    connection.connect(path)
    connection.send(line)
    return connection.recv(16) == b"written"


def has_records(path: bytes) -> bool:
    """Whether the agent has not yet taken what the spool has."""
    try:
        return posix.stat(path).st_size > 0
    except OSError:
        return False


def spool(line: bytes, path: bytes) -> None:
    """Append the record and sync it.

    The lock keeps the agent from emptying the file meanwhile. An agent that was stopped while it
    has the lock does not stop dnsmasq: it looks again before it empties the file.
    """
    descriptor = posix.open(path, posix.O_WRONLY | posix.O_APPEND | posix.O_CLOEXEC, 0o600)
    until = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            posix.lockf(descriptor, posix.F_TLOCK, 0)
        except OSError:
            if time.monotonic() >= until:
                break
            time.sleep(PAUSE_SECONDS)
        else:
            break
    # The newline in front ends a line that a killed writer may have left unfinished.
    posix.write(descriptor, b"\n" + line)
    posix.fdatasync(descriptor)


def run(arguments: list[bytes], environment: dict[bytes, bytes]) -> None:
    """Hand on the event. Raises OSError on a failure that the caller ignores."""
    if len(arguments) >= 3 and arguments[0] in ACTIONS:
        line = record(arguments, environment)
        try:
            written = not has_records(environment[b"IPAM_SPOOL"]) and deliver(
                line, environment[b"IPAM_INBOX"]
            )
        except (OSError, KeyError):
            written = False
        if not written:
            spool(line, environment[b"IPAM_SPOOL"])


if __name__ == "__main__":
    _signal.signal(_signal.SIGALRM, _signal.SIG_DFL)  # dnsmasq's helper ignores it
    _signal.alarm(LONGEST_SECONDS)
    try:
        encoding = sys.getfilesystemencoding()
        run([a.encode(encoding, "surrogateescape") for a in sys.argv[1:]], posix.environ)
    except Exception as error:  # noqa: BLE001  # dnsmasq has no use for a failure
        # dnsmasq writes this output to its log. There is no other place that shows the error.
        posix.write(2, f"ipam hook: {error!r}\n".encode("utf-8", "backslashreplace"))
    posix._exit(0)  # noqa: SLF001  # skips the interpreter's cleanup, 2 of 10 ms
