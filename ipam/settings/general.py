"""[DEFAULT]: who and where this host is."""

import socket
from typing import Final

from oslo_config import cfg

OPTIONS: Final = [
    cfg.StrOpt(
        "host",
        default=socket.gethostname(),
        sample_default="<host name>",
        help="The name of this host in ports' binding:host_id and in agents. Nova sends its own"
        " [DEFAULT] host there, so on a compute node the two must be the same.",
    ),
    cfg.StrOpt(
        "state_path",
        default="/var/lib/ipam",
        help="Directory for files that must outlive a reboot: the SQLite database, the"
        " htpasswd file, the agent's lease inbox and its last known networks.",
    ),
    cfg.StrOpt(
        "run_path",
        default="/run/ipam",
        help="Directory for sockets, and for dnsmasq's files, which the agent writes again"
        " after a reboot.",
    ),
    cfg.StrOpt(
        "service_user",
        default="",
        sample_default="ipam",
        help="User as which `ipam up`, started by root, runs API and worker: a name, or a number"
        " that needs no account. Empty means `ipam`, or 65523 if there is no such account."
        " `root` leaves them root's privileges.",
    ),
    cfg.StrOpt(
        "log_level",
        default="INFO",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="The least severe message that is logged. Logs go to standard error, one line each.",
    ),
]
