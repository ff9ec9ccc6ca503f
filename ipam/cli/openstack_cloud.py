"""The client for a cloud of clouds.yaml or OS_*, signed in as any OpenStack client would be.

openstacksdk reads the configuration and keystoneauth signs in; the requests are our own client's.
"""

import ssl
import warnings
from typing import Any

import click
from keystoneauth1 import exceptions as keystone_exceptions
from openstack import exceptions as openstack_exceptions
from openstack.config import OpenStackConfig

from ipam.client import Client
from ipam.errors import ServiceUnavailable, Unauthorized
from ipam.keystone_session import SessionAuth


def cloud_client(cloud_name: str | None) -> Client:
    """The client for the `network` service of that cloud, or of the one the environment names."""
    try:
        with warnings.catch_warnings():
            # Of what openstacksdk's own next version drops: nobody at a prompt can do about it.
            warnings.simplefilter("ignore")
            cloud = OpenStackConfig().get_one(cloud=cloud_name)
            session = cloud.get_session()
            endpoint = cloud.get_session_client("network").get_endpoint()
    except (
        openstack_exceptions.ConfigException,
        keystone_exceptions.MissingRequiredOptions,
    ) as error:
        raise click.ClickException(f"clouds.yaml or OS_*: {error}") from error
    except keystone_exceptions.Unauthorized as error:
        raise Unauthorized(f"Keystone refused to sign in: {error}") from error
    except keystone_exceptions.ClientException as error:
        raise ServiceUnavailable(f"Cannot sign in: {error}") from error
    if not endpoint:
        raise click.ClickException(
            "The cloud has no endpoint for its network service: add it to Keystone's catalog, or"
            " set network_endpoint_override in clouds.yaml."
        )
    return Client(url=endpoint, auth=SessionAuth(session), verify=_verify(session))


def _verify(session: Any) -> bool | ssl.SSLContext:
    """The form httpx wants of keystoneauth's `verify` (a flag or a CA file) and `cert`."""
    if session.verify is False:
        return False
    if session.verify is True and not session.cert:
        return True
    cafile = session.verify if isinstance(session.verify, str) else None
    context = ssl.create_default_context(cafile=cafile)
    if session.cert:
        chain = session.cert if isinstance(session.cert, tuple) else (session.cert,)
        context.load_cert_chain(*chain)
    return context
