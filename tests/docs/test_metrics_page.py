"""docs/metrics.md names each metric that there is, and no other.

Those of zones are scraped only where there are zones, so their names are read from the source.
"""

import re
from pathlib import Path
from typing import Final

from ipam import settings as ipam_settings
from ipam.api.about import metrics
from ipam.api.app import create_app
from ipam.store.engine.database import Database
from ipam.store.tables import metadata
from tests.api.caller import ADMIN, Api

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_every_metric_is_on_the_page_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n"
        "[api]\nmetrics_per_subnet = true\n"
    )
    settings = ipam_settings.load([str(file)])
    database = Database(f"sqlite:///{tmp_path}/ipam.sqlite")
    metadata.create_all(database.engine)
    api = Api(create_app(settings, authenticate=lambda _: ADMIN, database=database))
    text = api.client.simulate_get("/metrics").text
    database.dispose()
    named = re.findall(r"^# TYPE (ipam_\w+)", text, re.MULTILINE)
    there = {name for name in named if not name.endswith("_created")}
    there |= set(re.findall(r'"(ipam_dns_\w+)"', Path(metrics.__file__).read_text()))
    assert set(re.findall(r"ipam_\w+", PAGE.read_text())) == there
