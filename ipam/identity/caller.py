"""Who sent a request, as far as the rest of the service needs to know."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from ipam import model

Role: TypeAlias = Literal["admin", "member", "reader", "service", "agent"]
"""The personas of Keystone's consistent RBAC. `default_rules` says what each may do."""

IMPLIED: Final[dict[str, frozenset[str]]] = {
    "admin": frozenset({"admin", "member", "reader"}),
    "member": frozenset({"member", "reader"}),
    "reader": frozenset({"reader"}),
    "service": frozenset({"service"}),
    "agent": frozenset({"agent"}),
}
"""The roles that each role includes. Keystone puts them into each token; the htpasswd file names
only one role."""

AGENT: Final = "agent"
"""The role of an agent. It counts only for a user whose name says of which host."""


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
    host: str = ""
    """The host of which the caller is the agent; empty for all others."""
    user_name: str = ""
    """What people call the user. If left empty, the id, which is the name where Keystone is not
    asked."""

    def __post_init__(self) -> None:
        if not self.roles and self.role:
            object.__setattr__(self, "roles", IMPLIED.get(self.role, frozenset({self.role})))
        if AGENT in self.roles and not self.host:
            object.__setattr__(self, "roles", self.roles - {AGENT})
        if not self.user_name:
            object.__setattr__(self, "user_name", self.user_id)

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything, in every project."""
        return "admin" in self.roles

    @property
    def is_service(self) -> bool:
        """Whether the caller is a service of the cloud, such as Nova."""
        return "service" in self.roles

    def __str__(self) -> str:
        """The caller's name in the log."""
        roles = ",".join(sorted(self.roles)) or "no role"
        return f"user {self.user_id} of project {self.project_id or '-'} ({roles})"


def agent_host(user_name: str, roles: Container[str]) -> str:
    """The host of which a user of this name and these roles is the agent; empty if of none."""
    is_agent = AGENT in roles and user_name.startswith(model.AGENT_USER_PREFIX)
    return user_name.removeprefix(model.AGENT_USER_PREFIX) if is_agent else ""


def strongest(roles: frozenset[str]) -> str:
    """The strongest persona among these roles; empty if there is none."""
    return next(
        (role for role in ("admin", "service", "agent", "member", "reader") if role in roles), ""
    )
