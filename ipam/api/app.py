"""The application: routes, and what happens around each request.

`create_app` is the composition root of the API. `routes` lists every path; whoever adds a resource
adds its lines there (how: see `resources.py`).
"""

import uuid
from pathlib import Path
from typing import Any

import falcon
from oslo_config import cfg
from prometheus_client import CollectorRegistry

from ipam import model
from ipam.allocator.allocator import Allocator
from ipam.api.about import fixed_answers, health, metrics, versions
from ipam.api.agents import reported_ports, scheduling
from ipam.api.agents.agents import AgentRoute, AgentsRoute
from ipam.api.agents.dhcp_state import DhcpStateRoute
from ipam.api.http import faults, idempotency, tags
from ipam.api.http.authorization import Authenticate, Gate
from ipam.api.http.operations import Route
from ipam.api.http.routes import ListRoute, ShowRoute, WriteListRoute, WriteShowRoute
from ipam.api.http.service import Service
from ipam.api.leases import allocation_events, leases
from ipam.api.leases.events import LeaseEventRoute, LeaseEventsRoute
from ipam.api.networks import actions as networks
from ipam.api.networks import availability
from ipam.api.openapi import document
from ipam.api.ports import actions as ports
from ipam.api.ports import binding_routes
from ipam.api.ports import wire as port_wire
from ipam.api.projects import quotas, rbac
from ipam.api.subnet_pools import actions as subnet_pool_actions
from ipam.api.subnet_pools import address_scopes
from ipam.api.subnets import actions as subnets
from ipam.api.subnets import addresses
from ipam.api.subnets import wire as subnet_wire
from ipam.compute.outbox import ComputeOutbox
from ipam.identity.authentication import authenticator
from ipam.identity.policy import Policy
from ipam.protocol.wake import AGENT_SOCKET, Waker
from ipam.store.allocation_history import AllocationHistory
from ipam.store.engine.database import Database


def create_app(
    settings: cfg.ConfigOpts,
    *,
    authenticate: Authenticate | None = None,
    database: Database | None = None,
) -> falcon.App[Any, Any]:
    """The WSGI application for these settings.

    Without arguments it opens the database of the settings and authenticates as they say.
    """
    service = make_service(settings, database)
    gate = Gate(service, authenticate or authenticator(settings))
    once = idempotency.Idempotency(service)
    numbers = metrics.registry(service)
    around: list[Any] = [metrics.Requests(numbers), gate, once]
    app = falcon.App(middleware=around, cors_enable=False)
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.secure_cookies_by_default = True
    faults.install(app)
    idempotency.install(app, once, faults.handle)
    table = routes(service, numbers)
    for path, route in table:
        app.add_route(path, route)
    app.add_route("/v2.0/openapi.json", document.OpenApiRoute(table))
    return app


def make_service(settings: cfg.ConfigOpts, database: Database | None = None) -> Service:
    """What the handlers share."""
    opened = database or Database(
        settings.database.connection,
        pool_size=settings.database.pool_size,
        max_attempts=settings.database.max_attempts,
    )
    allocator = Allocator(
        opened,
        cooldown_seconds=settings.network.address_cooldown_seconds,
        worker=uuid.uuid4().hex,
        journal=AllocationHistory(),
    )
    run_path = Path(settings.run_path)
    outbox = ComputeOutbox(
        Waker(str(run_path / model.WORKER_WAKE_SOCKET)), enabled=settings.compute.send_events
    )
    waker = Waker(str(run_path / AGENT_SOCKET))
    return Service(settings, opened, allocator, waker, outbox, Policy(settings))


def routes(service: Service, numbers: CollectorRegistry | None = None) -> list[tuple[str, Route]]:
    """Every path with its route, but for the description of them all."""
    numbers = numbers or metrics.registry(service)
    network_actions = networks.NetworkActions(service)
    subnet_actions = subnets.SubnetActions(service)
    port_actions = ports.PortActions(service)
    rbac_actions = rbac.RbacActions(service)
    return [
        ("/", versions.VersionsRoute(service)),
        (metrics.PATH, metrics.MetricsRoute(service, numbers)),
        (health.PATH, health.HealthRoute(service)),
        ("/v2.0", versions.VersionRoute(service)),
        ("/v2.0/networks", WriteListRoute(service, networks.KIND, network_actions)),
        ("/v2.0/networks/{resource_id}", WriteShowRoute(service, networks.KIND, network_actions)),
        ("/v2.0/subnets", WriteListRoute(service, subnet_wire.KIND, subnet_actions)),
        (
            "/v2.0/subnets/{resource_id}",
            WriteShowRoute(service, subnet_wire.KIND, subnet_actions),
        ),
        ("/v2.0/ports", WriteListRoute(service, port_wire.KIND, port_actions)),
        ("/v2.0/ports/{resource_id}", WriteShowRoute(service, port_wire.KIND, port_actions)),
        *subnet_pool_actions.routes(service),
        *address_scopes.routes(service),
        *binding_routes.routes(service),
        *availability.routes(service),
        *addresses.routes(service),
        ("/v2.0/allocation-events", ListRoute(service, allocation_events.KIND)),
        ("/v2.0/allocation-events/{resource_id}", ShowRoute(service, allocation_events.KIND)),
        ("/v2.0/leases", ListRoute(service, leases.KIND)),
        ("/v2.0/leases/{resource_id}", ShowRoute(service, leases.KIND)),
        ("/v2.0/lease-events", LeaseEventsRoute(service)),
        ("/v2.0/lease-events/{resource_id}", LeaseEventRoute(service)),
        ("/v2.0/agents", AgentsRoute(service)),
        ("/v2.0/agents/{resource_id}", AgentRoute(service)),
        ("/v2.0/agents/{resource_id}/dhcp-state", DhcpStateRoute(service)),
        *reported_ports.routes(service),
        ("/v2.0/rbac-policies", WriteListRoute(service, rbac.KIND, rbac_actions)),
        ("/v2.0/rbac-policies/{resource_id}", WriteShowRoute(service, rbac.KIND, rbac_actions)),
        *quotas.routes(service),
        *scheduling.routes(service),
        *tags.tag_routes(service, "/v2.0/networks", networks.KIND),
        *tags.tag_routes(service, "/v2.0/subnets", subnet_wire.KIND),
        *tags.tag_routes(service, "/v2.0/ports", port_wire.KIND),
        *fixed_answers.routes(service),
    ]
