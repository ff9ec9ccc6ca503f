"""The client for a cloud of clouds.yaml or OS_*, signed in like any OpenStack client.

openstacksdk reads the configuration and keystoneauth signs in. `ipam.client` sends the requests.
"""

import warnings
from typing import Any

import click
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1.adapter import Adapter
from openstack import exceptions as openstack_exceptions
from openstack.config import OpenStackConfig

from ipam.client import Client
from ipam.errors import ServiceUnavailable, Unauthorized
from ipam.keystone_session import SessionAuth, verify


def cloud_client(cloud_name: str | None, **manner: Any) -> Client:
    """The client for the `network` service of the cloud (None: the one the environment names).

    `manner`: further arguments of the client.
    """
    return cloud_services(cloud_name, **manner)[0]


def cloud_services(cloud_name: str | None, **manner: Any) -> tuple[Client, Adapter]:
    """The client of `cloud_client`, and an adapter for the `compute` service in its session."""
    try:
        with warnings.catch_warnings():
            # Warnings of what a later openstacksdk drops do not help a user at a prompt.
            warnings.simplefilter("ignore")
            cloud = OpenStackConfig().get_one(cloud=cloud_name)
            session = cloud.get_session()
            endpoint = cloud.get_session_client("network").get_endpoint()
            compute = Adapter(
                session,
                service_type="compute",
                interface=cloud.get_interface("compute"),
                region_name=cloud.get_region_name("compute"),
                endpoint_override=cloud.get_endpoint("compute"),
            )
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
    client = Client(url=endpoint, auth=SessionAuth(session), verify=verify(session), **manner)
    return client, compute
