"""Takes the questions that a network's resolver cannot answer to the host's name servers.

A network's namespace has no way out, and gets none: a process of the host has sockets in it. So no
packet of a machine is ever routed, and a machine reaches nothing but the resolver of its network.
"""
