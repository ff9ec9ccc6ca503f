"""Requests that are carried out, looked at, and undone: what they do to hosts and machines."""
