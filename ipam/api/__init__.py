"""The HTTP API: Falcon routes over the store; how to add a resource is told in `routes.py`."""
