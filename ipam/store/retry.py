"""Which database errors another attempt may heal."""
