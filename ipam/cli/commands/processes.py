"""`ipam api`, `ipam worker`, `ipam version`: starts processes whose code is in other packages."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ipam.cli.configured import load_settings
from ipam.cli.options import config_file_option, examples
from ipam.cli.terminal import say

if TYPE_CHECKING:
    from ipam.settings import Settings


@click.command(epilog=examples("ipam api", "ipam api --config-file /etc/ipam/ipam.conf"))
@config_file_option
def api(config_files: Sequence[str]) -> None:
    """Run the API server. The database's schema must be current: `ipam db upgrade`."""
    run_process("ipam.api.serving.server:serve", config_files)


@click.command(epilog=examples("ipam worker"))
@config_file_option
def worker(config_files: Sequence[str]) -> None:
    """Run the worker: expired leases, networks of dead agents, old history, events for Nova."""
    run_process("ipam.worker.main:run", config_files)


@click.command(epilog=examples("ipam version"))
def version() -> None:
    """Print the version of ipam."""
    say(version_text())


def version_text() -> str:
    """`ipam 0.1.0`, from what is installed."""
    from importlib import metadata  # noqa: PLC0415  # reads the installed packages

    return f"ipam {metadata.version('dnsmasq-ipam')}"


def run_process(target: str, config_files: Sequence[str], **options: bool) -> None:
    """Load the settings and run `module:function` until it returns."""
    settings = load_settings(config_files)
    _log(settings)
    module_name, _, function = target.partition(":")
    getattr(importlib.import_module(module_name), function)(settings, **options)


def _log(settings: "Settings") -> None:
    import logging  # noqa: PLC0415  # only processes log

    from ipam.log_lines import log_to_stderr  # noqa: PLC0415  # only processes log
    from ipam.settings import exposed_files  # noqa: PLC0415  # oslo.config

    level = settings.log_level
    log_to_stderr(level)
    for fault in exposed_files(settings):
        logging.getLogger(__name__).warning("%s", fault)
    if level != "DEBUG":  # httpx's line per request adds nothing
        for chatty in ("httpx", "httpcore"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
    if level != "DEBUG":
        # A line for each poll of an agent would hide the rest.
        for chatty in ("httpx", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
