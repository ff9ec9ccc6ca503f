"""Who calls: a request becomes a Caller."""
