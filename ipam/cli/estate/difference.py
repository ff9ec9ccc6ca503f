"""Decides what to make and to change for a service to have what a text says. Pure.

What is there and not in the text stays. All faults of a text are found at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ipam import model
from ipam.cli.estate import surroundings, text_form
from ipam.cli.estate.surroundings import ADDRESS_SCOPE, SUBNET_POOL, Surroundings
from ipam.cli.estate.text_form import NETWORK, PORT, SUBNET, VERSION, Form, Record

BODIES: Final[Mapping[str, Callable[[Record], dict[str, Any]]]] = {
    "network": text_form.body_of_network,
    "subnet": text_form.body_of_subnet,
    "port": text_form.body_of_port,
    "address_scope": dict,
    "subnet_pool": dict,
}


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of one thing that differ: their new values in the API's form, tags apart."""

    noun: str
    id: str
    called: str
    body: Mapping[str, Any]
    tags: Sequence[str] | None
    fields: Sequence[str]


@dataclass(slots=True)
class Plan:
    """What is to be made, in the form of an import, and to be changed."""

    scopes: list[Record] = field(default_factory=list)
    """New address scopes and subnet pools, as their entries say."""
    pools: list[Record] = field(default_factory=list)
    policies: list[Record] = field(default_factory=list)
    quotas: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Limits to change, by project."""
    networks: list[dict[str, Any]] = field(default_factory=list)
    subnets: list[dict[str, Any]] = field(default_factory=list)
    ports: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    same: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Existing:
    """What the service has, as the API shows it."""

    networks: Sequence[Record] = ()
    subnets: Sequence[Record] = ()
    ports: Sequence[Record] = ()
    around: Surroundings = field(default_factory=Surroundings)

    def pool_names(self) -> dict[str, str]:
        """The names of subnet pools by id."""
        return {one["id"]: one["name"] for one in self.around.pools}


def plan(document: Any, existing: Existing) -> Plan:
    """What a text asks for. With faults, nothing of the plan may be done."""
    made = Plan()
    if not isinstance(document, Mapping) or not isinstance(document.get("networks"), list):
        made.faults.append(
            "It is no estate: it has no list of networks. `ipam export` writes one."
        )
        return made
    if document.get("version", VERSION) != VERSION:
        made.faults.append(f"It is of version {document['version']!r}; {VERSION} is understood.")
    _surroundings(document, existing, made)
    by_name = _grouped(existing.networks, "name")
    subnets_of = _grouped(existing.subnets, "network_id")
    ports_of = _grouped(existing.ports, "network_id")
    for entry in _entries(NETWORK, document["networks"], "", made, ("subnets", "ports")):
        name = entry["name"]
        found = by_name.get(name, [])
        if len(found) > 1:
            made.faults.append(f"network {name}: {len(found)} networks here have this name.")
            continue
        ref = found[0]["id"] if found else name
        if found:
            _compare(
                NETWORK, entry, text_form.of_network(found[0]), made, resource_id=ref, called=name
            )
        else:
            body = text_form.body_of_network(entry)
            made.networks.append({"ref": name, "body": body})
        ports = ports_of.get(ref, [])
        _subnets(entry, ref, subnets_of.get(ref, []), ports, made, pools=existing.pool_names())
        _ports(entry, ref, ports, made)
    made.faults += _unknown_names(made, existing)
    return made


def _unknown_names(made: Plan, existing: Existing) -> Iterator[str]:
    """A fault for each name of something that is neither here nor in the text."""
    around = existing.around
    known = {
        "network": {one["name"] for one in existing.networks}
        | {one["ref"] for one in made.networks},
        "subnetpool": {one["name"] for one in (*around.pools, *made.pools)},
        "address_scope": {one["name"] for one in (*around.scopes, *made.scopes)},
    }
    used = [
        (f"subnet {one['body']['cidr']}", "subnetpool", one["subnet_pool"])
        for one in made.subnets
        if "subnet_pool" in one
    ]
    pools = [(one["name"], one) for one in made.pools]
    pools += [(one.called, one.body) for one in made.changes if one.noun == SUBNET_POOL.noun]
    used += [
        (f"subnet_pool {name}", "address_scope", body["address_scope"])
        for name, body in pools
        if body.get("address_scope")
    ]
    used += [("rbac_policy", one["object_type"], one["object"]) for one in made.policies]
    for user, kind, name in used:
        if kind not in known:
            yield f"{user}: {kind!r} is none of {', '.join(known)}."
        elif not isinstance(name, str) or name not in known[kind]:
            yield f"{user}: no {kind} is called {name!r}, neither here nor in the text."


def _grouped(records: Sequence[Record], field_name: str) -> dict[str, list[Record]]:
    """The records by the value of a field."""
    groups: dict[str, list[Record]] = {}
    for one in records:
        groups.setdefault(one[field_name], []).append(one)
    return groups


def _surroundings(document: Record, existing: Existing, made: Plan) -> None:
    """Plan what is around networks. A text that says nothing of it leaves it as it is."""
    around = existing.around
    for form, name, present, new in (
        (ADDRESS_SCOPE, "address_scopes", around.scopes, made.scopes),
        (SUBNET_POOL, "subnet_pools", around.pools, made.pools),
    ):
        by_name = _grouped(present, "name")
        for entry in _entries(form, document.get(name, []), "", made):
            found = by_name.get(entry["name"], [])
            if len(found) > 1:
                made.faults.append(
                    f"{form.noun} {entry['name']}: {len(found)} here have this name."
                )
            elif not found:
                new.append(entry)
            else:
                (one,) = found
                told = (
                    surroundings.of_pool(one, around.scopes)
                    if form is SUBNET_POOL
                    else text_form.told(form, one)
                )
                _compare(form, entry, told, made, resource_id=one["id"], called=entry["name"])
    policies, quotas = document.get("rbac_policies", []), document.get("quotas", [])
    faults = [*surroundings.policy_faults(policies), *surroundings.quota_faults(quotas)]
    made.faults += faults
    if not faults:
        made.policies += surroundings.new_policies(policies, around, existing.networks)
        made.quotas += surroundings.changed_quotas(quotas, around)
        made.same += len(policies) + len(quotas) - len(made.policies) - len(made.quotas)


def _subnets(
    network: Record,
    ref: str,
    present: Sequence[Record],
    ports: Sequence[Record],
    made: Plan,
    *,
    pools: Mapping[str, str],
) -> None:
    where = f"network {network['name']}: "
    servers = {
        one["subnet_id"]: one["ip_address"]
        for port in ports
        if port["device_owner"] == model.DHCP_PORT_OWNER
        for one in port["fixed_ips"]
    }
    by_cidr = {one["cidr"]: one for one in present}
    for entry in _entries(SUBNET, network.get("subnets", []), where, made):
        found = by_cidr.get(entry["cidr"])
        if found:
            told = text_form.of_subnet(found, servers.get(found["id"]), pools)
            _compare(SUBNET, entry, told, made, resource_id=found["id"], called=entry["cidr"])
            continue
        version = 6 if ":" in entry["cidr"] else 4
        body = {"ip_version": version, **text_form.body_of_subnet(entry)}
        new = {"network": ref, "body": body}
        if "dhcp_server" in entry:
            new["server_address"] = entry["dhcp_server"]
        if entry.get("subnet_pool"):
            new["subnet_pool"] = entry["subnet_pool"]
        made.subnets.append(new)


def _ports(network: Record, ref: str, present: Sequence[Record], made: Plan) -> None:
    where = f"network {network['name']}: "
    by_mac = {one["mac_address"]: one for one in present}
    for entry in _entries(PORT, network.get("ports", []), where, made):
        found = by_mac.get(entry["mac_address"])
        if found:
            called = entry.get("name") or entry["mac_address"]
            wished = text_form.with_own_addresses(entry, found)
            told = text_form.of_port(found)
            _compare(PORT, wished, told, made, resource_id=found["id"], called=called)
        else:
            made.ports.append({"network": ref, "body": text_form.body_of_port(entry)})


def _entries(
    form: Form, entries: Any, where: str, made: Plan, below: Sequence[str] = ()
) -> Iterator[Record]:
    """The entries that can be understood; the others are faults."""
    if not isinstance(entries, list):
        made.faults.append(f"{where}{form.noun}s is no list.")
        return
    seen = set()
    for number, entry in enumerate(entries, 1):
        key = entry.get(form.key) if isinstance(entry, Mapping) else None
        if not isinstance(key, str) or not key:
            made.faults.append(f"{where}{form.noun} {number} has no {form.key}.")
            continue
        key = form.key_of(key)
        strange = [str(name) for name in entry if name not in (*form.fields, *below)]
        if strange:
            made.faults.append(
                f"{where}{form.noun} {key} has no {', '.join(strange)}. It may have:"
                f" {', '.join((*form.fields, *below))}."
            )
        elif key in seen:
            made.faults.append(f"{where}{form.noun} {key} is there twice.")
        else:
            seen.add(key)
            yield {**entry, form.key: key}


def _compare(
    form: Form, entry: Record, present: Record, made: Plan, *, resource_id: str, called: str
) -> None:
    """Note what differs of those fields that the entry has."""
    defaults = {
        name: value for name, value in form.fields.items() if value is not text_form.ALWAYS
    }
    before = {**defaults, **present}
    differing = [
        name
        for name in form.fields
        if name in entry and _plain(entry[name]) != _plain(before.get(name))
    ]
    for name in [one for one in differing if one in form.fixed]:
        made.faults.append(
            f"{form.noun} {called}: its {name} is {before.get(name)!r} and cannot become"
            f" {entry[name]!r}."
        )
    if not differing:
        made.same += 1
        return
    body = BODIES[form.noun]({name: entry[name] for name in differing if name != "tags"})
    tags = entry["tags"] if "tags" in differing else None
    made.changes.append(Change(form.noun, resource_id, called, body, tags, differing))


def _plain(value: Any) -> Any:
    """The value for a comparison: the order of addresses, tags and the like does not count."""
    if isinstance(value, list):
        return sorted(map(_plain, value), key=repr)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    return value
