"""One search through every kind of resource."""
