"""Sends events to Nova: POST of os-server-external-events."""

from collections.abc import Sequence
from typing import Any, Final

from keystoneauth1 import exceptions

from ipam.compute import delivery
from ipam.errors import ServiceUnavailable
from ipam.keystone_session import nova_adapter
from ipam.rules.nova_events import ComputeEvent
from ipam.settings import Settings

PATH: Final = "/os-server-external-events"
MICROVERSION: Final = "2.1"
"""This version knows every event about ports."""
TIMEOUT_SECONDS: Final = 10


class NovaEvents:
    """Sends events as the user of [nova]. For use by one thread."""

    def __init__(self, settings: Settings) -> None:
        """Signs in when it first sends."""
        self._settings = settings
        self._adapter: Any = None

    def send(self, events: Sequence[ComputeEvent]) -> list[int]:
        """The code that Nova gives to each event, in their order.

        Raises ServiceUnavailable when Nova took no event, or its subclass RequestRefused.
        """
        body = {
            "events": [
                {"name": event.name, "server_uuid": event.server_id, "tag": event.port_id}
                for event in events
            ]
        }
        response = self._post(body)
        if response.status_code in (200, 207):
            return _codes(response, len(events))
        if response.status_code == 404:
            self._adapter.invalidate()  # its copy of the catalog is wrong or old
        raise delivery.failure(response.status_code, response.url)

    def _post(self, body: Any) -> Any:
        try:
            self._adapter = self._adapter or _adapter(self._settings)
            return self._adapter.post(
                PATH,
                json=body,
                microversion=MICROVERSION,
                timeout=TIMEOUT_SECONDS,
                raise_exc=False,
            )
        except exceptions.EndpointNotFound as error:
            self._adapter.invalidate()  # Nova may have been added to the catalog
            raise ServiceUnavailable(
                f"Keystone's catalog has no endpoint of Nova ({error}): add one of the type"
                " compute, or see [nova] region_name and valid_interfaces."
            ) from error
        except (exceptions.ConnectionError, OSError) as error:
            raise ServiceUnavailable(f"Nova or Keystone does not answer: {error}") from error
        except exceptions.ClientException as error:
            raise ServiceUnavailable(
                f"Cannot sign in to Nova as [nova] says ({type(error).__name__}: {error}):"
                " see its auth_type, auth_url, username and password."
            ) from error


def _adapter(settings: Settings) -> Any:
    made = nova_adapter(settings)
    made.session.timeout = made.session.timeout or TIMEOUT_SECONDS  # a Keystone may hang, too
    return made


def _codes(response: Any, count: int) -> list[int]:
    """The codes of the events. Nova answers in the order of the request."""
    try:
        codes = [int(event["code"]) for event in response.json()["events"]]
    except (ValueError, TypeError, KeyError):
        codes = []
    if len(codes) != count:
        raise ServiceUnavailable(
            f"What answers at {response.url} with HTTP {response.status_code} is not Nova: it does"
            f" not say what became of {count} events. See [nova] endpoint_override."
        )
    return codes
