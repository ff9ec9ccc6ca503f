"""Who sent a request, as far as the rest of the service needs to know."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["admin", "reader", "service"]
"""admin: everything. reader: every GET. service: every GET, and what an agent does."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller; made by `ipam.identity` alone."""

    user_id: str
    project_id: str
    role: Role

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything, in every project."""
        return self.role == "admin"
