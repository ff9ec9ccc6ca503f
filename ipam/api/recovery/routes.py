"""The recovery after a restore: GET of how far it is, PUT that ends it."""

from collections.abc import Mapping

import falcon

from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation, Route
from ipam.api.recovery.wire import RecoveryView, view
from ipam.api.service import Service


class RecoveryRoute:
    """GET of the last restore, and of what its recovery found."""

    def __init__(self, service: Service) -> None:
        self._watch = service.recovery

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "Show the last restore of a backup, and what its recovery found",
                response={"recovery": RecoveryView},
                rule="get_recovery",
            )
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        self._watch.goes_on()
        respond(resp, {"recovery": view(self._watch.state())})


class FinishRoute:
    """PUT that ends a recovery without the hosts that have not told."""

    def __init__(self, service: Service) -> None:
        self._watch = service.recovery

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "PUT": Operation(
                "End a recovery now, without the hosts that have not told what they hold",
                response={"recovery": RecoveryView},
                rule="finish_recovery",
                in_recovery=True,
            )
        }

    def on_put(self, _req: falcon.Request, resp: falcon.Response) -> None:
        self._watch.finish()
        respond(resp, {"recovery": view(self._watch.state())})


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    return [
        ("/v2.0/recovery", RecoveryRoute(service)),
        ("/v2.0/recovery/finish", FinishRoute(service)),
    ]
