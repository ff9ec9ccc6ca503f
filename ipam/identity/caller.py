"""Who sent a request, as far as the rest of the service needs to know."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Role: TypeAlias = Literal["admin", "member", "reader", "service"]
"""The personas of Keystone's consistent RBAC; `default_rules` says what each may do."""

IMPLIED: Final[dict[str, frozenset[str]]] = {
    "admin": frozenset({"admin", "member", "reader"}),
    "member": frozenset({"member", "reader"}),
    "reader": frozenset({"reader"}),
    "service": frozenset({"service"}),
}
"""Keystone puts the lesser roles into each token; the htpasswd file names one role."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller; made by `ipam.identity` alone."""

    user_id: str
    project_id: str
    role: str = ""
    """The strongest persona among the roles; empty when it has none of them."""
    roles: frozenset[str] = frozenset()
    """Every role in the project. Left empty, it is what `role` implies."""
    service_roles: frozenset[str] = frozenset()
    """The roles of a valid X-Service-Token that came with the request."""

    def __post_init__(self) -> None:
        if not self.roles and self.role:
            object.__setattr__(self, "roles", IMPLIED.get(self.role, frozenset({self.role})))

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything, in every project."""
        return "admin" in self.roles

    @property
    def is_service(self) -> bool:
        """Whether the caller is a service of the cloud: Nova, or an agent of ours."""
        return "service" in self.roles

    def __str__(self) -> str:
        """As the log names it."""
        roles = ",".join(sorted(self.roles)) or "no role"
        return f"user {self.user_id} of project {self.project_id or '-'} ({roles})"


def strongest(roles: frozenset[str]) -> str:
    """The persona that says most about these roles, empty for none."""
    return next((role for role in ("admin", "service", "member", "reader") if role in roles), "")
