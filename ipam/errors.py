"""Every error the product raises on purpose, split by who must act.

The caller must change the request (`CallerError`, 4xx). A later retry may succeed (`Temporary`,
503). A `Bug` is a fault of this program. A class is named after the type that Neutron's clients
look for in `{"NeutronError": {"type": ...}}` and has its HTTP status, so there is no mapping
table.
"""

from collections.abc import Sequence
from typing import Final

FAULTS_LISTED: Final = 20
"""How many faults of one request an answer has. The others are counted."""


class IpamError(Exception):
    """Root of the tree; `str()` is the sentence for the user."""

    status = 500
    answered = False
    """Whether the service said it, in its own form. A proxy that refuses says nothing of what was
    sent."""

    @property
    def type(self) -> str:
        """The name of the error in answers."""
        return type(self).__name__


class CallerError(IpamError):
    """The request cannot succeed as it is: change it and send it again."""

    status = 400


class Temporary(IpamError):
    """Nothing is wrong with the request: the same one may succeed later."""

    status = 503
    retry_after_seconds = 1


class Bug(IpamError):
    """A state that should be impossible."""


class HostUnfit(IpamError):
    """The host lacks something that its administrator must install or allow."""


class Malformed(IpamError):
    """Data of another part of this program that this version cannot read."""


class BackupUnfit(IpamError):
    """A file that cannot be restored here, or a database that it may not be restored into."""


class SettingsUnfit(IpamError):
    """The settings cannot be read, or have faults. The message has every fault."""

    def __init__(self, faults: str | Sequence[str]) -> None:
        """Takes one sentence, or the faults of the file."""
        if not isinstance(faults, str):
            count, lines = (
                ("a fault", " ") if len(faults) == 1 else (f"{len(faults)} faults", "\n")
            )
            faults = f"The settings have {count}:{lines}" + "\n".join(faults)
            faults += "\n`ipam config sample` explains every option."
        super().__init__(faults)


# 400: what was sent breaks a rule


class HTTPBadRequest(CallerError):
    """One or more faults in a request: the first ones in the message, the others counted."""

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        listed = self.faults[:FAULTS_LISTED]
        if more := len(self.faults) - len(listed):
            listed.append(f"And {more} more.")
        super().__init__(" ".join(listed))


class InvalidInput(HTTPBadRequest):
    """A value of the right type that breaks a rule of its resource."""


class InvalidIpForNetwork(CallerError):
    """A fixed IP that is in no subnet of the port's network."""


class InvalidIpForSubnet(CallerError):
    """A fixed IP outside the subnet that was named, or one that a host cannot have."""


class InvalidAllocationPool(CallerError):
    """An allocation pool that is inverted or of the wrong IP version."""


class OutOfBoundsAllocationPool(CallerError):
    """An allocation pool that leaves its subnet."""


class EmptySubnetPoolPrefixList(CallerError):
    """A subnet pool without a prefix."""


class PrefixVersionMismatch(CallerError):
    """Prefixes of both IP versions in one subnet pool."""


class IllegalSubnetPoolPrefixBounds(CallerError):
    """Prefix lengths of a subnet pool that contradict each other or the IP version."""


class IllegalSubnetPoolPrefixUpdate(CallerError):
    """A change of a subnet pool's prefixes that would take away what is there."""


class IllegalSubnetPoolUpdate(CallerError):
    """A change of a subnet pool that its subnets forbid."""


class IllegalSubnetPoolIpVersionAssociationToAddressScope(CallerError):
    """A subnet pool of another IP version than its address scope."""


class AddressScopeUpdateError(CallerError):
    """A change of an address scope that is never made: to share it no more."""


class NetworkAddressScopeAffinityError(CallerError):
    """Subnets of one network and IP version that are in different address scopes."""


class NetworkSubnetPoolAffinityError(CallerError):
    """Subnets of one network and IP version that are from different subnet pools."""


class MinPrefixSubnetAllocationError(CallerError):
    """A prefix length below what a subnet pool gives."""


class MaxPrefixSubnetAllocationError(CallerError):
    """A prefix length above what a subnet pool gives."""


class HostRoutesExhausted(CallerError):
    """More host routes than a subnet may have."""


class DNSNameServersExhausted(CallerError):
    """More name servers than a subnet may have."""


class DuplicateAddressPairInRequest(CallerError):
    """One allowed address pair twice."""


class AllowedAddressPairExhausted(CallerError):
    """More allowed address pairs than a port may have."""


# 401 and 403: the caller may not do this


class Unauthorized(CallerError):
    """No valid identity came with the request."""

    status = 401

    def __init__(self, message: str = "", *, challenge: str = 'Basic realm="ipam"') -> None:
        """`challenge` is the WWW-Authenticate header that says how to sign in."""
        self.challenge = challenge
        super().__init__(message)


class PolicyNotAuthorized(CallerError):
    """The caller is known and may not do this."""

    status = 403


# 404


class NotFound(CallerError):
    """The thing does not exist, or the caller may not know that it does."""

    status = 404


class HTTPNotFound(NotFound):
    """No such path."""


class NetworkNotFound(NotFound):
    """No such network."""


class SubnetNotFound(NotFound):
    """No such subnet."""


class SubnetPoolNotFound(NotFound):
    """No such subnet pool."""


class AddressScopeNotFound(NotFound):
    """No such address scope."""


class AllocationEventNotFound(NotFound):
    """No such event of the allocation history."""


class DnsLookupNotFound(NotFound):
    """Nobody has asked the agent about names."""


class AddressCheckNotFound(NotFound):
    """No such question about who uses addresses; it may have been too long ago."""


class PortProbeNotFound(NotFound):
    """Nobody has asked what the port's machine would get."""


