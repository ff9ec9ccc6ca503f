"""`ipam audit …` on the real API, and `verify` on its database."""

import json
import time
from pathlib import Path
from typing import Any

from sqlalchemy import update

from ipam.store import tables
from ipam.store.audit import events, seals
from ipam.store.engine.database import Database
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi
from tests.store.audit.test_events import event

DAY_US = 86_400_000_000


def listed(ipam: Ipam, *words: str) -> list[dict[str, Any]]:
    outcome = ipam("audit", "list", "-f", "json", *words)
    assert outcome.status == 0, outcome.err
    found: list[dict[str, Any]] = json.loads(outcome.out)
    return found


def test_changes_are_listed_by_what_one_asks_for(local: Ipam) -> None:
    assert local("network", "create", "web").status == 0
    assert local("network", "create", "db", "--project", "acme").status == 0
    assert local("network", "set", "web", "--name", "www").status == 0
    assert local("network", "create", "bad", "--provider-network-type", "vlan").status != 0
    every = listed(local)
    assert [each["Operation"] for each in every if each["Outcome"] == "succeeded"] == [
        "update_network",
        "create_network",
        "create_network",
    ]
    renamed = listed(local, "--on", "web", "--operation", "update_network")
    assert [each["Changes"] for each in renamed] == [{"name": ["web", "www"]}]
    made = listed(local, "--project", "acme", "--since", "1h")
    assert [each["Name"] for each in made] == ["db"]
    assert listed(local, "--project", "acme", "--until", "1h") == []
    assert listed(local, "--actor", every[0]["User"]) == every
    assert listed(local, "--actor", "nobody") == []
    assert listed(local, "--actor", "5f" * 16) == []
    assert len(listed(local, "--limit", "1")) == 1
    succeeded = listed(local, "--succeeded", "--long")
    assert {each["Authentication"] for each in succeeded} == {"unix_socket"}
    (same,) = listed(local, "--request", succeeded[0]["Request"])
    assert same["Operation"] == "update_network"
    assert all(each["Outcome"] == "refused" for each in listed(local, "--refused"))


def test_one_event_is_shown_by_its_id(local: Ipam) -> None:
    assert local("network", "create", "web").status == 0
    (found,) = listed(local, "--long")
    shown = local("audit", "show", found["ID"], "-f", "json")
    assert shown.status == 0
    told = json.loads(shown.out)
    assert told["object_name"] == "web"
    assert told["changes"]["admin_state_up"] == [None, True]
    missing = local("audit", "show", "01a22504-5e1c-77c6-b8be-a69b71ea57bf")
    assert missing.status == 1
    assert "01a22504-5e1c-77c6-b8be-a69b71ea57bf" in missing.err


def test_verify_tells_of_each_event_that_is_not_as_it_was_sealed(
    ipam: Ipam, api: LiveApi, tmp_path: Path
) -> None:
    unsealed = ipam("audit", "verify", "--config-file", api.config_file)
    assert unsealed.status == 1
    assert "chain_key_file is empty" in unsealed.err
    key, config = tmp_path / "audit.key", tmp_path / "sealed.conf"
    key.write_bytes(b"k" * 32)
    config.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\n[audit]\nchain_key_file = {key}\n")
    database = Database(f"sqlite:///{tmp_path}/ipam.sqlite")
    old = [event(time.time_ns() // 1000 - DAY_US + number) for number in range(4)]
    database.write(lambda tx: events.add(tx, old))
    for _ in range(2):
        database.write(lambda tx: seals.seal(tx, b"k" * 32, limit=2))
    whole = ipam("audit", "verify", "--config-file", str(config))
    assert (whole.status, whole.out) == (0, "")
    assert "2 seals, and every event as it was sealed. The newest is 2: " in whole.err
    forge = update(tables.audit_event).values(user_id="somebody else")
    database.write(lambda tx: tx.execute(forge.where(tables.audit_event.c.pk == 3)))
    database.dispose()
    forged = ipam("audit", "verify", "--config-file", str(config))
    assert forged.status == 1
    assert forged.out.endswith(" was altered\n")
    assert "1 faults in 2 seals." in forged.err
    key.write_bytes(b"short")
    bad_key = ipam("audit", "verify", "--config-file", str(config))
    assert bad_key.status == 1
    assert "a key has at least 32" in bad_key.err
