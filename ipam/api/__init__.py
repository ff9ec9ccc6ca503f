"""The HTTP API: Falcon routes over the store. `http/routes.py` says how to add a resource."""
