"""A parser for each format. Each gives what the files say into a `Draft`."""