class PortNotFound(NotFound):
    """No such port."""


class PortBindingNotFound(NotFound):
    """The port is not bound to this host."""


class AgentNotFound(NotFound):
    """No such agent."""


class AuditEventNotFound(NotFound):
    """No such event of the audit log."""


class ImportNotFound(NotFound):
    """No such import."""


class LeaseNotFound(NotFound):
    """No such lease."""


class DhcpRefusalNotFound(NotFound):
    """No such refused machine."""


class LeaseEventNotFound(NotFound):
    """No such lease event."""


class SecurityGroupNotFound(NotFound):
    """No such security group: there are none."""


class TagNotFound(NotFound):
    """The resource exists, the tag does not."""


class RbacPolicyNotFound(NotFound):
    """No such RBAC policy."""


class AvailabilityZoneNotFound(NotFound):
    """No agent is in such an availability zone."""


class InvalidDHCPAgent(NotFound):
    """The agent serves no DHCP, or is switched off."""


class ExtensionNotFound(NotFound):
    """No such extension."""


# 405, 409, 412, 413


class HTTPMethodNotAllowed(CallerError):
    """The path exists, the method does not."""

    status = 405


class Conflict(CallerError):
    """The request is well formed and collides with what exists."""

    status = 409


class NetworkMTUSubnetConflict(Conflict):
    """The network's MTU is too small for one of its subnets."""


class NetworkInUse(Conflict):
    """A network that still has ports."""


class SubnetInUse(Conflict):
    """A subnet that still has addresses in use."""


class SubnetPoolInUse(Conflict):
    """A subnet pool that still has subnets."""


class SubnetAllocationError(Conflict):
    """A subnet pool has no room for the subnet."""


class SubnetPoolQuotaExceeded(Conflict):
    """A project has used up its quota of a subnet pool."""


class AddressScopeInUse(Conflict):
    """An address scope that still has subnet pools."""


class AddressScopePrefixConflict(Conflict):
    """Two subnet pools of one address scope that share addresses."""


class FlatNetworkInUse(Conflict):
    """Another network is on this physical network, untagged."""


class VlanIdInUse(Conflict):
    """Another network has this VLAN of the physical network."""


class TunnelIdInUse(Conflict):
    """Another network has this VNI."""


class NoNetworkAvailable(Conflict):
    """Every id in the configured ranges is in use, or there are none."""


class PortInUse(Conflict):
    """A port that another resource still needs."""


class OverQuota(Conflict):
    """A project has as many resources of a kind as its quota allows."""


class RbacPolicyInUse(Conflict):
    """A policy that resources of other projects depend on."""


class DuplicateRbacPolicy(Conflict):
    """A policy that exists already."""


class InvalidSharedSetting(Conflict):
    """A network that several projects use cannot become private."""


class AgentHostInUse(Conflict):
    """Another living agent reports under the same host name."""


class NetworkHostedByDHCPAgent(Conflict):
    """The agent serves the network already."""


class NetworkNotHostedByDhcpAgent(Conflict):
    """The agent does not serve the network."""


class ImportUndone(Conflict):
    """The import was undone before."""


class IdempotencyKeyInUse(Conflict):
    """Nobody knows how the first request with this Idempotency-Key ended."""


class PortBindingAlreadyExists(Conflict):
    """The port has a binding to this host already, active or inactive."""


class PortBindingAlreadyActive(Conflict):
    """The binding that should become active is active already."""


class PortBindingError(Conflict):
    """The host of a new binding does not reach the port's network."""


class LeaseOfMachine(Conflict):
    """A lease of an address that its machine made itself: no DHCP server can end it."""


class IpAddressGenerationFailure(Conflict):
    """No address is left."""


class IpAddressAlreadyAllocated(Conflict):
    """The address that was asked for has an owner."""


class DeviceIDNotOwnedByTenant(Conflict):
    """A port claims a device that belongs to another project."""


class MacAddressInUse(Conflict):
    """Another port of the network has this MAC address."""


class OverlappingAllocationPools(Conflict):
    """Two allocation pools of one subnet that share an address."""


class GatewayConflictWithAllocationPools(Conflict):
    """The gateway lies inside an allocation pool."""


class AddressPairAndPortSecurityRequired(Conflict):
    """Allowed address pairs on a port whose port_security_enabled is off."""


class RevisionNumberConstraintFailed(CallerError):
    """`If-Match` names a revision that is not the current one."""

    status = 412


class HTTPRequestEntityTooLarge(CallerError):
    """The body is longer than the service reads."""

    status = 413


class ClientGone(CallerError):
    """The client left before its request was carried out. Nobody reads this answer."""

    status = 499  # nginx's, for its log; metrics count it apart


class IdempotencyKeyReused(CallerError):
    """The Idempotency-Key was used for another request."""

    status = 422


# 503


class DatabaseUnavailable(Temporary):
    """The database does not answer, or kept refusing for transient reasons."""


class TimeLimitExceeded(Temporary):
    """A request, or a statement of it, took longer than it may. It changed nothing."""

    retry_after_seconds = 5


class ServiceUnavailable(Temporary):
    """A service other than the database does not answer."""


class ServiceRecovering(Temporary):
    """A backup was restored: nothing changes until the agents have told what they hold."""

    retry_after_seconds = 5


class AgentReportRequired(ServiceRecovering):
    """An agent asks what to serve, and has not told yet what it holds since a restore."""


class TooManyLogins(Temporary):
    """Too many logins are being checked, or too many failed. Says nothing about this one."""

    status = 429

    def __init__(
        self, message: str = "Too many logins; try again later.", *, retry_after_seconds: int = 1
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
