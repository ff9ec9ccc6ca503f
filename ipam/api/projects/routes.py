"""The paths of quotas and RBAC policies."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import write_routes
from ipam.api.projects import rbac_policy_wire
from ipam.api.projects.quota_routes import (
    DefaultQuotaRoute,
    QuotaDetailsRoute,
    QuotaOfCallerRoute,
    QuotaRoute,
    QuotasRoute,
)
from ipam.api.projects.rbac_policy_actions import RbacPolicyActions
from ipam.api.service import Service


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    policies = RbacPolicyActions(service)
    details = QuotaDetailsRoute(service)
    return [
        *write_routes(service, "/v2.0/rbac-policies", rbac_policy_wire.KIND, policies),
        ("/v2.0/quotas", QuotasRoute(service)),
        ("/v2.0/quotas/tenant", QuotaOfCallerRoute("tenant")),
        ("/v2.0/quotas/project", QuotaOfCallerRoute("project")),
        ("/v2.0/quotas/{project_id}", QuotaRoute(service)),
        ("/v2.0/quotas/{project_id}/default", DefaultQuotaRoute(service)),
        ("/v2.0/quotas/{project_id}/details", details),
        ("/v2.0/quotas/{project_id}/details.json", details),
    ]
