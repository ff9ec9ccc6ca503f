"""Notifications to systemd (sd_notify(3))."""

import os
import socket


def notify(state: str) -> None:
    """Tell systemd `READY=1`, `STOPPING=1` or `STATUS=…`. Does nothing without systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # Linux's abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError:  # the service works without notifications
            return
