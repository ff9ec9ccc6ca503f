"""The namespaces of the networks, and the DHCP port's interface and addresses in them.

A short-lived thread enters a namespace and works inside, because each thread has a namespace of
its own. That takes 1 ms, where a child process takes 30.
"""

import contextlib
import errno
import os
import select
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ipam import files, model
from ipam.agent.host import address_requests, link_requests, netns
from ipam.agent.host.file_watch import InotifyWatch
from ipam.agent.host.inside import LOOPBACK, Inside, Room, open_socket
from ipam.agent.host.netlink import IPV6_CONF, unless, write_sysctl
from ipam.agent.host.netns import NETNS_DIRECTORY
from ipam.agent.host.own_neighbours import pin, pin_missing
from ipam.agent.host.raw_netlink import Link
from ipam.agent.outside import AddressRefusedError
from ipam.rules.ipv6 import eui64

T = TypeVar("T")


class Namespaces:
    """The namespaces by network. Each is read again when the kernel announces a change in it."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._by_descriptor: dict[int, Room] = {}
        self._epoll = select.epoll()
        # Whoever deletes a namespace deletes its file; in it nothing is announced then.
        self._files = InotifyWatch()
        self._epoll.register(self._files, select.EPOLLIN)
        with contextlib.suppress(PermissionError):
            files.make_directory(NETNS_DIRECTORY, files.PUBLIC_DIRECTORY)
        self._files.watch(NETNS_DIRECTORY)

    def fileno(self) -> int:
        """A descriptor that is readable when something may have changed in one of them."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Stop listening."""
        for network_id in list(self._rooms):
            self._leave(network_id)
        self._epoll.close()
        self._files.close()

    def refresh(self) -> None:
        """Take in what has changed."""
        for descriptor, _events in self._epoll.poll(0):
            if room := self._by_descriptor.get(descriptor):
                room.take_announcements()
        self._files.changed()  # `look` finds what

    def look(self, network_id: str) -> Inside | None:
        """The content of the network's namespace; None without one."""
        room = self._room(network_id)
        if room is None:
            return None
        return room.look()

    def known(self) -> Collection[str]:
        """The networks whose namespaces were looked at."""
        return list(self._rooms)

    def changed(self, network_id: str) -> None:
        """Read the namespace again at the next `look`."""
        if room := self._rooms.get(network_id):
            room.is_current = False

    def create(self, network_id: str) -> None:
        """Have the network's namespace, with loopback up and no IPv6 autoconfiguration."""
        name = model.dhcp_namespace(network_id)
        path = NETNS_DIRECTORY / name
        if path.exists() and not os.path.ismount(path):
            # What a killed agent left between making the file and mounting, or `ip netns del`
            # between unmounting and removing it.
            path.unlink(missing_ok=True)
        if not path.exists():
            _in_thread(lambda: _new_namespace(name))
        call_in_namespace(name, _prepare_namespace)
        self.changed(network_id)

    def delete(self, network_id: str) -> None:
        """Have no namespace of the network."""
        self._leave(network_id)
        with contextlib.suppress(FileNotFoundError):
            _in_thread(lambda: netns.remove(model.dhcp_namespace(network_id)))

    def set_up(self, network_id: str, interface: str) -> None:
        """Set up the interface in the namespace, and loopback."""

        def up() -> None:
            for index in (LOOPBACK, link_requests.link(interface).index):
                link_requests.change(index, up=True)

        self.changed(network_id)
        call_in_namespace(model.dhcp_namespace(network_id), up)

    def delete_link(self, network_id: str, name: str) -> None:
        """Have no link of this name in the namespace."""
        inside = self.look(network_id)
        if inside is None or name not in inside.links:
            return

        def delete() -> None:
            with unless(errno.ENODEV):
                link_requests.delete(link_requests.link(name).index)

        self.changed(network_id)
        call_in_namespace(model.dhcp_namespace(network_id), delete)

    def change_address(self, network_id: str, interface: str, address: str, *, add: bool) -> None:
        """Add the address to the interface in the namespace, or remove it.

        Raises AddressRefusedError for an address that this interface cannot have.
        """

        def change() -> None:
            link = link_requests.link(interface)
            with _refusals() if add else unless(errno.EADDRNOTAVAIL):
                address_requests.change_address(link.index, address, add=add)
            ip = address.partition("/")[0]
            if model.ip_version(ip) == 6:
                pin(link, ip, add=add)
                if add:
                    _give_link_local(link)

        self.changed(network_id)
        call_in_namespace(model.dhcp_namespace(network_id), change)

    def _room(self, network_id: str) -> Room | None:
        """The namespace that the network's file stands for at the moment."""
        name = model.dhcp_namespace(network_id)
        try:
            inode = os.stat(f"{NETNS_DIRECTORY}/{name}").st_ino  # noqa: PTH116  # in each turn
        except FileNotFoundError:
            self._leave(network_id)
            return None
        room = self._rooms.get(network_id)
        if room is not None and room.inode == inode:
            return room
        self._leave(network_id)
        try:
            room = Room(inode, call_in_namespace(name, open_socket))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return None  # the file exists, but no namespace is mounted on it
        self._rooms[network_id] = self._by_descriptor[room.socket.fileno()] = room
        self._epoll.register(room.socket, select.EPOLLIN)
        return room

    def _leave(self, network_id: str) -> None:
        """Close the socket in the namespace, which lives as long as a socket is in it."""
        room = self._rooms.pop(network_id, None)
        if room is not None:
            del self._by_descriptor[room.socket.fileno()]
            self._epoll.unregister(room.socket)
            room.socket.close()


def namespace_path(network_id: str) -> str:
    """The file that stands for the network's namespace."""
    return str(NETNS_DIRECTORY / model.dhcp_namespace(network_id))


def call_in_namespace(name: str, work: Callable[[], T]) -> T:
    """The result of `work`, called inside the namespace. A socket that it makes stays there.

    Raises OSError if there is no such namespace.
    """

    def enter() -> T:
        netns.enter(name)
        return work()

    return _in_thread(enter)


def call_in_new_namespace(work: Callable[[], T]) -> T:
    """The result of `work`, called in a namespace without a name, which ends after it."""

    def enter() -> T:
        netns.enter_new()
        return work()

    return _in_thread(enter)


def pin_own_addresses(network_id: str, interface: str) -> list[str]:
    """Have the namespace's entries of `own_neighbours`. Gives the addresses that had none."""
    return call_in_namespace(model.dhcp_namespace(network_id), lambda: pin_missing(interface))


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Raise AddressRefusedError for what says that the address itself is at fault."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EACCES, errno.EADDRNOTAVAIL):
            raise AddressRefusedError(os.strerror(error.errno)) from error
        raise


def _give_link_local(link: Link) -> None:
    """Add the link-local address, which a flush removes, and which dnsmasq needs for IPv6."""
    address = model.unpack(eui64("fe80::/64", link.mac))
    address_requests.change_address(link.index, f"{address}/64", add=True)
    pin(link, address)


def _prepare_namespace() -> None:
    link_requests.change(LOOPBACK, up=True)
    # For new interfaces: usable at once, and ignoring their own router advertisements.
    for name in ("accept_dad", "accept_ra", "autoconf"):
        write_sysctl(IPV6_CONF / "default" / name, "0")


def _new_namespace(name: str) -> None:
    """Put this thread into a new namespace, and give the namespace a name."""
    netns.enter_new(name)
    netns.attach(name)


def _in_thread(work: Callable[[], T]) -> T:
    """The result of `work`, called in a thread that ends after it."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="namespace") as pool:
        return pool.submit(work).result()
