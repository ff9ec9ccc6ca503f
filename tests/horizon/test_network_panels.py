"""Horizon's network panels work without errors, and do what is clicked."""

from typing import Any

import pytest

from tests.horizon.browser import Browser
from tests.horizon.conftest import Cloud
from tests.servers.keystone_server import ADMIN_PASSWORD

pytestmark = [pytest.mark.horizon, pytest.mark.timeout(1800)]


def test_a_member_makes_and_deletes_a_network_with_its_subnet_and_port(browser: Browser) -> None:
    browser.sign_in("anna", "pass-anna")
    make_network(browser, "lan", "10.0.0.0/24")
    browser.picture("networks")
    assert "10.0.0.0/24" in browser.read(row("lan"))

    browser.click(f"{row('lan')} td a")
    browser.see("#network_tabs")
    shown = browser.driver.current_url
    browser.picture("network")
    assert not browser.complaints()

    browser.driver.get(f"{shown}?tab=network_tabs__subnets_tab")
    assert "10.0.0.1" in browser.read("#subnets tbody tr")
    browser.picture("subnets")
    assert not browser.complaints()

    browser.driver.get(f"{shown}?tab=network_tabs__ports_tab")
    browser.click("#ports__action_create")
    browser.write("#id_name", "printer")
    browser.click(".modal-footer .btn-primary")
    browser.wait_for_place(shown)
    assert not browser.complaints()
    browser.driver.get(f"{shown}?tab=network_tabs__ports_tab")
    assert "10.0.0." in browser.read(row("printer"))
    browser.picture("ports")
    assert not browser.complaints()

    delete(browser, "ports", "printer")
    browser.open("/project/networks/")
    delete(browser, "networks", "lan")
    browser.picture("deleted")
    assert not browser.complaints()


def test_an_admin_sees_every_network_and_chooses_its_agent(cloud: Cloud, browser: Browser) -> None:
    agent = {"host": "host-1", "started_at": 1_800_000_000}
    cloud.post("/agents", {"agent": agent})
    body = {"name": "wide", "shared": True, "provider:network_type": "vlan"}
    provider = {"provider:physical_network": "room-1", "provider:segmentation_id": 12}
    network = cloud.post("/networks", {"network": body | provider})["network"]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.1.0.0/24"}
    cloud.post("/subnets", {"subnet": subnet | {"name": "wide-subnet"}})
    browser.sign_in("admin", ADMIN_PASSWORD)

    for path, selector, words in (
        ("/admin/networks/", row("wide"), "10.1.0.0/24"),
        (f"/admin/networks/{network['id']}/detail", "#network_tabs", "Segmentation ID: 12"),
        (tab(network, "subnets_tab"), "#subnets tbody tr", "10.1.0.0/24"),
        (tab(network, "ports_tab"), "#ports tbody tr", "network:dhcp"),
        ("/admin/rbac_policies/", "#content_body tbody tr", "wide"),
        ("/project/network_topology/", "#content_body", "Network Topology"),
        ("/project/security_groups/", "#security_groups", "No items to display"),
    ):
        browser.open(path)
        browser.see(selector)
        assert words in browser.text(), path
        assert not browser.complaints(), path

    browser.open(tab(network, "agents_tab"))
    browser.click("#agents__action_add")
    browser.click(".modal .dropdown-toggle")
    browser.click(".modal .dropdown-menu a:not([data-select-value=''])")
    browser.click(".modal-footer .btn-primary")
    browser.wait_for_place(f"{cloud.horizon.url}/admin/networks/{network['id']}/detail")
    browser.open(tab(network, "agents_tab"))
    assert "host-1" in browser.read("#agents tbody tr[data-object-id]")
    browser.picture("agents")
    assert not browser.complaints()


def tab(network: dict[str, Any], name: str) -> str:
    return f"/admin/networks/{network['id']}/detail?tab=network_tabs__{name}"


def make_network(browser: Browser, name: str, cidr: str) -> None:
    browser.click("#networks__action_create")
    browser.write("#id_net_name", name)
    browser.click(".button-next")
    browser.write("#id_subnet_name", f"{name}-subnet")
    browser.write("#id_cidr", cidr)
    browser.click(".button-next")
    browser.see("#id_dns_nameservers")
    browser.click(".button-final")
    browser.see(row(name))
    assert not browser.complaints()


def delete(browser: Browser, table: str, name: str) -> None:
    """By the last entry of the row's menu, and "yes" to the question."""
    browser.click(f"{row(name)} .dropdown-toggle")
    browser.click(f"{row(name)} button[value^={table}__delete]")
    browser.see(".modal-footer .btn-danger, .modal-footer .btn-primary").click()
    browser.wait_until_gone(row(name))


def row(name: str) -> str:
    return f"tr[data-display='{name}']"
