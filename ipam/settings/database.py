"""[database]: which database to use, and how."""

from dataclasses import dataclass
from typing import Final

from oslo_config import cfg


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """The settings of [database]."""

    connection: str
    pool_size: int
    max_attempts: int
    statement_timeout_seconds: int


OPTIONS: Final = [
    cfg.StrOpt(
        "connection",
        default="",
        sample_default="sqlite:////var/lib/ipam/ipam.sqlite",
        secret=True,
        help="SQLAlchemy URL of the database: sqlite:///PATH, postgresql+psycopg://… or"
        " mysql+pymysql://… (mysql+mysqldb://… where mysqlclient is installed). Empty means"
        " ipam.sqlite in state_path. SQLite suits one machine;"
        " use PostgreSQL or MariaDB where several hosts run the API.",
    ),
    cfg.IntOpt(
        "pool_size",
        default=20,
        min=1,
        help="Connections one process keeps open at most. A request holds one; with fewer"
        " connections than twice [api] threads, requests wait for each other.",
    ),
    cfg.IntOpt(
        "max_attempts",
        default=10,
        min=1,
        help="How often a transaction is tried if the database refuses it for a transient"
        " reason (deadlock, serialisation, certification). After the last attempt the"
        " answer is 503.",
    ),
    cfg.IntOpt(
        "statement_timeout_seconds",
        default=15,
        min=0,
        max=3600,
        help="Seconds after which the API or the worker has a statement ended (PostgreSQL's"
        " statement_timeout, MariaDB's max_statement_time; on SQLite the time of a transaction)."
        " The request is then undone, and its answer is 503. 0 sets no limit.",
    ),
]
