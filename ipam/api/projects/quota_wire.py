"""Quotas as the API shows and takes them."""

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.settings import Settings
from ipam.store import quotas
from ipam.values import SQL_INTEGER_MAX, ProjectId

Limit: TypeAlias = Annotated[int, Meta(ge=quotas.UNLIMITED, le=SQL_INTEGER_MAX)]


class Quota(Struct):
    """The limits of one project; -1 is none."""

    network: Limit
    subnet: Limit
    port: Limit
    subnetpool: Limit
    rbac_policy: Limit
    router: Limit
    floatingip: Limit
    security_group: Limit
    security_group_rule: Limit


class ProjectQuota(Quota, kw_only=True):
    """The limits of a project that has some of its own."""

    project_id: str
    tenant_id: str


class Usage(Struct):
    """One limit, and how much of it is used. Nothing is ever reserved."""

    limit: int
    used: int
    reserved: int = 0


class QuotaUpdate(Struct):
    """Limits to set for one project; those left out stay."""

    network: Limit | UnsetType = UNSET
    subnet: Limit | UnsetType = UNSET
    port: Limit | UnsetType = UNSET
    subnetpool: Limit | UnsetType = UNSET
    rbac_policy: Limit | UnsetType = UNSET
    router: Limit | UnsetType = UNSET
    floatingip: Limit | UnsetType = UNSET
    security_group: Limit | UnsetType = UNSET
    security_group_rule: Limit | UnsetType = UNSET
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET
    force: bool | UnsetType | None = UNSET
    check_limit: bool | UnsetType | None = UNSET


NOT_LIMITS: Final = ("project_id", "tenant_id", "force", "check_limit")


def defaults(settings: Settings) -> dict[str, int]:
    """The limits of a project that has none of its own."""
    counted = {name: settings.quotas[name] for name in quotas.COUNTED}
    return counted | dict.fromkeys(quotas.ABSENT, quotas.UNLIMITED)
