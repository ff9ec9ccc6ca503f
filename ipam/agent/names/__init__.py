"""The names that the resolvers of this host's networks answer."""
