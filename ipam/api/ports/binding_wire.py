"""A port's bindings to hosts as the API shows and takes them."""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.ports.wire import VnicType, vif_details
from ipam.store.engine.listing import Record
from ipam.values import JsonObject, printable

ACTIVE: Final = "ACTIVE"
INACTIVE: Final = "INACTIVE"

Host = Annotated[str, Meta(min_length=1, max_length=255, extra={"check": printable})]


class BindingCreate(Struct, kw_only=True):
    host: Host
    vnic_type: VnicType = "normal"
    profile: JsonObject | None = None


class BindingUpdate(Struct, kw_only=True):
    vnic_type: VnicType | UnsetType = UNSET
    profile: JsonObject | UnsetType | None = UNSET


class BindingView(Struct, kw_only=True):
    host: str
    status: Literal["ACTIVE", "INACTIVE"]
    vnic_type: str
    profile: dict[str, Any]
    vif_type: str
    vif_details: dict[str, Any]
    project_id: str


def active_view(port: Record, network_id: str) -> BindingView:
    return BindingView(
        host=port.binding_host_id,
        status=ACTIVE,
        vnic_type=port.binding_vnic_type,
        profile=port.binding_profile,
        vif_type=port.binding_vif_type,
        vif_details=vif_details(port.binding_vif_type, port.mac_address, network_id),
        project_id=port.project_id,
    )


def inactive_view(binding: Record, port: Record, network_id: str) -> BindingView:
    return BindingView(
        host=binding.host,
        status=INACTIVE,
        vnic_type=binding.vnic_type,
        profile=binding.profile,
        vif_type=binding.vif_type,
        vif_details=vif_details(binding.vif_type, port.mac_address, network_id),
        project_id=port.project_id,
    )
