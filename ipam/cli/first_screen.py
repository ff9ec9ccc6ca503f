"""The first screen of help: the table of commands, the options of all commands, the text.

Imports nothing, so that `ipam --help` costs hardly more than starting Python.
"""

COMMANDS = {
    "network": ("ipam.cli.commands.network:network", "Networks: what machines are plugged into"),
    "subnet": ("ipam.cli.commands.subnet:subnet", "Subnets: the addresses of a network"),
    "port": (
        "ipam.cli.commands.port:port",
        "Ports: one machine's place on a network; wait for DHCP",
    ),
    "address": (
        "ipam.cli.commands.address:address",
        "Addresses: who had one when; address scopes",
    ),
    "lease": ("ipam.cli.commands.lease:lease", "Leases: who has an address now, and who had it"),
    "dns": ("ipam.cli.commands.dns:dns", "Names: what the networks' own resolvers answer"),
    "options": (
        "ipam.cli.commands.dhcp_options:options",
        "DHCP options: which there are, and what a machine is told",
    ),
    "find": (
        "ipam.cli.commands.find:find",
        "Find an address, prefix, MAC, name or id: who has it, where",
    ),
    "conflicts": (
        "ipam.cli.commands.conflicts:conflicts",
        "List addresses of ports that other machines have",
    ),
    "explain": (
        "ipam.cli.commands.explain:explain",
        "Explain why a machine has its address, or gets none",
    ),
    "who-had": (
        "ipam.cli.commands.history:who_had",
        "Who had an address at some time, as 'last tuesday 10:00'",
    ),
    "quota": ("ipam.cli.commands.quota:quota", "Quotas: how much a project may have"),
    "import": (
        "ipam.cli.commands.imports:import_",
        "Import: bring in what another DHCP server or list has",
    ),
    "export": (
        "ipam.cli.commands.estate:export",
        "Write networks, subnets and ports as text",
    ),
    "apply": (
        "ipam.cli.commands.estate:apply",
        "Make networks, subnets and ports as a text says",
    ),
    "plan": ("ipam.cli.commands.plan:plan", "Show what agents would do if a command were run"),
    "renumber": (
        "ipam.cli.commands.renumber:renumber",
        "Renumber a subnet: move its machines step by step, with undo",
    ),
    "ip": ("ipam.cli.commands.about:ip", "Addresses in numbers, by network"),
    "availability": (
        "ipam.cli.commands.about:availability_zone",
        "Availability zones of the agents' hosts",
    ),
    "extension": ("ipam.cli.commands.about:extension", "Extensions of the API that are served"),
    "agent": ("ipam.cli.commands.agent:agent", "Agents: the hosts that serve DHCP; run one here"),
    "compute": ("ipam.cli.commands.compute:compute", "Nova: compare ports with its servers"),
    "up": ("ipam.cli.commands.up:up", "Run API, agent and worker on this machine, in one command"),
    "api": ("ipam.cli.commands.processes:api", "Run the API server"),
    "worker": ("ipam.cli.commands.processes:worker", "Run the worker: housekeeping"),
    "audit": ("ipam.cli.commands.audit:audit", "The audit log: who changed what, who was refused"),
    "user": ("ipam.cli.commands.user:user", "Users of the API over TCP: add, list, delete"),
    "policy": ("ipam.cli.commands.policy:policy", "Rules of who may do what: a commented sample"),
    "db": ("ipam.cli.commands.db:db", "The database's schema: upgrade, downgrade, check"),
    "backup": (
        "ipam.cli.commands.backup:backup",
        "Back up the database while the service runs",
    ),
    "restore": ("ipam.cli.commands.backup:restore", "Restore the database from a backup"),
    "recover": (
        "ipam.cli.commands.recover:recover",
        "After a restore: what the hosts hold, what was taken back",
    ),
    "config": (
        "ipam.cli.commands.config:config",
        "Settings: a commented sample, and what is in force",
    ),
    "completion": (
        "ipam.cli.commands.completion:completion",
        "Shell completion for bash, zsh or fish",
    ),
    "version": ("ipam.cli.commands.processes:version", "The version of ipam"),
}
"""Every command: where it is defined, and its line of help. The order is that of the help."""

OPTIONS = {
    "--socket PATH": "The API's Unix socket (IPAM_SOCKET; default /run/ipam/api.sock)",
    "--url URL": "The API's URL, without /v2.0 (IPAM_URL)",
    "--user NAME": "Sign in as this user at the URL (IPAM_USER, IPAM_PASSWORD)",
    "--password-stdin": "Read that user's password from standard input",
    "--os-cloud NAME": "A cloud of clouds.yaml (OS_CLOUD; the other OS_* work, too)",
    "--cacert FILE": "PEM file of the authority that the URL's certificate is of (IPAM_CACERT)",
    "--cert FILE": "PEM file of a certificate to sign in with (IPAM_CERT)",
    "--key FILE": "PEM file of its key, if that is not in there (IPAM_KEY)",
    "--tls-min VERSION": "The oldest TLS to speak: 1.2 or 1.3 (IPAM_TLS_MIN; default 1.2)",
    "--timeout SECONDS": "How long to wait for an answer (default 60)",
    "--fit-width": "Cut tables to the terminal, as is done on one; --no-fit-width: whole lines",
    "--max-width COLUMNS": "Cut tables to so many characters a line; 0: no limit",
    "-v, --verbose": "Tell each request, its answer's status and the time that it took",
    "-q, --quiet": "No notes and warnings: errors alone",
    "--debug": "Show requests as curl commands, without secrets, and the trace of an error",
    "--version": "Print the version",
    "-h, --help": "Print this, or the help of a command: ipam port --help",
}

TEXT = """\
Usage: ipam [OPTIONS] COMMAND ...

  DHCP and IP address management around dnsmasq: networks, ports and leases.

Commands:
{commands}

Options, anywhere on the line:
{options}

Examples:
  sudo ipam up                      start everything on this machine
  ipam network create demo
  ipam subnet create --network demo --subnet-range 10.0.0.0/24
  ipam port create --network demo web-1
  ipam lease list
"""


def help_text() -> str:
    """The first screen: every command, and every option that all commands take."""
    lines = {name: text for name, (_, text) in COMMANDS.items()}
    return TEXT.format(commands=_columns(lines, 12), options=_columns(OPTIONS, 19))


def _columns(lines: dict[str, str], width: int) -> str:
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in lines.items())
