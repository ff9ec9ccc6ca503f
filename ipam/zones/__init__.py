"""Publishes the names of ports in zones of a name server elsewhere, by RFC 2136.

The API notes in an outbox which names changed. The worker sends for each what it should be now.
"""
