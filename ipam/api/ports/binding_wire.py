"""The bodies of a port's bindings to hosts."""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.http.standard_attributes import PROJECT_ID
from ipam.api.ports.wire import VnicType, port_is_filtered, vif_details
from ipam.store.engine.listing import Record
from ipam.values import JsonObject, printable

ACTIVE: Final = "ACTIVE"
INACTIVE: Final = "INACTIVE"

Host = Annotated[str, Meta(min_length=1, max_length=255, extra={"check": printable})]


HOST: Final = Meta(description="The host's name, as in binding:host_id.")
VNIC_TYPE: Final = Meta(description="As binding:vnic_type, for this host.")
PROFILE: Final = Meta(description="As binding:profile, for this host.")


class BindingCreate(Struct, kw_only=True):
    host: Annotated[Host, HOST]
    vnic_type: Annotated[VnicType, VNIC_TYPE] = "normal"
    profile: Annotated[JsonObject | None, PROFILE] = None


class BindingUpdate(Struct, kw_only=True):
    vnic_type: Annotated[VnicType | UnsetType, VNIC_TYPE] = UNSET
    profile: Annotated[JsonObject | UnsetType | None, PROFILE] = UNSET


class BindingView(Struct, kw_only=True):
    host: Annotated[str, HOST]
    status: Annotated[
        Literal["ACTIVE", "INACTIVE"],
        Meta(description="ACTIVE on the host that the machine runs on; INACTIVE on another."),
    ]
    vnic_type: Annotated[str, VNIC_TYPE]
    profile: Annotated[dict[str, Any], PROFILE]
    vif_type: Annotated[str, Meta(description="As binding:vif_type, for this host.")]
    vif_details: Annotated[
        dict[str, Any], Meta(description="As binding:vif_details, for this host.")
    ]
    project_id: Annotated[str, PROJECT_ID]


def active_view(port: Record, network: Record) -> BindingView:
    is_filtered = port_is_filtered(port, network.host_filters)
    return BindingView(
        host=port.binding_host_id,
        status=ACTIVE,
        vnic_type=port.binding_vnic_type,
        profile=port.binding_profile,
        vif_type=port.binding_vif_type,
        vif_details=vif_details(
            port.binding_vif_type, port.mac_address, network.id, is_filtered=is_filtered
        ),
        project_id=port.project_id,
    )


def inactive_view(binding: Record, port: Record, network_id: str) -> BindingView:
    return BindingView(
        host=binding.host,
        status=INACTIVE,
        vnic_type=binding.vnic_type,
        profile=binding.profile,
        vif_type=binding.vif_type,
        vif_details=vif_details(
            binding.vif_type,
            port.mac_address,
            network_id,
            is_filtered=port_is_filtered(port, binding.host_filters),
        ),
        project_id=port.project_id,
    )
