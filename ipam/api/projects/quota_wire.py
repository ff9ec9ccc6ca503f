"""The bodies of quotas."""

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.http.standard_attributes import TENANT_ID
from ipam.settings import Settings
from ipam.store import quotas
from ipam.values import SQL_INTEGER_MAX, ProjectId

Limit: TypeAlias = Annotated[int, Meta(ge=quotas.UNLIMITED, le=SQL_INTEGER_MAX)]


NETWORK: Final = Meta(description="How many networks.")
SUBNET: Final = Meta(description="How many subnets.")
PORT: Final = Meta(description="How many ports.")
SUBNETPOOL: Final = Meta(description="How many subnet pools.")
RBAC_POLICY: Final = Meta(description="How many RBAC policies.")
FIXED_IP: Final = Meta(description="How many addresses its ports may have together.")
ROUTER: Final = Meta(description="Kept for clients: there are none.")


class Quota(Struct):
    """The limits of one project; -1 is no limit."""

    network: Annotated[Limit, NETWORK]
    subnet: Annotated[Limit, SUBNET]
    port: Annotated[Limit, PORT]
    subnetpool: Annotated[Limit, SUBNETPOOL]
    rbac_policy: Annotated[Limit, RBAC_POLICY]
    fixed_ip: Annotated[Limit, FIXED_IP]
    router: Annotated[Limit, ROUTER]
    floatingip: Annotated[Limit, ROUTER]
    security_group: Annotated[Limit, ROUTER]
    security_group_rule: Annotated[Limit, ROUTER]


class ProjectQuota(Quota, kw_only=True):
    """The limits of a project that has limits of its own."""

    project_id: Annotated[str, Meta(description="The project.")]
    tenant_id: Annotated[str, TENANT_ID]


class Usage(Struct):
    """One limit, and how much of it is used. `reserved` is always 0."""

    limit: Annotated[int, Meta(description="How many are allowed; -1 for any number.")]
    used: Annotated[int, Meta(description="How many there are.")]
    reserved: Annotated[int, Meta(description="Always 0.")] = 0


class QuotaUpdate(Struct):
    """Limits to set for one project. Limits that are left out stay."""

    network: Annotated[Limit | UnsetType, NETWORK] = UNSET
    subnet: Annotated[Limit | UnsetType, SUBNET] = UNSET
    port: Annotated[Limit | UnsetType, PORT] = UNSET
    subnetpool: Annotated[Limit | UnsetType, SUBNETPOOL] = UNSET
    rbac_policy: Annotated[Limit | UnsetType, RBAC_POLICY] = UNSET
    fixed_ip: Annotated[Limit | UnsetType, FIXED_IP] = UNSET
    router: Annotated[Limit | UnsetType, ROUTER] = UNSET
    floatingip: Annotated[Limit | UnsetType, ROUTER] = UNSET
    security_group: Annotated[Limit | UnsetType, ROUTER] = UNSET
    security_group_rule: Annotated[Limit | UnsetType, ROUTER] = UNSET
    project_id: Annotated[
        ProjectId | UnsetType, Meta(description="Ignored: the path names the project.")
    ] = UNSET
    tenant_id: Annotated[ProjectId | UnsetType, TENANT_ID] = UNSET
    force: Annotated[
        bool | UnsetType | None,
        Meta(
            description="Set limits even below what is used. Clients send it without check_limit."
        ),
    ] = UNSET
    check_limit: Annotated[
        bool | UnsetType | None, Meta(description="Refuse limits below what is used.")
    ] = UNSET


NOT_LIMITS: Final = ("project_id", "tenant_id", "force", "check_limit")


def defaults(settings: Settings) -> dict[str, int]:
    """The limits of a project without limits of its own."""
    counted = {name: settings.quotas[name] for name in quotas.LIMITED}
    return counted | dict.fromkeys(quotas.ABSENT, quotas.UNLIMITED)
