"""The application: its routes and its middleware.

`create_app` is the composition root of the API. Each resource gives its paths in `routes` of its
package; `routes` here puts them together (how to add one: see `http/routes.py`).
"""

import atexit
import uuid
from typing import Any

import falcon
from prometheus_client import CollectorRegistry

from ipam.allocator.allocator import Allocator
from ipam.allocator.recovery_watch import RecoveryWatch
from ipam.api.about import metrics
from ipam.api.about import routes as about
from ipam.api.agents import routes as agents
from ipam.api.audit import routes as audit
from ipam.api.audit.trail import AuditTrail
from ipam.api.dry_runs import routes as dry_runs
from ipam.api.finding import routes as finding
from ipam.api.http import faults, idempotency
from ipam.api.http.authorization import Authenticate, Authorization
from ipam.api.http.operations import Route
from ipam.api.http.request_id import RequestId
from ipam.api.http.time_limits import TimeLimits
from ipam.api.imports import routes as imports
from ipam.api.leases import routes as leases
from ipam.api.networks import routes as networks
from ipam.api.openapi import document
from ipam.api.ports import routes as ports
from ipam.api.projects import routes as projects
from ipam.api.recovery import routes as recovery
from ipam.api.recovery.gate import Gate
from ipam.api.service import Service
from ipam.api.subnet_pools import routes as subnet_pools
from ipam.api.subnets import routes as subnets
from ipam.api.wakes import DistantWakes, Wakes
from ipam.compute.outbox import ComputeOutbox
from ipam.identity.authentication import authenticator
from ipam.identity.policy import Policy
from ipam.protocol.wake import AGENT_SOCKET, WORKER_SOCKET, Waker
from ipam.settings import Settings
from ipam.store.allocation_ledger import AllocationLedger
from ipam.store.engine.database import Database
from ipam.zones.outbox import zone_outbox


def create_app(
    settings: Settings,
    *,
    authenticate: Authenticate | None = None,
    database: Database | None = None,
    wakes_distant: bool = False,
) -> falcon.App[Any, Any]:
    """The WSGI application for these settings.

    Without arguments it opens the database of the settings and authenticates as they say. With
    `wakes_distant` it has a thread of its own that wakes agents of other hosts.
    """
    service = make_service(settings, database, wakes_distant=wakes_distant)
    numbers = metrics.registry(service)
    on_refusal = metrics.RefusedLogins(numbers).count
    authorization = Authorization(service, authenticate or authenticator(settings, on_refusal))
    once = idempotency.Idempotency(service)
    limits = TimeLimits(settings.api.request_timeout_seconds)
    trail = AuditTrail(service, authorization)
    service.recovery.begin()
    gate = Gate(service, authorization)
    around: list[Any] = [
        *(metrics.Requests(numbers), RequestId(), limits, authorization, gate, trail, once)
    ]
    app = falcon.App(middleware=around, cors_enable=False)
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.secure_cookies_by_default = True
    idempotency.install(app, once, faults.install(app))
    table = routes(service, numbers, app)
    for path, route in (*table, (document.PATH, document.OpenApiRoute(table))):
        authorization.add_route(app, path, route)
    return app


def make_service(
    settings: Settings, database: Database | None = None, *, wakes_distant: bool = False
) -> Service:
    """The parts that the handlers share."""
    opened = database or _open_database(settings)
    allocator = Allocator(
        opened,
        cooldown_seconds=settings.network.address_cooldown_seconds,
        worker=uuid.uuid4().hex,
        journal=AllocationLedger(),
    )
    outbox = ComputeOutbox(
        Waker(str(settings.run_path / WORKER_SOCKET)), enabled=settings.compute.send_events
    )
    zones = zone_outbox(settings)
    down_time = settings.network.agent_down_time
    wakes = Wakes(
        Waker(str(settings.run_path / AGENT_SOCKET)),
        DistantWakes(opened, agent_down_time=down_time) if wakes_distant else None,
    )
    watch = RecoveryWatch(
        opened,
        allocator,
        agent_down_time=down_time,
        lease_seconds=settings.network.dhcp_lease_duration,
    )
    return Service(settings, opened, allocator, wakes, outbox, zones, Policy(settings), watch)


def _open_database(settings: Settings) -> Database:
    """The database, until the process ends."""
    opened = Database(
        settings.database.connection,
        pool_size=settings.database.pool_size,
        max_attempts=settings.database.max_attempts,
        statement_seconds=settings.database.statement_timeout_seconds,
    )
    atexit.register(opened.dispose)
    return opened


def routes(
    service: Service,
    numbers: CollectorRegistry | None = None,
    app: falcon.App[Any, Any] | None = None,
) -> list[tuple[str, Route]]:
    """Every path with its route, except that of the OpenAPI document.

    Dry runs need the application that the routes are for.
    """
    return [
        *about.routes(service, numbers or metrics.registry(service)),
        *networks.routes(service),
        *subnets.routes(service),
        *ports.routes(service),
        *subnet_pools.routes(service),
        *leases.routes(service),
        *agents.routes(service),
        *projects.routes(service),
        *imports.routes(service),
        *audit.routes(service),
        *recovery.routes(service),
        *finding.routes(service),
        *dry_runs.routes(service, app),
    ]
