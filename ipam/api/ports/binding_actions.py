"""A port's bindings to hosts: the active one, and those that a live migration prepares.

Both hosts serve the port while both bindings exist, so a machine has DHCP before, during and after
its move. `activate` exchanges the two in one transaction. If a binding is deleted before the
active host's agent is ready, its host serves the port until then.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ipam.api.http import writing
from ipam.api.http.attributes import parse
from ipam.api.ports.binding_wire import (
    BindingCreate,
    BindingUpdate,
    BindingView,
    active_view,
    inactive_view,
)
from ipam.api.ports.hosts import host_of, warn_of_silence
from ipam.api.ports.wire import KIND
from ipam.api.service import Service
from ipam.errors import (
    PortBindingAlreadyActive,
    PortBindingAlreadyExists,
    PortBindingError,
    PortBindingNotFound,
)
from ipam.rules import bindings
from ipam.store import port_bindings, ports, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


class Bindings:
    """Reads and writes the bindings of ports. Each write is one transaction."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def list(self, port_id: str) -> Sequence[BindingView]:
        """All bindings, the active one first. Raises PortNotFound."""

        def read(tx: Transaction) -> Sequence[BindingView]:
            port = _port(tx, port_id, held=False)
            network = ports.network_and_filter(tx, port)
            inactive = port_bindings.of_port(tx, port.pk)
            active = [active_view(port, network)] if port.binding_host_id else []
            return active + [inactive_view(row, port, network.id) for row in inactive]

        return self.service.database.read(read)

    def show(self, port_id: str, host: str) -> BindingView:
        """One binding. Raises PortNotFound or PortBindingNotFound."""
        for view in self.list(port_id):
            if view.host == host:
                return view
        raise _missing(port_id, host)

    def create(self, port_id: str, body: Any) -> BindingView:
        """A new inactive binding. Raises PortBindingAlreadyExists or PortBindingError."""
        asked = parse(BindingCreate, body, known=BindingView).result()

        def work(tx: Transaction, port: Record) -> dict[str, Any]:
            known = port_bindings.find(tx, port.pk, asked.host)
            if known or asked.host == port.binding_host_id:
                raise PortBindingAlreadyExists(
                    f"Binding for port {port_id} on host {asked.host} already exists."
                )
            values = {
                "vnic_type": asked.vnic_type,
                "profile": asked.profile or {},
                "vif_type": self._vif_type(tx, port, asked.host, asked.vnic_type),
            }
            port_bindings.add(tx, port.pk, asked.host, values)
            return {}

        self._change(port_id, asked.host, work)
        return self.show(port_id, asked.host)

    def update(self, port_id: str, host: str, body: Any) -> BindingView:
        """Change a binding's vnic_type or profile.

        Raises PortBindingNotFound or PortBindingError.
        """
        given = parse(BindingUpdate, body, known=BindingView, method="PUT").result()
        values = writing.given(given)
        if "profile" in values:
            values["profile"] = values["profile"] or {}

        def work(tx: Transaction, port: Record) -> Mapping[str, Any]:
            is_active = host == port.binding_host_id
            if not is_active and port_bindings.find(tx, port.pk, host) is None:
                raise _missing(port_id, host)
            new = dict(values)
            if vnic_type := new.get("vnic_type"):
                new["vif_type"] = self._vif_type(tx, port, host, vnic_type)
            if is_active:
                return {f"binding_{name}": value for name, value in new.items()}
            port_bindings.change(tx, port.pk, host, new)
            return {}

        self._change(port_id, host, work)
        return self.show(port_id, host)

    def activate(self, port_id: str, host: str) -> BindingView:
        """Make the binding active. The active one becomes inactive.

        Raises PortBindingAlreadyActive or PortBindingNotFound.
        """

        def work(tx: Transaction, port: Record) -> Mapping[str, Any]:
            if host == port.binding_host_id:
                raise PortBindingAlreadyActive(
                    f"Binding for port {port_id} on host {host} is already active."
                )
            chosen = port_bindings.find(tx, port.pk, host)
            if chosen is None:
                raise _missing(port_id, host)
            port_bindings.remove(tx, port.pk, host)
            if port.binding_host_id:
                port_bindings.demote(tx, port, leaving=False)
            return bindings.activated(chosen)

        self._change(port_id, host, work)
        return self.show(port_id, host)

    def delete(self, port_id: str, host: str) -> None:
        """Unbind the port from this host. Raises PortBindingNotFound."""

        def work(tx: Transaction, port: Record) -> Mapping[str, Any]:
            if host == port.binding_host_id:
                port_bindings.end_leaving(tx, [port.pk])
                return bindings.UNBOUND
            if port_bindings.find(tx, port.pk, host) is None:
                raise _missing(port_id, host)
            if bindings.is_served_on(port.binding_host_id, port.status):
                port_bindings.change(tx, port.pk, host, {"leaving": True})
            else:
                port_bindings.remove(tx, port.pk, host)
            return {}

        self._change(port_id, host, work)

    def _vif_type(self, tx: Transaction, port: Record, host: str, vnic_type: str) -> str:
        """How the port is plugged in on the host. Raises PortBindingError if it cannot be."""
        bound = host_of(self.service, tx, host, port.network_pk, vnic_type)
        if bound.unreached:
            raise PortBindingError(
                f"Binding for port {port.id} on host {host} could not be created or updated."
                f" The agent of that host {bound.unreached}."
            )
        warn_of_silence(tx, port.id, bound)
        return bound.vif_type

    def _change(
        self, port_id: str, host: str, work: Callable[[Transaction, Record], Mapping[str, Any]]
    ) -> None:
        """Carry out a change of the port's binding to the host with the port's row locked.

        The port gets the values that `work` gives.

        It raises the port's revision.
        """

        def held(tx: Transaction) -> None:
            port = _port(tx, port_id, held=True)
            values = work(tx, port)
            ports.change(tx, port.pk, values)
            # Only Nova changes bindings, and it knows what it wrote.
            self.service.outbox.updated(tx, port, values, by_service=True)
            self.service.wakes.after(tx, port.network_pk, hosts=[port.binding_host_id, host])

        self.service.database.write(held)


def _port(tx: Transaction, port_id: str, *, held: bool) -> Record:
    if held:
        return writing.locked(tx, tables.port, port_id, None, KIND.missing(port_id))
    row = rows.find(tx, tables.port, port_id)
    if row is None:
        raise KIND.missing(port_id)
    return row


def _missing(port_id: str, host: str) -> PortBindingNotFound:
    return PortBindingNotFound(
        f"Binding for port {port_id} for host {host[:255]} could not be found."
    )
