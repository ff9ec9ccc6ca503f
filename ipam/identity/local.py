"""Callers on the Unix socket: the kernel says who they are."""

import os

from ipam.identity.caller import Caller

ROOT_UID = 0
LOCAL_PROJECT_ID = "default"


def caller_of_peer(peer_uid: int, service_uid: int | None = None) -> Caller | None:
    """The admin Caller for root and the service's own user; None for everyone else."""
    if peer_uid == ROOT_UID:
        return Caller(user_id="root", project_id=LOCAL_PROJECT_ID, role="admin")
    if peer_uid == (os.geteuid() if service_uid is None else service_uid):
        return Caller(user_id="ipam", project_id=LOCAL_PROJECT_ID, role="admin")
    return None
