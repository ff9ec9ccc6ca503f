"""A cloud for a session of tests, and the marks of every test in it."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.servers.openstack.cloud import Cloud
from tests.servers.openstack.controllers import RABBITMQ


@contextlib.contextmanager
def running(
    make: Callable[[Path], Cloud], needs: str, missing: str | None = None
) -> Iterator[Cloud]:
    """The cloud made in a new directory; skips where something that it needs is missing.

    With IPAM_KEEP_LOGS its logs stay in the directory of that name.
    """
    if os.geteuid() != 0:
        pytest.skip(f"needs root: {needs}")
    if missing:
        pytest.skip(missing)
    if not RABBITMQ.exists():
        pytest.skip("needs RabbitMQ: apt install rabbitmq-server")
    cloud = make(Path(tempfile.mkdtemp(prefix="ipam-cloud-")))
    try:
        cloud.launch()
        yield cloud
        # A status of 500 is a defect wherever it comes from, also where a client hides it.
        log = cloud.programs.log("ipam-api").read_text()
        assert "Traceback" not in log, log[-4000:]
    finally:
        if kept := os.environ.get("IPAM_KEEP_LOGS"):
            shutil.copytree(cloud.programs.logs, kept, dirs_exist_ok=True)
        cloud.remove()


def mark(items: Sequence[pytest.Item], directory: Path, marker: pytest.MarkDecorator) -> None:
    """Mark the tests of this directory; openstacksdk warns of its own future."""
    for item in items:
        if directory in item.path.parents:
            item.add_marker(marker)
            item.add_marker(pytest.mark.timeout(1800))
            for version in (50, 60):
                warning = f"ignore::openstack.warnings.RemovedInSDK{version}Warning"
                item.add_marker(pytest.mark.filterwarnings(warning))
