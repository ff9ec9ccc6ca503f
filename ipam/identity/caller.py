"""Who sent a request, as far as the rest of the service needs to know."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Role: TypeAlias = Literal["admin", "member", "reader", "service"]
"""The personas of Keystone's consistent RBAC. `default_rules` says what each may do."""

IMPLIED: Final[dict[str, frozenset[str]]] = {
    "admin": frozenset({"admin", "member", "reader"}),
    "member": frozenset({"member", "reader"}),
    "reader": frozenset({"reader"}),
    "service": frozenset({"service"}),
}
"""The roles that each role includes. Keystone puts them into each token; the htpasswd file names
only one role."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. Only `ipam.identity` makes one."""

    user_id: str
    project_id: str
    role: str = ""
    """The strongest persona among the roles; empty if there is none."""
    roles: frozenset[str] = frozenset()
    """Every role in the project. If left empty, the roles that `role` includes."""
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
        """Whether the caller is a service of the cloud: Nova, or an agent of ipam."""
        return "service" in self.roles

    def __str__(self) -> str:
        """The caller's name in the log."""
        roles = ",".join(sorted(self.roles)) or "no role"
        return f"user {self.user_id} of project {self.project_id or '-'} ({roles})"


def strongest(roles: frozenset[str]) -> str:
    """The strongest persona among these roles; empty if there is none."""
    return next((role for role in ("admin", "service", "member", "reader") if role in roles), "")
