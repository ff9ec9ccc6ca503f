"""Takes the planned addresses of ports from the allocator."""

from collections.abc import Callable, Sequence

from ipam.allocator.selection import Machine
from ipam.api.service import Service
from ipam.errors import IpAddressGenerationFailure
from ipam.model import LEAST_RECENTLY_USED
from ipam.rules.fixed_ips import Claim, Held, Pick, Step, SubnetFacts
from ipam.store.engine.database import Transaction


class PortAddresses:
    """Takes addresses for ports according to their plans."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._allocator = service.allocator

    def take_together(
        self, tx: Transaction, pks: Sequence[int], plans: Sequence[Sequence[Step]]
    ) -> tuple[list[list[Step]], dict[int, list[Held]]]:
        """Take the addresses that many new ports want from one subnet together.

        Gives the steps that are left for each port, and what each port has, by its number. If a
        subnet has no room for all, its steps are left, because `take` also tries the subnets after
        it.
        """
        wanting: dict[Pick, list[int]] = {}
        for pk, plan in zip(pks, plans, strict=True):
            for step in plan:
                if isinstance(step, Pick):
                    wanting.setdefault(step, []).append(pk)
        done = set()
        held: dict[int, list[Held]] = {}
        for pick, owners in wanting.items():
            by_list = pick.subnets[0].address_selection == LEAST_RECENTLY_USED
            if not by_list or len(owners) < 2 or len(set(owners)) < len(owners):
                continue
            try:
                given = self._allocator.allocate_many(tx, pick.subnets[0].pk, owners)
            except IpAddressGenerationFailure:
                continue
            done.add(pick)
            for pk, ip in zip(owners, given, strict=True):
                held.setdefault(pk, []).append((pick.subnets[0].pk, ip))
        return [[step for step in plan if step not in done] for plan in plans], held

    def take(
        self, tx: Transaction, port_pk: int, steps: Sequence[Step], machine: Machine
    ) -> list[Held]:
        """Carry out a plan: named addresses first, in the same order for every request.

        Gives the addresses that the port got.
        """
        claims = sorted(
            (step for step in steps if isinstance(step, Claim)),
            key=lambda step: (step.subnet.pk, step.address),
        )
        for claim in claims:
            self._allocator.claim(tx, claim.subnet.pk, claim.address, port_pk)
        return [
            *((claim.subnet.pk, claim.address) for claim in claims),
            *(self._pick(tx, port_pk, step, machine) for step in steps if isinstance(step, Pick)),
        ]

    def _pick(self, tx: Transaction, port_pk: int, step: Pick, machine: Machine) -> Held:
        """Take an address of the first subnet that has one; a cooling one if none is free."""
        allocator = self._allocator
        ways: list[Callable[[SubnetFacts], bytes]] = [
            lambda subnet: allocator.allocate_by(
                tx, subnet.pk, port_pk, subnet.address_selection, machine
            )
        ]
        if self._service.settings.network.give_cooling_addresses:
            ways.append(lambda subnet: allocator.allocate_cooling(tx, subnet.pk, port_pk))
        for allocate in ways:
            for subnet in step.subnets:
                try:
                    return subnet.pk, allocate(subnet)
                except IpAddressGenerationFailure as error:
                    refusal = error
        raise refusal
